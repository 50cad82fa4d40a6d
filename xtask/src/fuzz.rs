//! `cargo xtask fuzz --minutes N`: broken and hostile files for everything that reads what a stranger wrote.

use crate::checkout::Checkout;
use crate::failure::{Failure, Outcome};
use crate::say::say;
use crate::{process, setup};

const EXAMPLE: &str = "fuzz";
/// In the checkout; git ignores it.
const RESULTS: &str = "out/fuzz";

#[derive(clap::Args)]
pub struct Options {
    /// How long; the readers take turns
    #[arg(long, value_name = "N", default_value_t = 5.0, value_parser = minutes)]
    minutes: f64,
    /// The same number makes the same inputs
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    seed: u32,
}

/// Builds the fuzzer with overflow checks and runs it.
pub fn run(checkout: &Checkout, options: &Options) -> Outcome<()> {
    setup::run(checkout, &setup::Options::default())?;
    let Options { minutes, seed } = options;
    say!("run   {minutes} minutes, seed {seed}; what is not survived is kept in {RESULTS}");
    let mut cargo = checkout.cargo();
    cargo.args(["run", "--package", "sa3", "--example", EXAMPLE, "--"]);
    cargo.args([minutes.to_string(), seed.to_string()]);
    process::run(&mut cargo).map_err(|failure| {
        Failure::new(failure.cause()).remedy(format!(
            "mend the reader, and put the input from {RESULTS} into tests/fuzz/corpus (where the process itself ended, \
             the input is {RESULTS}/<target>/current of the newest time)"
        ))
    })
}

fn minutes(text: &str) -> Result<f64, String> {
    text.parse().ok().filter(|minutes| (0.01..=1440.0).contains(minutes)).ok_or_else(|| "0.01 to 1440".into())
}
