//! The handle of a session that lives on the engine's thread.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::EngineInfo;
use super::queue::Sender;
use super::thread::{Answer, Asked, Look, Work, hand_over};
use crate::error::Result;
use crate::frame::FrameSource;
use crate::session::{SavedSession, TrackRequest, Tracking};

/// Tells a session from the others of its process; the session goes when the last share of it is gone.
#[derive(Debug)]
pub(super) struct Token(u64);

impl Token {
    pub(super) fn number(&self) -> u64 {
        self.0
    }
}

/// A stream whose objects are followed. Frames are answered in the order they are submitted; several sessions may share
/// an engine. Dropping the handle never waits: the engine frees the session's memory when it has answered its frames.
pub struct TrackSession {
    info: EngineInfo,
    jobs: Sender<Work>,
    /// Always there until the handle is dropped.
    token: Option<Arc<Token>>,
}

impl TrackSession {
    pub(super) fn new(info: EngineInfo, jobs: Sender<Work>) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self { info, jobs, token: Some(Arc::new(Token(NEXT.fetch_add(1, Ordering::Relaxed)))) }
    }

    /// Hands a frame to the engine and returns at once. `on_answer` is called exactly once, usually on the engine's
    /// thread; it must not block. On an error the stream goes on with the next frame; the request's edits are used up.
    pub fn submit(
        &self,
        source: Box<dyn FrameSource>,
        request: Arc<TrackRequest>,
        on_answer: impl FnOnce(Result<Tracking>) + Send + 'static,
    ) {
        let answer = Answer::new(on_answer);
        match (self.info.check_inference_size(request.segment.inference_size), &self.token) {
            (Ok(()), Some(token)) => {
                let batching = self.info.batching(&request.segment);
                let asked = Asked::Track { token: token.clone(), request, answer };
                hand_over(&self.jobs, Work::Look(Look { source, asked, batching }));
            }
            (Err(error), _) => answer.give(Err(error)),
            (Ok(()), None) => {}
        }
    }

    /// Follows one frame and waits for it.
    ///
    /// # Errors
    /// Those of the model and of the request's settings.
    pub fn track(&self, source: impl FrameSource + 'static, request: Arc<TrackRequest>) -> Result<Tracking> {
        let (sender, receiver) = std::sync::mpsc::sync_channel(1);
        // The receiver outlives the call, so a failed send cannot lose an answer.
        self.submit(Box::new(source), request, move |result| drop(sender.send(result)));
        receiver.recv().unwrap_or(Err(crate::Error::Closed))
    }

    /// What can be saved of the session after the frames submitted so far; see [`SavedSession`] for what that is.
    pub fn save(&self, on_answer: impl FnOnce(Result<SavedSession>) + Send + 'static) {
        if let Some(token) = &self.token {
            hand_over(&self.jobs, Work::Save { token: token.clone(), answer: Answer::new(on_answer) });
        }
    }
}

impl Drop for TrackSession {
    fn drop(&mut self) {
        self.token = None;
        // An engine without work is told; one that has work sees for itself.
        hand_over(&self.jobs, Work::Sweep);
    }
}
