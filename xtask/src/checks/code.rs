//! The checks that cargo does, and the plugin's own.

use crate::checkout::Checkout;
use crate::failure::{Context, Outcome};
use crate::plugin::{self, Profile};
use crate::process;
use crate::say::say;
use std::path::PathBuf;
use std::process::Command;

pub(super) fn fmt(checkout: &Checkout) -> Outcome<()> {
    process::run(checkout.cargo().args(["fmt", "--all", "--check"]))
}

pub(super) fn clippy(checkout: &Checkout) -> Outcome<()> {
    process::run(checkout.cargo().args(["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]))
}

pub(super) fn docs(checkout: &Checkout) -> Outcome<()> {
    let mut cargo = checkout.cargo();
    process::run(cargo.args(["doc", "--no-deps", "--workspace"]).env("RUSTDOCFLAGS", "-D warnings"))
}

/// The tests register the elements themselves, so no other copy of the plugin may be in GStreamer's reach: neither from
/// GST_PLUGIN_PATH nor from the user's own plugins, which the default system path includes.
pub(super) fn tests(checkout: &Checkout) -> Outcome<()> {
    let mut cargo = checkout.cargo();
    cargo.args(["test", "--workspace"]).env("G_DEBUG", "fatal_warnings");
    cargo.env("GST_PLUGIN_PATH", "").env_remove("GST_PLUGIN_PATH_1_0");
    cargo.env_remove("GST_PLUGIN_SYSTEM_PATH").env("GST_PLUGIN_SYSTEM_PATH_1_0", system_plugins()?);
    cargo.env("GST_REGISTRY", registry(checkout)?);
    process::run(&mut cargo)
}

/// Loaded with nothing in the environment to help. Named with the tests, the plugin is the one that they already built.
pub(super) fn plugin(checkout: &Checkout) -> Outcome<()> {
    process::run(checkout.cargo().args(["build", "--workspace", "--lib", "--tests"]))?;
    let file = plugin::offer(checkout, Profile::Debug)?.join(plugin::FILE_NAME);
    plugin::check_linking(&file)?;
    say!("ok    {} has {}", plugin::FILE_NAME, plugin::elements(&file)?.join(", "));
    Ok(())
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
