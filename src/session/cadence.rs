//! On which frames the detector looks, and on which its detections refresh memories.

use super::settings::{DetectPolicy, SessionConfig};

/// What the session remembers of earlier detections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cadence {
    last_frame: Option<i64>,
    has_found: bool,
    is_asked_for: bool,
}

impl Cadence {
    /// Looks at the next frame whatever the policy: the phrases changed, or everything was forgotten.
    pub fn ask(&mut self) {
        *self = Self { is_asked_for: true, has_found: false, ..*self };
    }

    /// True when the detector looks at this frame.
    pub fn is_due(&self, frame: i64, is_something_missing: bool, config: &SessionConfig) -> bool {
        let interval = i64::from(config.detect_interval);
        let is_spaced = self.last_frame.is_none_or(|last| frame - last >= interval);
        self.is_asked_for
            || match config.detect_policy {
                DetectPolicy::EveryFrame => true,
                DetectPolicy::Interval => is_spaced,
                DetectPolicy::OnLoss => is_spaced && is_something_missing,
                DetectPolicy::FirstOnly => !self.has_found,
            }
    }

    /// True when a detection on this frame refreshes memories: a multiple of the interval has come since the last.
    pub fn refreshes(&self, frame: i64, config: &SessionConfig) -> bool {
        let interval = i64::from(config.recondition_interval);
        interval > 0 && frame.div_euclid(interval) > self.last_frame.unwrap_or(-1).div_euclid(interval)
    }

    /// Remembers that the detector looked, and whether there was something.
    pub fn record(&mut self, frame: i64, is_found: bool) {
        *self = Self { last_frame: Some(frame), has_found: self.has_found || is_found, is_asked_for: false };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn looked_at(policy: DetectPolicy, is_missing: impl Fn(i64) -> bool) -> Vec<i64> {
        let config = SessionConfig { detect_policy: policy, detect_interval: 3, ..SessionConfig::default() };
        let mut cadence = Cadence::default();
        let mut look = |&frame: &i64| {
            if frame == 7 {
                cadence.ask();
            }
            let is_due = cadence.is_due(frame, is_missing(frame), &config);
            if is_due {
                cadence.record(frame, frame >= 2);
            }
            is_due
        };
        (0..12).filter(|frame| look(frame)).collect()
    }

    #[test]
    fn each_policy_looks_when_it_says() {
        assert_eq!(looked_at(DetectPolicy::EveryFrame, |_| false).len(), 12);
        assert_eq!(looked_at(DetectPolicy::Interval, |_| false), [0, 3, 6, 7, 10]);
        assert_eq!(looked_at(DetectPolicy::OnLoss, |frame| frame < 5), [0, 3, 7]);
        assert_eq!(looked_at(DetectPolicy::OnLoss, |frame| frame == 11), [7, 11]);
        assert_eq!(looked_at(DetectPolicy::FirstOnly, |_| true), [0, 1, 2, 7]);
    }

    #[test]
    fn memories_are_refreshed_on_multiples_or_on_the_next_detection() {
        let refreshed = |frames: &[i64]| {
            let mut cadence = Cadence::default();
            let mut refresh = |&&frame: &&i64| {
                let refreshes = cadence.refreshes(frame, &SessionConfig::default());
                cadence.record(frame, true);
                refreshes
            };
            frames.iter().filter(|frame| refresh(frame)).copied().collect::<Vec<_>>()
        };
        assert_eq!(refreshed(&(0..50).collect::<Vec<_>>()), [0, 16, 32, 48]);
        assert_eq!(refreshed(&[0, 5, 10, 15, 20, 25, 30, 35]), [0, 20, 35]);
        let off = SessionConfig { recondition_interval: 0, ..SessionConfig::default() };
        assert!(!Cadence::default().refreshes(16, &off));
    }
}
