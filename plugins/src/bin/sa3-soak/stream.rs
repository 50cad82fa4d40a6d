//! The pipeline, and what is seen of it.

use std::collections::HashSet;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use gst::prelude::*;
use gstsa3::meta::MaskMeta;

use crate::sample::{FRAMES_PER_SAMPLE, Kept, Sample, cpu_ms, resident_kib};
use crate::visitors::Visitors;

/// From the checkout's top.
const CLIP: &str = "examples/media/clip/clip.mp4";
/// What is in the clip.
const CLIP_PHRASES: [&str; 6] = ["red circle", "blue square", "green triangle", "yellow star", "dog", "red car"];
/// The artificial model takes any.
const DISC_PHRASES: [&str; 3] = ["one", "two", "three"];

/// What came of it.
#[derive(Default)]
pub struct Outcome {
    pub samples: Vec<Sample>,
    pub frames: u64,
    /// Objects that appeared.
    pub appeared: u64,
    pub highest_id: u64,
    /// Ids that appeared a second time.
    pub repeated_ids: u64,
    pub warnings: u64,
    pub first_warning: Option<String>,
}

/// What the streaming side notes down.
struct Watched {
    outcome: Outcome,
    known_ids: HashSet<u64>,
    sampled_at: Instant,
    cpu_ms_then: f64,
    failure: Option<String>,
}

type Shared = Arc<Mutex<Watched>>;

fn lock(shared: &Shared) -> MutexGuard<'_, Watched> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Plays `frames` frames; `on_sample` sees each sample as it is taken.
pub fn play(model: &str, frames: u64, on_sample: &'static (impl Fn(&Sample) + Send + Sync)) -> Result<Outcome, String> {
    gst::init().map_err(|error| format!("GStreamer does not start: {error}"))?;
    gstsa3::plugin_register_static().map_err(|error| format!("the elements cannot be registered: {error}"))?;
    let is_artificial = model == "test" || model.starts_with("test:");
    let phrases: &[&str] = if is_artificial { &DISC_PHRASES } else { &CLIP_PHRASES };
    let visitors = Visitors::new(phrases.iter().map(|phrase| (*phrase).to_owned()).collect(), is_artificial);
    let (pipeline, element) = build(model, is_artificial, &visitors)?;
    let watched = Watched {
        outcome: Outcome::default(),
        known_ids: HashSet::new(),
        sampled_at: Instant::now(),
        cpu_ms_then: cpu_ms()?,
        failure: None,
    };
    let shared: Shared = Arc::new(Mutex::new(watched));
    note_objects(&element, &shared);
    watch(&element, visitors, frames, &shared, on_sample)?;
    let ended = run(&pipeline, &shared, frames);
    // The run is over; what stopping says changes nothing.
    let _ = pipeline.set_state(gst::State::Null);
    ended?;
    let mut watched = lock(&shared);
    watched.failure.take().map_or_else(|| Ok(std::mem::take(&mut watched.outcome)), Err)
}

fn build(model: &str, is_artificial: bool, visitors: &Visitors) -> Result<(gst::Element, gst::Element), String> {
    // Discs are away for about three seconds: longer than max-lost, so that they return as new objects.
    let source = if is_artificial {
        "videotestsrc pattern=black ! video/x-raw,width=160,height=90,framerate=25/1".to_owned()
    } else {
        "filesrc name=input ! decodebin ! videoconvert".to_owned()
    };
    let text = format!("{source} ! sa3track name=track max-lost=1000000000 ! maskcomposite ! fakesink sync=false");
    let pipeline = gst::parse::launch(&text).map_err(|error| {
        format!("the pipeline cannot be built: {error}. `cargo xtask doctor` names what is missing")
    })?;
    let named = |name| pipeline.downcast_ref::<gst::Bin>().and_then(|bin| bin.by_name(name));
    if let Some(input) = named("input") {
        let checkout = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."));
        input.set_property("location", checkout.join(CLIP).to_string_lossy().as_ref());
    }
    let element = named("track").ok_or("the pipeline lost its sa3track")?;
    element.set_property("model", model);
    element.set_property("prompt", visitors.prompt(0));
    Ok((pipeline, element))
}

fn note_objects(element: &gst::Element, shared: &Shared) {
    let shared = shared.clone();
    element.connect("object-appeared", false, move |values| {
        let id = values[1].get::<u64>().unwrap_or_default();
        let mut watched = lock(&shared);
        watched.outcome.appeared += 1;
        watched.outcome.highest_id = watched.outcome.highest_id.max(id);
        if !watched.known_ids.insert(id) {
            watched.outcome.repeated_ids += 1;
        }
        None
    });
}

/// Counts frames, takes samples, lets the visitors in, and ends the stream after the last frame.
fn watch(
    element: &gst::Element,
    visitors: Visitors,
    frames: u64,
    shared: &Shared,
    on_sample: &'static (impl Fn(&Sample) + Send + Sync),
) -> Result<(), String> {
    let (shared, element_seen) = (shared.clone(), element.downgrade());
    let pad = element.static_pad("src").ok_or("sa3track lost its pad")?;
    pad.add_probe(gst::PadProbeType::BUFFER, move |pad, info| {
        let Some(element) = element_seen.upgrade() else { return gst::PadProbeReturn::Ok };
        let objects = info.buffer().and_then(|buffer| MaskMeta::read(buffer));
        let objects = objects.map_or(0, |attached| attached.objects.items.len());
        let (frame, newest) = {
            let mut watched = lock(&shared);
            if watched.outcome.frames >= frames {
                return gst::PadProbeReturn::Drop;
            }
            watched.outcome.frames += 1;
            (watched.outcome.frames, watched.outcome.highest_id)
        };
        visitors.visit(&element, frame, newest);
        if frame.is_multiple_of(FRAMES_PER_SAMPLE) {
            take_sample(&element, frame, objects as u64, &shared, on_sample);
        }
        if frame == frames
            && let Some(peer) = pad.peer()
        {
            peer.send_event(gst::event::Eos::new());
        }
        gst::PadProbeReturn::Ok
    });
    Ok(())
}

fn take_sample(
    element: &gst::Element,
    frame: u64,
    objects: u64,
    shared: &Shared,
    on_sample: &(impl Fn(&Sample) + Send + Sync),
) {
    let kept = Kept::of(&element.property::<gst::Structure>("stats"));
    let measured = resident_kib().and_then(|resident| Ok((resident, cpu_ms()?)));
    let mut watched = lock(shared);
    match measured {
        Ok((resident_kib, cpu_ms)) => {
            let ms_per_frame = watched.sampled_at.elapsed().as_secs_f64() * 1000.0 / FRAMES_PER_SAMPLE as f64;
            let cpu_ms_per_frame = (cpu_ms - watched.cpu_ms_then) / FRAMES_PER_SAMPLE as f64;
            (watched.sampled_at, watched.cpu_ms_then) = (Instant::now(), cpu_ms);
            let sample = Sample { frame, resident_kib, ms_per_frame, cpu_ms_per_frame, objects, kept };
            watched.outcome.samples.push(sample);
            on_sample(&sample);
        }
        Err(cause) => watched.failure = Some(cause),
    }
}

/// Reads the bus until the last frame; a file that ends before begins again.
fn run(pipeline: &gst::Element, shared: &Shared, frames: u64) -> Result<(), String> {
    let bus = pipeline.bus().ok_or("a pipeline has a bus")?;
    pipeline.set_state(gst::State::Playing).map_err(|_| "the pipeline does not start".to_owned())?;
    for message in bus.iter_timed(gst::ClockTime::NONE) {
        match message.view() {
            gst::MessageView::Eos(_) if lock(shared).outcome.frames >= frames => return Ok(()),
            gst::MessageView::Eos(_) => pipeline
                .seek_simple(gst::SeekFlags::FLUSH | gst::SeekFlags::KEY_UNIT, gst::ClockTime::ZERO)
                .map_err(|_| "the clip cannot be played again".to_owned())?,
            gst::MessageView::Error(error) => {
                let origin = error.src().map_or_else(|| "the pipeline".into(), |source| source.name().to_string());
                return Err(format!("{origin}: {}", error.error()));
            }
            gst::MessageView::Warning(warning) => {
                let mut watched = lock(shared);
                watched.outcome.warnings += 1;
                watched.outcome.first_warning.get_or_insert_with(|| warning.error().to_string());
            }
            _ => {}
        }
    }
    Ok(())
}
