//! `cargo xtask demo`: set up, build, run the main job, show where the results are.

use crate::checkout::Checkout;
use crate::failure::{Context, Failure, Outcome};
use crate::plugin::{self, Profile};
use crate::say::say;
use crate::{process, setup};
use clap::Args;
use std::path::{Path, PathBuf};
use std::process::Command;

const BINARY: &str = "sa3-demo";

/// What the demo runs on; without any, the clip that comes with sa3.
#[derive(Args)]
pub struct Options {
    /// Video or picture to use instead of the clip that comes with sa3
    #[arg(long, value_name = "FILE")]
    input: Option<PathBuf>,
    /// What to look for; `;` between concepts
    #[arg(long, value_name = "TEXT")]
    prompt: Option<String>,
    /// Show a window while it runs
    #[arg(long)]
    live: bool,
    /// Folder for the results
    #[arg(long, value_name = "FOLDER")]
    output_dir: Option<PathBuf>,
}

/// Runs the demo to its end.
pub fn run(checkout: &Checkout, options: &Options) -> Outcome<()> {
    let input = options.input.as_deref().map(existing).transpose()?;
    setup::run(checkout, &setup::Options::default())?;
    let mut demo = built(checkout, BINARY)?;
    let results = absolute(options.output_dir.as_deref().unwrap_or(&checkout.root().join("out/demo")))?;
    demo.arg("--output-dir").arg(&results);
    if let Some(input) = input {
        demo.arg("--input").arg(input);
    }
    if let Some(prompt) = &options.prompt {
        demo.arg("--prompt").arg(prompt);
    }
    if options.live {
        demo.arg("--live");
    }
    process::run(&mut demo)?;
    show(&results);
    Ok(())
}

/// Builds the plugin and a binary of its package, ready to be run. Such a binary brings the elements with it.
pub fn built(checkout: &Checkout, name: &str) -> Outcome<Command> {
    if !checkout.has_binary(name)? {
        return Err(Failure::new(format!("this checkout has no binary `{name}`")).remedy(format!(
            "it belongs in the package gst-plugin-sa3 (plugins/src/bin/{name}.rs); update the checkout"
        )));
    }
    plugin::build(checkout, Profile::Release, &[name])?;
    let mut command = Command::new(plugin::binary(checkout, Profile::Release, name)?);
    plugin::hide_copies(command.current_dir(checkout.root()), checkout)?;
    Ok(command)
}

fn existing(file: &Path) -> Outcome<PathBuf> {
    std::fs::canonicalize(file)
        .context(|| format!("--input {}", file.display()))
        .map_err(|failure| failure.remedy("name a video or picture file that exists"))
}

fn absolute(path: &Path) -> Outcome<PathBuf> {
    std::path::absolute(path).context(|| format!("--output-dir {}", path.display()))
}

fn show(results: &Path) {
    say!("The results are in {}", results.display());
    let mut names: Vec<_> =
        std::fs::read_dir(results).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    names.sort();
    for file in names.iter().filter(|path| path.is_file()) {
        let bytes = file.metadata().map_or(0, |file| file.len());
        say!("  {}  {}", file.display(), crate::folders::readable(bytes));
    }
}
