//! sa3segment on the raw frames.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use gst::prelude::*;
use gstsa3::meta::MaskMeta;
use sa3::Objects;
use sa3::evaluate::MeanIou;

use crate::clip::{LabelledPrompt, RawClip, wait_for_end};
use crate::{Measured, THRESHOLD};

/// What the probes saw; judged after the last frame, outside the time.
#[derive(Default)]
struct Seen {
    first_in: Option<Instant>,
    last_out: Option<Instant>,
    objects: Vec<Objects>,
}

pub fn measure(clip: &RawClip, prompts: &[LabelledPrompt], precision: &str) -> Result<Measured, String> {
    let phrases: Vec<&str> = prompts.iter().map(|prompt| &*prompt.phrase).collect();
    let pipeline = gst::parse::launch(&format!(
        "filesrc location=\"{}\" ! rawvideoparse format=rgb width={} height={} framerate=25/1 ! \
         sa3segment name=segment device=cpu precision={precision} threshold={THRESHOLD} mask-nms-iou=0 \
         mask-clip-to-box=0 prompt=\"{}\" ! fakesink sync=false",
        clip.raw.display(),
        clip.width,
        clip.height,
        phrases.join("; ")
    ))
    .map_err(|error| error.to_string())?;
    let segment = pipeline
        .downcast_ref::<gst::Bin>()
        .and_then(|bin| bin.by_name("segment"))
        .ok_or("the pipeline lost its sa3segment")?;
    let seen = watch(&segment);
    wait_for_end(&pipeline)?;
    let seen = std::mem::take(&mut *locked(&seen));
    let (Some(first), Some(last)) = (seen.first_in, seen.last_out) else {
        return Err("no frame came through sa3segment".into());
    };
    let mut mean_iou = MeanIou::new(&prompts.iter().map(|prompt| Some(prompt.label)).collect::<Vec<_>>());
    for (number, objects) in seen.objects.iter().enumerate() {
        mean_iou.add(&clip.truth(number)?, objects);
    }
    Ok(Measured {
        name: format!("sa3segment {precision}"),
        frames_per_second: seen.objects.len() as f64 / (last - first).as_secs_f64(),
        mean_iou: mean_iou.mean().unwrap_or(0.0),
    })
}

fn watch(segment: &gst::Element) -> Arc<Mutex<Seen>> {
    let seen = Arc::new(Mutex::new(Seen::default()));
    let (of_sink, of_src) = (seen.clone(), seen.clone());
    if let Some(pad) = segment.static_pad("sink") {
        pad.add_probe(gst::PadProbeType::BUFFER, move |_, _| {
            locked(&of_sink).first_in.get_or_insert_with(Instant::now);
            gst::PadProbeReturn::Ok
        });
    }
    if let Some(pad) = segment.static_pad("src") {
        pad.add_probe(gst::PadProbeType::BUFFER, move |_, info| {
            let mut seen = locked(&of_src);
            seen.last_out = Some(Instant::now());
            let attached = info.buffer().and_then(|buffer| MaskMeta::read(buffer));
            seen.objects.push(attached.map(|attached| attached.objects).unwrap_or_default());
            gst::PadProbeReturn::Ok
        });
    }
    seen
}

fn locked(seen: &Mutex<Seen>) -> MutexGuard<'_, Seen> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}
