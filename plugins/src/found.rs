//! Objects on their way to a frame.

use std::sync::Arc;

use sa3::Objects;

use crate::meta::MaskMeta;
use crate::roi;

/// Objects, and the frame they were found on.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    pub(crate) objects: Arc<Objects>,
    pub(crate) source_pts: Option<gst::ClockTime>,
    pub(crate) age_in_frames: u32,
}

/// Puts the objects on the frame. Only the buffer's metadata is copied where somebody shares it, never its pixels.
pub(crate) fn attach(buffer: &mut gst::Buffer, found: &Found) {
    let buffer = buffer.make_mut();
    MaskMeta::attach(buffer, &found.objects, found.source_pts, found.age_in_frames);
    roi::attach(buffer, &found.objects);
}
