//! `cargo xtask memcheck`: the elements' tests under valgrind, for reads and writes where there is nothing to read or write.
//!
//! Leaks are the matter of `segment_cycles` and of GStreamer's own tracer.

use crate::checkout::Checkout;
use crate::failure::Outcome;
use crate::say::say;
use crate::{plugin, process, setup};

/// Tests on the artificial engine: valgrind does not know the instructions of a model's matrix product.
const TESTS: [&str; 5] = ["meta", "live", "track", "maskcomposite", "export"];
const RUNNER: &str = r#"target."cfg(all())".runner=["valgrind", "--quiet", "--error-exitcode=9", "--fair-sched=yes"]"#;

#[derive(clap::Args)]
pub struct Options {
    /// One of the tests alone; may be given several times
    #[arg(long, value_name = "TEST", value_parser = clap::builder::PossibleValuesParser::new(TESTS))]
    test: Vec<String>,
}

/// Runs each test; the first that does what it must not ends it.
pub fn run(checkout: &Checkout, options: &Options) -> Outcome<()> {
    setup::run(checkout, &setup::Options::default())?;
    let is_wanted = |name: &&str| options.test.is_empty() || options.test.iter().any(|test| test == name);
    for test in TESTS.into_iter().filter(is_wanted) {
        say!("run   {test} under valgrind (`apt install valgrind` where it is missing); minutes");
        let mut cargo = checkout.cargo();
        cargo.args(["test", "--package", "gst-plugin-sa3", "--config", RUNNER, "--test", test]);
        cargo.args(["--", "--test-threads=1"]).env("G_SLICE", "always-malloc");
        process::run(plugin::hide_copies(&mut cargo, checkout)?)?;
    }
    say!("ok    nothing was read or written where it must not be");
    Ok(())
}
