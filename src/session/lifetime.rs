//! How many objects there may be, and when one that is gone is given up.

use super::settings::SessionConfig;

/// The detections that may begin an object when there is room for `room`: all, or the best ones, best first. The second
/// number is how many have to do without.
pub fn best_new(new: Vec<usize>, scores: &[f32], room: usize) -> (Vec<usize>, usize) {
    let refused = new.len().saturating_sub(room);
    if refused == 0 {
        return (new, 0);
    }
    let mut best = new;
    // Of equal scores the later one first, as the reference's reversed sort has them.
    best.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]).then(b.cmp(&a)));
    best.truncate(room);
    (best, refused)
}

/// How long an object has been without mask.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Absence {
    since_ns: Option<u64>,
    frames: u64,
}

impl Absence {
    /// Counts a frame.
    pub fn record(&mut self, is_there: bool, now_ns: Option<u64>) {
        if is_there {
            *self = Self::default();
            return;
        }
        self.frames = self.frames.saturating_add(1);
        self.since_ns = self.since_ns.or(now_ns);
    }

    /// True when the object is given up.
    pub fn is_too_long(&self, now_ns: Option<u64>, config: &SessionConfig) -> bool {
        match (self.since_ns, now_ns) {
            (Some(since), Some(now)) => config.max_lost_ns > 0 && now.saturating_sub(since) > config.max_lost_ns,
            _ => config.max_lost_frames > 0 && self.frames > config.max_lost_frames,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_are_begun_when_there_is_little_room() {
        let scores = [0.6, 0.9, 0.8, 0.9];
        assert_eq!(best_new(vec![0, 1, 2, 3], &scores, 4), (vec![0, 1, 2, 3], 0));
        assert_eq!(best_new(vec![0, 1, 2, 3], &scores, 2), (vec![3, 1], 2));
        assert_eq!(best_new(vec![0, 2], &scores, 0), (vec![], 2));
    }

    #[test]
    fn absence_ends_objects_by_time() {
        let config = SessionConfig { max_lost_ns: 100, max_lost_frames: 1, ..SessionConfig::default() };
        let mut absence = Absence::default();
        absence.record(false, Some(1_000));
        absence.record(false, Some(1_100));
        assert!(!absence.is_too_long(Some(1_100), &config), "frames do not count where there are times");
        assert!(absence.is_too_long(Some(1_101), &config));
        assert!(!absence.is_too_long(Some(u64::MAX), &SessionConfig { max_lost_ns: 0, ..config.clone() }));
        absence.record(true, Some(1_200));
        absence.record(false, Some(1_300));
        assert!(!absence.is_too_long(Some(1_400), &config), "it was there in between");
    }

    #[test]
    fn absence_ends_objects_by_frames_where_there_are_no_times() {
        let config = SessionConfig { max_lost_frames: 2, ..SessionConfig::default() };
        let mut absence = Absence::default();
        let mut ends = || {
            absence.record(false, None);
            absence.is_too_long(None, &config)
        };
        assert_eq!([ends(), ends(), ends()], [false, false, true]);
        assert!(!absence.is_too_long(None, &SessionConfig { max_lost_frames: 0, ..config }));
    }
}
