//! Counters, and where the time of the last passes went.

use std::collections::VecDeque;
use std::time::Duration;

use sa3::engine::StageTimes;

/// Passes over which means are taken.
const WINDOW_IN_PASSES: usize = 64;
/// A live pipeline is told about a new latency when it differs by this part of the one it knows.
const LATENCY_HYSTERESIS: f64 = 0.2;

/// What the `stats` property shows.
#[derive(Debug, Default)]
pub(crate) struct Stats {
    pub(crate) frames_in: u64,
    pub(crate) frames_out: u64,
    pub(crate) inferred: u64,
    pub(crate) failed: u64,
    /// Objects on the last frame that was looked at.
    pub(crate) objects: u32,
    /// The last passes: from handing the frame over to the answer, and what the engine says about it.
    passes: VecDeque<(Duration, StageTimes)>,
    /// What the last LATENCY query of a live pipeline was told.
    told_latency: Option<Duration>,
}

impl Stats {
    pub(super) fn note_pass(&mut self, taken: Duration, times: &StageTimes) {
        self.inferred += 1;
        self.passes.push_back((taken, *times));
        if self.passes.len() > WINDOW_IN_PASSES {
            self.passes.pop_front();
        }
    }

    /// Mean time of the last passes, zero before the first.
    pub(super) fn mean_pass(&self) -> Duration {
        self.mean_of(|(taken, _)| *taken)
    }

    fn mean_of(&self, part: impl Fn(&(Duration, StageTimes)) -> Duration) -> Duration {
        let sum: Duration = self.passes.iter().map(part).sum();
        sum / (self.passes.len().max(1) as u32)
    }

    /// The latency to answer a live pipeline's query with; remembered, see [`Stats::has_latency_moved`].
    pub(super) fn tell_latency(&mut self) -> Duration {
        let latency = self.mean_pass();
        self.told_latency = Some(latency);
        latency
    }

    /// True, once, when a live pipeline should ask again.
    pub(super) fn has_latency_moved(&mut self) -> bool {
        let mean = self.mean_pass();
        let has_moved = self.told_latency.is_some_and(|told| {
            let (told, mean) = (told.as_secs_f64(), mean.as_secs_f64());
            (mean - told).abs() > LATENCY_HYSTERESIS * told.max(0.001)
        });
        if has_moved {
            self.told_latency = Some(mean);
        }
        has_moved
    }

    /// The structure of the `stats` property. Times in milliseconds.
    pub(crate) fn to_structure(&self, queue_level: usize) -> gst::Structure {
        let last = self.passes.back().copied().unwrap_or_default();
        let mut builder = gst::Structure::builder("sa3-stats")
            .field("frames-in", self.frames_in)
            .field("frames-out", self.frames_out)
            .field("inferred", self.inferred)
            .field("failed", self.failed)
            .field("objects", self.objects)
            .field("queue-level", queue_level as u32);
        for (name, part) in PARTS {
            let (mean, last) = (in_ms(self.mean_of(part)), in_ms(part(&last)));
            builder = builder.field(format!("{name}-ms-mean"), mean).field(format!("{name}-ms-last"), last);
        }
        builder.build()
    }
}

type Part = fn(&(Duration, StageTimes)) -> Duration;

/// The times shown: the whole pass with its wait for the engine, then the engine's stages.
const PARTS: [(&str, Part); 8] = [
    ("pass", |(taken, _)| *taken),
    ("preprocess", |(_, times)| times.preprocess),
    ("vision", |(_, times)| times.vision),
    ("text", |(_, times)| times.text),
    ("detector", |(_, times)| times.detector),
    ("masks", |(_, times)| times.masks),
    ("tracker", |(_, times)| times.tracker),
    ("rules", |(_, times)| times.rules),
];

fn in_ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pass(ms: u64) -> (Duration, StageTimes) {
        let times = StageTimes { vision: Duration::from_millis(ms / 2), ..StageTimes::default() };
        (Duration::from_millis(ms), times)
    }

    fn note(stats: &mut Stats, ms: u64) {
        let (taken, times) = pass(ms);
        stats.note_pass(taken, &times);
    }

    #[test]
    fn means_are_over_the_last_passes() {
        gst::init().unwrap();
        let mut stats = Stats::default();
        note(&mut stats, 1000);
        for _ in 0..WINDOW_IN_PASSES {
            note(&mut stats, 10);
        }
        note(&mut stats, 74);
        let structure = stats.to_structure(2);
        assert_eq!(structure.get::<f64>("pass-ms-mean").unwrap(), 11.0);
        assert_eq!(structure.get::<f64>("pass-ms-last").unwrap(), 74.0);
        assert_eq!(structure.get::<f64>("vision-ms-last").unwrap(), 37.0);
        assert_eq!(structure.get::<u32>("queue-level").unwrap(), 2);
        assert_eq!(structure.get::<u64>("inferred").unwrap(), WINDOW_IN_PASSES as u64 + 2);
    }

    #[test]
    fn latency_is_told_again_when_it_moved_by_a_fifth() {
        let mut stats = Stats::default();
        note(&mut stats, 100);
        assert!(!stats.has_latency_moved(), "nobody asked");
        assert_eq!(stats.tell_latency(), Duration::from_millis(100));
        note(&mut stats, 130);
        assert!(!stats.has_latency_moved());
        note(&mut stats, 220);
        assert!(stats.has_latency_moved());
        assert!(!stats.has_latency_moved(), "it was told");
    }
}
