//! Where libtorch comes from: the user's LIBTORCH, the torch of Python, or wheels.

use super::layout::release_of;
use crate::checkout::Checkout;
use crate::failure::{Context, Failure, Outcome};
use crate::python;
use crate::say::say;
use crate::version;
use std::path::{Path, PathBuf};

/// One of the three sources, in order of choice.
#[derive(Debug, PartialEq)]
pub enum Source {
    /// A folder named by the user's LIBTORCH.
    User(PathBuf),
    /// The torch package that `python3` has.
    Python(PathBuf),
    /// Wheels that pip fetches.
    Wheels,
}

/// The libtorch that the user's environment names, checked.
///
/// Cargo sets LIBTORCH to the checkout's link for what it runs, so that value is not the user's.
pub fn named_by_user(checkout: &Checkout, release: &str) -> Outcome<Option<PathBuf>> {
    let Some(value) = std::env::var_os("LIBTORCH").filter(|value| !value.is_empty()) else {
        return Ok(None);
    };
    let named = PathBuf::from(value);
    if is_link_of(checkout, &named) {
        return Ok(None);
    }
    let remedy = format!("set LIBTORCH to a libtorch {release}, or `unset LIBTORCH` to let set-up choose");
    let folder = std::fs::canonicalize(&named)
        .context(|| format!("LIBTORCH={}", named.display()))
        .map_err(|failure| failure.remedy(&remedy))?;
    check(&folder, release)
        .map_err(|defect| Failure::new(format!("LIBTORCH={}: {defect}", named.display())).remedy(remedy))?;
    Ok(Some(folder))
}

/// Whether the path is the checkout's own link, by whatever way it leads into the checkout; the link need not exist yet.
fn is_link_of(checkout: &Checkout, path: &Path) -> bool {
    let real = |folder: &Path| std::fs::canonicalize(folder).ok();
    let link = checkout.libtorch_link();
    path == link || (path.file_name() == link.file_name() && path.parent().and_then(real) == real(checkout.root()))
}

/// The source to lay out when the user names none.
pub fn found(release: &str) -> Source {
    match python::torch() {
        Some((found, folder)) if version::release(&found) == release => match check(&folder, release) {
            Ok(()) => Source::Python(folder),
            Err(defect) => {
                say!("note  the torch of python3 does not serve: {}: {defect}", folder.display());
                Source::Wheels
            }
        },
        Some((found, _)) => {
            say!("note  the torch of python3 is {found}, not {release}; it is left alone");
            Source::Wheels
        }
        None => Source::Wheels,
    }
}

fn check(folder: &Path, release: &str) -> Result<(), String> {
    for needed in ["lib/libtorch_cpu.so", "lib/libc10.so", "include/torch/csrc/api/include/torch/torch.h"] {
        if !folder.join(needed).is_file() {
            return Err(format!("{needed} is missing there"));
        }
    }
    match release_of(folder) {
        Some(found) if found == release => Ok(()),
        Some(found) => Err(format!("that is torch {found}, and {release} is needed")),
        None => Err("neither build-version nor version.py tells its release".to_owned()),
    }
}
