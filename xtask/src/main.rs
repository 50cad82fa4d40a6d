//! `cargo xtask …`: the one door to sa3. It sets up, builds, runs and checks; it prepares and spawns, and the work itself
//! lives in the other packages.

mod bench;
mod checkout;
mod checks;
mod debian;
mod demo;
mod doctor;
mod elf;
mod eval;
mod exports;
mod failure;
mod fetch;
mod folders;
mod fuzz;
mod install;
mod libtorch;
mod memcheck;
mod parity;
mod pins;
mod plugin;
mod process;
mod python;
mod reference;
mod requirement;
mod say;
mod setup;
mod shelf;
mod soak;
mod train;
mod trixie;
mod verify;
mod version;

use checkout::Checkout;
use clap::{Parser, Subcommand};
use debian::Install;
use failure::Outcome;
use plugin::Profile;
use say::say;
use std::io::Write;
use std::process::ExitCode;

/// The one door to sa3: set-up, build, demo, fetch, verify, test, install, doctor, fuzz, parity, bench, eval, soak, train, trixie.
#[derive(Parser)]
#[command(bin_name = "cargo xtask", disable_help_subcommand = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Install what is missing, build, run the main job, show where the results are
    Demo(demo::Options),
    /// Install what is missing, run every check and test
    Test {
        /// Run this check alone; may be given several times
        #[arg(long, value_name = "NAME", value_parser = clap::builder::PossibleValuesParser::new(checks::names()))]
        only: Vec<String>,
    },
    /// Install what a build needs: Debian packages, and libtorch in a cache that checkouts share
    Setup {
        /// Install nothing; tell what is missing, and fail if anything is
        #[arg(long)]
        no_install: bool,
        /// Fetch CUDA's part also where no NVIDIA driver is found
        #[arg(long)]
        cuda: bool,
    },
    /// Build the engine and the plugin, and tell where the plugin is
    Build(BuildOptions),
    /// Print the exports with which gst-launch-1.0 finds the built plugin: eval "$(cargo xtask env)"
    Env(BuildOptions),
    /// Build the plugin and put it where GStreamer looks for the user's own plugins
    Install,
    /// Take back what install put there
    Uninstall,
    /// Check versions, libraries, driver, plugin and model; each fault comes with its remedy
    Doctor,
    /// Download a model from the Hugging Face hub, after its licence is shown and accepted
    Fetch(fetch::Options),
    /// Check a model on bundled pictures, and against transformers where a Python has it
    Verify(verify::Options),
    /// Give broken and hostile files to everything that reads files
    Fuzz(fuzz::Options),
    /// Run the elements' tests under valgrind
    Memcheck(memcheck::Options),
    /// Compare the engine with transformers at the released model's size
    Parity(parity::Options),
    /// Measure speed
    Bench(bench::Options),
    /// Judge masks and tracks: J&F, HOTA, IDF1, id switches, cgF1
    Eval(eval::Options),
    /// Play many frames through sa3track and watch memory and time
    Soak(soak::Options),
    /// Train the bundled model, or see in minutes that training works
    Train(train::Options),
    /// Read GstAnalytics metas back in Debian trixie, in a root of its own; needs root
    Trixie,
}

#[derive(clap::Args)]
struct BuildOptions {
    /// Optimised; this is the default
    #[arg(long, conflicts_with = "debug")]
    release: bool,
    /// Quick to build, slow to run
    #[arg(long)]
    debug: bool,
}

impl BuildOptions {
    fn profile(&self) -> Profile {
        if self.debug { Profile::Debug } else { Profile::Release }
    }
}

fn main() -> ExitCode {
    match run(Arguments::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // With standard error closed, the exit code alone tells.
            let _ = writeln!(std::io::stderr(), "error: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Outcome<()> {
    let checkout = Checkout::find()?;
    match command {
        Command::Demo(options) => demo::run(&checkout, &options),
        Command::Test { only } => {
            setup::run(&checkout, &setup::Options::default())?;
            checks::run(&checkout, &only)
        }
        Command::Setup { no_install, cuda } => {
            let install = if no_install { Install::Nothing } else { Install::Missing };
            setup::run(&checkout, &setup::Options { install, cuda })
        }
        Command::Build(options) => build(&checkout, options.profile()),
        Command::Env(options) => exports::print(&checkout, options.profile()),
        Command::Install => install::install(&checkout),
        Command::Uninstall => install::uninstall(),
        Command::Doctor => doctor::run(&checkout),
        Command::Fetch(options) => fetch::run(&checkout, &options),
        Command::Verify(options) => verify::run(&checkout, &options),
        Command::Fuzz(options) => fuzz::run(&checkout, &options),
        Command::Memcheck(options) => memcheck::run(&checkout, &options),
        Command::Parity(options) => parity::run(&checkout, &options),
        Command::Bench(options) => bench::run(&checkout, &options),
        Command::Eval(options) => eval::run(&checkout, &options),
        Command::Soak(options) => soak::run(&checkout, &options),
        Command::Train(options) => train::run(&checkout, &options),
        Command::Trixie => trixie::run(&checkout),
    }
}

fn build(checkout: &Checkout, profile: Profile) -> Outcome<()> {
    setup::run(checkout, &setup::Options::default())?;
    let folder = plugin::build(checkout, profile, &[])?;
    say!("ok    plugin {}", folder.join(plugin::FILE_NAME).display());
    say!("next  eval \"$(cargo xtask env{})\"", if profile == Profile::Debug { " --debug" } else { "" });
    Ok(())
}
