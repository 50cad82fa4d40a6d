//! The engine's thread: work comes in, frames of several streams together where they may, each is answered exactly once.

use std::sync::Arc;

use super::queue::{Batching, Ranked, Receiver, Refused, Sender};
use super::track_session::Token;
use super::{MAX_WAITING_JOBS, Model, SegmentRequest, Segmentation, exit};
use crate::error::{Error, Result};
use crate::frame::FrameSource;
use crate::session::{SavedSession, TrackRequest, Tracking};

/// A model and the sessions that run on it.
pub(super) trait Served: Send {
    fn model(&self) -> &dyn Model;
    /// Answers each; they are of different streams and share the size of the model's input.
    fn look(&mut self, looks: Vec<Look>);
    fn save(&self, token: &Token) -> Result<SavedSession>;
    /// Frees sessions whose handles are gone.
    fn sweep(&mut self);
}

/// One piece of work.
pub(super) enum Work {
    Look(Look),
    Save { token: Arc<Token>, answer: Answer<SavedSession> },
    Sweep,
}

/// A frame, and what is asked about it.
pub(super) struct Look {
    pub(super) source: Box<dyn FrameSource>,
    pub(super) asked: Asked,
    pub(super) batching: Batching,
}

pub(super) enum Asked {
    Segment { request: Arc<SegmentRequest>, answer: Answer<Segmentation> },
    Track { token: Arc<Token>, request: Arc<TrackRequest>, answer: Answer<Tracking> },
}

impl Asked {
    pub(super) fn request(&self) -> &SegmentRequest {
        match self {
            Self::Segment { request, .. } => request,
            Self::Track { request, .. } => &request.segment,
        }
    }

    pub(super) fn refuse(self, error: Error) {
        match self {
            Self::Segment { answer, .. } => answer.give(Err(error)),
            Self::Track { answer, .. } => answer.give(Err(error)),
        }
    }
}

impl Ranked for Work {
    fn priority(&self) -> i32 {
        match self {
            Self::Look(look) => look.asked.request().priority,
            Self::Save { .. } | Self::Sweep => 0,
        }
    }

    fn stream(&self) -> Option<u64> {
        match self {
            Self::Look(Look { asked: Asked::Track { token, .. }, .. }) | Self::Save { token, .. } => {
                Some(token.number())
            }
            Self::Look(Look { asked: Asked::Segment { .. }, .. }) | Self::Sweep => None,
        }
    }

    fn goes_with(&self, other: &Self) -> bool {
        let (Self::Look(look), Self::Look(other_look)) = (self, other) else {
            return false;
        };
        let size = |look: &Look| look.asked.request().inference_size;
        other_look.batching.size > 1 && self.priority() == other.priority() && size(look) == size(other_look)
    }

    fn batching(&self) -> Batching {
        match self {
            Self::Look(look) => look.batching,
            Self::Save { .. } | Self::Sweep => Batching::ALONE,
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
        Work::Look(look) => look.asked.refuse(error),
        Work::Save { answer, .. } => answer.give(Err(error)),
        Work::Sweep => {}
    }
}

/// Serves until every handle is gone.
pub(super) fn serve(mut served: Box<dyn Served>, waiting: &Receiver<Work>) {
    while let Some(batch) = waiting.next() {
        let _busy = exit::Busy::begin();
        served.sweep();
        let mut looks = Vec::new();
        for work in batch {
            match work {
                Work::Look(look) => looks.push(look),
                Work::Save { token, answer } => answer.give(served.save(&token)),
                Work::Sweep => {}
            }
        }
        served.look(looks);
    }
    let _busy = exit::Busy::begin();
    drop(served);
}
