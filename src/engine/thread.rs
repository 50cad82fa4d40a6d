//! The engine's thread: work comes in one piece after the other, each is answered exactly once.

use std::sync::Arc;

use super::queue::{Ranked, Receiver, Refused, Sender};
use super::track_session::Token;
use super::{MAX_WAITING_JOBS, Model, SegmentRequest, Segmentation, exit, guard};
use crate::error::{Error, Result};
use crate::frame::FrameSource;
use crate::session::{SavedSession, TrackRequest, Tracking};

/// A model and the sessions that run on it.
pub(super) trait Served: Send {
    fn model(&self) -> &dyn Model;
    fn segment(&mut self, source: Box<dyn FrameSource>, request: &SegmentRequest) -> Result<Segmentation>;
    fn track(&mut self, token: &Arc<Token>, source: Box<dyn FrameSource>, request: &TrackRequest) -> Result<Tracking>;
    fn save(&self, token: &Token) -> Result<SavedSession>;
    /// Frees sessions whose handles are gone.
    fn sweep(&mut self);
}

/// One piece of work.
pub(super) enum Work {
    Segment { source: Box<dyn FrameSource>, request: Arc<SegmentRequest>, answer: Answer<Segmentation> },
    Track { token: Arc<Token>, source: Box<dyn FrameSource>, request: Arc<TrackRequest>, answer: Answer<Tracking> },
    Save { token: Arc<Token>, answer: Answer<SavedSession> },
    Sweep,
}

impl Ranked for Work {
    fn priority(&self) -> i32 {
        match self {
            Self::Segment { request, .. } => request.priority,
            Self::Track { request, .. } => request.segment.priority,
            Self::Save { .. } | Self::Sweep => 0,
        }
    }

    fn stream(&self) -> Option<u64> {
        match self {
            Self::Track { token, .. } | Self::Save { token, .. } => Some(token.number()),
            Self::Segment { .. } | Self::Sweep => None,
        }
    }
}

type Callback<T> = Box<dyn FnOnce(Result<T>) + Send>;

/// Calls back exactly once; with [`Error::Closed`] when dropped unanswered.
pub(super) struct Answer<T>(Option<Callback<T>>);

impl<T> Answer<T> {
    pub(super) fn new(callback: impl FnOnce(Result<T>) + Send + 'static) -> Self {
        Self(Some(Box::new(callback)))
    }

    pub(super) fn give(mut self, result: Result<T>) {
        if let Some(callback) = self.0.take() {
            callback(result);
        }
    }
}

impl<T> Drop for Answer<T> {
    fn drop(&mut self) {
        if let Some(callback) = self.0.take() {
            callback(Err(Error::Closed));
        }
    }
}

/// Never waits: work that finds no place is answered with an error.
pub(super) fn hand_over(jobs: &Sender<Work>, work: Work) {
    let (work, error) = match jobs.send(work) {
        Ok(()) => return,
        Err(Refused::Closed(work)) => (work, Error::Closed),
        Err(Refused::Full(work)) => {
            let cause = format!(
                "{MAX_WAITING_JOBS} frames already wait for this engine; use fewer streams or a second process"
            );
            (work, Error::Frame(cause))
        }
    };
    match work {
        Work::Segment { answer, .. } => answer.give(Err(error)),
        Work::Track { answer, .. } => answer.give(Err(error)),
        Work::Save { answer, .. } => answer.give(Err(error)),
        Work::Sweep => {}
    }
}

/// Serves until every handle is gone.
pub(super) fn serve(mut served: Box<dyn Served>, waiting: &Receiver<Work>) {
    const STAGE: &str = "a forward pass";
    while let Some(work) = waiting.next() {
        let _busy = exit::Busy::begin();
        served.sweep();
        match work {
            Work::Segment { source, request, answer } => {
                answer.give(guard::guarded(STAGE, || served.segment(source, &request)));
            }
            Work::Track { token, source, request, answer } => {
                answer.give(guard::guarded(STAGE, || served.track(&token, source, &request)));
            }
            Work::Save { token, answer } => answer.give(served.save(&token)),
            Work::Sweep => {}
        }
    }
    let _busy = exit::Busy::begin();
    drop(served);
}
