//! `cargo xtask eval`: how good masks and tracks are. The binary `sa3-eval` judges.

use crate::checkout::Checkout;
use crate::failure::{Context, Outcome};
use crate::{demo, process, setup};
use std::path::{Path, PathBuf};

const BINARY: &str = "sa3-eval";

#[derive(clap::Args)]
#[command(group = clap::ArgGroup::new("judged").required(true))]
pub struct Options {
    /// Folder or JSON file of the truth: DAVIS-like, YouTube-VIS-like or MOTS-like
    #[arg(long, value_name = "PATH", requires = "predictions", group = "judged")]
    truth: Option<PathBuf>,
    /// Folder or JSON file of the predictions, in any of the layouts
    #[arg(long, value_name = "PATH", requires = "truth")]
    predictions: Option<PathBuf>,
    /// Leave out predictions whose score is below this, 0 to 1 (0.5)
    #[arg(long, value_name = "SCORE", requires = "truth")]
    threshold: Option<f64>,
    /// Judge what the model makes of the clip that comes with sa3
    #[arg(long, groups = ["judged", "played"])]
    clip: bool,
    /// Judge what the model makes of other clips, as `cargo xtask train named_clips.py` makes them
    #[arg(long, value_name = "FOLDER", groups = ["judged", "played"])]
    clips: Option<PathBuf>,
    /// nano, or the path of a checkpoint's directory or file
    #[arg(long, value_name = "MODEL", requires = "played")]
    model: Option<String>,
    /// How objects of the clip get their ids: greedy-iou or sa3track; without it, both are compared
    #[arg(long, value_name = "WAY", requires = "played")]
    way: Option<String>,
    /// More properties of sa3track, as in a launch line ("new-object-score=0.5 hold-detections=3")
    #[arg(long, value_name = "TEXT", requires = "played")]
    properties: Option<String>,
    /// Use only the first frames of the clip
    #[arg(long, value_name = "N", requires = "played")]
    frames: Option<u32>,
    /// Write truth and predictions for the clip into this folder, as YouTube-VIS has them; with --clips into one for each
    #[arg(long, value_name = "FOLDER", requires = "played")]
    save: Option<PathBuf>,
    /// Print JSON instead of a table
    #[arg(long)]
    json: bool,
}

impl Options {
    /// Paths are meant from where the user stands, and the binary runs in the checkout.
    fn arguments(&self) -> Outcome<Vec<String>> {
        let path = |path: &Option<PathBuf>| path.as_deref().map(absolute).transpose();
        let named = [
            ("truth", path(&self.truth)?),
            ("predictions", path(&self.predictions)?),
            ("clips", path(&self.clips)?),
            ("threshold", self.threshold.map(|threshold| threshold.to_string())),
            ("model", self.model.as_deref().map(model)),
            ("way", self.way.clone()),
            ("properties", self.properties.clone()),
            ("frames", self.frames.map(|frames| frames.to_string())),
            ("save", path(&self.save)?),
        ];
        let named = named.into_iter().filter_map(|(name, value)| Some(format!("--{name}={}", value?)));
        let flags = [("--clip", self.clip), ("--json", self.json)].into_iter().filter(|(_, is_given)| *is_given);
        Ok(flags.map(|(flag, _)| flag.to_owned()).chain(named).collect())
    }
}

/// Sets up, builds, and judges.
pub fn run(checkout: &Checkout, options: &Options) -> Outcome<()> {
    let arguments = options.arguments()?;
    setup::run(checkout, &setup::Options::default())?;
    process::run(demo::built(checkout, BINARY)?.args(arguments))
}

fn absolute(path: &Path) -> Outcome<String> {
    let path = std::path::absolute(path).context(|| format!("{} cannot be made absolute", path.display()))?;
    Ok(path.to_string_lossy().into_owned())
}

/// A name stays a name.
fn model(model: &str) -> String {
    std::fs::canonicalize(model).map_or_else(|_| model.into(), |path| path.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        options: Options,
    }

    fn arguments(line: &[&str]) -> Vec<String> {
        Line::try_parse_from([&["eval"], line].concat()).unwrap().options.arguments().unwrap()
    }

    #[test]
    fn paths_are_from_here_and_names_stay_names() {
        let here = std::env::current_dir().unwrap();
        let told = arguments(&["--truth", "src", "--predictions", "tests", "--threshold", "0.3"]);
        let path = |name: &str| here.join(name).to_string_lossy().into_owned();
        assert_eq!(
            told,
            [format!("--truth={}", path("src")), format!("--predictions={}", path("tests")), "--threshold=0.3".into()]
        );
        assert_eq!(arguments(&["--clip", "--model", "nano", "--json"]), ["--clip", "--json", "--model=nano"]);
    }

    #[test]
    fn there_is_something_to_judge() {
        let refused = |line: &[&str]| Line::try_parse_from([&["eval"], line].concat()).is_err();
        assert!(
            refused(&[]) && refused(&["--truth", "a"]) && refused(&["--clip", "--truth", "a", "--predictions", "b"])
        );
    }
}
