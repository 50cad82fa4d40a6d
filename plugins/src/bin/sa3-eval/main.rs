//! How good masks and tracks are: a folder of truth beside a folder of predictions, or the clip that comes with sa3.
//!
//! `cargo xtask eval` builds and runs this. What the measures are stands in docs/evaluation.md.
#![allow(clippy::print_stdout, reason = "a program that talks to its user")]

mod clip;
mod greedy;
mod predict;
mod report;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use sa3::evaluate::ground_truth::{self, Paired};

use crate::clip::Clip;
use crate::predict::Way;

/// J&F, HOTA, IDF1, id switches, MOTA and cgF1.
#[derive(Parser)]
#[command(group = clap::ArgGroup::new("judged").required(true))]
struct Arguments {
    /// Folder or JSON file of the truth: DAVIS-like, YouTube-VIS-like or MOTS-like
    #[arg(long, value_name = "PATH", requires = "predictions", group = "judged")]
    truth: Option<PathBuf>,
    /// Folder or JSON file of the predictions, in any of the layouts
    #[arg(long, value_name = "PATH", requires = "truth")]
    predictions: Option<PathBuf>,
    /// Leave out predictions whose score is below this, 0 to 1
    #[arg(long, value_name = "SCORE", default_value_t = 0.5)]
    threshold: f64,
    /// Judge what the model makes of the clip that comes with sa3
    #[arg(long, conflicts_with = "threshold", group = "judged")]
    clip: bool,
    /// How objects of the clip get their ids
    #[arg(long, value_enum, default_value_t = Way::GreedyIou, requires = "clip")]
    way: Way,
    /// nano, a checkpoint directory or file
    #[arg(long, value_name = "MODEL", default_value = "nano", requires = "clip")]
    model: String,
    /// Use only the first frames of the clip
    #[arg(long, value_name = "N", requires = "clip", value_parser = clap::value_parser!(u32).range(1..))]
    frames: Option<u32>,
    /// Phrases that name nothing in the clip, asked besides those that do; `;` between them
    #[arg(long, value_name = "TEXT", default_value = clip::ABSENT, requires = "clip")]
    absent: String,
    /// Write truth and predictions for the clip into this folder, as YouTube-VIS has them
    #[arg(long, value_name = "FOLDER", requires = "clip")]
    save: Option<PathBuf>,
    /// Print JSON instead of a table
    #[arg(long)]
    json: bool,
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
    let paired = match (&arguments.truth, &arguments.predictions) {
        (Some(truth), Some(predictions)) => {
            if !(0.0..=1.0).contains(&arguments.threshold) {
                return Err(format!("--threshold {} is not possible. Legal are 0 to 1", arguments.threshold));
            }
            judge_folders(truth, predictions, arguments.threshold)
        }
        _ => judge_clip(arguments),
    }?;
    if paired.left_out > 0 {
        eprintln!("note: {} predicted tracks of categories that were not asked are left out", paired.left_out);
    }
    if arguments.json { report::print_json(&paired.units) } else { report::print_table(&paired.units) }
}

fn judge_folders(truth: &std::path::Path, predictions: &std::path::Path, threshold: f64) -> Result<Paired, String> {
    let truth = ground_truth::read_truth(truth).map_err(|error| error.to_string())?;
    let found = ground_truth::read_predictions(predictions, &truth, threshold).map_err(|error| error.to_string())?;
    ground_truth::pair(&truth, &found).map_err(|error| error.to_string())
}

fn judge_clip(arguments: &Arguments) -> Result<Paired, String> {
    let clip = Clip::read(&arguments.absent, arguments.frames.map(|frames| frames as usize))?;
    eprintln!("{}: {} frames, ids by {}", clip.video().display(), clip.frames(), arguments.way.described());
    let found = predict::predict(arguments.way, &clip, &arguments.model)?;
    if let Some(folder) = &arguments.save {
        std::fs::create_dir_all(folder).map_err(|error| format!("--save {}: {error}", folder.display()))?;
        for (name, side) in [("truth.json", &clip.truth), ("predictions.json", &found)] {
            let written = ground_truth::write_youtube_vis(&folder.join(name), side);
            written.map_err(|error| error.to_string())?;
        }
    }
    ground_truth::pair(&clip.truth, &found).map_err(|error| error.to_string())
}
