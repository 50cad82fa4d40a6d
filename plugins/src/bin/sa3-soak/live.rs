//! A live stream that is three times too fast, prompts that change, and a branch that comes and goes.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use gst::prelude::*;

use crate::live_sample::{Outcome, Sample};
use crate::sample::resident_kib;

/// Of the source.
const FRAME_MS: f64 = 1000.0 / 30.0;
/// Between two prompts, and between a branch's coming and going.
const EDIT: Duration = Duration::from_secs(3);
const BRANCH: Duration = Duration::from_secs(10);
const SAMPLE: Duration = Duration::from_secs(1);
/// Until what was measured has been told for the first time, or again after a branch came or went.
const SETTLING: Duration = Duration::from_secs(3);

const SOURCE: &str = "videotestsrc name=source is-live=true pattern=ball ! \
                      video/x-raw,format=I420,width=320,height=180,framerate=30/1 ! tee name=tee";

/// What the streaming side notes down.
#[derive(Default)]
struct Watched {
    outcome: Outcome,
    last_pts: Option<gst::ClockTime>,
    longest_delay_ms: f64,
    told_ms: f64,
    settled_at: Option<Instant>,
}

type Shared = Arc<Mutex<Watched>>;

fn lock(shared: &Shared) -> MutexGuard<'_, Watched> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Plays for a time; with `is_still`, nothing is edited and nothing branches off.
pub fn play(model: &str, duration: Duration, is_still: bool) -> Result<Outcome, String> {
    gst::init().map_err(|error| format!("GStreamer does not start: {error}"))?;
    gstsa3::plugin_register_static().map_err(|error| format!("the elements cannot be registered: {error}"))?;
    let line =
        format!("{SOURCE} ! sa3track name=track model={model} until-loaded=drop ! queue ! fakesink name=out sync=true");
    let pipeline = gst::parse::launch(&line).map_err(|error| format!("the pipeline cannot be built: {error}"))?;
    let pipeline = pipeline.downcast::<gst::Pipeline>().map_err(|_| "the line makes no pipeline")?;
    let track = pipeline.by_name("track").ok_or("the pipeline lost its sa3track")?;
    track.set_property("prompt", "one; two");
    let shared = Shared::default();
    watch(&pipeline, &track, &shared)?;
    pipeline.set_state(gst::State::Playing).map_err(|_| "the pipeline does not start".to_owned())?;
    let mut stage = Stage { pipeline, track, model: model.to_owned(), shared, branch: None };
    let ended = stage.run(duration, is_still);
    // The run is over; what stopping says changes nothing.
    let _ = stage.pipeline.set_state(gst::State::Null);
    ended?;
    let outcome = lock(&stage.shared).outcome.clone();
    Ok(outcome)
}

/// Order and delay of what arrives at the sink.
fn watch(pipeline: &gst::Pipeline, track: &gst::Element, shared: &Shared) -> Result<(), String> {
    let out = pipeline.by_name("out").and_then(|out| out.static_pad("sink")).ok_or("the pipeline lost its sink")?;
    let (shared, track) = (shared.clone(), track.downgrade());
    out.add_probe(gst::PadProbeType::BUFFER, move |pad, info| {
        let (Some(buffer), Some(track)) = (info.buffer(), track.upgrade()) else { return gst::PadProbeReturn::Ok };
        let segment = pad.sticky_event::<gst::event::Segment>(0);
        let due =
            segment.and_then(|event| event.segment().downcast_ref::<gst::ClockTime>()?.to_running_time(buffer.pts()));
        let now = track.current_running_time();
        let delay_ms =
            now.zip(due).map_or(0.0, |(now, due)| now.nseconds().saturating_sub(due.nseconds()) as f64 / 1e6);
        let mut watched = lock(&shared);
        if watched.last_pts >= buffer.pts() {
            watched.outcome.disordered += 1;
        }
        watched.last_pts = buffer.pts();
        watched.longest_delay_ms = watched.longest_delay_ms.max(delay_ms);
        let is_settled = watched.settled_at.is_some_and(|settled_at| Instant::now() >= settled_at);
        if is_settled && delay_ms > watched.told_ms {
            watched.outcome.late += 1;
        }
        gst::PadProbeReturn::Ok
    });
    Ok(())
}

struct Stage {
    pipeline: gst::Pipeline,
    track: gst::Element,
    model: String,
    shared: Shared,
    branch: Option<Branch>,
}

/// What hangs on the tee beside the tracker.
struct Branch {
    tee_pad: gst::Pad,
    elements: Vec<gst::Element>,
}

impl Stage {
    fn run(&mut self, duration: Duration, is_still: bool) -> Result<(), String> {
        let began = Instant::now();
        let (mut sampled_at, mut edited_at, mut branched_at) = (began, began, began);
        lock(&self.shared).settled_at = Some(began + SETTLING);
        while began.elapsed() < duration {
            self.read_bus(gst::ClockTime::from_mseconds(20))?;
            self.note_told();
            if sampled_at.elapsed() >= SAMPLE {
                sampled_at += SAMPLE;
                self.take_sample(began.elapsed().as_secs_f64())?;
            }
            if !is_still && edited_at.elapsed() >= EDIT {
                edited_at = Instant::now();
                self.edit();
            }
            if !is_still && branched_at.elapsed() >= BRANCH {
                branched_at = Instant::now();
                self.change_branch()?;
            }
        }
        if self.branch.is_some() {
            self.change_branch()?;
        }
        let source = self.pipeline.by_name("source").ok_or("the pipeline lost its source")?;
        source.send_event(gst::event::Eos::new());
        while self.read_bus(gst::ClockTime::from_seconds(10))? {}
        self.count()
    }

    /// False at the end of the stream.
    fn read_bus(&self, patience: gst::ClockTime) -> Result<bool, String> {
        let bus = self.pipeline.bus().ok_or("a pipeline has a bus")?;
        let mut next = bus.timed_pop(patience);
        while let Some(message) = next {
            match message.view() {
                gst::MessageView::Eos(_) => return Ok(false),
                gst::MessageView::Error(error) => return Err(error.error().to_string()),
                gst::MessageView::Latency(_) => drop(self.pipeline.recalculate_latency()),
                gst::MessageView::Qos(_) if message.src() == Some(self.track.upcast_ref()) => {
                    lock(&self.shared).outcome.told_drops += 1;
                }
                _ => {}
            }
            next = bus.pop();
        }
        Ok(true)
    }

    fn stats(&self) -> gst::Structure {
        self.track.property("stats")
    }

    /// What the pipeline knows of the delay: the source's frame, the element's time, and one frame.
    fn note_told(&self) {
        let told_ms = self.stats().get::<f64>("latency-ms").unwrap_or_default() + 2.0 * FRAME_MS;
        lock(&self.shared).told_ms = told_ms;
    }

    fn take_sample(&self, second: f64) -> Result<(), String> {
        let (resident_kib, dropped) = (resident_kib()?, self.stats().get::<u64>("dropped").unwrap_or_default());
        let mut watched = lock(&self.shared);
        let delay_ms = std::mem::take(&mut watched.longest_delay_ms);
        let streams = if self.branch.is_some() { 2 } else { 1 };
        let sample = Sample { second, resident_kib, delay_ms, told_ms: watched.told_ms, dropped, streams };
        watched.outcome.samples.push(sample);
        Ok(())
    }

    fn edit(&self) {
        let mut watched = lock(&self.shared);
        watched.outcome.edits += 1;
        let prompt = format!("one; visitor {}", watched.outcome.edits % 7);
        drop(watched);
        self.track.set_property("prompt", prompt);
    }

    fn change_branch(&mut self) -> Result<(), String> {
        match self.branch.take() {
            Some(branch) => self.remove(&branch),
            None => self.branch = Some(self.add().map_err(|error| format!("a branch cannot be added: {error}"))?),
        }
        let mut watched = lock(&self.shared);
        watched.outcome.branches += u64::from(self.branch.is_none());
        watched.settled_at = Some(Instant::now() + SETTLING);
        Ok(())
    }

    fn add(&self) -> Result<Branch, glib::BoolError> {
        let queue = gst::ElementFactory::make("queue").build()?;
        let segment = gst::ElementFactory::make("sa3segment");
        let segment = segment.property("model", &self.model).property("prompt", "three").build()?;
        let sink = gst::ElementFactory::make("fakesink").property("sync", true).property("async", false).build()?;
        let elements = vec![queue, segment, sink];
        self.pipeline.add_many(&elements)?;
        gst::Element::link_many(&elements)?;
        elements.iter().rev().try_for_each(gst::Element::sync_state_with_parent)?;
        let tee = self.pipeline.by_name("tee").ok_or_else(|| glib::bool_error!("the pipeline lost its tee"))?;
        let tee_pad = tee.request_pad_simple("src_%u").ok_or_else(|| glib::bool_error!("the tee has no more pads"))?;
        let entry = elements[0].static_pad("sink").ok_or_else(|| glib::bool_error!("a queue has a pad"))?;
        tee_pad.link(&entry).map_err(|error| glib::bool_error!("{error}"))?;
        Ok(Branch { tee_pad, elements })
    }

    /// While no frame is on its way through the tee's pad.
    fn remove(&self, branch: &Branch) {
        let (told, heard) = std::sync::mpsc::channel();
        branch.tee_pad.add_probe(gst::PadProbeType::IDLE, move |pad, _| {
            if let Some(peer) = pad.peer() {
                // It is linked, so it can be unlinked; and the receiver waits below.
                let _ = pad.unlink(&peer);
                let _ = told.send(());
            }
            gst::PadProbeReturn::Remove
        });
        // A tee without frames is idle at once.
        let _ = heard.recv_timeout(Duration::from_secs(5));
        for element in &branch.elements {
            let _ = element.set_state(gst::State::Null);
        }
        let _ = self.pipeline.remove_many(&branch.elements);
        if let Some(tee) = self.pipeline.by_name("tee") {
            tee.release_request_pad(&branch.tee_pad);
        }
    }

    fn count(&self) -> Result<(), String> {
        let stats = self.stats();
        let count = |name: &str| stats.get::<u64>(name).map_err(|error| format!("stats: {error}"));
        let mut watched = lock(&self.shared);
        watched.outcome.frames_in = count("frames-in")?;
        watched.outcome.frames_out = count("frames-out")?;
        watched.outcome.dropped = count("dropped")?;
        Ok(())
    }
}
