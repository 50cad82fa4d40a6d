//! Walls that keep files readable and the repository light.

use super::tree;
use crate::checkout::Checkout;
use crate::failure::{Failure, Outcome};
use std::path::Path;

const LINES_MAX: usize = 500;
const TREE_BYTES_MAX: u64 = 40 << 20;

pub(super) fn lines(checkout: &Checkout) -> Outcome<()> {
    let mut too_long = Vec::new();
    for path in tree::files(checkout)?.iter().filter(|path| is_source(path)) {
        let count = tree::text(checkout, path).map_or(0, |text| text.lines().count());
        if count > LINES_MAX {
            too_long.push(format!("{} ({count} lines)", path.display()));
        }
    }
    if too_long.is_empty() {
        return Ok(());
    }
    Err(Failure::new(format!("longer than {LINES_MAX} lines: {}", too_long.join(", "))).remedy("split by concept"))
}

pub(super) fn tree(checkout: &Checkout) -> Outcome<()> {
    let sizes = tree::files(checkout)?.into_iter().map(|path| {
        let bytes = checkout.root().join(&path).metadata().map_or(0, |file| file.len());
        (bytes, path)
    });
    let mut sizes: Vec<_> = sizes.collect();
    let total: u64 = sizes.iter().map(|(bytes, _)| bytes).sum();
    if total <= TREE_BYTES_MAX {
        return Ok(());
    }
    sizes.sort_by(|a, b| b.cmp(a));
    let largest: Vec<_> =
        sizes.iter().take(5).map(|(bytes, path)| format!("{} ({bytes} bytes)", path.display())).collect();
    Err(Failure::new(format!(
        "tracked files are {total} bytes, above {TREE_BYTES_MAX}; largest: {}",
        largest.join(", ")
    ))
    .remedy("make files smaller, or generate them"))
}

fn is_source(path: &Path) -> bool {
    path.extension().is_some_and(|extension| ["rs", "py", "sh"].iter().any(|source| extension == *source))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_sources_are_counted() {
        assert!(is_source(Path::new("src/lib.rs")));
        assert!(is_source(Path::new("training/export.py")));
        assert!(!is_source(Path::new("Cargo.lock")));
        assert!(!is_source(Path::new("model.safetensors")));
    }
}
