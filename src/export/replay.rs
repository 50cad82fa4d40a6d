//! Which line of a file belongs to a frame.

use std::path::{Path, PathBuf};

use super::read::Reader;
use super::record::Record;
use crate::error::Result;
use crate::objects::Objects;

/// How far off times may be that belong together where frames have no duration.
const TOLERANCE_WITHOUT_DURATION_IN_NS: u64 = 1_000_000;

/// What is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// A time in nanoseconds, and the duration of the frame; half of it is near enough.
    Pts(u64, Option<u64>),
    /// A number of a frame, from 0.
    Frame(u64),
}

impl Key {
    /// The same of a record; `None` where it has no time.
    fn of(self, record: &Record) -> Option<u64> {
        match self {
            Self::Pts(..) => record.pts,
            Self::Frame(_) => Some(record.frame),
        }
    }

    /// The value, and by how much it may be off.
    fn value(self) -> (u64, u64) {
        match self {
            Self::Pts(pts, duration) => {
                (pts, duration.map_or(TOLERANCE_WITHOUT_DURATION_IN_NS, |duration| duration / 2))
            }
            Self::Frame(frame) => (frame, 0),
        }
    }
}

/// What a line says of a frame.
#[derive(Debug, Clone)]
pub struct Found {
    /// The objects, for the size that the file names.
    pub objects: Objects,
    /// Time of the frame that they were found on, in nanoseconds.
    pub source_pts: Option<u64>,
    /// Frames since then.
    pub age: u32,
}

/// A file of lines beside a stream of frames; two lines are in memory.
#[derive(Debug)]
pub struct Replay {
    path: PathBuf,
    reader: Reader,
    current: Option<(u64, Record)>,
    next: Option<(u64, Record)>,
    has_read: bool,
}

impl Replay {
    /// Opens a file.
    ///
    /// # Errors
    /// [`crate::Error::File`] when it cannot be read.
    pub fn open(path: &Path) -> Result<Self> {
        Ok(Self { path: path.into(), reader: Reader::open(path)?, current: None, next: None, has_read: false })
    }

    /// What the file says of a frame. Frames come in their order; when one comes that is earlier than the one before, the
    /// file is read from its beginning again. `None` when the file has no such frame, or nobody looked at it.
    ///
    /// # Errors
    /// [`crate::Error::File`] with the number of a line that cannot be used.
    pub fn find(&mut self, key: Key) -> Result<Option<Found>> {
        let (value, tolerance) = key.value();
        let place = |line: &Option<(u64, Record)>| line.as_ref().and_then(|(_, record)| key.of(record));
        if place(&self.current).is_some_and(|current| current > value.saturating_add(tolerance)) {
            *self = Self::open(&self.path)?;
        }
        if !self.has_read {
            self.next = self.reader.next_record()?;
            self.has_read = true;
        }
        // Records without a time belong to no frame.
        while let Some((_, record)) = &self.next {
            if key.of(record).is_some_and(|next| next > value.saturating_add(tolerance)) {
                break;
            }
            let following = self.reader.next_record()?;
            self.current = std::mem::replace(&mut self.next, following);
        }
        match &self.current {
            Some((line, record)) if place(&self.current).is_some_and(|at| at.abs_diff(value) <= tolerance) => {
                let objects = record.objects().map_err(|cause| self.reader.refusal(*line, &cause))?;
                let (source_pts, age) = record.source();
                Ok(objects.map(|objects| Found { objects, source_pts, age }))
            }
            _ => Ok(None),
        }
    }
}
