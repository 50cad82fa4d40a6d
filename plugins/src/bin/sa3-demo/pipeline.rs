//! The pipeline itself, and what its probes see.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use gst::prelude::*;
use gst_video::prelude::*;
use sa3::evaluate::MeanIou;

use crate::progress::Progress;
use crate::record::Record;
use crate::sheet::Sheet;
use crate::source::Source;

/// Width of a frame on the contact sheet, in pixels; a single picture keeps its size up to four times this.
const SHEET_CELL_WIDTH: i32 = 320;
const POLL: gst::ClockTime = gst::ClockTime::from_mseconds(100);

/// What came of it.
pub struct Outcome {
    pub frames: u64,
    pub masks_per_prompt: Vec<u64>,
    /// As many different objects; none in a picture, whose objects have no ids.
    pub ids_per_prompt: Vec<usize>,
    pub mean_iou: MeanIou,
    pub frames_per_second: f64,
    pub device_in_use: String,
    pub caps: String,
}

impl Outcome {
    pub fn masks_of(&self, prompt_index: usize) -> u64 {
        self.masks_per_prompt.get(prompt_index).copied().unwrap_or(0)
    }

    pub fn ids_of(&self, prompt_index: usize) -> usize {
        self.ids_per_prompt.get(prompt_index).copied().unwrap_or(0)
    }
}

/// Plays the input to its end.
pub fn play(source: &Source, model: &str, folder: &Path, is_live: bool) -> Result<Outcome, String> {
    let source = Arc::new(source.clone());
    let pipeline = build(&source, folder, is_live)?;
    let finder = pipeline.by_name("finder").ok_or("the pipeline lost its element that finds")?;
    finder.set_property("model", model);
    finder.set_property("prompt", source.prompt());
    let record = Arc::new(Mutex::new(Record::create(source.clone(), &folder.join("objects.jsonl"))?));
    let times = watch_finder(&finder, &record);
    let sheet = watch_sheet(&pipeline);

    let result = run(&pipeline, &record);
    let device_in_use = finder.property::<Option<String>>("device-in-use").unwrap_or_default();
    let caps =
        finder.static_pad("src").and_then(|pad| pad.current_caps()).map_or_else(String::new, |caps| shown(&caps));
    // Stopping cannot fail in a way that matters after the last frame.
    let _ = pipeline.set_state(gst::State::Null);
    result?;

    if let Some(sheet) = &*locked(&sheet) {
        let name = if source.is_picture() { "picture.png" } else { "contact-sheet.png" };
        sheet.write(&folder.join(name))?;
    }
    let mut record = locked(&record);
    record.finish().map_err(|error| format!("objects.jsonl cannot be written: {error}"))?;
    Ok(Outcome {
        frames: record.frames,
        masks_per_prompt: record.masks_per_prompt.clone(),
        ids_per_prompt: record.ids_per_prompt.iter().map(BTreeSet::len).collect(),
        mean_iou: record.mean_iou.clone(),
        frames_per_second: locked(&times).frames_per_second(record.frames),
        device_in_use,
        caps,
    })
}

fn build(source: &Source, folder: &Path, is_live: bool) -> Result<gst::Pipeline, String> {
    let cell_width = if source.is_picture() { 4 * SHEET_CELL_WIDTH } else { SHEET_CELL_WIDTH };
    let output = match (is_live, source.is_picture()) {
        (true, _) => "videoconvert ! autovideosink".to_string(),
        (false, true) => "fakesink".to_string(),
        (false, false) => format!("{} ! filesink name=file", video_encoder()?),
    };
    let find_and_draw = if source.is_picture() {
        "sa3segment name=finder ! maskcomposite"
    } else {
        "sa3track name=finder ! maskcomposite color-by=id label-format=\"{label} {id}\""
    };
    let text = format!(
        "filesrc name=input ! decodebin ! videoconvert ! {find_and_draw} ! tee name=t \
         t. ! queue ! {output} \
         t. ! queue ! videoconvert ! videoscale ! video/x-raw,format=RGB,width=(int)[1,{cell_width}],\
         pixel-aspect-ratio=1/1 ! fakesink name=sheet sync=false async=false"
    );
    let pipeline = gst::parse::launch(&text)
        .map_err(|error| format!("the pipeline cannot be built: {error}. `cargo xtask doctor` names what is missing"))?
        .downcast::<gst::Pipeline>()
        .map_err(|_| "the description is not a pipeline")?;
    let set_path = |element: &str, path: &Path| {
        if let Some(element) = pipeline.by_name(element) {
            element.set_property("location", path.to_string_lossy().as_ref());
        }
    };
    set_path("input", source.path());
    set_path(
        "file",
        &folder.join(if video_encoder()?.contains("webmmux") { "annotated.webm" } else { "annotated.mp4" }),
    );
    Ok(pipeline)
}

/// The best encoder at hand that every player can show.
fn video_encoder() -> Result<&'static str, String> {
    const CHOICES: [(&str, &str); 2] = [
        ("vp8enc", "videoconvert ! vp8enc target-bitrate=4000000 deadline=1 cpu-used=8 ! webmmux"),
        ("avenc_mpeg4", "videoconvert ! avenc_mpeg4 bitrate=4000000 ! mpeg4videoparse ! mp4mux"),
    ];
    CHOICES
        .iter()
        .find(|(factory, _)| gst::ElementFactory::find(factory).is_some())
        .map(|(_, description)| *description)
        .ok_or_else(|| "there is no video encoder; run `cargo xtask setup`".into())
}

/// First frame in and last frame out of the element that finds.
#[derive(Default)]
struct Times {
    first_in: Option<Instant>,
    last_out: Option<Instant>,
}

impl Times {
    fn frames_per_second(&self, frames: u64) -> f64 {
        let Some((first, last)) = self.first_in.zip(self.last_out) else { return 0.0 };
        frames as f64 / (last - first).as_secs_f64().max(Duration::from_micros(1).as_secs_f64())
    }
}

fn watch_finder(finder: &gst::Element, record: &Arc<Mutex<Record>>) -> Arc<Mutex<Times>> {
    let times = Arc::new(Mutex::new(Times::default()));
    let (of_sink, of_src, record) = (times.clone(), times.clone(), record.clone());
    if let Some(sink) = finder.static_pad("sink") {
        sink.add_probe(gst::PadProbeType::BUFFER, move |_, _| {
            locked(&of_sink).first_in.get_or_insert_with(Instant::now);
            gst::PadProbeReturn::Ok
        });
    }
    if let Some(src) = finder.static_pad("src") {
        src.add_probe(gst::PadProbeType::BUFFER, move |_, info| {
            locked(&of_src).last_out = Some(Instant::now());
            if let Some(buffer) = info.buffer() {
                locked(&record).add(buffer);
            }
            gst::PadProbeReturn::Ok
        });
    }
    times
}

fn watch_sheet(pipeline: &gst::Pipeline) -> Arc<Mutex<Option<Sheet>>> {
    let sheet = Arc::new(Mutex::new(None));
    let kept = sheet.clone();
    let pad = pipeline.by_name("sheet").and_then(|sink| sink.static_pad("sink"));
    if let Some(pad) = pad {
        pad.add_probe(gst::PadProbeType::BUFFER, move |pad, info| {
            let info_of_caps = pad.current_caps().and_then(|caps| gst_video::VideoInfo::from_caps(&caps).ok());
            if let (Some(buffer), Some(video)) = (info.buffer(), info_of_caps)
                && let Ok(frame) = gst_video::VideoFrameRef::from_buffer_ref_readable(buffer, &video)
                && let Ok(bytes) = frame.plane_data(0)
            {
                let (width, height) = (frame.width() as usize, frame.height() as usize);
                locked(&kept)
                    .get_or_insert_with(|| Sheet::new(width, height))
                    .add(bytes, frame.plane_stride()[0] as usize);
            }
            gst::PadProbeReturn::Ok
        });
    }
    sheet
}

/// Plays until the end or an error, with a progress bar.
fn run(pipeline: &gst::Pipeline, record: &Mutex<Record>) -> Result<(), String> {
    let bus = pipeline.bus().ok_or("a pipeline has a bus")?;
    pipeline.set_state(gst::State::Playing).map_err(|_| first_error(&bus))?;
    let mut progress = Progress::start();
    loop {
        let message = bus.timed_pop(POLL);
        let share = position_share(pipeline);
        progress.show(locked(record).frames, share);
        let Some(message) = message else { continue };
        match message.view() {
            gst::MessageView::Eos(_) => break,
            gst::MessageView::Error(error) => {
                progress.finish();
                return Err(described(error));
            }
            gst::MessageView::Warning(warning) => eprintln!("\nwarning: {}", warning.error()),
            _ => {}
        }
    }
    progress.show(locked(record).frames, Some(1.0));
    progress.finish();
    Ok(())
}

fn position_share(pipeline: &gst::Pipeline) -> Option<f64> {
    let position = pipeline.query_position::<gst::ClockTime>()?;
    let duration = pipeline.query_duration::<gst::ClockTime>().filter(|duration| !duration.is_zero())?;
    Some(position.nseconds() as f64 / duration.nseconds() as f64)
}

fn first_error(bus: &gst::Bus) -> String {
    let message = bus.pop_filtered(&[gst::MessageType::Error]);
    match message.as_ref().map(|message| message.view()) {
        Some(gst::MessageView::Error(error)) => described(error),
        _ => "the pipeline does not start".into(),
    }
}

fn described(error: &gst::message::Error) -> String {
    let origin = error.src().map_or_else(|| "the pipeline".into(), |source| source.name().to_string());
    format!("{origin}: {}", error.error())
}

fn shown(caps: &gst::Caps) -> String {
    gst_video::VideoInfo::from_caps(caps)
        .map_or_else(|_| caps.to_string(), |info| format!("{}x{} {}", info.width(), info.height(), info.format()))
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
