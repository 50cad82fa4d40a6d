//! A long run of `sa3track`: does memory stay, does the time of a frame stay, while objects and phrases come and go?
//!
//! `cargo xtask soak` builds and runs this. What it found is in docs/tracking.md.
#![allow(clippy::print_stdout, reason = "a program that talks to its user")]

mod plot;
mod sample;
mod stream;
mod verdict;
mod visitors;

use std::path::PathBuf;
use std::process::ExitCode;

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
    /// Folder for soak.csv and soak.svg
    #[arg(long, value_name = "FOLDER", default_value = "out/soak")]
    output_dir: PathBuf,
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
    let outcome = stream::play(&arguments.model, arguments.frames, &|sample| eprintln!("{sample}"))?;
    write(folder.join("soak.csv"), &sample::csv(&outcome.samples))?;
    let title = format!("sa3track, model={}, {} frames", arguments.model, outcome.frames);
    write(folder.join("soak.svg"), &plot::svg(&title, &outcome.samples))?;
    let verdict = Verdict::of(&outcome.samples);
    tell(&outcome, &verdict);
    Ok(verdict.is_bounded() && outcome.repeated_ids == 0)
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
