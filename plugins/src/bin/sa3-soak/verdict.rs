//! Whether memory and time stayed.

use std::fmt;

use crate::sample::Sample;

/// By this frame everything that is kept at all is there.
const SETTLED_AT_FRAME: u64 = 1_000;
/// Memory that grows by as much is a leak.
pub const LEAST_LEAK_IN_PERCENT: f64 = 2.0;
/// Parts of the run that are compared for the time of a frame.
const PARTS: usize = 10;

/// What the samples say.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Verdict {
    /// The most memory after frame 1,000 against that at frame 1,000; `None` for a run that is shorter.
    pub growth_in_percent: Option<f64>,
    /// Processor time of a frame in the last tenth of the run against the second; `None` for a run that is too short.
    pub drift_in_percent: Option<f64>,
}

impl Verdict {
    /// Of samples in the order of their frames.
    pub fn of(samples: &[Sample]) -> Self {
        let settled = samples.iter().position(|sample| sample.frame >= SETTLED_AT_FRAME);
        let growth_in_percent = growth(samples.iter().map(|sample| sample.resident_kib), settled);
        Self { growth_in_percent, drift_in_percent: drift(samples) }
    }

    /// False when memory grew. A short run proves nothing, and is not held against it.
    pub fn is_bounded(&self) -> bool {
        self.growth_in_percent.is_none_or(|growth| growth < LEAST_LEAK_IN_PERCENT)
    }
}

/// The most memory after the sample `settled` against that of it, in percent; `None` of a run that is too short.
pub fn growth(mut resident_kib: impl Iterator<Item = u64>, settled: Option<usize>) -> Option<f64> {
    let before = resident_kib.nth(settled?)?;
    Some(percent(resident_kib.max()? as f64, before as f64))
}

fn drift(samples: &[Sample]) -> Option<f64> {
    let part = samples.len() / PARTS;
    (part > 0).then(|| percent(mean_cpu_ms(&samples[samples.len() - part..]), mean_cpu_ms(&samples[part..2 * part])))
}

fn mean_cpu_ms(samples: &[Sample]) -> f64 {
    samples.iter().map(|sample| sample.cpu_ms_per_frame).sum::<f64>() / samples.len() as f64
}

/// How much more `now` is than `before`.
fn percent(now: f64, before: f64) -> f64 {
    100.0 * (now / before - 1.0)
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown =
            |part: Option<f64>| part.map_or("not known of so short a run".into(), |part| format!("{part:+.2} %"));
        write!(
            f,
            "{}  memory after frame {SETTLED_AT_FRAME}: {}; processor time of a frame, last tenth against the second: {}",
            if self.is_bounded() { "ok   " } else { "GROWS" },
            shown(self.growth_in_percent),
            shown(self.drift_in_percent),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(count: u64, resident_kib: impl Fn(u64) -> u64, ms: impl Fn(u64) -> f64) -> Vec<Sample> {
        let sample = |number: u64| Sample {
            frame: 100 * number,
            resident_kib: resident_kib(number),
            cpu_ms_per_frame: ms(number),
            ..Sample::default()
        };
        (1..=count).map(sample).collect()
    }

    #[test]
    fn memory_may_come_until_frame_1000_and_not_after() {
        let until_1000 = samples(200, |number| 10_000 + 100 * number.min(10), |_| 1.0);
        assert_eq!(Verdict::of(&until_1000).growth_in_percent, Some(0.0));
        let by_one = samples(200, |number| 10_000 + number - number.min(10), |_| 1.0);
        let verdict = Verdict::of(&by_one);
        assert!((verdict.growth_in_percent.unwrap() - 1.9).abs() < 1e-9 && verdict.is_bounded());
        let by_two = Verdict::of(&samples(210, |number| 10_000 + number - number.min(10), |_| 1.0));
        assert!(!by_two.is_bounded() && by_two.to_string().starts_with("GROWS"), "{by_two}");
    }

    /// What comes back is still memory that was needed.
    #[test]
    fn a_peak_counts() {
        let peak = samples(200, |number| if number == 100 { 11_000 } else { 10_000 }, |_| 1.0);
        assert!((Verdict::of(&peak).growth_in_percent.unwrap() - 10.0).abs() < 1e-9);
    }

    #[test]
    fn the_last_tenth_is_compared_with_the_second() {
        let ms = |number| match number {
            1..=20 => 100.0,
            21..=40 => 2.0,
            181..=200 => 3.0,
            _ => 50.0,
        };
        assert_eq!(Verdict::of(&samples(200, |_| 1, ms)).drift_in_percent, Some(50.0));
    }

    #[test]
    fn short_runs_prove_nothing() {
        let verdict = Verdict::of(&samples(3, |number| 1000 * number, |_| 1.0));
        assert_eq!(verdict, Verdict { growth_in_percent: None, drift_in_percent: None });
        assert!(verdict.is_bounded() && verdict.to_string().contains("not known"));
        assert_eq!(Verdict::of(&[]), verdict);
    }
}
