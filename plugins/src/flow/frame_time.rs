//! Where a frame stands in time: how long it plays, and when.

use gst::prelude::*;
use gst_video::VideoInfo;

/// The play time of a frame; zero while the frame rate is unknown.
pub(super) fn frame_duration(src_pad: &gst::Pad) -> gst::ClockTime {
    let info = src_pad.current_caps().and_then(|caps| VideoInfo::from_caps(&caps).ok());
    let fps = info.map(|info| info.fps()).filter(|fps| fps.numer() > 0);
    fps.and_then(|fps| gst::ClockTime::SECOND.mul_div_floor(fps.denom() as u64, fps.numer() as u64))
        .unwrap_or(gst::ClockTime::ZERO)
}

/// Time since the pipeline began to play at which the frame is due, before latency; `None` where there is no time.
pub(crate) fn running_time(pad: &gst::Pad, pts: Option<gst::ClockTime>) -> Option<gst::ClockTime> {
    segment_of(pad)?.to_running_time(pts)
}

/// The frame's place in the media; `None` where there is no time.
pub(crate) fn stream_time(pad: &gst::Pad, pts: Option<gst::ClockTime>) -> Option<gst::ClockTime> {
    segment_of(pad)?.to_stream_time(pts)
}

fn segment_of(pad: &gst::Pad) -> Option<gst::FormattedSegment<gst::ClockTime>> {
    let event = pad.sticky_event::<gst::event::Segment>(0)?;
    event.segment().downcast_ref().cloned()
}
