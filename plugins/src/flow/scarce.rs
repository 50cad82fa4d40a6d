//! Frames of an upstream that has few: they are copied, so that it never waits for one that is held here.
//!
//! The allocation query asks upstream for enough frames. A camera with four buffers cannot give them, nor can a decoder
//! whose pool was made before.

use glib::translate::from_glib_none;
use gst::prelude::*;

/// Frames that upstream needs for itself: one to fill, and one on its way.
const UPSTREAMS_OWN: u32 = 2;

/// The frame, or a copy where its pool has not enough for `held_frames` and upstream's own.
pub(super) fn own_if_scarce(buffer: gst::Buffer, pad: &gst::Pad, held_frames: impl FnOnce() -> u32) -> gst::Buffer {
    let Some(most) = most_frames_of_pool(&buffer) else {
        return buffer;
    };
    let held = held_frames();
    if most >= held + UPSTREAMS_OWN {
        return buffer;
    }
    gst::debug!(gst::CAT_PERFORMANCE, obj = pad, "copying a frame: of {most} in its pool, {held} may be held here");
    // Without memory for a copy the frame itself still gets through, if slowly.
    buffer.copy_deep().unwrap_or(buffer)
}

/// How many frames there are in the pool that it came from; `None` when it came from none, or there is no limit.
fn most_frames_of_pool(buffer: &gst::BufferRef) -> Option<u32> {
    // SAFETY: the buffer is alive while it is borrowed and keeps a reference to its pool, which is taken once more here.
    let pool: Option<gst::BufferPool> = unsafe { from_glib_none((*buffer.as_ptr()).pool) };
    let (_, _, _, most) = pool?.config().params()?;
    Some(most).filter(|most| *most > 0)
}
