//! How good masks and tracks are: a folder of truth beside a folder of predictions, or the clip that comes with sa3.
//!
//! `cargo xtask eval` builds and runs this. What the measures are stands in docs/evaluation.md.
#![allow(clippy::print_stdout, reason = "a program that talks to its user")]

mod clip;
mod greedy;
mod predict;
mod report;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use sa3::evaluate::Unit;
use sa3::evaluate::ground_truth::{self, Paired};

use crate::clip::Clip;
use crate::predict::{Player, Way};

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
    #[arg(long, conflicts_with = "threshold", groups = ["judged", "played"])]
    clip: bool,
    /// Judge what the model makes of other clips: a folder of folders with clip.mp4, clip.json and masks
    #[arg(long, value_name = "FOLDER", conflicts_with = "threshold", groups = ["judged", "played"])]
    clips: Option<PathBuf>,
    /// How objects of the clip get their ids; without it, all ways are compared
    #[arg(long, value_enum, requires = "played")]
    way: Option<Way>,
    /// More properties of sa3track, as in a launch line ("new-object-score=0.5 hold-detections=3")
    #[arg(long, value_name = "TEXT", default_value = "", requires = "played")]
    properties: String,
    /// nano, a checkpoint directory or file
    #[arg(long, value_name = "MODEL", default_value = "nano", requires = "played")]
    model: String,
    /// Use only the first frames of the clip
    #[arg(long, value_name = "N", requires = "played", value_parser = clap::value_parser!(u32).range(1..))]
    frames: Option<u32>,
    /// Phrases that name nothing in the clip, asked besides those that do; `;` between them. Without it those that the clip
    /// names
    #[arg(long, value_name = "TEXT", requires = "played")]
    absent: Option<String>,
    /// Write truth and predictions for the clip into this folder, as YouTube-VIS has them; with --clips into one for each
    #[arg(long, value_name = "FOLDER", requires = "played")]
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
    if arguments.clip || arguments.clips.is_some() {
        return judge_clips(arguments);
    }
    let (Some(truth), Some(predictions)) = (&arguments.truth, &arguments.predictions) else {
        return Err("give --clip, --clips, or --truth and --predictions".into());
    };
    if !(0.0..=1.0).contains(&arguments.threshold) {
        return Err(format!("--threshold {} is not possible. Legal are 0 to 1", arguments.threshold));
    }
    let judged = judge_folders(truth, predictions, arguments.threshold)?;
    note_left_out(&judged);
    if arguments.json { report::print_json(&judged.units) } else { report::print_table(&judged.units) }
}

fn note_left_out(judged: &Paired) {
    if judged.left_out > 0 {
        eprintln!("note: {} predicted tracks of categories that were not asked are left out", judged.left_out);
    }
}

fn judge_folders(truth: &Path, predictions: &Path, threshold: f64) -> Result<Paired, String> {
    let truth = ground_truth::read_truth(truth).map_err(|error| error.to_string())?;
    let found = ground_truth::read_predictions(predictions, &truth, threshold).map_err(|error| error.to_string())?;
    ground_truth::pair(&truth, &found).map_err(|error| error.to_string())
}

fn judge_clips(arguments: &Arguments) -> Result<(), String> {
    let (absent, frames) = (arguments.absent.as_deref(), arguments.frames.map(|frames| frames as usize));
    let clips = match &arguments.clips {
        Some(folder) => Clip::all_of(folder, absent, frames)?,
        None => vec![Clip::own(absent, frames)?],
    };
    let ways = arguments.way.map_or_else(|| Way::ALL.to_vec(), |way| vec![way]);
    let of_way = |way: Way| -> Result<_, String> {
        let units = clips.iter().map(|clip| judge_way(arguments, clip, way)).collect::<Result<Vec<_>, _>>()?;
        Ok((way.name(), units.into_iter().flatten().collect()))
    };
    let judged = ways.into_iter().map(of_way);
    let judged = judged.collect::<Result<Vec<_>, String>>()?;
    if arguments.json { report::print_ways_as_json(&judged) } else { report::print_ways(&judged) }
}

fn judge_way(arguments: &Arguments, clip: &Clip, way: Way) -> Result<Vec<Unit>, String> {
    eprintln!("{}: {} frames, ids by {}", clip.video().display(), clip.frames(), way.described());
    let properties = if way == Way::Sa3track { &*arguments.properties } else { "" };
    let found = predict::predict(Player { way, model: &arguments.model, properties }, clip)?;
    if let Some(folder) = &arguments.save {
        let folder = if arguments.clips.is_some() { &folder.join(clip.name()) } else { folder };
        std::fs::create_dir_all(folder).map_err(|error| format!("--save {}: {error}", folder.display()))?;
        for (name, side) in [("truth".into(), &clip.truth), (format!("predictions-{}", way.name()), &found)] {
            let written = ground_truth::write_youtube_vis(&folder.join(name + ".json"), side);
            written.map_err(|error| error.to_string())?;
        }
    }
    let judged = ground_truth::pair(&clip.truth, &found).map_err(|error| error.to_string())?;
    note_left_out(&judged);
    Ok(judged.units)
}
