//! `cargo xtask soak`: a long run of the tracker, with memory and time watched. The binary `sa3-soak` plays and judges.

use crate::checkout::Checkout;
use crate::failure::{Context, Outcome};
use crate::{demo, process, setup};
use std::path::PathBuf;

const BINARY: &str = "sa3-soak";

#[derive(clap::Args)]
pub struct Options {
    /// test (discs that come and go), nano, or another model, which sees the clip that comes with sa3 again and again
    #[arg(long, value_name = "MODEL", default_value = "test")]
    model: String,
    /// How many frames
    #[arg(long, value_name = "N", default_value_t = 20_000)]
    frames: u64,
    /// A live source instead, three times too fast for the model; the delay is watched too
    #[arg(long)]
    live: bool,
    /// With --live: how long
    #[arg(long, value_name = "N", default_value_t = 1.0)]
    minutes: f64,
    /// With --live: neither prompt edits nor a second branch that comes and goes
    #[arg(long)]
    still: bool,
    /// Folder for soak.csv and soak.svg, with --live for live.csv and live.svg
    #[arg(long, value_name = "FOLDER", default_value = "out/soak")]
    output_dir: PathBuf,
}

/// Sets up, builds, and plays; fails when memory grows by 2 % or more, and a live run also when frames are late or lost.
pub fn run(checkout: &Checkout, options: &Options) -> Outcome<()> {
    let folder = &options.output_dir;
    let folder = std::path::absolute(folder).context(|| format!("--output-dir {}", folder.display()))?;
    setup::run(checkout, &setup::Options::default())?;
    let mut soak = demo::built(checkout, BINARY)?;
    let model = std::fs::canonicalize(&options.model);
    let model = model.map_or_else(|_| options.model.clone(), |path| path.to_string_lossy().into_owned());
    soak.arg("--model").arg(model).arg(format!("--frames={}", options.frames)).arg("--output-dir").arg(folder);
    if options.live {
        soak.arg("--live").arg(format!("--minutes={}", options.minutes));
    }
    if options.still {
        soak.arg("--still");
    }
    process::run(&mut soak)
}
