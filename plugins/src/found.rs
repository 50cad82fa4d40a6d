//! Objects on their way to a frame.

use std::sync::Arc;

use gst::BufferRef;
use sa3::Objects;

use crate::meta::MaskMeta;
use crate::{analytics, roi};

/// Objects, and the frame they were found on.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    pub(crate) objects: Arc<Objects>,
    pub(crate) source_pts: Option<gst::ClockTime>,
    pub(crate) age_in_frames: u32,
}

/// The metas that are written beside the mask meta.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Beside {
    pub(crate) regions: bool,
    pub(crate) analytics: bool,
}

/// Puts the objects on the frame, in place of those of an earlier element or look. Only the buffer's metadata is copied
/// where somebody shares it, never its pixels.
pub(crate) fn attach(buffer: &mut gst::Buffer, found: &Found, beside: Beside) {
    let buffer = buffer.make_mut();
    detach_beside(buffer);
    MaskMeta::attach(buffer, &found.objects, found.source_pts, found.age_in_frames);
    if beside.regions {
        roi::attach(buffer, &found.objects);
    }
    if beside.analytics {
        analytics::attach(buffer, &found.objects);
    }
}

/// Takes off what stands beside the mask meta that is on the frame.
fn detach_beside(buffer: &mut BufferRef) {
    if let Some(before) = MaskMeta::read(buffer) {
        roi::detach(buffer, &before.objects);
        analytics::detach(buffer, &before.objects);
    }
}
