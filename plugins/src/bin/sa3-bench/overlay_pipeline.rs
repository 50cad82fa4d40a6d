//! The overlay as users run it: `maskcomposite` on frames that carry masks.

use gst::prelude::*;
use gst_video::VideoInfo;
use gstsa3::meta::MaskMeta;

use crate::discs::{Drift, Size};
use crate::fed_pipeline::{self, NextFrame};

const FORMAT: &str = "NV12";
const DRAW: &str = "maskcomposite ! fakesink name=sink sync=false enable-last-sample=false";
const BUFFERS: u32 = 4;
const GREY: u8 = 128;

/// Whose the frames are.
#[derive(Debug, Clone, Copy)]
pub enum Frames {
    /// Nobody else holds them, as those of most sources: they are drawn on.
    Owned,
    /// Somebody else holds them, as a `tee` or a decoder that looks back: they are copied first.
    Shared,
}

/// One run of the pipeline, frames a second. Putting the masks on each buffer is part of it.
pub fn measure(size: Size, frames: Frames) -> Result<f64, String> {
    let line = format!("{} ! {DRAW}", fed_pipeline::source("frame", FORMAT, size));
    let mut next = match frames {
        Frames::Owned => from_pool(size)?,
        Frames::Shared => held(size)?,
    };
    let drift = Drift::new(8, size);
    let with_masks = move |frame: usize| {
        let mut buffer = next(frame)?;
        MaskMeta::attach(buffer.make_mut(), drift.at(frame), None, 0);
        Some(buffer)
    };
    fed_pipeline::frames_per_second(&line, vec![("frame", Box::new(with_masks))])
}

fn info((width, height): Size) -> Result<VideoInfo, String> {
    VideoInfo::builder(gst_video::VideoFormat::Nv12, width, height).build().map_err(|error| error.to_string())
}

/// A few buffers that come back.
fn from_pool(size: Size) -> Result<NextFrame, String> {
    let info = info(size)?;
    let bytes = u32::try_from(info.size()).map_err(|_| "the frame is too large")?;
    let pool = gst::BufferPool::new();
    let mut config = pool.config();
    config.set_params(info.to_caps().ok().as_ref(), bytes, BUFFERS, BUFFERS);
    pool.set_config(config).map_err(|error| error.to_string())?;
    pool.set_active(true).map_err(|error| error.to_string())?;
    Ok(Box::new(move |_| pool.acquire_buffer(None).ok()))
}

fn held(size: Size) -> Result<NextFrame, String> {
    let buffer = gst::Buffer::from_slice(vec![GREY; info(size)?.size()]);
    Ok(Box::new(move |_| Some(buffer.copy())))
}
