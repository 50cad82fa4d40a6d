//! The engine in a process of its own, which answers lines with passes: our side at full size.

use std::io::{BufRead, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use sa3::device::{DeviceChoice, PrecisionChoice};
use sa3::frame::RgbPicture;
use sa3::prompt::Prompt;
use sa3::{Engine, EngineSettings, SegmentRequest};

use crate::side::{Loaded, Pass, Picture, peak_bytes};

/// Loads, says so, and runs a pass for each line "SIZE PHRASE;PHRASE" until the input ends.
pub fn serve(model: &Path, picture: &Picture, threshold: f32) -> Result<(), String> {
    let (engine, loaded) = load(model)?;
    say(&loaded)?;
    let picture = RgbPicture { width: picture.width, height: picture.height, rgb: picture.read()? };
    for line in std::io::stdin().lock().lines() {
        let line = line.map_err(|error| error.to_string())?;
        let (size, phrases) = line.split_once(' ').ok_or("a line is SIZE PHRASE;PHRASE")?;
        let request = SegmentRequest {
            prompts: Prompt::list_from_text(phrases),
            threshold: Some(threshold),
            inference_size: size.parse().map_err(|_| format!("{size} is no size"))?,
            ..SegmentRequest::default()
        };
        say(&pass(&engine, picture.clone(), request)?)?;
    }
    Ok(())
}

/// The engine in bf16, and what loading took.
pub fn load(model: &Path) -> Result<(Engine, Loaded), String> {
    let settings = EngineSettings {
        model: model.display().to_string(),
        device: DeviceChoice::Cpu,
        precision: PrecisionChoice::Bf16,
    };
    let (began, mut loaded) = (Instant::now(), None);
    let engine = Engine::load(&settings, &mut |step| {
        if step.stage == "warming up" {
            loaded = Some((began.elapsed(), peak_bytes("self")));
        }
    });
    let engine = engine.map_err(|error| error.to_string())?;
    let (load, peak_bytes) = loaded.ok_or("the engine no longer says when it has loaded")?;
    let warm_up = began.elapsed() - load;
    Ok((engine, Loaded { load_s: load.as_secs_f64(), peak_bytes, warm_up_s: warm_up.as_secs_f64() }))
}

fn pass(engine: &Engine, picture: RgbPicture, request: SegmentRequest) -> Result<Pass, String> {
    let began = Instant::now();
    let found = engine.segment(picture, request).map_err(|error| error.to_string())?;
    let total = began.elapsed();
    let times = found.times;
    let stages = [
        ("preprocess", times.preprocess),
        ("vision", times.vision),
        ("prompt", times.text),
        ("detector", times.detector),
        ("masks", times.masks),
    ];
    Ok(Pass {
        total_ms: milliseconds(total),
        kept: found.objects.items.len(),
        stages_ms: stages.map(|(stage, time)| (stage.to_owned(), milliseconds(time))).into(),
    })
}

pub fn milliseconds(time: Duration) -> f64 {
    1e3 * time.as_secs_f64()
}

pub fn say(line: &impl serde::Serialize) -> Result<(), String> {
    let text = serde_json::to_string(line).map_err(|error| error.to_string())?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "{text}").and_then(|()| out.flush()).map_err(|error| error.to_string())
}
