//! A mask that a program gives as a GstSample, for the action signals that take one.

use glib::Value;
use gst_video::VideoFrameExt;
use sa3::{Error, Mask};

/// The mask of a signal's sample: one frame of GRAY8, 128 and more inside.
///
/// # Errors
/// [`Error::Setting`] that says what is wrong with the sample.
pub(crate) fn mask_of_sample(value: &Value) -> sa3::Result<Mask> {
    let sample = value.get::<Option<gst::Sample>>().ok().flatten().ok_or_else(|| refused("there is none"))?;
    let caps = sample.caps().ok_or_else(|| refused("it has no caps"))?;
    let info = gst_video::VideoInfo::from_caps(caps).map_err(|_| refused("its caps are no video"))?;
    if info.format() != gst_video::VideoFormat::Gray8 {
        return Err(refused("its format is not GRAY8"));
    }
    let buffer = sample.buffer_owned().ok_or_else(|| refused("it has no buffer"))?;
    let frame = gst_video::VideoFrame::from_buffer_readable(buffer, &info).map_err(|_| refused("it cannot be read"))?;
    let (width, stride) = (info.width() as usize, frame.plane_stride()[0] as usize);
    let plane = frame.plane_data(0).map_err(|_| refused("it cannot be read"))?;
    let rows = plane.chunks(stride).take(info.height() as usize);
    let values: Vec<u8> = rows.flat_map(|row| &row[..width.min(row.len())]).copied().collect();
    Mask::new(info.width(), info.height(), values).ok_or_else(|| refused("it is cut short"))
}

fn refused(cause: &str) -> Error {
    Error::Setting {
        property: "give-mask",
        value: "a sample".into(),
        cause: cause.into(),
        remedy: "Give a GstSample of one frame, video/x-raw,format=GRAY8; 128 and more is inside".into(),
    }
}
