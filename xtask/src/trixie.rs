//! `cargo xtask trixie`: the plugin in Debian trixie, where GStreamer has GstAnalytics; `tests/trixie` does the work.

use crate::checkout::Checkout;
use crate::debian::{self, Install};
use crate::failure::Outcome;
use crate::plugin::{self, Profile};
use crate::{process, setup};
use std::process::Command;

/// Builds the plugin as the tests do, and runs the script, which needs root and, the first time, Debian's archive.
pub fn run(checkout: &Checkout) -> Outcome<()> {
    setup::run(checkout, &setup::Options::default())?;
    debian::ensure(&["debootstrap".to_owned()], Install::Missing)?;
    let built = plugin::build(checkout, Profile::Debug, &[])?.join(plugin::FILE_NAME);
    let mut script = Command::new(checkout.root().join("tests/trixie/run.sh"));
    script.arg(built).arg(checkout.libtorch_link().join("lib")).arg(checkout.target_dir()?.join("trixie"));
    process::run(&mut script)
}
