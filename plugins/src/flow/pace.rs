//! How many frames go by for one that the engine looks at, when it is slower than the source: the `adaptive` property.
//!
//! Plain state without threads.

use std::time::{Duration, Instant};

/// The engine is asked for no more than this part of its time.
const USABLE_SHARE: f64 = 0.9;
/// Frames for one pass at most: a second of video at 30 frames per second.
const MOST_FRAMES_A_PASS: u32 = 30;
/// After a frame was late downstream, the interval stays raised for so long.
const CAUTION: Duration = Duration::from_secs(5);

/// The interval that keeps up with a stream.
#[derive(Debug, Default)]
pub(super) struct Pace {
    interval: u32,
    /// What downstream's lateness added, and until when.
    caution: Option<(u32, Instant)>,
}

impl Pace {
    /// Frames for one pass; at least 1.
    pub(super) fn interval(&self, now: Instant) -> u32 {
        let caution = self.caution.filter(|(_, until)| now < *until).map_or(0, |(frames, _)| frames);
        (self.interval.max(1) + caution).min(MOST_FRAMES_A_PASS)
    }

    /// Takes in how long passes take and frames last. It rises at once and falls one by one, when there is room enough
    /// that it need not rise again.
    pub(super) fn note(&mut self, pass: Duration, frame: Duration) {
        if frame.is_zero() {
            return;
        }
        let wanted = pass.as_secs_f64() / (USABLE_SHARE * frame.as_secs_f64());
        let current = self.interval.max(1);
        if wanted > f64::from(current) {
            self.interval = (wanted.ceil() as u32).clamp(1, MOST_FRAMES_A_PASS);
        } else if wanted < 0.8 * f64::from(current - 1) {
            self.interval = current - 1;
        }
    }

    /// A frame came too late to something downstream.
    pub(super) fn note_late_downstream(&mut self, now: Instant) {
        let so_far = self.caution.filter(|(_, until)| now < *until).map_or(0, |(frames, _)| frames);
        self.caution = Some(((so_far + 1).min(MOST_FRAMES_A_PASS), now + CAUTION));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(time: u64) -> Duration {
        Duration::from_millis(time)
    }

    #[test]
    fn it_keeps_up_and_falls_slowly() {
        let (mut pace, now) = (Pace::default(), Instant::now());
        assert_eq!(pace.interval(now), 1);
        pace.note(ms(30), ms(40));
        assert_eq!(pace.interval(now), 1);
        pace.note(ms(100), ms(33));
        assert_eq!(pace.interval(now), 4);
        pace.note(ms(80), ms(33));
        assert_eq!(pace.interval(now), 4, "no room to spare");
        pace.note(ms(10), ms(33));
        pace.note(ms(10), ms(33));
        assert_eq!(pace.interval(now), 2);
        pace.note(ms(10_000), ms(33));
        assert_eq!(pace.interval(now), MOST_FRAMES_A_PASS);
        pace.note(ms(10), ms(0));
        assert_eq!(pace.interval(now), MOST_FRAMES_A_PASS, "nobody knows how long a frame lasts");
    }

    #[test]
    fn lateness_downstream_raises_it_for_a_while() {
        let (mut pace, now) = (Pace::default(), Instant::now());
        pace.note_late_downstream(now);
        pace.note_late_downstream(now);
        assert_eq!([now, now + ms(4900), now + ms(5100)].map(|at| pace.interval(at)), [3, 3, 1]);
        for _ in 0..100 {
            pace.note_late_downstream(now);
        }
        assert_eq!(pace.interval(now), MOST_FRAMES_A_PASS);
    }
}
