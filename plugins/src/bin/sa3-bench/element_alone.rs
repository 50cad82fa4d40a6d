//! What an element takes beside the engine's work, and how soon frames come again after a flush.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use gst::prelude::*;

/// Eight objects on frames of 1080p. The artificial engine's own work is taken off.
const OVERHEAD: &str = "videotestsrc is-live=true ! video/x-raw,format=NV12,width=1920,height=1080,framerate=30/1 ! \
                        ELEMENT name=element model=test prompt=\"a; b; c; d; e; f; g; h\" ! fakesink sync=false";
const OVERHEAD_FRAMES: u64 = 120;
/// Frames of a file that is looked at as fast as it goes; a seek flushes it.
const FLUSHED: &str = "videotestsrc pattern=ball ! video/x-raw,format=I420,width=640,height=360,framerate=30/1 ! \
                       ELEMENT name=element prompt=\"white circle\" ! fakesink name=sink sync=false";
const FLUSHES: usize = 20;
/// Frames that are held back for what later ones tell of them are no matter of time.
const ELEMENTS: [&str; 2] = ["sa3segment", "sa3track output-delay=0"];
const STAGES: [&str; 7] = ["preprocess", "vision", "text", "detector", "masks", "tracker", "rules"];
const PATIENCE: Duration = Duration::from_secs(60);

/// A frame by its time, and when it came.
type Arrival = (Option<gst::ClockTime>, Instant);

/// Prints a line for each element and question.
pub fn run() -> Result<(), String> {
    for name in ELEMENTS {
        let overhead_ms = overhead(name)?;
        println!("{name}, 8 objects on NV12 of 1080p: {overhead_ms:.3} ms a frame beside the engine (target 0.3)");
    }
    for name in ELEMENTS {
        let (first_ms, most_ms, pass_ms) = flush_to_first(name)?;
        println!(
            "{name}, flush to the first frame after it: {first_ms:.1} ms, at most {most_ms:.1}; in looks of {pass_ms:.1} \
             ms: {:.2}, at most {:.2} (target 2)",
            first_ms / pass_ms,
            most_ms / pass_ms
        );
    }
    Ok(())
}

fn overhead(name: &str) -> Result<f64, String> {
    let (pipeline, element) = playing(&OVERHEAD.replace("ELEMENT", name))?;
    let outcome = beside_the_engine_ms(&element)
        .and_then(|times| wait_for_looks(&pipeline, &element, OVERHEAD_FRAMES).map(|()| times));
    let _ = pipeline.set_state(gst::State::Null);
    let mut times_ms = std::mem::take(&mut *outcome?.lock().unwrap_or_else(PoisonError::into_inner));
    times_ms.sort_by(f64::total_cmp);
    times_ms.get(times_ms.len() / 2).copied().ok_or_else(|| format!("no frame left {name}"))
}

/// Of each frame from now on: the time from its arrival to its leaving, without that of the engine's stages.
fn beside_the_engine_ms(element: &gst::Element) -> Result<Arc<Mutex<Vec<f64>>>, String> {
    let pad = |name: &str| element.static_pad(name).ok_or("an analyser has two pads");
    let arrived: Arc<Mutex<Vec<Arrival>>> = Arc::default();
    let came = arrived.clone();
    pad("sink")?.add_probe(gst::PadProbeType::BUFFER, move |_, info| {
        let mut came = came.lock().unwrap_or_else(PoisonError::into_inner);
        came.extend(info.buffer().map(|buffer| (buffer.pts(), Instant::now())));
        gst::PadProbeReturn::Ok
    });
    let (times_ms, element) = (Arc::<Mutex<Vec<f64>>>::default(), element.downgrade());
    let noted = times_ms.clone();
    pad("src")?.add_probe(gst::PadProbeType::BUFFER, move |_, info| {
        let now = Instant::now();
        let pts = info.buffer().and_then(|buffer| buffer.pts());
        let mut arrived = arrived.lock().unwrap_or_else(PoisonError::into_inner);
        let came = arrived.iter().position(|(came, _)| *came == pts).map(|index| arrived.swap_remove(index).1);
        if let (Some(came), Some(element)) = (came, element.upgrade()) {
            let stats: gst::Structure = element.property("stats");
            let of_stage = |stage: &&str| stats.get::<f64>(format!("{stage}-ms-last")).unwrap_or_default();
            let stages_ms: f64 = STAGES.iter().map(of_stage).sum();
            let mut noted = noted.lock().unwrap_or_else(PoisonError::into_inner);
            noted.push((now - came).as_secs_f64() * 1e3 - stages_ms);
        }
        gst::PadProbeReturn::Ok
    });
    Ok(times_ms)
}

/// Middle and longest time from asking for a flush to the first frame at the sink, and the mean of a look; milliseconds.
fn flush_to_first(name: &str) -> Result<(f64, f64, f64), String> {
    let (pipeline, element) = playing(&FLUSHED.replace("ELEMENT", name))?;
    let outcome = wait_for_looks(&pipeline, &element, 10).and_then(|()| flush_often(&pipeline));
    let pass_ms = element.property::<gst::Structure>("stats").get::<f64>("pass-ms-mean").unwrap_or_default();
    let _ = pipeline.set_state(gst::State::Null);
    let mut times_ms = outcome?;
    times_ms.sort_by(f64::total_cmp);
    Ok((times_ms[times_ms.len() / 2], times_ms[times_ms.len() - 1], pass_ms))
}

fn flush_often(pipeline: &gst::Pipeline) -> Result<Vec<f64>, String> {
    let first: Arc<Mutex<First>> = Arc::default();
    let sink = pipeline.by_name("sink").and_then(|sink| sink.static_pad("sink")).ok_or("a sink has a pad")?;
    let seen = first.clone();
    sink.add_probe(gst::PadProbeType::BUFFER | gst::PadProbeType::EVENT_FLUSH, move |_, info| {
        let mut first = seen.lock().unwrap_or_else(PoisonError::into_inner);
        match &info.data {
            Some(gst::PadProbeData::Event(event)) if event.type_() == gst::EventType::FlushStop => {
                *first = First::Awaited;
            }
            Some(gst::PadProbeData::Buffer(_)) if matches!(*first, First::Awaited) => {
                *first = First::At(Instant::now())
            }
            _ => {}
        }
        gst::PadProbeReturn::Ok
    });
    (0..FLUSHES).map(|_| flush_once(pipeline, &first)).collect()
}

/// The first frame after a flush.
#[derive(Default)]
enum First {
    #[default]
    Unasked,
    Awaited,
    At(Instant),
}

fn flush_once(pipeline: &gst::Pipeline, first: &Mutex<First>) -> Result<f64, String> {
    std::thread::sleep(Duration::from_millis(150));
    *first.lock().unwrap_or_else(PoisonError::into_inner) = First::Unasked;
    let began = Instant::now();
    pipeline
        .seek_simple(gst::SeekFlags::FLUSH, gst::ClockTime::SECOND)
        .map_err(|error| format!("a seek was refused: {error}"))?;
    while began.elapsed() < PATIENCE {
        if let First::At(at) = *first.lock().unwrap_or_else(PoisonError::into_inner) {
            return Ok((at - began).as_secs_f64() * 1e3);
        }
        std::thread::sleep(Duration::from_micros(200));
    }
    Err("no frame came after a flush".into())
}

fn playing(line: &str) -> Result<(gst::Pipeline, gst::Element), String> {
    let pipeline = gst::parse::launch(line).map_err(|error| error.to_string())?;
    let pipeline = pipeline.downcast::<gst::Pipeline>().map_err(|_| "the line makes no pipeline")?;
    let element = pipeline.by_name("element").ok_or("the line names no element")?;
    pipeline.set_state(gst::State::Playing).map_err(|_| "it does not start".to_owned())?;
    Ok((pipeline, element))
}

fn wait_for_looks(pipeline: &gst::Pipeline, element: &gst::Element, count: u64) -> Result<(), String> {
    let bus = pipeline.bus().ok_or("a pipeline has a bus")?;
    let began = Instant::now();
    while element.property::<gst::Structure>("stats").get::<u64>("inferred").unwrap_or_default() < count {
        let message = bus.timed_pop_filtered(gst::ClockTime::from_mseconds(5), &[gst::MessageType::Error]);
        if let Some(gst::MessageView::Error(error)) = message.as_ref().map(|message| message.view()) {
            return Err(error.error().to_string());
        }
        if began.elapsed() > PATIENCE {
            return Err(format!("{} looked at too few frames", element.name()));
        }
    }
    Ok(())
}
