//! Files that are one document: put together from a draft beside the target, and renamed onto it when they are whole.
//!
//! A thread does so while the stream goes on, so that a process that is killed leaves the document of about a second ago.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::failure::{cannot_open, cannot_write};
use super::shape::Shaped;
use super::spool::beside;
use crate::error::{Error, Result};

/// From the beginning of one checkpoint to that of the next.
const PERIOD: Duration = Duration::from_millis(800);
/// Checkpoints take at most one part in so many of the time, however long a document becomes.
const REST_PER_WORK: u32 = 20;

/// Writes a whole document.
pub(super) type Assembly = Box<dyn FnOnce(&mut dyn Write) -> io::Result<()> + Send>;

/// A document that grows.
pub(super) trait Draft: Send + 'static {
    /// Takes a frame in.
    fn add(&mut self, shaped: &Shaped<'_>) -> Result<Added>;
    /// The document as it is now; what is added later does not change it.
    fn assembly(&self) -> Assembly;
}

/// What came of adding to a draft on disk.
pub(super) type Added = io::Result<()>;

/// Keeps the target up to date with its draft.
pub(super) struct Keeper<D: Draft> {
    shared: Arc<Shared<D>>,
    thread: Option<JoinHandle<()>>,
}

struct Shared<D> {
    target: PathBuf,
    state: Mutex<State<D>>,
    changed: Condvar,
    publishing: Mutex<()>,
}

struct State<D> {
    draft: D,
    is_ahead: bool,
    is_closing: bool,
    failure: Option<Error>,
}

impl<D: Draft> Keeper<D> {
    /// Writes a first document, so that mistakes in the target show at once.
    pub(super) fn begin(target: &Path, draft: D) -> Result<Self> {
        let state = State { draft, is_ahead: false, is_closing: false, failure: None };
        let shared = Arc::new(Shared {
            target: target.into(),
            state: Mutex::new(state),
            changed: Condvar::new(),
            publishing: Mutex::default(),
        });
        let empty = shared.lock().draft.assembly();
        publish(target, empty).map_err(|error| cannot_open(target, &error))?;
        let of_thread = shared.clone();
        let thread = std::thread::Builder::new().name("sa3-export".into()).spawn(move || of_thread.keep());
        let thread = thread.map_err(|error| cannot_open(target, &error))?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// Takes a frame in.
    pub(super) fn add(&mut self, shaped: &Shaped<'_>) -> Result<()> {
        let mut state = self.shared.lock();
        if let Some(failure) = state.failure.take() {
            return Err(failure);
        }
        state.draft.add(shaped)?.map_err(|error| cannot_write(&self.shared.target, &error))?;
        state.is_ahead = true;
        drop(state);
        self.shared.changed.notify_one();
        Ok(())
    }

    /// Writes the whole document at once; more may come.
    pub(super) fn complete(&mut self) -> Result<()> {
        self.shared.publish().map_err(|error| cannot_write(&self.shared.target, &error))
    }

    /// Writes the whole document for the last time.
    pub(super) fn finish(mut self) -> Result<()> {
        self.stop();
        self.complete()
    }

    fn stop(&mut self) {
        self.shared.lock().is_closing = true;
        self.shared.changed.notify_one();
        if let Some(thread) = self.thread.take() {
            // A panic of the thread was a failure to write, and the document is written again.
            let _ = thread.join();
        }
    }
}

impl<D: Draft> Drop for Keeper<D> {
    fn drop(&mut self) {
        self.stop();
    }
}

impl<D: Draft> Shared<D> {
    fn lock(&self) -> MutexGuard<'_, State<D>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes the document as it is now. One at a time, so that an older one never comes after a newer one.
    fn publish(&self) -> io::Result<()> {
        let _turn = self.publishing.lock().unwrap_or_else(PoisonError::into_inner);
        let assembly = {
            let mut state = self.lock();
            state.is_ahead = false;
            state.draft.assembly()
        };
        publish(&self.target, assembly)
    }

    fn keep(&self) {
        let mut due = Instant::now() + PERIOD;
        while self.wait_for_news(due) {
            let began = Instant::now();
            let published = self.publish();
            due = began + PERIOD.max(REST_PER_WORK * began.elapsed());
            if let Err(error) = published {
                self.lock().failure = Some(cannot_write(&self.target, &error));
            }
        }
    }

    /// Waits until something is new and it is time; false at the end.
    fn wait_for_news(&self, due: Instant) -> bool {
        let mut state = self.lock();
        loop {
            let left = due.saturating_duration_since(Instant::now());
            if state.is_closing {
                return false;
            }
            if state.is_ahead && left.is_zero() {
                return true;
            }
            state = match state.is_ahead {
                true => self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0,
                false => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }
}

/// Writes a document beside the target and renames it, so that the target is always whole.
fn publish(target: &Path, assembly: Assembly) -> io::Result<()> {
    if target.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    let new = beside(target, "new");
    let write = || {
        let mut out = BufWriter::new(File::create(&new)?);
        assembly(&mut out)?;
        out.flush()?;
        std::fs::rename(&new, target)
    };
    write().inspect_err(|_| {
        // Half a document is of no use to anybody.
        let _ = std::fs::remove_file(&new);
    })
}
