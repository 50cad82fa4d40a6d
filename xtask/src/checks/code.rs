//! The checks that cargo does, and the plugin's own.

use crate::checkout::Checkout;
use crate::failure::Outcome;
use crate::plugin::{self, Profile};
use crate::process;
use crate::say::say;

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

pub(super) fn tests(checkout: &Checkout) -> Outcome<()> {
    let mut cargo = checkout.cargo();
    cargo.args(["test", "--workspace"]).env("G_DEBUG", "fatal_warnings");
    process::run(plugin::hide_copies(&mut cargo, checkout)?)
}

/// Loaded with nothing in the environment to help. Named with the tests, the plugin is the one that they already built.
pub(super) fn plugin(checkout: &Checkout) -> Outcome<()> {
    process::run(checkout.cargo().args(["build", "--workspace", "--lib", "--tests"]))?;
    let file = plugin::offer(checkout, Profile::Debug)?.join(plugin::FILE_NAME);
    plugin::check_linking(&file)?;
    say!("ok    {} has {}", plugin::FILE_NAME, plugin::elements(&file)?.join(", "));
    Ok(())
}
