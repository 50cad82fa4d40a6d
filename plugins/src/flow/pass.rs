//! One forward pass: the frame goes to the engine's thread, the answer comes back through the junction.

use std::sync::Arc;
use std::time::Instant;

use gst_video::VideoInfo;
use sa3::frame::{Frame, FrameSource};
use sa3::{Error, SegmentRequest, Segmentation, SharedEngine};

use super::Flow;
use super::junction::{Junction, PassTicket};
use crate::frame::MappedFrame;

impl Flow {
    /// Segments a frame and waits for it, no longer than the stream flows.
    ///
    /// # Errors
    /// [`gst::FlowError::Flushing`] when the wait was cut short; the engine's own errors are inside.
    pub(crate) fn segment(
        &self,
        engine: &SharedEngine,
        (buffer, info): (&gst::Buffer, &VideoInfo),
        request: Arc<SegmentRequest>,
    ) -> Result<sa3::Result<Segmentation>, gst::FlowError> {
        let frame = match MappedFrame::new(buffer.clone(), info) {
            Ok(frame) => frame,
            Err(error) => return Ok(Err(error)),
        };
        let ticket = self.junction.pass_begins();
        let began = Instant::now();
        let source = Box::new(WantedFrame { frame, junction: self.junction.clone(), ticket });
        let junction = self.junction.clone();
        engine.submit(source, request, move |answer| junction.answer(ticket, answer));
        let answer = self.junction.wait_for_answer()?;
        if let Ok(segmentation) = &answer {
            self.stats().note_pass(began.elapsed(), &segmentation.times);
        }
        Ok(answer)
    }
}

/// A frame that spares the engine the pass when the stream was flushed before its turn came.
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
}
