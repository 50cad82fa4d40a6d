//! Getting libtorch: choose a source, lay it out in the cache, and lead the checkout's `.libtorch` to it.

pub mod driver;
pub mod layout;
mod linked;
mod source;
mod wheels;

use crate::checkout::Checkout;
use crate::failure::{Context, Failure, Outcome};
use crate::folders;
use crate::say::say;
use layout::Layout;
use source::Source;
use std::path::Path;

/// Makes sure that `.libtorch` leads to a complete layout of this release, with CUDA's part if wanted.
pub fn ensure(checkout: &Checkout, release: &str, with_cuda: bool) -> Outcome<()> {
    let cache = folders::cache()?;
    let user = source::named_by_user(checkout, release)?;
    if let Some(layout) = current(checkout, release)
        && user.as_ref().is_none_or(|user| serves(&cache, release, user).iter().any(|place| place == layout.root()))
        && (!with_cuda || layout.has_cuda() || !can_add_cuda(&cache, release, &layout))
    {
        say!("ok    libtorch {release} in {}{}", layout.root().display(), cuda_words(&layout, with_cuda));
        return Ok(());
    }
    let _lock = folders::lock(&cache)?;
    let source = user.map_or_else(|| source::found(release), Source::User);
    let layout = lay_out(&cache, release, &source, with_cuda)?;
    lead(checkout, &layout)?;
    say!("ok    .libtorch leads to {}{}", layout.root().display(), cuda_words(&layout, with_cuda));
    Ok(())
}

/// The layout that `.libtorch` leads to, if it is complete.
pub fn current(checkout: &Checkout, release: &str) -> Option<Layout> {
    let layout = Layout::at(std::fs::canonicalize(checkout.libtorch_link()).ok()?);
    layout.defects(release).is_empty().then_some(layout)
}

/// Where a user's libtorch may be used from: itself when it is a layout already, or the layout of links to it.
fn serves(cache: &Path, release: &str, user: &Path) -> [std::path::PathBuf; 2] {
    [user.to_owned(), linked::place(cache, release, user)]
}

/// A layout of links has what its source has, and one that we did not make is not ours to change.
fn can_add_cuda(cache: &Path, release: &str, layout: &Layout) -> bool {
    std::fs::canonicalize(wheels::place(cache, release)).is_ok_and(|place| place == layout.root())
}

fn lay_out(cache: &Path, release: &str, source: &Source, with_cuda: bool) -> Outcome<Layout> {
    match source {
        Source::User(folder) if Layout::at(folder).defects(release).is_empty() => Ok(Layout::at(folder)),
        Source::User(folder) => {
            say!("use   LIBTORCH={}", folder.display());
            linked::lay_out(cache, release, folder)
        }
        Source::Python(folder) => {
            say!("use   the torch of python3 in {}", folder.display());
            linked::lay_out(cache, release, folder)
        }
        Source::Wheels => wheels::lay_out(cache, release, with_cuda),
    }
}

fn cuda_words(layout: &Layout, with_cuda: bool) -> &'static str {
    match (layout.has_cuda(), with_cuda) {
        (true, _) => ", CPU and CUDA",
        (false, false) => ", CPU",
        (false, true) => ", CPU alone: this libtorch has no CUDA part (remove .libtorch and set up again to fetch one)",
    }
}

/// Leads `.libtorch` to the layout, in one step.
fn lead(checkout: &Checkout, layout: &Layout) -> Outcome<()> {
    let link = checkout.libtorch_link();
    if link.is_dir() && !link.is_symlink() {
        return Err(Failure::new(format!("{} is a folder, and set-up wants to put a link there", link.display()))
            .remedy("move that folder away; to use it, set LIBTORCH to its new place"));
    }
    if std::fs::read_link(&link).is_ok_and(|before| before == layout.root()) {
        return Ok(());
    }
    let fresh = checkout.root().join(format!(".libtorch.{}", std::process::id()));
    std::os::unix::fs::symlink(layout.root(), &fresh)
        .context(|| format!("cannot make the link {}", fresh.display()))?;
    std::fs::rename(&fresh, &link).context(|| format!("cannot make the link {}", link.display()))?;
    make_cargo_ask_again(checkout)
}

/// Cargo compares dates and would keep the old search path when the new layout is older than the last build.
fn make_cargo_ask_again(checkout: &Checkout) -> Outcome<()> {
    for script in ["build.rs", "plugins/build.rs"] {
        let path = checkout.root().join(script);
        let touch = std::fs::File::options()
            .append(true)
            .open(&path)
            .and_then(|file| file.set_modified(std::time::SystemTime::now()));
        touch.context(|| format!("cannot touch {}", path.display()))?;
    }
    Ok(())
}
