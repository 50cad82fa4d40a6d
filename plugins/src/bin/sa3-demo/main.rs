//! The main job on a clip, a video or a picture: words to masks, seen and measured.
//!
//! `cargo xtask demo` builds and runs this. It plays `input ! sa3track ! maskcomposite` on a video, with sa3segment on
//! a picture, writes an annotated video, a contact sheet, one JSON line for each frame, and ends with a table.
#![allow(clippy::print_stdout, reason = "a program that talks to its user")]

mod pipeline;
mod progress;
mod record;
mod sheet;
mod source;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

use crate::pipeline::Outcome;
use crate::source::Source;

/// Text-prompted masks on a video or a picture.
#[derive(Parser)]
struct Arguments {
    /// Video or picture; without it the clip that comes with sa3, whose true masks are known
    #[arg(long, value_name = "FILE")]
    input: Option<PathBuf>,
    /// What to look for; `;` between concepts
    #[arg(long, value_name = "TEXT")]
    prompt: Option<String>,
    /// Show a window instead of writing a video
    #[arg(long)]
    live: bool,
    /// Folder for the results
    #[arg(long, value_name = "FOLDER", default_value = "out/demo")]
    output_dir: PathBuf,
    /// nano, test, a checkpoint directory or file
    #[arg(long, value_name = "MODEL", default_value = "nano")]
    model: String,
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
    gst::init().map_err(|error| format!("GStreamer does not start: {error}"))?;
    gstsa3::plugin_register_static().map_err(|error| format!("the elements cannot be registered: {error}"))?;
    std::fs::create_dir_all(&arguments.output_dir)
        .map_err(|error| format!("{} cannot be made: {error}", arguments.output_dir.display()))?;
    let source = Source::open(arguments.input.as_deref(), arguments.prompt.as_deref())?;
    println!("Looking for \"{}\" in {}", source.prompt(), source.path().display());
    let outcome = pipeline::play(&source, &arguments.model, &arguments.output_dir, arguments.live)?;
    print_table(&source, &outcome);
    Ok(())
}

fn print_table(source: &Source, outcome: &Outcome) {
    println!("{:<24} {:>7} {:>8} {:>5} {:>9}", "prompt", "frames", "masks", "ids", "mean IoU");
    for (index, phrase) in source.phrases().iter().enumerate() {
        let iou = shown(outcome.mean_iou.of_prompt(index));
        let (masks, ids) = (outcome.masks_of(index), outcome.ids_of(index));
        println!("{phrase:<24} {:>7} {masks:>8} {ids:>5} {iou:>9}", outcome.frames);
    }
    println!(
        "{:<24} {:>7} {:>8} {:>5} {:>9}",
        "all",
        outcome.frames,
        outcome.masks_per_prompt.iter().sum::<u64>(),
        outcome.ids_per_prompt.iter().sum::<usize>(),
        shown(outcome.mean_iou.mean())
    );
    println!(
        "{:.1} frames per second on {}, {}; peak memory {} MiB",
        outcome.frames_per_second,
        outcome.device_in_use,
        outcome.caps,
        peak_memory_mib().map_or("?".into(), |mib| mib.to_string()),
    );
}

fn shown(iou: Option<f64>) -> String {
    iou.map_or("-".into(), |iou| format!("{iou:.3}"))
}

/// The largest resident size this process has had.
fn peak_memory_mib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse::<u64>().ok().map(|kib| kib / 1024)
}
