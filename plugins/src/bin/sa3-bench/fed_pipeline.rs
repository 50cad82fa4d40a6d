//! A pipeline whose sources cost next to nothing: frames made beforehand are handed to it as fast as it takes them.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use gst::prelude::*;

const WARM_UP_FRAMES: usize = 10;
const FRAMES: usize = 120;
const FRAME_RATE: u64 = 60;
const PATIENCE: gst::ClockTime = gst::ClockTime::from_seconds(60);

/// The next frame of a source, without its time; `None`: something failed.
pub type NextFrame = Box<dyn FnMut(usize) -> Option<gst::Buffer> + Send>;

/// The line of a source by this name, for [`frames_per_second`].
pub fn source(name: &str, format: &str, (width, height): (u32, u32)) -> String {
    format!(
        "appsrc name={name} format=time caps=\"video/x-raw,format={format},width={width},height={height},\
         framerate={FRAME_RATE}/1,colorimetry=bt709\""
    )
}

/// Plays `line` to its end. Each source makes its frames when it is asked for them, on its own thread; the line ends in a
/// sink named `sink`.
pub fn frames_per_second(line: &str, sources: Vec<(&str, NextFrame)>) -> Result<f64, String> {
    let pipeline = gst::parse::launch(line).map_err(|error| error.to_string())?;
    let pipeline = pipeline.downcast::<gst::Pipeline>().map_err(|_| "the line makes no pipeline")?;
    for (name, next) in sources {
        let source = pipeline.by_name(name).ok_or_else(|| format!("the line has no {name}"))?;
        feed(&source, next);
    }
    let arrivals = watch(&pipeline)?;
    let played = play(&pipeline);
    let _ = pipeline.set_state(gst::State::Null);
    played?;
    let arrivals = arrivals.lock().unwrap_or_else(PoisonError::into_inner);
    match &arrivals[..] {
        [_, .., last] if arrivals.len() == WARM_UP_FRAMES + FRAMES => {
            Ok(FRAMES as f64 / (*last - arrivals[WARM_UP_FRAMES - 1]).as_secs_f64())
        }
        _ => Err(format!("{} frames came of {}", arrivals.len(), WARM_UP_FRAMES + FRAMES)),
    }
}

fn feed(source: &gst::Element, next: NextFrame) {
    let state = Mutex::new((0, next));
    source.connect("need-data", false, move |values| {
        let source = values.first()?.get::<gst::Element>().ok()?;
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        let (frame, next) = &mut *state;
        let buffer = Some(*frame).filter(|frame| *frame < WARM_UP_FRAMES + FRAMES).and_then(next);
        let _: gst::FlowReturn = match buffer {
            Some(buffer) => source.emit_by_name("push-buffer", &[&timed(buffer, *frame)]),
            None => source.emit_by_name("end-of-stream", &[]),
        };
        *frame += 1;
        None
    });
}

fn timed(mut buffer: gst::Buffer, frame: usize) -> gst::Buffer {
    let duration = gst::ClockTime::SECOND / FRAME_RATE;
    let writable = buffer.make_mut();
    writable.set_pts(duration * frame as u64);
    writable.set_duration(duration);
    buffer
}

/// When each frame came to the sink.
fn watch(pipeline: &gst::Pipeline) -> Result<Arc<Mutex<Vec<Instant>>>, String> {
    let sink = pipeline.by_name("sink").and_then(|sink| sink.static_pad("sink")).ok_or("the line has no sink")?;
    let arrivals: Arc<Mutex<Vec<Instant>>> = Arc::default();
    let noted = arrivals.clone();
    sink.add_probe(gst::PadProbeType::BUFFER, move |_, _| {
        noted.lock().unwrap_or_else(PoisonError::into_inner).push(Instant::now());
        gst::PadProbeReturn::Ok
    });
    Ok(arrivals)
}

fn play(pipeline: &gst::Pipeline) -> Result<(), String> {
    let bus = pipeline.bus().ok_or("a pipeline has a bus")?;
    pipeline.set_state(gst::State::Playing).map_err(|_| "it does not start".to_owned())?;
    let ends = [gst::MessageType::Error, gst::MessageType::Eos];
    match bus.timed_pop_filtered(PATIENCE, &ends).as_ref().map(|message| message.view()) {
        Some(gst::MessageView::Eos(_)) => Ok(()),
        Some(gst::MessageView::Error(error)) => Err(error.error().to_string()),
        _ => Err("it does not end".into()),
    }
}
