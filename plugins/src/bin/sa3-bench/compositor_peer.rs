//! GStreamer's own way to draw on video: `compositor` blends a layer that was painted beforehand.
//!
//! It is given every advantage: one layer for all frames, which nobody has to paint, and no lines or letters on it.
//! Measured is what it takes to bring a frame to the format in which it blends, to blend, and to bring it back.

use gst_video::{VideoFormat, VideoInfo};

use crate::discs::{Disc, Size};
use crate::fed_pipeline::{self, NextFrame};

/// A420 is what the compositor chooses of its own for these two, and it gives no format without alpha.
const BLEND: &str = "compositor name=blend background=black max-threads=THREADS sink_1::zorder=2 ! \
                     videoconvert n-threads=THREADS ! video/x-raw,format=NV12 ! \
                     fakesink name=sink sync=false enable-last-sample=false";
/// Y, Cb, Cr of the layer.
const COLOUR: [u8; 3] = [120, 90, 170];
const OPACITY: f32 = 0.5;
const GREY: u8 = 128;

/// On how many it may work.
#[derive(Debug, Clone, Copy)]
pub enum Threads {
    One,
    AsItLikes,
}

/// One run of the pipeline, frames a second.
pub fn measure(size: Size, threads: Threads) -> Result<f64, String> {
    let (frame, layer) = (fed_pipeline::source("frame", "NV12", size), fed_pipeline::source("layer", "A420", size));
    let count = match threads {
        Threads::One => "1",
        Threads::AsItLikes => "0",
    };
    let line = format!("{frame} ! blend.sink_0 {layer} ! blend.sink_1 {}", BLEND.replace("THREADS", count));
    fed_pipeline::frames_per_second(&line, vec![("frame", again(grey(size)?)), ("layer", again(layer_of_discs(size)?))])
}

/// The same memory in each frame.
fn again(bytes: Vec<u8>) -> NextFrame {
    let buffer = gst::Buffer::from_slice(bytes);
    Box::new(move |_| Some(buffer.copy()))
}

fn grey((width, height): Size) -> Result<Vec<u8>, String> {
    let info = VideoInfo::builder(VideoFormat::Nv12, width, height).build().map_err(|error| error.to_string())?;
    Ok(vec![GREY; info.size()])
}

/// Eight discs, half transparent, and nothing around them.
fn layer_of_discs((width, height): Size) -> Result<Vec<u8>, String> {
    let info = VideoInfo::builder(VideoFormat::A420, width, height).build().map_err(|error| error.to_string())?;
    let offsets = info.offset();
    let mut bytes = vec![0; info.size()];
    for (plane, colour) in COLOUR.into_iter().enumerate() {
        bytes[offsets[plane]..offsets[plane + 1]].fill(colour);
    }
    let discs = Disc::lattice(8, 0);
    let stride = usize::try_from(info.stride()[3]).map_err(|_| "rows go backwards")?;
    for (y, row) in bytes[offsets[3]..].chunks_mut(stride).enumerate().take(height as usize) {
        for (x, alpha) in row.iter_mut().enumerate().take(width as usize) {
            let (x, y) = ((x as f32 + 0.5) / width as f32, (y as f32 + 0.5) / height as f32);
            let part: f32 = discs.iter().map(|disc| disc.part_at(x, y, width as f32)).sum();
            *alpha = (255.0 * OPACITY * part.min(1.0)).round() as u8;
        }
    }
    Ok(bytes)
}
