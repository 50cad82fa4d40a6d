//! The Python on this machine: its pip, the torch it may have, and reading wheels with it.

use crate::failure::{Context, Failure, Outcome};
use crate::process;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Asks for the version and the folder of the installed torch without importing it, which would take seconds.
const FIND_TORCH: &str = "
import importlib.metadata as metadata
torch = metadata.distribution('torch')
print(torch.version)
print(torch.locate_file('torch'))
";

const WHEEL_READER: &str = include_str!("wheel.py");

/// `python3` of the user's PATH, away from the current folder, whose files it could take for modules.
pub fn python3() -> Command {
    let mut python = Command::new("python3");
    python.current_dir("/").env("PYTHONDONTWRITEBYTECODE", "1");
    python
}

/// Whether `python3 -m pip` works.
pub fn has_pip() -> bool {
    process::succeeds(python3().args(["-m", "pip", "--version"]))
}

/// Version and folder of the torch that `python3` has.
pub fn torch() -> Option<(String, PathBuf)> {
    let text = process::capture(python3().args(["-c", FIND_TORCH])).ok()?;
    let (version, folder) = text.trim().split_once('\n')?;
    Some((version.to_owned(), PathBuf::from(folder)))
}

/// The METADATA text of a wheel.
pub fn wheel_metadata(wheel: &Path) -> Outcome<String> {
    process::capture(python3().args(["-c", WHEEL_READER, "metadata"]).arg(wheel))
        .map_err(|failure| broken_wheel(wheel, &failure))
}

/// How extracted files lie in their folder.
pub enum Shape {
    /// With the folders they have in the wheel.
    Keep,
    /// All in one folder.
    Flat,
}

/// Extracts the files whose path in the wheel matches a pattern; returns those paths.
pub fn extract(wheel: &Path, folder: &Path, shape: Shape, patterns: &[String]) -> Outcome<Vec<String>> {
    let shape = match shape {
        Shape::Keep => "keep",
        Shape::Flat => "flat",
    };
    std::fs::create_dir_all(folder).context(|| format!("cannot make {}", folder.display()))?;
    let mut python = python3();
    python.args(["-c", WHEEL_READER, "extract"]).args([wheel, folder]).arg(shape).args(patterns);
    let listing = process::capture(&mut python).map_err(|failure| broken_wheel(wheel, &failure))?;
    Ok(listing.lines().map(str::to_owned).collect())
}

fn broken_wheel(wheel: &Path, failure: &Failure) -> Failure {
    // The program text is part of the command line; the last line is what Python has to say.
    let said = failure.cause().trim().lines().last().unwrap_or_default();
    Failure::new(format!("cannot read {}: {said}", wheel.display())).remedy(format!(
        "if the disk is not full, remove that file and run `cargo xtask setup` again: rm {}",
        wheel.display()
    ))
}
