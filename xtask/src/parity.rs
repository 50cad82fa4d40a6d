//! `cargo xtask parity --full-size`: the engine against transformers with random weights of the released model's size.

use crate::checkout::Checkout;
use crate::failure::{Context, Failure, Outcome};
use crate::say::say;
use crate::{folders, process, reference, setup};
use std::path::{Path, PathBuf};
use std::process::Command;

const EXAMPLE: &str = "full_size_parity";
/// Layout and precision, as `full_size_checkpoint.py` knows them.
const CHECKPOINTS: [&str; 4] = ["hf-fp32", "official-fp32", "hf-bf16", "official-bf16"];

#[derive(clap::Args)]
pub struct Options {
    /// With weights of the released model's size: 11 GB on disk, 12 GB of memory, and minutes
    #[arg(long, required = true)]
    full_size: bool,
    /// Compare this checkpoint alone; may be given several times
    #[arg(long, value_name = "NAME", value_parser = clap::builder::PossibleValuesParser::new(CHECKPOINTS))]
    checkpoint: Vec<String>,
    /// Folder for checkpoints and reference (the user's cache)
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
}

/// Makes what is missing of checkpoints and reference, then compares each checkpoint; all are compared also when one fails.
pub fn run(checkout: &Checkout, options: &Options) -> Outcome<()> {
    let pins = checkout.pins()?;
    setup::run(checkout, &setup::Options::default())?;
    let python = reference::python(&pins)?;
    let folder = folder(options.folder.as_deref())?;
    let is_wanted = |name: &&str| options.checkpoint.is_empty() || options.checkpoint.iter().any(|one| one == name);
    let wanted: Vec<&str> = CHECKPOINTS.into_iter().filter(is_wanted).collect();
    make_checkpoints(checkout, &python, &folder, &wanted)?;
    process::run(script(checkout, &python, "full_size_reference.py").arg("--folder").arg(&folder))?;
    process::run(checkout.cargo().args(["build", "--release", "--package", "sa3", "--example", EXAMPLE]))?;
    let mut failed = Vec::new();
    for name in &wanted {
        for kernels in if name.ends_with("bf16") { &["", "plain"][..] } else { &[""] } {
            let mut compare = checkout.cargo();
            compare.args(["run", "--quiet", "--release", "--package", "sa3", "--example", EXAMPLE, "--"]);
            compare.arg(&folder).arg(name).env("SA3_KERNELS", kernels);
            say!("\nrun   {name}{}", if kernels.is_empty() { "" } else { ", SA3_KERNELS=plain" });
            if process::run(&mut compare).is_err() {
                failed.push(format!("{name} {kernels}").trim().to_owned());
            }
        }
    }
    if failed.is_empty() {
        say!("ok    {} agree with transformers", wanted.join(", "));
        return Ok(());
    }
    Err(Failure::new(format!("no parity: {}", failed.join(", "))).remedy(
        "the first tensor of a case that fails, in the order picture, text, geometry, memory, queries, tells where",
    ))
}

/// Where checkpoints and references lie.
pub fn folder(named: Option<&Path>) -> Outcome<PathBuf> {
    let folder = named.map_or_else(|| Ok(folders::cache()?.join("full-size")), |folder| Ok(folder.to_owned()))?;
    std::path::absolute(&folder).context(|| format!("--folder {}", folder.display()))
}

/// Makes what is missing of the named checkpoints.
pub fn make_checkpoints(checkout: &Checkout, python: &Path, folder: &Path, names: &[&str]) -> Outcome<()> {
    say!("make  random weights of the released model's size in {} (where they are missing)", folder.display());
    process::run(script(checkout, python, "full_size_checkpoint.py").arg("--folder").arg(folder).args(names))
}

fn script(checkout: &Checkout, python: &Path, name: &str) -> Command {
    let mut command = Command::new(python);
    command.arg(checkout.root().join("tests/parity").join(name));
    command
}
