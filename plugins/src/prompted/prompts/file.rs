//! The prompts file, looked at from time to time while frames flow.

use std::fs::Metadata;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::time::{Duration, Instant, SystemTime};

use sa3::prompt::{FILE_GRAMMAR, Prompt, prompts_from_file_text};
use sa3::{Error, Result};

use super::refused;

/// Time between two looks at the file.
const LOOK_INTERVAL: Duration = Duration::from_millis(500);
/// A larger file is something else.
const MAX_FILE_BYTES: u64 = 1 << 20;

/// A file and the state it was last seen in.
#[derive(Debug, Clone, Default)]
pub(in crate::prompted) struct Watch {
    path: String,
    seen: Option<Stamp>,
    next_look: Option<Instant>,
}

/// What tells one state of a file from another.
#[derive(Debug, Clone, PartialEq)]
enum Stamp {
    /// Not there, or not to be looked at.
    Absent(String),
    Present {
        modified: Option<SystemTime>,
        length: u64,
        inode: u64,
    },
}

/// A file in a new state.
#[derive(Debug)]
pub(in crate::prompted) struct Reading {
    path: String,
    stamp: Stamp,
    outcome: Result<Vec<Prompt>>,
}

impl Watch {
    /// An empty path is no file.
    pub(super) fn of(path: String) -> Self {
        Self { path, ..Self::default() }
    }

    pub(super) fn path(&self) -> &str {
        &self.path
    }

    pub(super) fn is_on(&self) -> bool {
        !self.path.is_empty()
    }

    /// True when it is time to look; the next time is later then.
    pub(super) fn is_due(&mut self, now: Instant) -> bool {
        let is_due = self.is_on() && self.next_look.is_none_or(|next| now >= next);
        if is_due {
            self.next_look = Some(now + LOOK_INTERVAL);
        }
        is_due
    }

    /// Reads the file when it is not as it was. Takes as long as the file system takes: hold no lock.
    pub(in crate::prompted) fn look(&self) -> Option<Reading> {
        let metadata = std::fs::metadata(&self.path);
        let stamp = match &metadata {
            Ok(metadata) => {
                Stamp::Present { modified: metadata.modified().ok(), length: metadata.len(), inode: metadata.ino() }
            }
            Err(cause) => Stamp::Absent(cause.to_string()),
        };
        if self.seen.as_ref() == Some(&stamp) {
            return None;
        }
        let outcome = metadata
            .map_err(|cause| self.refused(format!("it cannot be read: {cause}")))
            .and_then(|metadata| self.read(&metadata));
        Some(Reading { path: self.path.clone(), stamp, outcome })
    }

    fn read(&self, metadata: &Metadata) -> Result<Vec<Prompt>> {
        if !metadata.is_file() {
            return Err(self.refused("it is no file".into()));
        }
        if metadata.len() > MAX_FILE_BYTES {
            return Err(self.refused(format!("it has {} bytes, {MAX_FILE_BYTES} are possible", metadata.len())));
        }
        let mut bytes = Vec::new();
        let file = std::fs::File::open(&self.path);
        file.and_then(|file| file.take(MAX_FILE_BYTES).read_to_end(&mut bytes))
            .map_err(|cause| self.refused(format!("it cannot be read: {cause}")))?;
        let text = String::from_utf8(bytes).map_err(|_| self.refused("it is not text in UTF-8".into()))?;
        prompts_from_file_text(&text).map_err(|error| refused("prompts-file", &self.path, &error, FILE_GRAMMAR))
    }

    fn refused(&self, cause: String) -> Error {
        let remedy = format!("{FILE_GRAMMAR}. The prompts before stay in use");
        Error::Setting { property: "prompts-file", value: self.path.clone(), cause, remedy }
    }

    /// Notes the state; the prompts that were read, unless the file is another meanwhile.
    pub(super) fn take(&mut self, reading: Reading) -> Result<Option<Vec<Prompt>>> {
        if reading.path != self.path {
            return Ok(None);
        }
        self.seen = Some(reading.stamp);
        reading.outcome.map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(watch: &mut Watch) -> Option<Result<usize>> {
        let reading = watch.look()?;
        Some(watch.take(reading).map(|prompts| prompts.unwrap().len()))
    }

    #[test]
    fn a_file_is_read_once_in_each_state() {
        let path = std::env::temp_dir().join(format!("sa3-prompts-{}", std::process::id()));
        let mut watch = Watch::of(path.to_string_lossy().into());
        let error = read(&mut watch).unwrap().unwrap_err().to_string();
        assert!(error.contains("prompts-file=") && error.contains("one concept a line"), "{error}");
        assert!(read(&mut watch).is_none(), "told once");
        for (text, count) in [("dog\n", 1), ("dog\nred car; cat\n", 3)] {
            std::fs::write(&path, text).unwrap();
            assert_eq!(read(&mut watch).unwrap().unwrap(), count);
            assert!(read(&mut watch).is_none());
        }
        std::fs::write(&path, [0xff, 0xfe]).unwrap();
        assert!(read(&mut watch).unwrap().unwrap_err().to_string().contains("UTF-8"));
        std::fs::write(&path, vec![b'a'; MAX_FILE_BYTES as usize + 1]).unwrap();
        assert!(read(&mut watch).unwrap().unwrap_err().to_string().contains("bytes"));
        std::fs::remove_file(&path).unwrap();
        let mut folder = Watch::of(std::env::temp_dir().to_string_lossy().into());
        assert!(read(&mut folder).unwrap().unwrap_err().to_string().contains("no file"));
    }

    #[test]
    fn looks_are_rare_and_there_are_none_without_a_path() {
        let now = Instant::now();
        assert!(!Watch::default().is_due(now));
        let mut watch = Watch::of("prompts.txt".into());
        assert!(watch.is_due(now) && !watch.is_due(now) && watch.is_due(now + LOOK_INTERVAL));
    }
}
