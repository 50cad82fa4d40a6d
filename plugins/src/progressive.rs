//! Interlaced video is refused: each of its frames holds two moments, and a mask has one.

use std::sync::atomic::{AtomicBool, Ordering};

use gst::prelude::*;
use gst_video::{VideoInfo, VideoInterlaceMode};

/// Refuses once, as upstream offers refused caps again with each frame.
#[derive(Debug, Default)]
pub(crate) struct ProgressiveOnly {
    has_refused: AtomicBool,
}

impl ProgressiveOnly {
    /// False, and an ERROR the first time, for interlaced video.
    pub(crate) fn takes(&self, element: &impl IsA<gst::Element>, info: &VideoInfo) -> bool {
        let is_progressive = info.interlace_mode() == VideoInterlaceMode::Progressive;
        let was_refused = self.has_refused.swap(!is_progressive, Ordering::Relaxed);
        if !is_progressive && !was_refused {
            gst::element_error!(
                element,
                gst::StreamError::Format,
                (
                    "Interlaced video (interlace-mode={}) is refused, as each frame holds two moments; put deinterlace \
                     before this element",
                    info.interlace_mode().to_str()
                ),
                ["{info:?}"]
            );
        }
        is_progressive
    }

    /// Another stream may be told again.
    pub(crate) fn forget(&self) {
        self.has_refused.store(false, Ordering::Relaxed);
    }
}
