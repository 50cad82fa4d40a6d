//! The files that a commit would hold: tracked, and new ones that git does not ignore.

use crate::checkout::Checkout;
use crate::failure::Outcome;
use crate::process;
use std::path::PathBuf;
use std::process::Command;

/// Paths relative to the checkout's root; files deleted but not yet committed so are left out.
pub(super) fn files(checkout: &Checkout) -> Outcome<Vec<PathBuf>> {
    let mut git = Command::new("git");
    git.current_dir(checkout.root()).args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
    let listing = process::capture(&mut git)?;
    let paths = listing.split('\0').filter(|path| !path.is_empty()).map(PathBuf::from);
    Ok(paths.filter(|path| checkout.root().join(path).is_file()).collect())
}

/// The text of a file, or nothing for a picture or a weight.
pub(super) fn text(checkout: &Checkout, path: &PathBuf) -> Option<String> {
    String::from_utf8(std::fs::read(checkout.root().join(path)).ok()?).ok()
}
