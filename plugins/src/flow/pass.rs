//! One forward pass: the frame goes to the engine's thread, the answer comes back through the junction.

use std::sync::{Arc, LazyLock, Mutex};
use std::time::Instant;

use gst::prelude::*;
use gst_video::VideoInfo;
use sa3::Error;
use sa3::engine::StageTimes;
use sa3::frame::{Frame, FrameSource, Wanted};

use super::Flow;
use super::junction::{Junction, PassTicket};
use super::stats::in_words;
use crate::frame::MappedFrame;
use crate::lock::locked;

static TIMES: LazyLock<gst::DebugCategory> = LazyLock::new(|| {
    gst::DebugCategory::new(
        "sa3times",
        gst::DebugColorFlags::empty(),
        Some("Where the time of each look at a frame went"),
    )
});

/// Where an answer lies until the task takes it.
type Slot<T> = Arc<Mutex<Option<sa3::Result<T>>>>;

/// Brings an answer; callable from any thread.
pub(crate) struct OnAnswer<T> {
    slot: Slot<T>,
    junction: Arc<Junction>,
    ticket: PassTicket,
}

impl<T> OnAnswer<T> {
    pub(crate) fn give(self, answer: sa3::Result<T>) {
        *locked(&self.slot) = Some(answer);
        self.junction.answer(self.ticket);
    }
}

impl Flow {
    /// Hands a frame to the engine by `submit` and waits for the answer, no longer than the stream flows.
    ///
    /// # Errors
    /// [`gst::FlowError::Flushing`] when the wait was cut short; the engine's own errors are inside.
    pub(crate) fn ask<T>(
        &self,
        (buffer, info): (&gst::Buffer, &VideoInfo),
        submit: impl FnOnce(Box<dyn FrameSource>, OnAnswer<T>),
        times: impl FnOnce(&T) -> StageTimes,
    ) -> Result<sa3::Result<T>, gst::FlowError> {
        let frame = match MappedFrame::new(buffer.clone(), info) {
            Ok(frame) => frame,
            Err(error) => return Ok(Err(error)),
        };
        let ticket = self.junction.pass_begins();
        let began = Instant::now();
        let slot = Slot::default();
        let on_answer = OnAnswer { slot: slot.clone(), junction: self.junction.clone(), ticket };
        submit(Box::new(WantedFrame { frame, junction: self.junction.clone(), ticket }), on_answer);
        self.junction.wait_for_answer()?;
        let answer = locked(&slot).take().unwrap_or(Err(Error::Closed));
        if let Ok(answer) = &answer {
            let (taken, times) = (began.elapsed(), times(answer));
            gst::debug!(TIMES, obj = self.src_pad, "frame at {}: {}", buffer.pts().display(), in_words(taken, &times));
            self.stats().note_pass(taken, &times);
        }
        Ok(answer)
    }
}

/// A frame that spares the engine the pass, or what is left of it, when the stream was flushed.
struct WantedFrame {
    frame: MappedFrame,
    junction: Arc<Junction>,
    ticket: PassTicket,
}

impl FrameSource for WantedFrame {
    fn frame(&self) -> sa3::Result<Frame<'_>> {
        if !self.junction.is_wanted(self.ticket) {
            return Err(Error::Closed);
        }
        self.frame.frame()
    }

    fn wanted(&self) -> Option<Wanted> {
        let (junction, ticket) = (self.junction.clone(), self.ticket);
        Some(Box::new(move || junction.is_wanted(ticket)))
    }
}
