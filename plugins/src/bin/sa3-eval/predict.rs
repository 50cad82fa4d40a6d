//! What the elements make of the clip: masks with ids for each frame.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use gst::prelude::*;
use gstsa3::meta::MaskMeta;
use sa3::Objects;
use sa3::evaluate::ground_truth::{CategorisedTrack, Dataset, Sequence};
use sa3::evaluate::{Rle, Track, enlarge};

use crate::clip::Clip;
use crate::greedy::{Found, Greedy};

/// How objects get their ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Way {
    /// sa3segment finds them frame by frame; ids go on where masks of neighbouring frames overlap
    GreedyIou,
}

impl Way {
    /// In words.
    pub fn described(self) -> &'static str {
        match self {
            Self::GreedyIou => "greedy IoU between frames of sa3segment (the baseline)",
        }
    }
}

/// Masks of one frame, each with the id of its track.
type Identified = Vec<(u64, Found)>;

/// Plays the clip and returns what was found as tracks.
pub fn predict(way: Way, clip: &Clip, model: &str) -> Result<Dataset, String> {
    let frames = match way {
        Way::GreedyIou => {
            let mut greedy = Greedy::default();
            let identified = |(number, found): (usize, Vec<Found>)| -> Identified {
                greedy.ids(number, &found).into_iter().zip(found).collect()
            };
            segment(clip, model)?.into_iter().enumerate().map(identified).collect::<Vec<_>>()
        }
    };
    if frames.len() != clip.frames() {
        let counts = (clip.video(), frames.len(), clip.frames());
        return Err(format!(
            "{}: {} frames were decoded, and the truth has {}",
            counts.0.display(),
            counts.1,
            counts.2
        ));
    }
    Ok(as_tracks(clip, frames))
}

fn as_tracks(clip: &Clip, frames: Vec<Identified>) -> Dataset {
    let mut tracks: BTreeMap<(u64, u64), Vec<Option<Rle>>> = BTreeMap::new();
    for (number, found) in frames.into_iter().enumerate() {
        for (id, found) in found.into_iter().filter(|(_, found)| found.mask.area() > 0) {
            let masks = tracks.entry((id, found.category)).or_insert_with(|| vec![None; clip.frames()]);
            masks[number] = Some(found.mask);
        }
    }
    let track = |((id, category), masks)| CategorisedTrack { category: Some(category), track: Track { id, masks } };
    let truth = &clip.truth.sequences[0];
    let sequence = Sequence { tracks: tracks.into_iter().map(track).collect(), ..truth.clone() };
    Dataset { sequences: vec![sequence], categories: clip.truth.categories.clone() }
}

/// What sa3segment finds on each frame.
fn segment(clip: &Clip, model: &str) -> Result<Vec<Vec<Found>>, String> {
    gst::init().map_err(|error| format!("GStreamer does not start: {error}"))?;
    gstsa3::plugin_register_static().map_err(|error| format!("the elements cannot be registered: {error}"))?;
    let text = "filesrc name=input ! decodebin ! videoconvert ! sa3segment name=segment ! fakesink sync=false";
    let pipeline = gst::parse::launch(text).map_err(|error| {
        format!("the pipeline cannot be built: {error}. `cargo xtask doctor` names what is missing")
    })?;
    let named = |name| pipeline.downcast_ref::<gst::Bin>().and_then(|bin| bin.by_name(name));
    let (Some(input), Some(segment)) = (named("input"), named("segment")) else {
        return Err("the pipeline lost its elements".into());
    };
    input.set_property("location", clip.video().to_string_lossy().as_ref());
    segment.set_property("model", model);
    segment.set_property("prompt", clip.prompt());
    let frames = watch(&segment, clip)?;
    play(&pipeline)?;
    let frames = std::mem::take(&mut *frames.lock().unwrap_or_else(PoisonError::into_inner));
    Ok(frames)
}

type Frames = Arc<Mutex<Vec<Vec<Found>>>>;

/// Collects the frames that are judged, and ends the stream after the last.
fn watch(segment: &gst::Element, clip: &Clip) -> Result<Frames, String> {
    let frames = Frames::default();
    let (kept, count) = (frames.clone(), clip.frames());
    let size = clip.truth.sequences[0].size.unwrap_or_default();
    let pad = segment.static_pad("src").ok_or("sa3segment lost its pad")?;
    pad.add_probe(gst::PadProbeType::BUFFER, move |pad, info| {
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        let objects = info.buffer().and_then(|buffer| MaskMeta::read(buffer)).map(|attached| attached.objects);
        if kept.len() < count {
            kept.push(found(&objects.unwrap_or_default(), size));
        } else if let Some(peer) = pad.peer() {
            drop(kept);
            peer.send_event(gst::event::Eos::new());
            return gst::PadProbeReturn::Drop;
        }
        gst::PadProbeReturn::Ok
    });
    Ok(frames)
}

fn found(objects: &Objects, (width, height): (u32, u32)) -> Vec<Found> {
    let one = |object: &sa3::Object| {
        let inside = enlarge(&object.mask, width, height, objects.inside_level);
        Found { category: u64::from(object.prompt_index) + 1, mask: Rle::from_pixels(width, height, &inside) }
    };
    objects.items.iter().map(one).collect()
}

fn play(pipeline: &gst::Element) -> Result<(), String> {
    let bus = pipeline.bus().ok_or("a pipeline has a bus")?;
    let started = pipeline.set_state(gst::State::Playing);
    let message = bus.timed_pop_filtered(gst::ClockTime::NONE, &[gst::MessageType::Eos, gst::MessageType::Error]);
    // After the last frame nothing is lost when stopping fails.
    let _ = pipeline.set_state(gst::State::Null);
    match message.as_ref().map(|message| message.view()) {
        Some(gst::MessageView::Eos(_)) if started.is_ok() => Ok(()),
        Some(gst::MessageView::Error(error)) => {
            let origin = error.src().map_or_else(|| "the pipeline".into(), |source| source.name().to_string());
            Err(format!("{origin}: {}", error.error()))
        }
        _ => Err("the pipeline does not start".into()),
    }
}
