//! A long run of `sa3track`: does memory stay, does the time of a frame stay, while objects and phrases come and go?
//!
//! `cargo xtask soak` builds and runs this. What it found is in docs/tracking.md.
#![allow(clippy::print_stdout, reason = "a program that talks to its user")]

mod live;
mod live_sample;
mod plot;
mod sample;
mod stream;
mod verdict;
mod visitors;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;

use crate::sample::Sample;
use crate::stream::Outcome;
use crate::verdict::Verdict;

/// Plays many frames through sa3track and watches memory and time.
#[derive(Parser)]
struct Arguments {
    /// test (discs that come, cross and leave), nano or another model: the clip that comes with sa3, again and again
    #[arg(long, value_name = "MODEL", default_value = "test")]
    model: String,
    /// How many frames
    #[arg(long, value_name = "N", default_value_t = 20_000, value_parser = clap::value_parser!(u64).range(1..))]
    frames: u64,
    /// A live source instead, three times too fast for the model, with prompt edits and a second branch that comes and
    /// goes; the delay is watched too
    #[arg(long)]
    live: bool,
    /// With --live: how long
    #[arg(long, value_name = "N", default_value_t = 1.0)]
    minutes: f64,
    /// With --live: neither edits nor a second branch
    #[arg(long)]
    still: bool,
    /// Folder for soak.csv and soak.svg, with --live for live.csv and live.svg
    #[arg(long, value_name = "FOLDER", default_value = "out/soak")]
    output_dir: PathBuf,
}

impl Arguments {
    /// The artificial model takes three times as long as a frame lasts.
    fn live_model(&self) -> String {
        if self.model == "test" { "test:frame-ms=100".into() } else { self.model.clone() }
    }
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
    }
}

/// True when nothing grew and no id was used twice.
fn run(arguments: &Arguments) -> Result<bool, String> {
    let folder = &arguments.output_dir;
    std::fs::create_dir_all(folder).map_err(|error| format!("--output-dir {}: {error}", folder.display()))?;
    if arguments.live {
        return run_live(arguments);
    }
    let outcome = stream::play(&arguments.model, arguments.frames, &|sample| eprintln!("{sample}"))?;
    write(folder.join("soak.csv"), &sample::csv(&outcome.samples))?;
    let title = format!("sa3track, model={}, {} frames", arguments.model, outcome.frames);
    let frames: Vec<f64> = outcome.samples.iter().map(|sample| sample.frame as f64).collect();
    write(folder.join("soak.svg"), &plot::svg(&title, &frames, &sample::panels(&outcome.samples)))?;
    let verdict = Verdict::of(&outcome.samples);
    tell(&outcome, &verdict);
    Ok(verdict.is_bounded() && outcome.repeated_ids == 0)
}

/// True when memory stayed, delay kept to what was told, and no frame was lost or out of order.
fn run_live(arguments: &Arguments) -> Result<bool, String> {
    let duration = Duration::try_from_secs_f64(60.0 * arguments.minutes)
        .map_err(|_| format!("--minutes={} is no length of time", arguments.minutes))?;
    let outcome = live::play(&arguments.live_model(), duration, arguments.still)?;
    let folder = &arguments.output_dir;
    write(folder.join("live.csv"), &live_sample::csv(&outcome.samples))?;
    let title = format!("sa3track live at 30 frames/s, model={}, {} frames", arguments.live_model(), outcome.frames_in);
    let seconds: Vec<f64> = outcome.samples.iter().map(|sample| sample.second).collect();
    write(folder.join("live.svg"), &plot::svg(&title, &seconds, &live_sample::panels(&outcome.samples)))?;
    println!("{outcome}");
    Ok(outcome.faults().is_empty())
}

fn write(path: PathBuf, text: &str) -> Result<(), String> {
    std::fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))?;
    println!("wrote  {}", path.display());
    Ok(())
}

fn tell(outcome: &Outcome, verdict: &Verdict) {
    let most = |part: fn(&Sample) -> u64| outcome.samples.iter().map(part).max().unwrap_or_default();
    println!(
        "seen   {} objects, ids up to {}, {} used twice; {} warnings{}",
        outcome.appeared,
        outcome.highest_id,
        outcome.repeated_ids,
        outcome.warnings,
        outcome.first_warning.as_ref().map_or_else(String::new, |text| format!(", the first: {text}")),
    );
    println!(
        "kept   at most {} objects, {} counters, {} bans, {} frames for clicks, {:.1} KiB of objects",
        most(|sample| sample.kept.tracks),
        most(|sample| sample.kept.counters),
        most(|sample| sample.kept.bans),
        most(|sample| sample.kept.frames),
        most(|sample| sample.kept.bytes) as f64 / 1024.0,
    );
    println!("{verdict}");
}
