//! One file into the cache: taken up where it was left, proven, then named.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::hub::Hub;
use crate::listing::Remote;
use crate::progress::Progress;
use crate::store::{Store, remove};

const CHUNK_BYTES: usize = 1 << 18;
/// Connections that may break in one run, each after it brought something.
const MOST_BREAKS: usize = 5;

/// Brings the file's content into the store, unless it is there; returns where it lies.
///
/// # Errors
/// Whatever stops it. What has arrived stays for the next time, except when its checksum is wrong.
pub fn fetch(hub: &Hub, store: &Store, commit: &str, file: &Remote) -> Result<PathBuf> {
    let blob = store.blob(file);
    if store.has(file) {
        println!("ok    {} is already there", file.name);
        return Ok(blob);
    }
    let mut partial = Partial::open(blob.with_added_extension("incomplete"))?;
    // It may have been finished while we waited for nothing but the file system.
    if store.has(file) {
        return Ok(blob);
    }
    partial.fill(hub, commit, file)?;
    partial.prove(file)?;
    let named = partial.file.sync_all().and_then(|()| std::fs::rename(&partial.path, &blob));
    named.map_err(|cause| Error::writing(&blob, 1, &cause))?;
    println!("ok    {}", file.name);
    Ok(blob)
}

/// The beginning of a file, held by this process alone. Its name is the one that Hugging Face's libraries use.
struct Partial {
    path: PathBuf,
    file: File,
}

impl Partial {
    fn open(path: PathBuf) -> Result<Self> {
        loop {
            let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
            let file = file.map_err(|cause| Error::writing(&path, 1, &cause))?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Err(Error::Busy { path }),
                Err(TryLockError::Error(cause)) => return Err(Error::writing(&path, 1, &cause)),
            }
            // Another process may have renamed it between our opening and our locking.
            let is_same = |here: &Path| Some(std::fs::metadata(here).ok()?.ino() == file.metadata().ok()?.ino());
            if is_same(&path) == Some(true) {
                return Ok(Self { path, file });
            }
        }
    }

    fn bytes(&self) -> Result<u64> {
        let bytes = self.file.metadata().map(|file| file.len());
        bytes.map_err(|cause| Error::File { path: self.path.clone(), cause: cause.to_string() })
    }

    /// Downloads what is missing; again while a broken connection brought something.
    fn fill(&mut self, hub: &Hub, commit: &str, file: &Remote) -> Result<()> {
        for breaks in 0.. {
            let had = self.bytes()?;
            match self.go_on(hub, commit, file, had) {
                Err(Error::Interrupted { had_bytes, .. }) if had_bytes > had && breaks < MOST_BREAKS => {
                    println!("again {}: the connection broke", file.name);
                }
                done => return done,
            }
        }
        Ok(())
    }

    fn go_on(&mut self, hub: &Hub, commit: &str, file: &Remote, had: u64) -> Result<()> {
        let had = if had > file.size_bytes { 0 } else { had };
        if had == file.size_bytes {
            return self.cut(had);
        }
        if had > 0 {
            println!("go on {} at {} of {} bytes", file.name, had, file.size_bytes);
        }
        let answer = hub.file(commit, file, had)?;
        self.cut(answer.from_byte)?;
        let missing = file.size_bytes - answer.from_byte;
        // One byte more than there should be is enough to be found out.
        let mut body = answer.body.into_with_config().limit(u64::MAX).reader().take(missing + 1);
        self.pour(&mut body, file, answer.from_byte)
    }

    fn pour(&mut self, body: &mut dyn Read, file: &Remote, had: u64) -> Result<()> {
        let mut progress = Progress::new(&file.name, had, file.size_bytes);
        let mut chunk = vec![0; CHUNK_BYTES];
        let mut bytes = had;
        let interrupted = |bytes: u64, cause: String| {
            Err(Error::Interrupted { file: file.name.clone(), had_bytes: bytes, size_bytes: file.size_bytes, cause })
        };
        loop {
            match body.read(&mut chunk) {
                Ok(0) if bytes < file.size_bytes => return interrupted(bytes, "the server ended too early".into()),
                Ok(0) => return Ok(()),
                Ok(count) => {
                    let missing = file.size_bytes.saturating_sub(bytes);
                    let written = self.file.write_all(&chunk[..count]);
                    written.map_err(|cause| Error::writing(&self.path, missing, &cause))?;
                    bytes += count as u64;
                }
                Err(cause) => return interrupted(bytes, cause.to_string()),
            }
            progress.show(bytes);
        }
    }

    fn cut(&mut self, bytes: u64) -> Result<()> {
        let cut = if self.bytes()? == bytes { Ok(()) } else { self.file.set_len(bytes) };
        cut.and_then(|()| self.file.seek(SeekFrom::End(0)))
            .map_err(|cause| Error::writing(&self.path, 1, &cause))
            .map(|_| ())
    }

    /// A file with a wrong checksum is of no use to go on with.
    fn prove(&mut self, file: &Remote) -> Result<()> {
        let bytes = self.bytes()?;
        let found = file.checksum.of(&mut self.file, &self.path, bytes)?;
        if found == file.checksum.as_str() {
            return Ok(());
        }
        remove(&self.path).map_err(|cause| Error::writing(&self.path, 1, &cause))?;
        Err(Error::Checksum { file: file.name.clone(), expected: file.checksum.as_str().into(), found })
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        // Nothing has arrived: nothing to go on with. After a rename there is no such file any more.
        if self.bytes().is_ok_and(|bytes| bytes == 0) {
            let _ = remove(&self.path);
        }
    }
}
