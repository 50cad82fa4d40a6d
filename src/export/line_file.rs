//! A text file that holds whole lines at any moment.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use super::failure::{cannot_open, cannot_write};
use crate::error::Result;

/// A text file. Each line is handed to the system at once and in one piece.
#[derive(Debug)]
pub(super) struct LineFile {
    path: PathBuf,
    file: File,
    length: u64,
    buffer: Vec<u8>,
}

impl LineFile {
    /// Begins a file; one that is there is replaced.
    pub(super) fn create(path: &Path) -> Result<Self> {
        let file = File::create(path).map_err(|error| cannot_open(path, &error))?;
        Ok(Self { path: path.into(), file, length: 0, buffer: Vec::new() })
    }

    /// Appends lines, each of which has its end.
    pub(super) fn append(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> Result<()> {
        self.buffer.clear();
        write(&mut self.buffer);
        let written = self.file.write_all(&self.buffer);
        if let Err(error) = written {
            // Half a line would be left; a device has no length that could be set.
            let _ = self.file.set_len(self.length);
            return Err(cannot_write(&self.path, &error));
        }
        self.length += self.buffer.len() as u64;
        Ok(())
    }
}
