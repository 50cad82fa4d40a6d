//! A Python environment with the reference implementation, made once and shared by all checkouts.

use crate::failure::{Context, Failure, Outcome};
use crate::folders::{self, clear};
use crate::pins::Pins;
use crate::python::python3;
use crate::say::say;
use crate::{process, version};
use std::path::{Path, PathBuf};
use std::process::Command;

const VERSIONS: &str = "
import importlib.metadata as metadata
for name in ('torch', 'torchvision', 'transformers', 'pillow'):
    print(name, metadata.version(name))
";

/// The Python to compare with: the one that SA3_PYTHON names, or one of our own in the cache.
pub fn python(pins: &Pins) -> Outcome<PathBuf> {
    if let Some(named) = std::env::var_os("SA3_PYTHON").filter(|value| !value.is_empty()).map(PathBuf::from) {
        check_versions(&named, pins)?;
        say!("ok    Python environment: SA3_PYTHON={}", named.display());
        return Ok(named);
    }
    let cache = folders::cache()?;
    let place = place(&cache, pins);
    let python = place.join("bin/python");
    if check_versions(&python, pins).is_ok() {
        say!("ok    Python environment in {}", place.display());
        return Ok(python);
    }
    let _lock = folders::lock(&cache)?;
    if check_versions(&python, pins).is_err() {
        make(&place, pins)?;
        check_versions(&python, pins)?;
    }
    say!("ok    Python environment made in {}: {}", place.display(), folders::readable(folders::size_bytes(&place)));
    Ok(python)
}

/// The Python that [`python`] would give, if it needs not be made first.
pub fn python_at_hand(pins: &Pins) -> Outcome<Option<PathBuf>> {
    if std::env::var_os("SA3_PYTHON").is_some_and(|value| !value.is_empty()) {
        return python(pins).map(Some);
    }
    let python = place(&folders::cache()?, pins).join("bin/python");
    Ok(check_versions(&python, pins).is_ok().then_some(python))
}

fn place(cache: &Path, pins: &Pins) -> PathBuf {
    cache.join(format!("python-torch-{}-transformers-{}", pins.libtorch, pins.transformers))
}

/// pip installs into an environment that gets its name only when it is complete.
///
/// pip's own cache stays on here: an interrupted run would otherwise fetch gigabytes again.
fn make(place: &Path, pins: &Pins) -> Outcome<()> {
    let partial = place.with_file_name("python.partial");
    clear(&partial)?;
    say!("make  a Python environment with torch, torchvision and transformers (about 3 GB to fetch, 5 GB on disk)");
    process::run(python3().args(["-m", "venv", "--without-pip"]).arg(&partial))?;
    let mut pip = python3();
    pip.args(["-m", "pip", "--disable-pip-version-check", "--python"]).arg(partial.join("bin/python"));
    pip.args(["install", "--only-binary=:all:", "pillow"]);
    pip.arg(format!("torch=={}", pins.libtorch)).arg(format!("torchvision=={}", pins.torchvision));
    pip.arg(format!("transformers=={}", pins.transformers)).env("TMPDIR", &partial);
    process::run(&mut pip).map_err(|failure| {
        Failure::new(failure.cause())
            .remedy("see pip's words above; or set SA3_PYTHON to a python that has the pinned versions (Cargo.toml)")
    })?;
    clear(place)?;
    std::fs::rename(&partial, place).context(|| format!("cannot move the environment to {}", place.display()))
}

fn check_versions(python: &Path, pins: &Pins) -> Outcome<()> {
    let text = process::capture(Command::new(python).current_dir("/").args(["-c", VERSIONS])).map_err(|failure| {
        let said = failure.cause().trim().lines().last().unwrap_or_default().to_owned();
        Failure::new(format!("{}: {said}", python.display())).remedy("`unset SA3_PYTHON` to let it be made")
    })?;
    wrong_version(&text, pins).map_or(Ok(()), |wrong| {
        Err(Failure::new(format!("{}: {wrong}", python.display())).remedy("`unset SA3_PYTHON` to let it be made"))
    })
}

/// The first package whose release is not the pinned one.
fn wrong_version(listing: &str, pins: &Pins) -> Option<String> {
    let pinned = [("torch", &pins.libtorch), ("torchvision", &pins.torchvision), ("transformers", &pins.transformers)];
    pinned.into_iter().find_map(|(name, wanted)| {
        let found = listing.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')).map(version::release);
        (found != Some(wanted)).then(|| format!("{name} is {}, not {wanted}", found.unwrap_or("not installed")))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_wrong_version_is_told() {
        let pins = Pins::parse(include_str!("../../Cargo.toml")).unwrap();
        let Pins { libtorch, torchvision, transformers, .. } = &pins;
        let listing =
            format!("torch {libtorch}+cu130\ntorchvision {torchvision}\ntransformers {transformers}\npillow 1\n");
        assert_eq!(wrong_version(&listing, &pins), None);
        let older = listing.replace(transformers, "4.0.0");
        assert_eq!(wrong_version(&older, &pins), Some(format!("transformers is 4.0.0, not {transformers}")));
    }
}
