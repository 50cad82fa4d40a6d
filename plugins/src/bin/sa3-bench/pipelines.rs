//! `--pipeline`: whole pipelines as users run them, live ones at a camera's pace and files as fast as they go.

use std::fmt::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use gst::prelude::*;

use crate::side::resident_bytes;

/// What is played. Every analyser of a line counts as one stream.
const PIPELINES: [(&str, &str); 11] = [
    ("file, sa3segment", "CLIP ! sa3segment prompt=\"red circle\" ! fakesink sync=false"),
    ("file, sa3track, two phrases", "CLIP ! sa3track prompt=\"red circle; blue square\" ! fakesink sync=false"),
    (
        "file, sa3track, detection on each 5th",
        "CLIP ! sa3track prompt=\"red circle; blue square\" detect-policy=interval detect-interval=5 ! fakesink sync=false",
    ),
    ("live 30, exact", "CAMERA ! sa3segment prompt=\"white circle\" ! queue ! fakesink sync=true"),
    (
        "live 30, exact, adaptive",
        "CAMERA ! sa3segment prompt=\"white circle\" adaptive=true ! queue ! fakesink sync=true",
    ),
    ("live 30, latest", "CAMERA ! sa3segment prompt=\"white circle\" sync-mode=latest ! queue ! fakesink sync=true"),
    ("live 30, skip", "CAMERA ! sa3segment prompt=\"white circle\" sync-mode=skip ! queue ! fakesink sync=true"),
    (
        "four files on one engine",
        "CLIP ! sa3segment prompt=\"red circle\" ! fakesink sync=false CLIP ! sa3segment prompt=\"red circle\" ! fakesink \
         sync=false CLIP ! sa3segment prompt=\"red circle\" ! fakesink sync=false CLIP ! sa3segment prompt=\"red circle\" ! \
         fakesink sync=false",
    ),
    ("raw, sa3segment", "RAW ! sa3segment prompt=\"white circle\" ! fakesink sync=false"),
    (
        "four raw streams on one engine",
        "RAW ! sa3segment prompt=\"white circle\" ! fakesink sync=false RAW ! sa3segment prompt=\"white circle\" ! fakesink \
         sync=false RAW ! sa3segment prompt=\"white circle\" ! fakesink sync=false RAW ! sa3segment prompt=\"white circle\" ! \
         fakesink sync=false",
    ),
    (
        "1080p NV12, engine without work, 8 objects",
        "videotestsrc pattern=black ! video/x-raw,format=NV12,width=1920,height=1080 ! sa3segment model=test \
         prompt=\"1; 2; 3; 4; 5; 6; 7; 8\" ! fakesink sync=false",
    ),
];
const CAMERA: &str =
    "videotestsrc is-live=true pattern=ball ! video/x-raw,format=I420,width=640,height=360,framerate=30/1";
/// As fast as it goes, and nothing to decode.
const RAW: &str = "videotestsrc pattern=ball ! video/x-raw,format=I420,width=640,height=360,framerate=30/1";
/// From the checkout's top.
const CLIP: &str = "examples/media/clip/clip.mp4";

/// What came of one pipeline.
struct Measured {
    name: &'static str,
    streams: usize,
    frames_per_second: f64,
    /// The stream with the fewest frames against its share.
    least_share: f64,
    /// From a frame's arrival at the element to its leaving: 50, 95 and 99 of 100 frames, the mean over streams.
    delay_ms: [f64; 3],
    pass_ms: f64,
    dropped: u64,
    bare: u64,
    resident_mb: f64,
}

/// Plays each for a time, prints a line for each, and draws them to `folder`.
pub fn run(duration: Duration, folder: &Path) -> Result<(), String> {
    println!(
        "{:<44} {:>8} {:>6} {:>8} {:>8} {:>8} {:>8} {:>8} {:>6} {:>9}",
        "", "frames/s", "least", "pass ms", "p50 ms", "p95 ms", "p99 ms", "dropped", "bare", "memory MB"
    );
    let mut all = Vec::new();
    for (name, line) in PIPELINES {
        let measured = play(name, line, duration).map_err(|error| format!("{name}: {error}"))?;
        let [p50, p95, p99] = measured.delay_ms;
        println!(
            "{name:<44} {:>8.1} {:>6.2} {:>8.2} {p50:>8.2} {p95:>8.2} {p99:>8.2} {:>8} {:>6} {:>9.0}",
            measured.frames_per_second,
            measured.least_share,
            measured.pass_ms,
            measured.dropped,
            measured.bare,
            measured.resident_mb
        );
        all.push(measured);
    }
    let of =
        |name: &str| all.iter().find(|measured| measured.name == name).map_or(0.0, |found| found.frames_per_second);
    for (four, one) in
        [("four raw streams on one engine", "raw, sa3segment"), ("four files on one engine", "file, sa3segment")]
    {
        println!("{four}: {:.2} of the frames of one (target 0.95)", of(four) / of(one));
    }
    std::fs::create_dir_all(folder).map_err(|error| format!("--output-dir {}: {error}", folder.display()))?;
    let path = folder.join("pipelines.svg");
    std::fs::write(&path, svg(&all)).map_err(|error| format!("{}: {error}", path.display()))?;
    println!("wrote  {}", path.display());
    Ok(())
}

fn play(name: &'static str, line: &str, duration: Duration) -> Result<Measured, String> {
    let clip = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new(".")).join(CLIP);
    let clip = format!("filesrc location=\"{}\" ! decodebin ! videoconvert", clip.display());
    let pipeline = gst::parse::launch(&line.replace("CLIP", &clip).replace("CAMERA", CAMERA).replace("RAW", RAW));
    let pipeline = pipeline.map_err(|error| error.to_string())?;
    let pipeline = pipeline.downcast::<gst::Pipeline>().map_err(|_| "the line makes no pipeline")?;
    let analysers: Vec<gst::Element> = pipeline
        .iterate_elements()
        .into_iter()
        .flatten()
        .filter(|element| element.has_property("stats") && element.has_property("prompt"))
        .collect();
    let played = watch(&pipeline, &analysers, duration);
    let _ = pipeline.set_state(gst::State::Null);
    let (seconds, frames) = played?;
    let stats: Vec<gst::Structure> = analysers.iter().map(|element| element.property("stats")).collect();
    let mean = |field: &str| {
        stats.iter().map(|stats| stats.get::<f64>(field).unwrap_or_default()).sum::<f64>() / stats.len().max(1) as f64
    };
    let count = |field: &str| stats.iter().map(|stats| stats.get::<u64>(field).unwrap_or_default()).sum::<u64>();
    let all: u64 = frames.iter().sum();
    let least = frames.iter().min().copied().unwrap_or_default();
    Ok(Measured {
        name,
        streams: analysers.len(),
        frames_per_second: all as f64 / seconds,
        least_share: least as f64 * frames.len() as f64 / all.max(1) as f64,
        delay_ms: ["p50", "p95", "p99"].map(|part| mean(&format!("transit-ms-{part}"))),
        pass_ms: mean("pass-ms-mean"),
        dropped: count("dropped"),
        bare: count("bare"),
        resident_mb: resident_bytes("self") as f64 / 1e6,
    })
}

/// Plays until the time is over or a file ends; seconds from the first frame on, and frames of each stream.
fn watch(pipeline: &gst::Pipeline, analysers: &[gst::Element], duration: Duration) -> Result<(f64, Vec<u64>), String> {
    let bus = pipeline.bus().ok_or("a pipeline has a bus")?;
    let frames = || -> Vec<u64> {
        let out =
            |element: &gst::Element| element.property::<gst::Structure>("stats").get("frames-out").unwrap_or_default();
        analysers.iter().map(out).collect()
    };
    pipeline.set_state(gst::State::Playing).map_err(|_| "it does not start".to_owned())?;
    let mut began: Option<(Instant, Vec<u64>)> = None;
    loop {
        if let Some(message) = bus.timed_pop(gst::ClockTime::from_mseconds(5)) {
            match message.view() {
                gst::MessageView::Error(error) => return Err(error.error().to_string()),
                gst::MessageView::Latency(_) => drop(pipeline.recalculate_latency()),
                gst::MessageView::Eos(_) => break,
                _ => {}
            }
        }
        match &began {
            // Those that came before the model was there count as little as what the first look takes.
            None if analysers.iter().all(|one| looks(one) > 2) => began = Some((Instant::now(), frames())),
            Some((since, _)) if since.elapsed() >= duration => break,
            _ => {}
        }
    }
    let (since, before) = began.ok_or("it ended before it began")?;
    let seconds = since.elapsed().as_secs_f64();
    Ok((seconds, frames().iter().zip(before).map(|(now, before)| now - before).collect()))
}

fn looks(analyser: &gst::Element) -> u64 {
    analyser.property::<gst::Structure>("stats").get("inferred").unwrap_or_default()
}

/// A bar for each pipeline, as long as 99 of 100 frames take, with marks at 50 and 95.
fn svg(all: &[Measured]) -> String {
    const LEFT: f64 = 300.0;
    const WIDTH: f64 = 460.0;
    const ROW: f64 = 34.0;
    let most = all.iter().map(|measured| measured.delay_ms[2]).fold(1.0, f64::max);
    let height = 60.0 + ROW * all.len() as f64;
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 880 {height}\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n<text x=\"20\" y=\"24\" font-size=\"14\">From arrival to \
         leaving: 50 (dark), 95 and 99 (light) of 100 frames, ms</text>\n"
    );
    for (row, measured) in all.iter().enumerate() {
        let y = 44.0 + ROW * row as f64;
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "<text x=\"20\" y=\"{:.0}\">{}{}</text>",
            y + 14.0,
            measured.name,
            if measured.streams > 1 { format!(" ({})", measured.streams) } else { String::new() }
        );
        for (delay_ms, colour) in measured.delay_ms.iter().rev().zip(["#cfe2f0", "#7fb2d6", "#0868ac"]) {
            let width = WIDTH * delay_ms / most;
            let _ = writeln!(
                text,
                "<rect x=\"{LEFT}\" y=\"{y:.0}\" width=\"{width:.1}\" height=\"20\" fill=\"{colour}\"/>"
            );
        }
        let end = LEFT + WIDTH * measured.delay_ms[2] / most + 6.0;
        let _ = writeln!(
            text,
            "<text x=\"{end:.0}\" y=\"{:.0}\" fill=\"#555\">{:.1}, {:.0} fps</text>",
            y + 14.0,
            measured.delay_ms[2],
            measured.frames_per_second
        );
    }
    text + "</svg>\n"
}
