//! `cargo xtask doctor`: looks at everything that sa3 stands on, changes nothing, and tells what to do about each fault.

mod gstreamer;
mod plugins;
mod storage;
mod tools;
mod torch;

use crate::checkout::Checkout;
use crate::failure::{Failure, Outcome};
use crate::say::say;
use std::fmt::Display;

/// How a thing stands.
enum State {
    Good,
    Doubtful,
    Bad,
}

/// One line of the report.
struct Finding {
    subject: String,
    state: State,
    detail: String,
    remedy: String,
}

impl Finding {
    fn good(subject: &str, detail: impl Display) -> Self {
        Self { subject: subject.to_owned(), state: State::Good, detail: detail.to_string(), remedy: String::new() }
    }

    /// Works, but not as well as it could.
    fn doubtful(subject: &str, detail: impl Display, remedy: impl Display) -> Self {
        Self { state: State::Doubtful, remedy: remedy.to_string(), ..Self::good(subject, detail) }
    }

    fn bad(subject: &str, detail: impl Display, remedy: impl Display) -> Self {
        Self { state: State::Bad, ..Self::doubtful(subject, detail, remedy) }
    }

    fn from_failure(subject: &str, failure: &Failure) -> Self {
        Self::bad(subject, failure.cause(), failure.remedy_text())
    }
}

/// Prints the report; fails when anything is bad.
pub fn run(checkout: &Checkout) -> Outcome<()> {
    let pins = checkout.pins()?;
    let mut findings = tools::findings();
    findings.extend(gstreamer::findings(&pins));
    findings.extend(torch::findings(checkout, &pins));
    findings.extend(plugins::findings(checkout));
    findings.extend(storage::findings(checkout));
    findings.iter().for_each(print);
    let bad = findings.iter().filter(|finding| matches!(finding.state, State::Bad)).count();
    let good = findings.iter().filter(|finding| matches!(finding.state, State::Good)).count();
    say!("\n{good} good, {} doubtful, {bad} bad", findings.len() - good - bad);
    if bad == 0 { Ok(()) } else { Err(Failure::new(format!("{bad} of {} findings are bad", findings.len()))) }
}

fn print(finding: &Finding) {
    let mark = match finding.state {
        State::Good => "ok",
        State::Doubtful => "note",
        State::Bad => "BAD",
    };
    say!("{mark:<5} {}: {}", finding.subject, finding.detail);
    if !finding.remedy.is_empty() {
        say!("        remedy: {}", finding.remedy);
    }
}
