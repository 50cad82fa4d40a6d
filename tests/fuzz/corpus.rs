//! Inputs that are kept: by hand, by `make_corpus.py`, and from what was found.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};

/// The inputs of a target with their file names, in order.
pub fn inputs(target: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus").join(target);
    let entries = std::fs::read_dir(&folder).unwrap_or_else(|cause| panic!("{}: {cause}", folder.display()));
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    let read = |path: PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        (name, std::fs::read(&path).unwrap_or_else(|cause| panic!("{}: {cause}", path.display())))
    };
    paths.into_iter().map(read).collect()
}

/// Writes an input in place of the last one. Emptying the file first would make the disk wait for each.
pub fn write_over(path: &Path, input: &[u8]) {
    let file = OpenOptions::new().write(true).create(true).truncate(false).open(path);
    let written = file.and_then(|mut file| file.write_all(input).and_then(|()| file.set_len(input.len() as u64)));
    written.unwrap_or_else(|cause| panic!("{}: {cause}", path.display()));
}
