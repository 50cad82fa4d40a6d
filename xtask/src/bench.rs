//! `cargo xtask bench`: our speed beside that of the Python reference, in an environment made for it.

use crate::checkout::Checkout;
use crate::failure::{Context, Outcome};
use crate::{demo, parity, process, reference, setup};
use std::path::PathBuf;

const BINARY: &str = "sa3-bench";
/// What the benchmark at full size reads.
const CHECKPOINT: &str = "hf-bf16";
/// Of the clip, for the bundled model there.
const FRAMES: &str = "60";
/// Short ones, so more of them.
const TRACKING_ROUNDS: &str = "4";

#[derive(clap::Args)]
pub struct Options {
    /// The bundled model beside transformers
    #[arg(long, required_unless_present_any = ["full_size", "tracking", "pipeline", "composite"])]
    vs_transformers: bool,
    /// Every target of speed and memory, with random weights of the released model's size (1.7 GB) and the bundled model
    #[arg(long, conflicts_with = "vs_transformers")]
    full_size: bool,
    /// Following objects beside transformers' video model, with random weights; with --full-size also of the released
    /// model's size
    #[arg(long, conflicts_with = "vs_transformers")]
    tracking: bool,
    /// Whole pipelines, live ones and files: frames per second, delays, drops, memory; needs no Python
    #[arg(long, conflicts_with_all = ["vs_transformers", "full_size", "tracking"])]
    pipeline: bool,
    /// Drawing on frames, beside GStreamer's compositor, and writing what was found, with every target; needs no Python
    #[arg(long, conflicts_with_all = ["vs_transformers", "full_size", "tracking", "pipeline"])]
    composite: bool,
    /// Folder for pipelines.svg
    #[arg(long, value_name = "FOLDER", default_value = "out/bench", requires = "pipeline")]
    output_dir: PathBuf,
    /// Folder for the weights of --full-size (the user's cache)
    #[arg(long, value_name = "FOLDER", requires = "full_size")]
    folder: Option<PathBuf>,
}

/// Sets up, builds, makes the Python environment, and runs the comparison.
pub fn run(checkout: &Checkout, options: &Options) -> Outcome<()> {
    let pins = checkout.pins()?;
    setup::run(checkout, &setup::Options::default())?;
    let mut bench = demo::built(checkout, BINARY)?;
    if options.pipeline {
        let folder = std::path::absolute(&options.output_dir)
            .context(|| format!("--output-dir {}", options.output_dir.display()))?;
        return process::run(bench.arg("--pipeline").arg("--output-dir").arg(folder));
    }
    if options.composite {
        return process::run(bench.arg("--composite"));
    }
    let python = reference::python(&pins)?;
    if options.tracking {
        bench.args(["--tracking", "--rounds", TRACKING_ROUNDS]);
    }
    if options.full_size {
        let folder = parity::folder(options.folder.as_deref())?;
        parity::make_checkpoints(checkout, &python, &folder, &[CHECKPOINT])?;
        bench.arg("--full-size").arg(folder.join(CHECKPOINT)).args(["--frames", FRAMES]);
    } else if !options.tracking {
        bench.arg("--vs-transformers");
    }
    process::run(bench.env("SA3_PYTHON", python))
}
