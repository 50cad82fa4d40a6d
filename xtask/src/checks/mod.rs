//! `cargo xtask test`: every check, in order, each with its time, and a table at the end.

mod code;
mod size;
mod tree;
mod words;

use crate::checkout::Checkout;
use crate::failure::{Failure, Outcome};
use crate::say::say;
use std::time::{Duration, Instant};

/// A check and the name to ask for it alone.
struct Check {
    name: &'static str,
    about: &'static str,
    run: fn(&Checkout) -> Outcome<()>,
}

/// Quick ones first: a slip in form is told before the long ones begin.
const CHECKS: [Check; 8] = [
    Check { name: "fmt", about: "cargo fmt --check", run: code::fmt },
    Check { name: "lines", about: "no source file above 500 lines", run: size::lines },
    Check { name: "size", about: "tracked files together below 40 MiB", run: size::tree },
    Check { name: "words", about: "no word of one machine's own in tracked files", run: words::check },
    Check { name: "clippy", about: "cargo clippy with warnings denied", run: code::clippy },
    Check { name: "docs", about: "cargo doc with warnings denied", run: code::docs },
    Check { name: "tests", about: "cargo test, GLib warnings fatal", run: code::tests },
    Check { name: "plugin", about: "the plugin loads in GStreamer and is not tied to CUDA", run: code::plugin },
];

struct Result {
    name: &'static str,
    took: Duration,
    failure: Option<Failure>,
}

/// Names of the checks, for the command line.
pub fn names() -> Vec<&'static str> {
    CHECKS.iter().map(|check| check.name).collect()
}

/// Runs every check, or those named; all are run also when one fails.
pub fn run(checkout: &Checkout, only: &[String]) -> Outcome<()> {
    let wanted = |check: &&Check| only.is_empty() || only.iter().any(|name| name == check.name);
    let results: Vec<_> = CHECKS.iter().filter(wanted).map(|check| run_one(checkout, check)).collect();
    print_table(&results);
    let failed: Vec<_> = results.iter().filter(|result| result.failure.is_some()).map(|result| result.name).collect();
    if failed.is_empty() {
        return Ok(());
    }
    let again = failed.iter().map(|name| format!(" --only {name}")).collect::<String>();
    Err(Failure::new(format!("checks failed: {}", failed.join(", ")))
        .remedy(format!("see above; alone: cargo xtask test{again}")))
}

fn run_one(checkout: &Checkout, check: &Check) -> Result {
    say!("check {}: {}", check.name, check.about);
    let began = Instant::now();
    let failure = (check.run)(checkout).err();
    let took = began.elapsed();
    match &failure {
        None => say!("ok    {} ({:.1} s)", check.name, took.as_secs_f32()),
        Some(failure) => say!("FAIL  {} ({:.1} s): {failure}", check.name, took.as_secs_f32()),
    }
    Result { name: check.name, took, failure }
}

fn print_table(results: &[Result]) {
    say!("\n{:<8} {:<6} {:>8}", "check", "result", "time");
    for Result { name, took, failure } in results {
        let verdict = if failure.is_some() { "FAIL" } else { "ok" };
        say!("{name:<8} {verdict:<6} {:>6.1} s", took.as_secs_f32());
    }
    let failed = results.iter().filter(|result| result.failure.is_some()).count();
    say!("{} passed, {failed} failed", results.len() - failed);
}
