//! The shelf of fetched wheels: each arrives whole or not at all, and is fetched once.

use crate::failure::{Context, Failure, Outcome};
use crate::folders::{clear, readable};
use crate::python::python3;
use crate::requirement::Requirement;
use crate::say::say;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// A folder of finished wheels; pip works in a folder of its own inside it.
pub struct Shelf {
    folder: PathBuf,
}

impl Shelf {
    /// Opens the shelf, and sweeps away what an interrupted run left half done. The cache must be locked.
    pub fn open(folder: PathBuf) -> Outcome<Self> {
        let shelf = Self { folder };
        clear(&shelf.workbench())?;
        std::fs::create_dir_all(&shelf.folder).context(|| format!("cannot make {}", shelf.folder.display()))?;
        Ok(shelf)
    }

    /// The wheel that answers the requirement: from the shelf, or fetched onto it.
    pub fn wheel(&self, requirement: &Requirement) -> Outcome<PathBuf> {
        match find(&self.folder, requirement) {
            Some(wheel) => {
                say!("ok    wheel {} is already fetched", requirement.for_pip());
                Ok(wheel)
            }
            None => self.fetch(requirement),
        }
    }

    fn fetch(&self, requirement: &Requirement) -> Outcome<PathBuf> {
        let began = Instant::now();
        say!("fetch {} with pip", requirement.for_pip());
        let workbench = self.workbench();
        self.run_pip(requirement, &workbench)?;
        let fetched = find(&workbench, requirement)
            .ok_or_else(|| Failure::new(format!("pip brought no wheel of {}", requirement.for_pip())))?;
        let wheel = self.folder.join(fetched.file_name().unwrap_or_default());
        // The name on the shelf promises a whole wheel, also after a power cut.
        std::fs::File::open(&fetched)
            .and_then(|file| file.sync_all())
            .context(|| format!("cannot save {}", fetched.display()))?;
        std::fs::rename(&fetched, &wheel).context(|| format!("cannot move {} to its place", fetched.display()))?;
        clear(&workbench)?;
        let bytes = wheel.metadata().map_or(0, |file| file.len());
        say!("ok    {} fetched: {} in {:.0} s", requirement.for_pip(), readable(bytes), began.elapsed().as_secs_f32());
        Ok(wheel)
    }

    /// pip's own temporary files go to the workbench too: the system's folder for them may be small and in memory.
    fn run_pip(&self, requirement: &Requirement, workbench: &Path) -> Outcome<()> {
        std::fs::create_dir_all(workbench).context(|| format!("cannot make {}", workbench.display()))?;
        let mut pip = python3();
        pip.args(["-m", "pip", "--disable-pip-version-check", "--no-cache-dir", "download"]);
        pip.args(["--no-deps", "--only-binary=:all:", "--dest"]).arg(workbench).arg(requirement.for_pip());
        crate::process::run(pip.env("TMPDIR", workbench)).map_err(|failure| {
            Failure::new(failure.cause()).remedy(
                "see pip's words above; with the network back, run `cargo xtask setup` again (finished wheels are kept), \
                 or set LIBTORCH to a libtorch of the pinned version",
            )
        })
    }

    fn workbench(&self) -> PathBuf {
        self.folder.join("partial")
    }

    /// Removes the shelf with all its wheels, and says what that freed.
    pub fn remove(self) -> Outcome<()> {
        let freed = crate::folders::size_bytes(&self.folder);
        clear(&self.folder)?;
        say!("ok    wheels no longer needed are removed ({} freed)", readable(freed));
        Ok(())
    }
}

fn find(folder: &Path, requirement: &Requirement) -> Option<PathBuf> {
    let entries = std::fs::read_dir(folder).ok()?;
    entries
        .flatten()
        .find(|entry| requirement.is_met_by(&entry.file_name().to_string_lossy()))
        .map(|entry| entry.path())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opening_sweeps_half_done_work_and_keeps_finished_wheels() {
        let folder = std::env::temp_dir().join(format!("sa3-xtask-shelf-{}", std::process::id()));
        let finished = folder.join("torch-2.11.0-cp311-cp311-manylinux_2_28_x86_64.whl");
        std::fs::create_dir_all(folder.join("partial")).unwrap();
        std::fs::write(folder.join("partial/nvidia_nvtx-13.0.85-py3-none-any.whl"), "half").unwrap();
        std::fs::write(&finished, "whole").unwrap();

        let shelf = Shelf::open(folder.clone()).unwrap();

        assert!(!folder.join("partial").exists());
        assert_eq!(shelf.wheel(&Requirement::exactly("torch", "2.11.0")).unwrap(), finished);
        shelf.remove().unwrap();
        assert!(!folder.exists());
    }
}
