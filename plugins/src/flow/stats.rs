//! Counters, and where the time of the last passes went.

use std::collections::VecDeque;
use std::time::Duration;

use sa3::engine::StageTimes;
use sa3::session::Kept;

/// Passes over which means are taken.
const WINDOW_IN_PASSES: usize = 64;
/// Frames over which the time from arrival to leaving is taken.
const WINDOW_IN_FRAMES: usize = 128;
/// The share of frames that leave within the latency that is told.
const SHARE_IN_TIME: f64 = 0.95;
/// A live pipeline is told about a new latency when it differs by this part of the one it knows,
const LATENCY_HYSTERESIS: f64 = 0.2;
/// and so many frames at least have left since.
const FRAMES_BETWEEN_LATENCIES: u32 = 16;
/// The least difference that matters.
const LEAST_LATENCY_CHANGE: Duration = Duration::from_millis(1);
/// What is shown of times beside the mean.
const PERCENTILES: [(&str, f64); 3] = [("p50", 0.5), ("p95", 0.95), ("p99", 0.99)];

/// What the `stats` property shows.
#[derive(Debug, Default)]
pub(crate) struct Stats {
    pub(crate) frames_in: u64,
    pub(crate) frames_out: u64,
    pub(crate) inferred: u64,
    pub(crate) failed: u64,
    /// Frames that were shed, those that left without having been looked at for want of time or of a model.
    pub(super) dropped: u64,
    pub(super) bare: u64,
    /// Frames for one pass, as load demands.
    pub(super) interval: u32,
    /// Objects on the last frame that was looked at.
    pub(crate) objects: u32,
    /// What the session keeps; `None` where there is none.
    pub(crate) kept: Option<Kept>,
    /// The last passes: from handing the frame over to the answer, and what the engine says about it.
    passes: VecDeque<(Duration, StageTimes)>,
    /// From the arrival of the last frames to their leaving.
    transits: VecDeque<Duration>,
    /// What the last LATENCY query of a live pipeline was told, and the frames since.
    told_latency: Option<Duration>,
    frames_since_told: u32,
}

impl Stats {
    pub(super) fn note_pass(&mut self, taken: Duration, times: &StageTimes) {
        self.inferred += 1;
        self.passes.push_back((taken, *times));
        if self.passes.len() > WINDOW_IN_PASSES {
            self.passes.pop_front();
        }
    }

    pub(super) fn note_transit(&mut self, taken: Duration) {
        self.transits.push_back(taken);
        if self.transits.len() > WINDOW_IN_FRAMES {
            self.transits.pop_front();
        }
    }

    /// Mean time of the last passes; `expected` before the first.
    pub(super) fn mean_pass(&self, expected: Duration) -> Duration {
        if self.passes.is_empty() { expected } else { self.mean_of(|(taken, _)| *taken) }
    }

    fn mean_of(&self, part: impl Fn(&(Duration, StageTimes)) -> Duration) -> Duration {
        let sum: Duration = self.passes.iter().map(part).sum();
        sum / (self.passes.len().max(1) as u32)
    }

    /// The time within which nearly all frames leave; `expected` before the first left.
    fn latency(&self, expected: Duration) -> Duration {
        percentile(self.transits.iter().copied(), SHARE_IN_TIME).unwrap_or(expected)
    }

    /// The latency to answer a live pipeline's query with; remembered, see [`Stats::has_latency_moved`].
    pub(super) fn tell_latency(&mut self, asked: Option<Duration>, expected: Duration) -> Duration {
        let latency = asked.unwrap_or_else(|| self.latency(expected));
        self.told_latency = Some(latency);
        self.frames_since_told = 0;
        latency
    }

    /// True, once, when a live pipeline should ask again. To be asked at each frame.
    pub(super) fn has_latency_moved(&mut self, expected: Duration) -> bool {
        self.frames_since_told = self.frames_since_told.saturating_add(1);
        let Some(told) = self.told_latency.filter(|_| self.frames_since_told >= FRAMES_BETWEEN_LATENCIES) else {
            return false;
        };
        let latency = self.latency(expected);
        let change = latency.abs_diff(told);
        let has_moved = change > LEAST_LATENCY_CHANGE && change > told.mul_f64(LATENCY_HYSTERESIS);
        if has_moved {
            self.told_latency = Some(latency);
            self.frames_since_told = 0;
        }
        has_moved
    }

    /// The structure of the `stats` property. Times in milliseconds.
    pub(crate) fn to_structure(&self, queue_level: usize, expected: Duration) -> gst::Structure {
        let last = self.passes.back().copied().unwrap_or_default();
        let mut builder = gst::Structure::builder("sa3-stats")
            .field("frames-in", self.frames_in)
            .field("frames-out", self.frames_out)
            .field("inferred", self.inferred)
            .field("failed", self.failed)
            .field("dropped", self.dropped)
            .field("bare", self.bare)
            .field("interval", self.interval.max(1))
            .field("latency-ms", in_ms(self.told_latency.unwrap_or_else(|| self.latency(expected))))
            .field("objects", self.objects)
            .field("queue-level", queue_level as u32);
        let in_batches: u32 = self.passes.iter().map(|(_, times)| times.batch_size).sum();
        builder = builder.field("batch-mean", f64::from(in_batches) / self.passes.len().max(1) as f64);
        for (name, part) in PARTS {
            let (mean, last) = (in_ms(self.mean_of(part)), in_ms(part(&last)));
            builder = builder.field(format!("{name}-ms-mean"), mean).field(format!("{name}-ms-last"), last);
        }
        for (name, share) in PERCENTILES {
            let pass = percentile(self.passes.iter().map(|(taken, _)| *taken), share);
            let transit = percentile(self.transits.iter().copied(), share);
            builder = builder
                .field(format!("pass-ms-{name}"), in_ms(pass.unwrap_or_default()))
                .field(format!("transit-ms-{name}"), in_ms(transit.unwrap_or_default()));
        }
        let Some(Kept { tracks, counters, bans, frames, bytes }) = self.kept else {
            return builder.build();
        };
        let kept = [("objects", tracks), ("counters", counters), ("bans", bans), ("frames", frames), ("bytes", bytes)];
        kept.into_iter()
            .fold(builder, |builder, (name, count)| builder.field(format!("kept-{name}"), count as u64))
            .build()
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

/// The stages of a pass that took any time, in the order that a frame meets them.
pub(super) fn in_words(taken: Duration, times: &StageTimes) -> String {
    let pass = (taken, *times);
    let shown = PARTS.iter().map(|(name, part)| (name, part(&pass))).filter(|(_, time)| !time.is_zero());
    shown.map(|(name, time)| format!("{name} {:.1} ms", in_ms(time))).collect::<Vec<_>>().join(", ")
}

/// The least of `times` that this share of them does not exceed; `None` of none.
fn percentile(times: impl Iterator<Item = Duration>, share: f64) -> Option<Duration> {
    let mut times: Vec<_> = times.collect();
    times.sort_unstable();
    let rank = (share * times.len() as f64).ceil() as usize;
    times.get(rank.saturating_sub(1)).copied()
}

fn in_ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pass(ms: u64) -> (Duration, StageTimes) {
        let times = StageTimes { batch_size: 2, vision: Duration::from_millis(ms / 2), ..StageTimes::default() };
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
        let structure = stats.to_structure(2, Duration::ZERO);
        assert_eq!(structure.get::<f64>("pass-ms-mean").unwrap(), 11.0);
        assert_eq!(structure.get::<f64>("pass-ms-last").unwrap(), 74.0);
        assert_eq!(structure.get::<f64>("vision-ms-last").unwrap(), 37.0);
        assert_eq!(structure.get::<u32>("queue-level").unwrap(), 2);
        assert_eq!(structure.get::<f64>("batch-mean").unwrap(), 2.0);
        assert_eq!(structure.get::<u64>("inferred").unwrap(), WINDOW_IN_PASSES as u64 + 2);
    }

    #[test]
    fn what_a_session_keeps_is_shown_where_there_is_one() {
        gst::init().unwrap();
        let without = Stats::default().to_structure(0, Duration::ZERO);
        assert!(without.fields().all(|name| !name.starts_with("kept-")));
        let kept = Kept { tracks: 3, bytes: 70, ..Kept::default() };
        let with = Stats { kept: Some(kept), ..Stats::default() }.to_structure(0, Duration::ZERO);
        assert_eq!((with.get::<u64>("kept-objects").unwrap(), with.get::<u64>("kept-bytes").unwrap()), (3, 70));
        assert_eq!(with.n_fields(), without.n_fields() + 5);
    }

    fn transits(stats: &mut Stats, ms: u64, count: u32) {
        (0..count).for_each(|_| stats.note_transit(Duration::from_millis(ms)));
    }

    #[test]
    fn latency_is_the_warm_ups_and_then_what_nearly_all_frames_take() {
        let mut stats = Stats::default();
        let warm_up = Duration::from_millis(70);
        assert_eq!(stats.tell_latency(None, warm_up), warm_up);
        transits(&mut stats, 20, 90);
        transits(&mut stats, 50, 8);
        transits(&mut stats, 400, 2);
        assert_eq!(stats.tell_latency(None, Duration::ZERO), Duration::from_millis(50));
        assert_eq!(stats.tell_latency(Some(Duration::from_millis(9)), warm_up), Duration::from_millis(9));
        assert_eq!(stats.to_structure(0, Duration::ZERO).get::<f64>("latency-ms").unwrap(), 9.0);
    }

    #[test]
    fn latency_is_told_again_when_it_moved_by_a_fifth() {
        let mut stats = Stats::default();
        transits(&mut stats, 100, WINDOW_IN_FRAMES as u32);
        assert!(!stats.has_latency_moved(Duration::ZERO), "nobody asked");
        assert_eq!(stats.tell_latency(None, Duration::ZERO), Duration::from_millis(100));
        let mut has_moved = |ms| {
            transits(&mut stats, ms, 1);
            stats.has_latency_moved(Duration::ZERO)
        };
        assert!((0..2 * FRAMES_BETWEEN_LATENCIES).all(|_| !has_moved(115)));
        let moved: Vec<_> = (0..WINDOW_IN_FRAMES).filter(|_| has_moved(130)).collect();
        assert_eq!(moved.len(), 1, "once: {moved:?}");
        assert_eq!(stats.tell_latency(None, Duration::ZERO), Duration::from_millis(130));
        transits(&mut stats, 500, WINDOW_IN_FRAMES as u32);
        assert!(!stats.has_latency_moved(Duration::ZERO), "it was told just now");
    }

    #[test]
    fn stages_are_told_in_their_order() {
        let (taken, times) = pass(20);
        assert_eq!(in_words(taken, &times), "pass 20.0 ms, vision 10.0 ms");
    }

    #[test]
    fn percentiles_are_times_that_were_measured() {
        let ms = |times: &[u64], share| percentile(times.iter().map(|time| Duration::from_millis(*time)), share);
        assert_eq!(ms(&[], 0.5), None);
        assert_eq!(ms(&[7], 0.99), Some(Duration::from_millis(7)));
        assert_eq!(ms(&[4, 1, 3, 2], 0.5), Some(Duration::from_millis(2)));
        assert_eq!(ms(&[4, 1, 3, 2], 0.95), Some(Duration::from_millis(4)));
    }
}
