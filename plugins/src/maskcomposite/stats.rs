//! Counters, and the time that drawing takes.

use std::time::Duration;

/// The mean follows the last frames: each new one weighs this much.
const WEIGHT_OF_NEW: f64 = 1.0 / 64.0;

/// What the `stats` property shows.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Stats {
    pub(super) frames_in: u64,
    /// Frames that were drawn on.
    pub(super) drawn: u64,
    /// Frames that passed as they were.
    pub(super) passed: u64,
    /// Frames whose masks were made for another size.
    pub(super) mismatched: u64,
    /// Frames without masks that count.
    pub(super) without_masks: u64,
    /// Frames of which nothing was shown.
    pub(super) hidden: u64,
    /// Objects of the last frame that came with masks.
    pub(super) objects: u32,
    last_in_ms: f64,
    mean_in_ms: f64,
}

impl Stats {
    pub(super) fn note_drawing(&mut self, taken: Duration) {
        self.last_in_ms = 1e3 * taken.as_secs_f64();
        let is_first = self.drawn == 0;
        self.mean_in_ms += (self.last_in_ms - self.mean_in_ms) * if is_first { 1.0 } else { WEIGHT_OF_NEW };
        self.drawn += 1;
    }

    pub(super) fn to_structure(self) -> gst::Structure {
        gst::Structure::builder("maskcomposite-stats")
            .field("frames-in", self.frames_in)
            .field("drawn", self.drawn)
            .field("passed", self.passed)
            .field("mismatched", self.mismatched)
            .field("without-masks", self.without_masks)
            .field("hidden", self.hidden)
            .field("objects", self.objects)
            .field("draw-ms-last", self.last_in_ms)
            .field("draw-ms-mean", self.mean_in_ms)
            .build()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_starts_with_the_first_and_follows_slowly() {
        let mut stats = Stats::default();
        stats.note_drawing(Duration::from_millis(8));
        assert_eq!(stats.mean_in_ms, 8.0);
        stats.note_drawing(Duration::from_millis(72));
        assert_eq!((stats.mean_in_ms, stats.last_in_ms, stats.drawn), (9.0, 72.0, 2));
    }
}
