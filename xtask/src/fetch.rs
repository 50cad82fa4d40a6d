//! `cargo xtask fetch owner/name`: the download that the user asks for. The package `sa3-fetch` does it.

use crate::checkout::Checkout;
use crate::failure::{Failure, Outcome};
use crate::plugin::{self, Profile};
use crate::{process, verify};
use std::process::Command;

const PACKAGE: &str = "sa3-fetch";

#[derive(clap::Args)]
pub struct Options {
    /// The model's name on the hub, for example facebook/sam3
    #[arg(value_name = "OWNER/NAME")]
    repository: String,
    /// Accept the model's licence without being asked, for scripts
    #[arg(long)]
    accept_licence: bool,
    /// Check the model afterwards, as `cargo xtask verify` does
    #[arg(long)]
    verify: bool,
}

/// Builds the downloader, which needs neither libtorch nor GStreamer, and runs it.
pub fn run(checkout: &Checkout, options: &Options) -> Outcome<()> {
    let mut cargo = checkout.cargo();
    cargo.args(["build", "--quiet", "--package", PACKAGE]);
    process::run(&mut cargo).map_err(|failure| {
        Failure::new(failure.cause()).remedy("it needs a C compiler: `cargo xtask setup` installs what is missing")
    })?;
    let mut fetch = Command::new(plugin::binary(checkout, Profile::Debug, PACKAGE)?);
    fetch.arg(&options.repository);
    if options.accept_licence {
        fetch.arg("--accept-licence");
    }
    // It has said why; the command line that was typed is the one to name.
    process::run(&mut fetch)
        .map_err(|_| Failure::new(format!("{} was not fetched", options.repository)).remedy("see the message above"))?;
    if options.verify {
        return verify::run(checkout, &verify::Options::of(&options.repository));
    }
    Ok(())
}
