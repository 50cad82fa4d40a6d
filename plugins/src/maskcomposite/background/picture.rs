//! A picture file as a background: whatever GStreamer decodes here, its first frame.

use gst::prelude::*;
use gst_video::VideoInfo;

/// How long loading may take.
const MAX_LOAD: gst::ClockTime = gst::ClockTime::from_seconds(10);

/// Why there is no picture: a sentence with the file, the cause and the remedy.
#[derive(Debug)]
pub(in crate::maskcomposite) struct NoPicture(pub(crate) String);

/// Decodes the first frame of the file at `location`; waits until it is there.
pub(in crate::maskcomposite) fn load(location: &str) -> Result<(gst::Buffer, VideoInfo), NoPicture> {
    let refused = |cause: String| {
        NoPicture(format!(
            "background-location={location}: {cause}. Give the path of a picture that `gst-launch-1.0 filesrc \
             location=… ! decodebin ! videoconvert ! autovideosink` shows, or leave it empty for fill-color"
        ))
    };
    let description = "filesrc name=file ! decodebin ! videoconvert ! fakesink name=last sync=false";
    let bin = gst::parse::launch(description).map_err(|cause| refused(cause.to_string()))?;
    let pipeline = bin.downcast::<gst::Pipeline>().map_err(|_| refused("no pipeline could be made".into()))?;
    let loaded = first_frame(&pipeline, location);
    if let Err(cause) = pipeline.set_state(gst::State::Null) {
        return Err(refused(cause.to_string()));
    }
    loaded.map_err(refused)
}

fn first_frame(pipeline: &gst::Pipeline, location: &str) -> Result<(gst::Buffer, VideoInfo), String> {
    let (Some(file), Some(last)) = (pipeline.by_name("file"), pipeline.by_name("last")) else {
        return Err("no pipeline could be made".into());
    };
    file.set_property("location", location);
    let is_started = pipeline.set_state(gst::State::Paused).is_ok();
    let bus = pipeline.bus().ok_or("the pipeline has no bus")?;
    let ends = [gst::MessageType::AsyncDone, gst::MessageType::Error];
    let wait = if is_started { MAX_LOAD } else { gst::ClockTime::ZERO };
    match bus.timed_pop_filtered(wait, &ends).as_ref().map(|message| message.view()) {
        Some(gst::MessageView::AsyncDone(_)) => {}
        Some(gst::MessageView::Error(error)) => return Err(error.error().message().trim_end_matches('.').into()),
        _ => return Err(format!("no frame within {} s", MAX_LOAD.seconds())),
    }
    let sample = last.property::<Option<gst::Sample>>("last-sample").ok_or("it has no picture")?;
    let info = sample.caps().and_then(|caps| VideoInfo::from_caps(caps).ok()).ok_or("it is no picture")?;
    let buffer = sample.buffer_owned().ok_or("it has no picture")?;
    Ok((buffer, info))
}
