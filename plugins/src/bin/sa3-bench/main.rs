//! Our speed beside that of transformers on the same frames, prompts and weights.
//!
//! `--vs-transformers` compares frames per second and mean IoU of the bundled model, `--full-size` (see `full_size`)
//! all that has a target, `--tracking` (see `tracking`) following objects, `--pipeline` (see `pipelines`) what users run,
//! `--composite` (see `composite`) drawing. `cargo xtask bench` makes the Python environment and runs this. Decoding is
//! outside both: the clip is decoded once to raw RGB, which both read. The processor (resize, normalise) is inside both.
//! The two take turns, so that a machine whose speed drifts treats them alike.
#![allow(clippy::print_stdout, reason = "a program that talks to its user")]

mod clip;
mod composite;
mod compositor_peer;
mod discs;
mod element_alone;
mod engine_side;
mod fed_pipeline;
mod full_size;
mod ours;
mod overlay_pipeline;
mod peer;
mod pipelines;
mod side;
mod targets;
mod track_side;
mod tracking;
mod turns;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;

use crate::clip::RawClip;
use crate::side::Picture;

/// Score threshold of both sides, what the bundled model recommends.
const THRESHOLD: f64 = 0.4;

/// Measures sa3 beside other ways to do the same.
#[derive(Parser)]
struct Arguments {
    /// Compare with transformers; SA3_PYTHON names a Python that has it
    #[arg(long, required_unless_present_any = ["full_size", "tracking", "pipeline", "composite", "engine_side", "track_side"])]
    vs_transformers: bool,
    /// Print every target, with this checkpoint of the released model's size
    #[arg(long, value_name = "FOLDER")]
    full_size: Option<PathBuf>,
    /// Follow objects beside transformers' video model; with --full-size also there
    #[arg(long)]
    tracking: bool,
    /// Follow so many objects with --tracking; may be given several times
    #[arg(long, value_name = "COUNT", requires = "tracking", value_parser = clap::value_parser!(u32).range(1..=64))]
    objects: Vec<u32>,
    /// Play whole pipelines, live ones and files: frames per second, delays, drops, memory; and an element's own cost
    #[arg(long)]
    pipeline: bool,
    /// Play each pipeline of --pipeline for so many seconds
    #[arg(long, value_name = "N", default_value_t = 15)]
    seconds: u64,
    /// Draw on frames, and GStreamer's compositor beside it: every target of drawing and of writing what was found
    #[arg(long)]
    composite: bool,
    /// Folder for pipelines.svg
    #[arg(long, value_name = "FOLDER", default_value = "out/bench")]
    output_dir: PathBuf,
    /// Be the engine's side of --full-size
    #[arg(long, value_name = "FOLDER", hide = true, requires_all = ["picture", "width", "height"])]
    engine_side: Option<PathBuf>,
    /// Be the session's side of --tracking
    #[arg(long, value_name = "FOLDER", hide = true, requires_all = ["picture", "width", "height"])]
    track_side: Option<PathBuf>,
    #[arg(long, hide = true)]
    picture: Option<PathBuf>,
    #[arg(long, hide = true)]
    width: Option<u32>,
    #[arg(long, hide = true)]
    height: Option<u32>,
    /// Frames of the clip to use
    #[arg(long, default_value_t = 250)]
    frames: usize,
    /// How often the two take turns
    #[arg(long, default_value_t = 2)]
    rounds: usize,
}

/// One run of one side.
#[derive(Debug, Clone)]
struct Measured {
    name: String,
    frames_per_second: f64,
    mean_iou: f64,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), String> {
    if let Some(picture) = picture(arguments) {
        if let Some(model) = &arguments.engine_side {
            return engine_side::serve(model, &picture, full_size::THRESHOLD);
        }
        if let Some(model) = &arguments.track_side {
            return track_side::serve(model, &picture);
        }
    }
    gst::init().map_err(|error| format!("GStreamer does not start: {error}"))?;
    gstsa3::plugin_register_static().map_err(|error| format!("the elements cannot be registered: {error}"))?;
    if arguments.pipeline {
        pipelines::run(Duration::from_secs(arguments.seconds), &arguments.output_dir)?;
        return element_alone::run();
    }
    if arguments.composite {
        return composite::run();
    }
    let python = std::env::var("SA3_PYTHON")
        .map_err(|_| "SA3_PYTHON is not set; run `cargo xtask bench`, which sets it".to_string())?;
    let clip = RawClip::decode(arguments.frames)?;
    if arguments.tracking {
        let objects: Vec<usize> = arguments.objects.iter().map(|&count| count as usize).collect();
        return tracking::run(&python, &clip, arguments.full_size.as_deref(), &objects, arguments.rounds);
    }
    match &arguments.full_size {
        Some(checkpoint) => full_size::run(&python, checkpoint, &clip),
        None => vs_transformers(arguments, &python, &clip),
    }
}

/// What a side works on.
fn picture(arguments: &Arguments) -> Option<Picture> {
    let Arguments { picture: Some(file), width: Some(width), height: Some(height), .. } = arguments else {
        return None;
    };
    Some(Picture { file: file.clone(), width: *width, height: *height })
}

fn vs_transformers(arguments: &Arguments, python: &str, clip: &RawClip) -> Result<(), String> {
    for prompts in [clip.all_prompts(), clip.all_prompts()[..1].to_vec()] {
        let phrases: Vec<&str> = prompts.iter().map(|prompt| &*prompt.phrase).collect();
        println!("\n{} frames {}x{}, prompt \"{}\"", arguments.frames, clip.width, clip.height, phrases.join("; "));
        let mut all = Vec::new();
        for _ in 0..arguments.rounds {
            all.push(ours::measure(clip, &prompts, "auto")?);
            all.push(ours::measure(clip, &prompts, "fp32")?);
            for precision in ["fp32", "bf16", "autocast"] {
                all.push(peer::measure(python, clip, &prompts, precision)?);
            }
        }
        print_comparison(&all);
    }
    Ok(())
}

fn print_comparison(all: &[Measured]) {
    let mut names: Vec<&str> = all.iter().map(|measured| &*measured.name).collect();
    names.sort_unstable();
    names.dedup();
    println!("{:<28} {:>10} {:>10} {:>10}", "", "frames/s", "ms/frame", "mean IoU");
    let mut best: [f64; 2] = [0.0; 2];
    for name in names {
        let runs: Vec<&Measured> = all.iter().filter(|measured| measured.name == name).collect();
        let rate = median(runs.iter().map(|run| run.frames_per_second).collect());
        println!("{name:<28} {rate:>10.2} {:>10.1} {:>10.3}", 1e3 / rate, runs[0].mean_iou);
        let side = usize::from(name.starts_with(peer::NAME));
        best[side] = best[side].max(rate);
    }
    println!("sa3segment / transformers, the fastest of each: {:.2}", best[0] / best[1]);
}

/// The middle value; the mean of the two middle ones when there are as many on each side.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 { values[middle] } else { 0.5 * (values[middle - 1] + values[middle]) }
}
