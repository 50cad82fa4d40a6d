//! Parts of a document that is not complete yet: files beside it, so that memory does not grow with the stream.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::failure::cannot_open;
use crate::error::Result;

/// A file that only grows, and that goes with its owner.
#[derive(Debug)]
pub(super) struct Spool {
    path: PathBuf,
    file: File,
    length: u64,
}

/// What a spool held at some moment.
#[derive(Debug, Clone)]
pub(super) struct SpoolView {
    path: PathBuf,
    length: u64,
}

/// `name.extension`, beside `name`.
pub(super) fn beside(target: &Path, extension: &str) -> PathBuf {
    let mut name = target.as_os_str().to_owned();
    name.push(".");
    name.push(extension);
    name.into()
}

impl Spool {
    /// Begins the part `what` of the document `target`.
    pub(super) fn create(target: &Path, what: &str) -> Result<Self> {
        let path = beside(target, &format!("{what}.part"));
        let file = File::create(&path).map_err(|error| cannot_open(&path, &error))?;
        Ok(Self { path, file, length: 0 })
    }

    /// Appends; gives the offset at which it stands.
    pub(super) fn append(&mut self, bytes: &[u8]) -> io::Result<u64> {
        let offset = self.length;
        if let Err(error) = self.file.write_all(bytes) {
            self.file.set_len(offset)?;
            self.file.seek(SeekFrom::Start(offset))?;
            return Err(error);
        }
        self.length += bytes.len() as u64;
        Ok(offset)
    }

    /// Appends one of several elements of a JSON array.
    pub(super) fn append_element(&mut self, json: &str) -> io::Result<()> {
        let separator = if self.length > 0 { ",\n" } else { "" };
        self.append(format!("{separator}{json}").as_bytes()).map(|_| ())
    }

    pub(super) fn view(&self) -> SpoolView {
        SpoolView { path: self.path.clone(), length: self.length }
    }
}

impl Drop for Spool {
    fn drop(&mut self) {
        // Nothing depends on its going.
        let _ = std::fs::remove_file(&self.path);
    }
}

impl SpoolView {
    /// Writes all of it.
    pub(super) fn copy_to(&self, out: &mut dyn Write) -> io::Result<()> {
        let copied = io::copy(&mut self.open()?.take(self.length), out)?;
        if copied == self.length { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    }

    /// All of its lines, without their ends.
    pub(super) fn lines(&self) -> io::Result<impl Iterator<Item = io::Result<String>> + use<>> {
        Ok(BufReader::new(self.open()?.take(self.length)).lines())
    }

    /// To read lines at any offset.
    pub(super) fn open(&self) -> io::Result<BufReader<File>> {
        File::open(&self.path).map(BufReader::new)
    }
}

/// The line at an offset.
pub(super) fn line_at(file: &mut BufReader<File>, offset: u64, line: &mut String) -> io::Result<()> {
    file.seek(SeekFrom::Start(offset))?;
    line.clear();
    file.read_line(line)?;
    Ok(())
}
