//! The layout that everything links against: a folder with libtorch's CPU part, and CUDA's part beside it.
//!
//! ```text
//! build-version        the release of torch
//! include/             torch's headers
//! lib/                 libtorch_cpu, what it needs to load, and an empty libtorch that needs libtorch_cpu
//! cuda/torch/lib/      libtorch_cuda and its kin, if installed; loaded at run time, never linked
//! cuda/nvidia/         the CUDA libraries, where libtorch_cuda looks for them
//! ```

use crate::failure::{Context, Failure, Outcome};
use crate::process;
use crate::version;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A libtorch layout, complete or not.
#[derive(Debug, Clone)]
pub struct Layout {
    root: PathBuf,
}

impl Layout {
    /// The layout at this path, which need not exist.
    pub fn at(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The folder of the layout.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The folder of the libraries that are linked.
    pub fn lib(&self) -> PathBuf {
        self.root.join("lib")
    }

    /// The library that brings CUDA, loaded at run time.
    pub fn cuda_library(&self) -> PathBuf {
        self.root.join("cuda/torch/lib/libtorch_cuda.so")
    }

    /// Whether CUDA's part is there.
    pub fn has_cuda(&self) -> bool {
        self.cuda_library().is_file()
    }

    /// The release of the torch that the headers belong to: a Python torch behind a layout of links may have changed.
    fn release(&self) -> Option<String> {
        let headers = std::fs::canonicalize(self.root.join("include")).ok()?;
        release_of(headers.parent()?).or_else(|| release_of(&self.root))
    }

    /// What keeps this layout from serving as libtorch of this release; empty when it is good.
    pub fn defects(&self, release: &str) -> Vec<String> {
        let mut defects = Vec::new();
        for needed in
            ["lib/libtorch.so", "lib/libtorch_cpu.so", "lib/libc10.so", "include/torch/csrc/api/include/torch/torch.h"]
        {
            if !self.root.join(needed).is_file() {
                defects.push(format!("{needed} is missing"));
            }
        }
        if self.root.join("lib/libtorch_cuda.so").exists() {
            defects.push("lib/ has libtorch_cuda.so, which would tie the plugin to CUDA".to_owned());
        }
        match self.release() {
            Some(found) if found == release => {}
            Some(found) => defects.push(format!("its release is {found}, not {release}")),
            None => defects.push("build-version is missing".to_owned()),
        }
        defects
    }

    /// Writes the release, and links the empty libtorch.so that stands for the CPU part alone.
    pub fn finish(&self, release: &str) -> Outcome<()> {
        let lib = self.lib();
        let mut gcc = Command::new("gcc");
        gcc.args(["-shared", "-o"]).arg(lib.join("libtorch.so")).arg("-L").arg(&lib);
        gcc.args(["-Wl,--no-as-needed", "-ltorch_cpu", "-lc10", "-Wl,-soname,libtorch.so"]);
        gcc.args(["-Wl,--enable-new-dtags", "-Wl,-rpath,$ORIGIN"]);
        process::run(&mut gcc)?;
        let version_file = self.root.join("build-version");
        std::fs::write(&version_file, format!("{release}\n"))
            .context(|| format!("cannot write {}", version_file.display()))
    }

    /// Moves the layout to its final name, which thus only ever names a finished one.
    pub fn publish(self, place: &Path) -> Outcome<Self> {
        flush(&self.root)?;
        crate::folders::clear(place)?;
        std::fs::rename(&self.root, place).context(|| format!("cannot move the layout to {}", place.display()))?;
        Ok(Self::at(place))
    }
}

/// The release of the torch in a folder: a layout, an unpacked libtorch, or a Python package.
pub fn release_of(folder: &Path) -> Option<String> {
    if let Ok(text) = std::fs::read_to_string(folder.join("build-version")) {
        return Some(version::release(&text).to_owned());
    }
    let text = std::fs::read_to_string(folder.join("version.py")).ok()?;
    let line = text.lines().find(|line| line.starts_with("__version__ ="))?;
    line.split(['\'', '"']).nth(1).map(|version| version::release(version).to_owned())
}

/// Brings the files of a folder to the disk before a name promises them.
pub fn flush(folder: &Path) -> Outcome<()> {
    process::run(Command::new("sync").arg("-f").arg(folder))
        .map_err(|failure| Failure::new(failure.cause()).remedy("look whether the disk is full: df -h"))
}

/// A folder for a test, with a complete layout of release 2.11.0 below it.
#[cfg(test)]
pub fn fixture(name: &str, below: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("sa3-xtask-{name}-{}", std::process::id()));
    for (path, text) in [
        ("lib/libtorch.so", "x"),
        ("lib/libtorch_cpu.so", "x"),
        ("lib/libc10.so", "x"),
        ("include/torch/csrc/api/include/torch/torch.h", "x"),
        ("build-version", "2.11.0+cpu\n"),
    ] {
        let file = folder.join(format!("{below}{path}"));
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
    }
    folder
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_complete_layout_has_no_defects() {
        let root = fixture("layout-good", "");
        assert_eq!(Layout::at(&root).defects("2.11.0"), Vec::<String>::new());
        crate::folders::clear(&root).unwrap();
    }

    #[test]
    fn each_defect_is_named() {
        let root = fixture("layout-bad", "");
        std::fs::remove_file(root.join("lib/libc10.so")).unwrap();
        std::fs::write(root.join("lib/libtorch_cuda.so"), "x").unwrap();
        let defects = Layout::at(&root).defects("2.12.0").join("; ");
        for part in ["libc10.so is missing", "libtorch_cuda.so", "2.11.0, not 2.12.0"] {
            assert!(defects.contains(part), "{defects}");
        }
        crate::folders::clear(&root).unwrap();
    }

    #[test]
    fn a_torch_that_changed_behind_the_links_is_noticed() {
        let root = fixture("layout-links", "layout/");
        std::fs::create_dir_all(root.join("torch")).unwrap();
        std::fs::rename(root.join("layout/include"), root.join("torch/include")).unwrap();
        std::os::unix::fs::symlink(root.join("torch/include"), root.join("layout/include")).unwrap();
        std::fs::write(root.join("torch/version.py"), "__version__ = '2.12.0'\n").unwrap();
        assert_eq!(Layout::at(root.join("layout")).defects("2.11.0"), ["its release is 2.12.0, not 2.11.0"]);
        crate::folders::clear(&root).unwrap();
    }

    #[test]
    fn a_python_package_tells_its_release() {
        let root = fixture("layout-python", "");
        std::fs::remove_file(root.join("build-version")).unwrap();
        std::fs::write(root.join("version.py"), "from x import y\n__version__ = '2.11.0+cu130'\n").unwrap();
        assert_eq!(release_of(&root).as_deref(), Some("2.11.0"));
        crate::folders::clear(&root).unwrap();
    }
}
