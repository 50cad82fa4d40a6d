//! What is noted down of a live stream each second, and what all of it says.

use std::fmt;
use std::fmt::Write;

use crate::plot::Panel;
use crate::verdict::{LEAST_LEAK_IN_PERCENT, growth};

/// Memory is held against what it was after this second.
const SETTLED_AT_SECOND: f64 = 20.0;
/// Of a hundred frames so many may be later than the latency that was told, and a frame.
const MOST_LATE_IN_PERCENT: f64 = 5.0;

/// One second.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Sample {
    pub second: f64,
    pub resident_kib: u64,
    /// The longest of the second, from a frame's time to its arrival at the sink.
    pub delay_ms: f64,
    /// What the pipeline was told, with one frame's time.
    pub told_ms: f64,
    pub dropped: u64,
    /// Streams on the engine.
    pub streams: u32,
}

/// Everything that was seen.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    pub samples: Vec<Sample>,
    pub frames_in: u64,
    pub frames_out: u64,
    pub dropped: u64,
    /// QOS messages.
    pub told_drops: u64,
    /// Frames that left before an earlier one.
    pub disordered: u64,
    /// Frames that came later than told.
    pub late: u64,
    pub edits: u64,
    pub branches: u64,
}

impl Outcome {
    /// What went wrong, in words.
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let mut check = |is_right: bool, fault: String| {
            if !is_right {
                faults.push(fault);
            }
        };
        let Self { frames_in, frames_out, dropped, told_drops, disordered, .. } = *self;
        check(
            frames_in == frames_out + dropped,
            format!("{frames_in} frames in, {frames_out} out and {dropped} dropped"),
        );
        check(told_drops == dropped, format!("{dropped} frames dropped and {told_drops} QOS messages"));
        check(disordered == 0, format!("{disordered} frames out of order"));
        check(
            self.late_in_percent() <= MOST_LATE_IN_PERCENT,
            format!("{:.1} % later than told", self.late_in_percent()),
        );
        let growth = self.growth_in_percent().unwrap_or_default();
        check(growth < LEAST_LEAK_IN_PERCENT, format!("memory grew by {growth:.2} %"));
        faults
    }

    fn late_in_percent(&self) -> f64 {
        100.0 * self.late as f64 / self.frames_out.max(1) as f64
    }

    /// The most memory after the beginning against that at its end; `None` for a short run.
    fn growth_in_percent(&self) -> Option<f64> {
        let settled = self.samples.iter().position(|sample| sample.second >= SETTLED_AT_SECOND);
        growth(self.samples.iter().map(|sample| sample.resident_kib), settled)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let most = |part: fn(&Sample) -> f64| self.samples.iter().map(part).fold(0.0, f64::max);
        writeln!(
            f,
            "seen   {} frames in, {} out, {} dropped, each told; {} edits, {} branches that came and went",
            self.frames_in, self.frames_out, self.dropped, self.edits, self.branches
        )?;
        writeln!(
            f,
            "delay  at most {:.0} ms; {:.2} % of frames later than the latency that was told and one frame",
            most(|sample| sample.delay_ms),
            self.late_in_percent()
        )?;
        let growth =
            self.growth_in_percent().map_or("not known of so short a run".into(), |part| format!("{part:+.2} %"));
        let faults = self.faults();
        let verdict = if faults.is_empty() { "ok   ".to_owned() } else { format!("FAILS  {}; ", faults.join("; ")) };
        write!(f, "{verdict}  memory after second {SETTLED_AT_SECOND}: {growth}")
    }
}

/// A line for each sample, below the names.
pub fn csv(samples: &[Sample]) -> String {
    let mut text = String::from("second,resident_kib,delay_ms,told_ms,dropped,streams\n");
    for Sample { second, resident_kib, delay_ms, told_ms, dropped, streams } in samples {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{second:.1},{resident_kib},{delay_ms:.1},{told_ms:.1},{dropped},{streams}");
    }
    text
}

/// Delay, memory, drops.
pub fn panels(samples: &[Sample]) -> [Panel; 3] {
    let all = |part: fn(&Sample) -> f64| samples.iter().map(part).collect::<Vec<_>>();
    [
        Panel {
            title: "longest delay of each second (red) and what was told with one frame (blue), ms",
            curves: vec![("#0868ac", all(|sample| sample.told_ms)), ("#b30000", all(|sample| sample.delay_ms))],
        },
        Panel {
            title: "resident memory, MiB",
            curves: vec![("#0868ac", all(|sample| sample.resident_kib as f64 / 1024.0))],
        },
        Panel { title: "streams on the engine", curves: vec![("#2b8c2b", all(|sample| f64::from(sample.streams)))] },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome() -> Outcome {
        let sample = |second| Sample { second, resident_kib: 1000, ..Sample::default() };
        Outcome {
            samples: (0..60).map(|second| sample(f64::from(second))).collect(),
            frames_in: 100,
            frames_out: 60,
            dropped: 40,
            told_drops: 40,
            ..Outcome::default()
        }
    }

    #[test]
    fn a_good_run_has_no_fault() {
        assert!(outcome().faults().is_empty() && outcome().to_string().contains("ok "));
    }

    #[test]
    fn each_fault_is_named() {
        let mut memory = outcome();
        memory.samples[50].resident_kib = 1100;
        let wrong = [
            (Outcome { frames_out: 59, ..outcome() }, "59 out"),
            (Outcome { told_drops: 39, ..outcome() }, "39 QOS"),
            (Outcome { disordered: 1, ..outcome() }, "out of order"),
            (Outcome { late: 4, ..outcome() }, "later than told"),
            (memory, "memory grew by 10.00 %"),
        ];
        for (outcome, fault) in wrong {
            assert!(outcome.faults().len() == 1 && outcome.faults()[0].contains(fault), "{:?}", outcome.faults());
        }
    }
}
