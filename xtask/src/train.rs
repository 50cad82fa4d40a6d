//! `cargo xtask train`: a run of the recipe of sa3-nano, in a Python that has what it needs.

use crate::checkout::Checkout;
use crate::failure::{Context, Outcome};
use crate::folders::{self, clear};
use crate::python::python3;
use crate::say::say;
use crate::{process, reference};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Units first; then a few pictures and clips are learnt by heart.
const SMOKE: [&[&str]; 3] =
    [&["-m", "unittest", "discover", "training"], &["training/detector_smoke.py"], &["training/tracker_smoke.py"]];
/// Written when all packages are there.
const COMPLETE: &str = "complete";

#[derive(clap::Args)]
pub struct Options {
    /// Learn a few pictures and clips by heart, in minutes; fail when that does not work
    #[arg(long, conflicts_with = "script", required_unless_present = "script")]
    smoke: bool,
    /// A step of training/README.md: the name of its script, as tracker_train.py, and the script's options
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "SCRIPT OPTIONS")]
    script: Vec<String>,
}

/// Makes the environment where it is missing, and runs the script in the repository's root.
pub fn run(checkout: &Checkout, options: &Options) -> Outcome<()> {
    let python = reference::python(&checkout.pins()?)?;
    let packages = packages(&checkout.root().join("training/requirements.txt"))?;
    let in_root = || {
        let mut command = Command::new(&python);
        command.current_dir(checkout.root()).env("PYTHONPATH", &packages).env("PYTHONDONTWRITEBYTECODE", "1");
        command
    };
    match options.script.split_first() {
        Some((script, arguments)) => process::run(in_root().arg(Path::new("training").join(script)).args(arguments)),
        None => SMOKE.iter().try_for_each(|arguments| {
            say!("run   python {}", arguments.join(" "));
            process::run(in_root().args(*arguments))
        }),
    }
}

/// The folder of the packages that the recipe needs beside the reference's.
fn packages(requirements: &Path) -> Outcome<PathBuf> {
    let wanted = std::fs::read_to_string(requirements).context(|| requirements.display().to_string())?;
    let cache = folders::cache()?;
    let place = cache.join("python-training");
    let is_complete = || std::fs::read_to_string(place.join(COMPLETE)).is_ok_and(|installed| installed == wanted);
    if !is_complete() {
        let _lock = folders::lock(&cache)?;
        if !is_complete() {
            install(requirements, &place)?;
            std::fs::write(place.join(COMPLETE), &wanted).context(|| place.display().to_string())?;
        }
    }
    say!("ok    Python packages in {}", place.display());
    Ok(place)
}

fn install(requirements: &Path, place: &Path) -> Outcome<()> {
    clear(place)?;
    say!("make  Python packages of {}", requirements.display());
    let mut pip = python3();
    pip.args(["-m", "pip", "--disable-pip-version-check", "install", "--only-binary=:all:", "--no-deps"]);
    process::run(pip.arg("--target").arg(place).arg("--requirement").arg(requirements))
}
