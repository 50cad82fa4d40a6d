//! What a shared library asks the loader for, read with `readelf`.

use crate::failure::Outcome;
use crate::process;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The part of a library's dynamic section that decides what is loaded with it.
#[derive(Debug, Default, PartialEq)]
pub struct Dynamic {
    /// Names of the libraries it needs.
    pub needed: Vec<String>,
    /// Folders it wants searched, as written: `$ORIGIN` stands for the library's own folder.
    pub search: Vec<String>,
}

impl Dynamic {
    /// Reads the dynamic section of a library.
    pub fn of(library: &Path) -> Outcome<Self> {
        let listing = process::capture(Command::new("readelf").env("LC_ALL", "C").arg("-dW").arg(library))?;
        Ok(Self::parse(&listing))
    }

    fn parse(listing: &str) -> Self {
        let mut dynamic = Self::default();
        for line in listing.lines() {
            let Some(value) = line.split_once('[').and_then(|(_, rest)| rest.strip_suffix(']')) else {
                continue;
            };
            if line.contains("(NEEDED)") {
                dynamic.needed.push(value.to_owned());
            } else if line.contains("(RPATH)") || line.contains("(RUNPATH)") {
                dynamic.search.extend(value.split(':').map(str::to_owned));
            }
        }
        dynamic
    }

    /// The folders to search when the library lies in `origin`.
    pub fn folders(&self, origin: &Path) -> Vec<PathBuf> {
        let origin = origin.to_string_lossy();
        self.search
            .iter()
            .map(|folder| folder.replace("${ORIGIN}", &origin).replace("$ORIGIN", &origin).into())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LISTING: &str = "
Dynamic section at offset 0x14f29f58 contains 37 entries:
  Tag        Type                         Name/Value
 0x0000000000000001 (NEEDED)             Shared library: [libc10.so]
 0x0000000000000001 (NEEDED)             Shared library: [libcudart.so.13]
 0x000000000000000e (SONAME)             Library soname: [libtorch_cpu.so]
 0x000000000000000f (RPATH)              Library rpath: [$ORIGIN/../../nvidia/cu13/lib:$ORIGIN]
 0x000000000000000c (INIT)               0x1038000
";

    #[test]
    fn needs_and_folders_are_found() {
        let dynamic = Dynamic::parse(LISTING);
        assert_eq!(dynamic.needed, ["libc10.so", "libcudart.so.13"]);
        let folders = dynamic.folders(Path::new("/py/torch/lib"));
        assert_eq!(folders, [PathBuf::from("/py/torch/lib/../../nvidia/cu13/lib"), "/py/torch/lib".into()]);
    }

    #[test]
    fn a_file_without_dynamic_section_needs_nothing() {
        assert_eq!(Dynamic::parse("There is no dynamic section in this file.\n"), Dynamic::default());
    }
}
