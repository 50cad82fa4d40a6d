//! Where the threads meet: upstream's, the source pad's task, the engine's and the loader's.
//!
//! One lock, never held over anything long, and one condition variable. Everybody who waits here is woken first of all
//! by flushing (FLUSH_START) and closing (pads that are switched off on the way to READY).

mod engine;
mod newest;

use std::collections::VecDeque;
use std::sync::PoisonError;
use std::time::Instant;

use gst_video::VideoInfo;
use sa3::{EngineSettings, SharedEngine};

use super::sync::thread::{self, ThreadId};
use super::sync::{Condvar, Mutex, MutexGuard};

/// A buffer, or an event that must stay in its place among the buffers.
#[derive(Debug)]
pub(in crate::flow) enum Item {
    Frame(Arrived),
    Event(gst::Event),
}

/// A frame on its way through.
#[derive(Debug)]
pub(in crate::flow) struct Arrived {
    pub(in crate::flow) buffer: gst::Buffer,
    pub(in crate::flow) at: Instant,
    /// Nobody is to look at it.
    pub(in crate::flow) is_bare: bool,
}

impl Arrived {
    pub(in crate::flow) fn now(buffer: gst::Buffer) -> Self {
        Self { buffer, at: Instant::now(), is_bare: false }
    }
}

/// What happens to one frame more than may wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::flow) enum Shedding {
    Block,
    DropOldest,
    DropNewest,
    PassBare,
}

/// How many frames may wait for their turn.
#[derive(Debug, Clone, Copy)]
pub(in crate::flow) struct QueueLimit {
    pub(in crate::flow) frames: usize,
    pub(in crate::flow) shedding: Shedding,
}

/// A frame for those who take the newest one only.
pub(in crate::flow) struct Newest {
    /// Counts the frames of the element.
    pub(in crate::flow) number: u64,
    pub(in crate::flow) buffer: gst::Buffer,
    pub(in crate::flow) info: VideoInfo,
}

/// Why a wait ended without what was waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::flow) enum Interrupted {
    /// The stream is being flushed or stopped.
    Flushing,
    /// There will be no engine; the error has been posted.
    LoadFailed,
}

impl From<Interrupted> for gst::FlowError {
    fn from(interrupted: Interrupted) -> Self {
        match interrupted {
            Interrupted::Flushing => Self::Flushing,
            Interrupted::LoadFailed => Self::Error,
        }
    }
}

/// Does the stream flow?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Gate {
    /// The pads are switched off; nobody may wait.
    Closed,
    /// Between FLUSH_START and FLUSH_STOP; only the task may wait, for the end of it.
    Flushing,
    Open,
}

/// Goes with an item that was taken; flushing makes it void.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::flow) struct TakeTicket(u64);

/// Why the task rests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::flow) struct Failure {
    /// What upstream gets to hear.
    pub(in crate::flow) flow: gst::FlowError,
    /// This element has posted the cause itself.
    pub(in crate::flow) is_told: bool,
}

/// Names one load; a later load or giving the engine back makes it void.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::flow) struct LoadTicket(u64);

/// Names one pass; flushing makes it void.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::flow) struct PassTicket(u64);

enum EngineState {
    Absent,
    Loading(EngineSettings),
    Ready(EngineSettings, SharedEngine),
    Failed(EngineSettings),
}

struct Inner {
    items: VecDeque<Item>,
    waiting_frames: usize,
    /// The thread that works on an item which it took.
    busy_thread: Option<ThreadId>,
    newest: Option<Newest>,
    /// The thread that works on a newest frame.
    busy_worker: Option<ThreadId>,
    gate: Gate,
    take_ticket: TakeTicket,
    /// After a failure the task rests until a flush or a new stream.
    outcome: Result<(), Failure>,
    engine: EngineState,
    load_ticket: LoadTicket,
    pass_ticket: PassTicket,
    is_answered: bool,
}

impl Inner {
    /// Takes frames out of the queue, the oldest first, until one more may wait.
    fn make_room(&mut self, frames: usize) -> Vec<gst::Buffer> {
        let mut dropped = Vec::new();
        while self.waiting_frames >= frames {
            let Some(oldest) = self.items.iter().position(|item| matches!(item, Item::Frame(_))) else { break };
            let Some(Item::Frame(frame)) = self.items.remove(oldest) else { break };
            self.waiting_frames -= 1;
            dropped.push(frame.buffer);
        }
        dropped
    }

    /// Marks the oldest frame that somebody was to look at.
    fn make_oldest_bare(&mut self) {
        let oldest = self.items.iter_mut().find_map(|item| match item {
            Item::Frame(frame) if !frame.is_bare => Some(frame),
            _ => None,
        });
        if let Some(oldest) = oldest {
            oldest.is_bare = true;
        }
    }

    fn pop(&mut self) -> Option<(Item, TakeTicket)> {
        let item = self.items.pop_front()?;
        self.waiting_frames -= usize::from(matches!(item, Item::Frame(_)));
        if matches!(&item, Item::Event(event) if event.type_() == gst::EventType::Eos) {
            // From now on, so that a new stream that begins while this event is on its way revives the task.
            self.outcome = Err(Failure { flow: gst::FlowError::Eos, is_told: true });
        }
        self.busy_thread = Some(thread::current().id());
        Some((item, self.take_ticket))
    }
}

pub(in crate::flow) struct Junction {
    inner: Mutex<Inner>,
    changed: Condvar,
}

impl Junction {
    /// Closed until [`Junction::open`].
    pub(in crate::flow) fn new() -> Self {
        let inner = Inner {
            items: VecDeque::new(),
            waiting_frames: 0,
            busy_thread: None,
            newest: None,
            busy_worker: None,
            gate: Gate::Closed,
            take_ticket: TakeTicket(0),
            outcome: Ok(()),
            engine: EngineState::Absent,
            load_ticket: LoadTicket(0),
            pass_ticket: PassTicket(0),
            is_answered: false,
        };
        Self { inner: Mutex::new(inner), changed: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<T>(&self, mut ready: impl FnMut(&mut Inner) -> Option<T>) -> T {
        let mut inner = self.lock();
        loop {
            if let Some(found) = ready(&mut inner) {
                return found;
            }
            inner = self.changed.wait(inner).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Waits until `ready` has something, or the stream stops flowing.
    fn wait_while_open<T>(&self, mut ready: impl FnMut(&mut Inner) -> Option<T>) -> Result<T, Interrupted> {
        self.wait(|inner| match inner.gate {
            Gate::Open => ready(inner).map(Ok),
            Gate::Flushing | Gate::Closed => Some(Err(Interrupted::Flushing)),
        })
    }

    fn change<T>(&self, change: impl FnOnce(&mut Inner) -> T) -> T {
        let outcome = change(&mut self.lock());
        self.changed.notify_all();
        outcome
    }
}

/// The queue, filled by upstream's thread and emptied by the task.
impl Junction {
    /// Puts a frame at the end as `limit` allows; the frames that were dropped for it, or it itself. Refused with the
    /// cause once something failed.
    pub(in crate::flow) fn push_frame(
        &self,
        buffer: gst::Buffer,
        limit: QueueLimit,
    ) -> Result<Vec<gst::Buffer>, gst::FlowError> {
        let mut frame = Some(Arrived::now(buffer));
        let mut has_made_bare = false;
        let outcome = self.wait_while_open(|inner| {
            if let Err(failure) = inner.outcome {
                return Some(Err(failure.flow));
            }
            let mut dropped = Vec::new();
            if inner.waiting_frames >= limit.frames {
                match limit.shedding {
                    Shedding::Block => return None,
                    Shedding::PassBare => {
                        if !std::mem::replace(&mut has_made_bare, true) {
                            inner.make_oldest_bare();
                        }
                        return None;
                    }
                    Shedding::DropNewest => {
                        return Some(Ok(frame.take().map(|frame| frame.buffer).into_iter().collect()));
                    }
                    Shedding::DropOldest => dropped = inner.make_room(limit.frames),
                }
            }
            inner.items.extend(frame.take().map(Item::Frame));
            inner.waiting_frames += 1;
            Some(Ok(dropped))
        });
        self.changed.notify_all();
        outcome?
    }

    /// Puts an event at the end. Refused while flushing, and once something failed unless the event is one that pads
    /// keep (with those the failure shows at the next frame).
    pub(in crate::flow) fn push_event(&self, event: gst::Event) -> bool {
        self.change(|inner| {
            let ends_the_stream = event.type_() == gst::EventType::Eos;
            let is_refused = inner.outcome.is_err() && (!event.is_sticky() || ends_the_stream);
            if inner.gate != Gate::Open || is_refused {
                return false;
            }
            inner.items.push_back(Item::Event(event));
            true
        })
    }

    /// The next item, for the task, which works on it until [`Junction::done`]. `None` when the pads are switched off.
    pub(in crate::flow) fn take(&self) -> Option<(Item, TakeTicket)> {
        let taken = self.wait(|inner| match inner.gate {
            Gate::Closed => Some(None),
            Gate::Open if inner.outcome.is_ok() => inner.pop().map(Some),
            Gate::Open | Gate::Flushing => None,
        });
        self.changed.notify_all();
        taken
    }

    /// The item that was taken is through, or failed.
    pub(in crate::flow) fn done(&self, ticket: TakeTicket, outcome: Result<(), Failure>) {
        self.change(|inner| {
            inner.busy_thread = None;
            if inner.take_ticket == ticket && outcome.is_err() {
                inner.outcome = outcome;
            }
        });
    }

    /// Something failed beside the task. An interruption is no failure.
    pub(in crate::flow) fn fail(&self, failure: Failure) {
        self.change(|inner| {
            if failure.flow != gst::FlowError::Flushing && inner.outcome.is_ok() {
                inner.outcome = Err(failure);
            }
        });
    }

    /// Waits until the task and the worker have put down what they work on; not for the one that asks.
    pub(in crate::flow) fn wait_until_idle(&self) {
        let this_thread = thread::current().id();
        let is_idle = |busy: Option<ThreadId>| busy.is_none_or(|busy| busy == this_thread);
        self.wait(|inner| (is_idle(inner.busy_thread) && is_idle(inner.busy_worker)).then_some(()));
    }

    /// Waits until everything pushed so far is through. False when it will not be.
    pub(in crate::flow) fn wait_until_through(&self) -> bool {
        let is_through = |inner: &mut Inner| {
            let is_empty = inner.items.is_empty() && inner.busy_thread.is_none();
            (inner.outcome.is_err() || is_empty).then_some(inner.outcome.is_ok())
        };
        self.wait_while_open(is_through).unwrap_or(false)
    }

    /// A new stream begins, perhaps after the end of the one before.
    pub(in crate::flow) fn revive_after_eos(&self) {
        self.change(|inner| {
            if inner.outcome.is_err_and(|failure| failure.flow == gst::FlowError::Eos) {
                inner.outcome = Ok(());
            }
        });
    }

    /// How the last item fared.
    pub(in crate::flow) fn outcome(&self) -> Result<(), Failure> {
        self.lock().outcome
    }

    /// True when upstream has sent everything, so that nobody will ask for the last result.
    pub(in crate::flow) fn holds_eos(&self) -> bool {
        let is_eos = |item: &Item| matches!(item, Item::Event(event) if event.type_() == gst::EventType::Eos);
        self.lock().items.iter().any(is_eos)
    }

    pub(in crate::flow) fn waiting_frames(&self) -> usize {
        self.lock().waiting_frames
    }
}

/// Opening, flushing and closing.
impl Junction {
    /// Lets the stream flow: the pads are switched on, or a flush is over.
    pub(in crate::flow) fn open(&self) {
        self.change(|inner| {
            inner.gate = Gate::Open;
            inner.outcome = Ok(());
        });
    }

    /// Wakes all who wait and abandons the pass in progress; the task rests.
    pub(in crate::flow) fn flush(&self) {
        self.interrupt(Gate::Flushing);
    }

    /// As [`Junction::flush`], and the task ends.
    pub(in crate::flow) fn close(&self) {
        self.interrupt(Gate::Closed);
    }

    fn interrupt(&self, gate: Gate) {
        self.change(|inner| {
            inner.gate = gate;
            inner.take_ticket.0 += 1;
            inner.pass_ticket.0 += 1;
            inner.is_answered = false;
            inner.newest = None;
        });
    }

    /// Empties the queue.
    pub(in crate::flow) fn clear(&self) -> Vec<Item> {
        self.change(|inner| {
            inner.waiting_frames = 0;
            inner.items.drain(..).collect()
        })
    }
}

#[cfg(test)]
mod tests;
