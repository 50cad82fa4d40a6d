//! A layout of links to a libtorch that is already on this machine, so that nothing is copied.

use super::layout::Layout;
use crate::elf::Dynamic;
use crate::failure::{Context, Outcome};
use crate::folders::clear;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

/// Where the layout for this source lies in the cache.
pub fn place(cache: &Path, release: &str, source: &Path) -> PathBuf {
    cache.join(format!("libtorch-{release}-linked-{:016x}", fingerprint(source)))
}

/// FNV-1a of the path: short, and the same in every release of the compiler.
fn fingerprint(path: &Path) -> u64 {
    let mix = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
    path.as_os_str().as_encoded_bytes().iter().fold(0xcbf2_9ce4_8422_2325, mix)
}

/// Makes the layout for a source folder with `lib/` and `include/`. The cache must be locked.
pub fn lay_out(cache: &Path, release: &str, source: &Path) -> Outcome<Layout> {
    let place = place(cache, release, source);
    if Layout::at(&place).defects(release).is_empty() {
        return Ok(Layout::at(place));
    }
    let partial = Layout::at(cache.join("libtorch-linked.partial"));
    clear(partial.root())?;
    std::fs::create_dir_all(partial.lib()).context(|| format!("cannot make {}", partial.lib().display()))?;
    link_closure(&source.join("lib"), &partial.lib())?;
    link(&source.join("include"), &partial.root().join("include"))?;
    if source.join("lib/libtorch_cuda.so").is_file() {
        // torch/lib finds nvidia/ by its own place on the disk, so one link brings the whole of CUDA.
        std::fs::create_dir_all(partial.root().join("cuda")).context(|| "cannot make the folder cuda/".to_owned())?;
        link(source, &partial.root().join("cuda/torch"))?;
    }
    partial.finish(release)?;
    partial.publish(&place)
}

/// Links libtorch_cpu and everything that it needs and that does not come from the system.
fn link_closure(source_lib: &Path, lib: &Path) -> Outcome<()> {
    let mut folders = vec![source_lib.to_owned()];
    folders.extend(Dynamic::of(&source_lib.join("libtorch_cpu.so"))?.folders(source_lib));
    let mut waiting = vec!["libtorch_cpu.so".to_owned()];
    while let Some(name) = waiting.pop() {
        let target = lib.join(&name);
        let Some(library) = folders.iter().map(|folder| folder.join(&name)).find(|path| path.is_file()) else {
            continue;
        };
        if !target.exists() {
            link(&library, &target)?;
            waiting.extend(Dynamic::of(&library)?.needed);
        }
    }
    Ok(())
}

fn link(to: &Path, at: &Path) -> Outcome<()> {
    symlink(to, at).context(|| format!("cannot link {} to {}", at.display(), to.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_do_not_share_a_place_and_a_source_keeps_its_own() {
        let cache = Path::new("/c");
        let of = |source: &str| place(cache, "2.11.0", Path::new(source));
        assert_eq!(of("/opt/libtorch").to_str().unwrap(), "/c/libtorch-2.11.0-linked-2beb20c491878ef3");
        assert_ne!(of("/opt/libtorch"), of("/opt/libtorch2"));
    }
}
