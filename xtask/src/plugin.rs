//! The plugin as GStreamer sees it: built, found, listed.

use crate::checkout::Checkout;
use crate::elf::Dynamic;
use crate::failure::{Context, Failure, Outcome};
use crate::process;
use std::path::{Path, PathBuf};
use std::process::Command;

/// File name of the plugin.
pub const FILE_NAME: &str = "libgstsa3.so";

/// Cargo's profile.
#[derive(Clone, Copy, PartialEq)]
pub enum Profile {
    /// Optimised.
    Release,
    /// Quick to build, slow to run.
    Debug,
}

impl Profile {
    fn folder(self) -> &'static str {
        match self {
            Self::Release => "release",
            Self::Debug => "debug",
        }
    }
}

/// Builds engine and plugin, and binaries of the plugin's package by name; returns the folder that holds the plugin alone.
pub fn build(checkout: &Checkout, profile: Profile, binaries: &[&str]) -> Outcome<PathBuf> {
    let mut cargo = checkout.cargo();
    cargo.arg("build");
    if !binaries.is_empty() {
        cargo.args(["--package", "gst-plugin-sa3", "--lib"]);
        cargo.args(binaries.iter().flat_map(|name| ["--bin", name]));
    }
    if profile == Profile::Release {
        cargo.arg("--release");
    }
    process::run(&mut cargo).map_err(|failure| {
        Failure::new(failure.cause())
            .remedy("`cargo xtask doctor` tells whether something that the build needs is missing")
    })?;
    offer(checkout, profile)
}

/// A binary that [`build`] made.
pub fn binary(checkout: &Checkout, profile: Profile, name: &str) -> Outcome<PathBuf> {
    Ok(checkout.target_dir()?.join(profile.folder()).join(name))
}

/// The folder that holds nothing but the plugin of this profile; GStreamer would search all of cargo's folders otherwise.
pub fn folder(checkout: &Checkout, profile: Profile) -> Outcome<PathBuf> {
    Ok(checkout.target_dir()?.join(profile.folder()).join("gstreamer-1.0"))
}

/// The plugin of this profile, if it was built.
pub fn built(checkout: &Checkout, profile: Profile) -> Outcome<Option<PathBuf>> {
    let file = folder(checkout, profile)?.join(FILE_NAME);
    Ok(file.is_file().then_some(file))
}

/// Makes the folder that holds the plugin alone. A link follows every later `cargo build`; a copy would not.
pub fn offer(checkout: &Checkout, profile: Profile) -> Outcome<PathBuf> {
    let folder = folder(checkout, profile)?;
    std::fs::create_dir_all(&folder).context(|| format!("cannot make {}", folder.display()))?;
    let link = folder.join(FILE_NAME);
    if !link.is_symlink() {
        let to = Path::new("..").join(FILE_NAME);
        std::os::unix::fs::symlink(to, &link).context(|| format!("cannot make the link {}", link.display()))?;
    }
    Ok(folder)
}

/// Names of the elements in a plugin file, as gst-inspect-1.0 lists them.
pub fn elements(file: &Path) -> Outcome<Vec<String>> {
    let listing = process::capture(bare_gst_inspect().arg(file)).map_err(|failure| {
        Failure::new(format!("GStreamer cannot load {}: {}", file.display(), failure.cause()))
            .remedy("`cargo xtask doctor` names libraries that are not found")
    })?;
    let elements = parse_elements(&listing);
    if elements.is_empty() {
        return Err(Failure::new(format!("{} offers no element", file.display())).remedy("cargo xtask build"));
    }
    Ok(elements)
}

/// Lines such as `  sa3segment: Segment by words` between the plugin's details and the count of features.
fn parse_elements(listing: &str) -> Vec<String> {
    let features = listing.lines().filter_map(|line| line.strip_prefix("  ")).filter(|line| !line.starts_with(' '));
    let named = features.filter_map(|line| line.split_once(": ")).map(|(name, _)| name);
    named.filter(|name| name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')).map(str::to_owned).collect()
}

/// Looks whether the loader finds all that a plugin file needs, and that CUDA is not among what it must have.
pub fn check_linking(file: &Path) -> Outcome<()> {
    if Dynamic::of(file)?.needed.iter().any(|name| name.starts_with("libtorch_cuda")) {
        return Err(Failure::new(format!("{} needs libtorch_cuda, so it loads only where CUDA is", file.display()))
            .remedy("build it against a layout whose lib/ has no libtorch_cuda.so: cargo xtask setup, then cargo xtask build"));
    }
    let listing = process::capture(Command::new("ldd").env_remove("LD_LIBRARY_PATH").arg(file))?;
    let lost: Vec<_> = listing.lines().filter(|line| line.ends_with("not found")).map(str::trim).collect();
    if lost.is_empty() {
        return Ok(());
    }
    Err(Failure::new(format!("{}: {}", file.display(), lost.join(", ")))
        .remedy("cargo xtask setup, then cargo xtask build (or install, for the installed plugin)"))
}

/// gst-inspect-1.0 as a fresh shell of this user would run it: home and XDG folders, and nothing that names plugins.
pub fn bare_gst_inspect() -> Command {
    let mut inspect = Command::new("gst-inspect-1.0");
    inspect.env_clear().arg("--no-colors");
    for variable in ["HOME", "PATH", "XDG_DATA_HOME", "XDG_CACHE_HOME", "LANG"] {
        if let Some(value) = std::env::var_os(variable) {
            inspect.env(variable, value);
        }
    }
    inspect
}

/// The file that GStreamer takes an element from.
pub fn file_of(element: &str) -> Option<PathBuf> {
    let manual = process::capture(bare_gst_inspect().arg(element)).ok()?;
    let line = manual.lines().find_map(|line| line.trim_start().strip_prefix("Filename"))?;
    Some(PathBuf::from(line.trim()))
}

/// Takes every copy of the plugin out of `command`'s reach: programs that register the elements themselves may find no
/// other, neither from GST_PLUGIN_PATH nor from the user's own plugins, which the default system path includes.
pub fn hide_copies<'c>(command: &'c mut Command, checkout: &Checkout) -> Outcome<&'c mut Command> {
    command.env("GST_PLUGIN_PATH", "").env_remove("GST_PLUGIN_PATH_1_0");
    command.env_remove("GST_PLUGIN_SYSTEM_PATH").env("GST_PLUGIN_SYSTEM_PATH_1_0", system_plugins()?);
    Ok(command.env("GST_REGISTRY", registry(checkout)?))
}

fn system_plugins() -> Outcome<String> {
    let folder = process::capture(Command::new("pkg-config").args(["--variable=pluginsdir", "gstreamer-1.0"]))?;
    Ok(folder.trim().to_owned())
}

/// A list of plugins of our own, so that the user's is neither read nor rewritten.
fn registry(checkout: &Checkout) -> Outcome<PathBuf> {
    let target = checkout.target_dir()?;
    std::fs::create_dir_all(&target).context(|| format!("cannot make {}", target.display()))?;
    Ok(target.join("gstreamer-registry.bin"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_the_indented_names() {
        let listing = "Plugin Details:\n  Name                     sa3\n  Description              Words: to masks\n  \
            Filename                 /x/libgstsa3.so\n\n  sa3segment: Segment by words\n  maskcomposite: Draw masks\n\n  \
            2 features:\n  +-- 2 elements\n";
        assert_eq!(parse_elements(listing), ["sa3segment", "maskcomposite"]);
    }
}
