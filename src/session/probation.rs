//! New objects are on probation: those that detections do not confirm, or that double an older one, go.
//!
//! Time here counts frames with detection. The reference keeps lists of frame numbers for ever; counters say the same,
//! because the lists are only ever counted, and they stop counting when probation ends.

use super::settings::SessionConfig;

/// What a frame with detection says of a track.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Seen {
    /// Some detection belongs to it.
    pub is_matched: bool,
    /// It has a mask that no detection confirms. A track can be both.
    pub is_unmatched: bool,
    /// It has no mask.
    pub is_empty: bool,
}

/// What becomes of a track.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It stays and may be shown.
    Stay,
    /// It stays and is not shown on this frame.
    Hide,
    /// No detection confirmed it often enough.
    RemoveUnmatched,
    /// It is an older object once more.
    RemoveDouble,
}

/// How often a track was confirmed, and what it doubles.
#[derive(Debug, Clone, PartialEq)]
pub struct Probation {
    born: i64,
    unmatched: u32,
    was_unmatched: bool,
    keep_alive: i32,
    /// Older objects, with the number of detections that belonged to both.
    doubles: Vec<(u64, u32)>,
}

impl Probation {
    /// Of an object that appears on the frame with detection of this number.
    pub fn begin(born: i64, config: &SessionConfig) -> Self {
        let keep_alive = config.keep_alive_initial;
        Self { born, unmatched: 0, was_unmatched: false, keep_alive, doubles: Vec::new() }
    }

    /// Frame with detection on which the object appeared.
    pub fn born(&self) -> i64 {
        self.born
    }

    /// Counters that are kept, for the proof that they stay bounded.
    pub fn counter_count(&self) -> usize {
        self.doubles.len()
    }

    /// True while the removal rules apply.
    pub fn is_on(&self, now: i64, config: &SessionConfig) -> bool {
        self.born > now - i64::from(config.probation_frames)
    }

    /// Counts a frame with detection.
    pub fn record(&mut self, seen: Seen, now: i64, config: &SessionConfig) {
        if seen.is_matched {
            self.keep_alive = config.keep_alive_max.min(self.keep_alive.saturating_add(1));
        }
        if seen.is_unmatched || (seen.is_empty && config.empty_lowers_keep_alive) {
            self.keep_alive = config.keep_alive_min.max(self.keep_alive.saturating_sub(1));
        }
        self.was_unmatched |= seen.is_unmatched;
        if !self.is_on(now, config) {
            self.doubles = Vec::new();
        } else if seen.is_unmatched {
            self.unmatched = self.unmatched.saturating_add(1);
        }
    }

    /// Counts a detection that belongs to an older object too.
    pub fn record_double(&mut self, older: u64, now: i64, config: &SessionConfig) {
        if !self.is_on(now, config) {
            return;
        }
        match self.doubles.iter_mut().find(|(id, _)| *id == older) {
            Some((_, count)) => *count = count.saturating_add(1),
            None => self.doubles.push((older, 1)),
        }
    }

    /// What becomes of the track after the frame was counted.
    pub fn verdict(&self, now: i64, config: &SessionConfig) -> Verdict {
        let reached = |count: u32, limit: u32| limit > 0 && count >= limit;
        if self.is_on(now, config) {
            if reached(self.unmatched, config.probation_unmatched) {
                return Verdict::RemoveUnmatched;
            }
            if self.doubles.iter().any(|(_, count)| reached(*count, config.probation_duplicates)) {
                return Verdict::RemoveDouble;
            }
        }
        let is_given_up = config.hides_unmatched && self.was_unmatched && self.keep_alive <= 0;
        if is_given_up { Verdict::Hide } else { Verdict::Stay }
    }
}

/// For each detection with several tracks, each later one with the first: (first, later), positions in `born`. Of tracks
/// born together the one that stands first counts as first.
pub fn doubles(tracks_of: &[Vec<usize>], born: &[i64]) -> Vec<(usize, usize)> {
    let mut pairs = Vec::new();
    for tracks in tracks_of {
        if let Some(&first) = tracks.iter().min_by_key(|&&track| born[track]) {
            pairs.extend(tracks.iter().filter(|&&track| track != first).map(|&later| (first, later)));
        }
    }
    pairs
}

/// Detections in a row, until an object is confirmed for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Confirmation {
    in_a_row: u32,
    is_confirmed: bool,
}

impl Confirmation {
    /// Counts a frame with detection, that of the birth included.
    pub fn record(&mut self, is_matched: bool, config: &SessionConfig) {
        self.in_a_row = if is_matched { self.in_a_row.saturating_add(1) } else { 0 };
        self.is_confirmed |= self.in_a_row >= config.min_present;
    }

    /// True when the object may be shown.
    pub fn is_confirmed(&self, config: &SessionConfig) -> bool {
        self.is_confirmed || config.min_present <= 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNMATCHED: Seen = Seen { is_matched: false, is_unmatched: true, is_empty: false };
    const MATCHED: Seen = Seen { is_matched: true, is_unmatched: false, is_empty: false };
    const EMPTY: Seen = Seen { is_matched: false, is_unmatched: false, is_empty: true };

    /// Verdicts of the frames 1, 2, … of an object born on frame 0.
    fn verdicts(frames: &[Seen], config: &SessionConfig) -> Vec<Verdict> {
        let mut probation = Probation::begin(0, config);
        let mut now = 0;
        let step = |seen: &Seen| {
            now += 1;
            probation.record(*seen, now, config);
            probation.verdict(now, config)
        };
        frames.iter().map(step).collect()
    }

    fn first_removal(frames: &[Seen], config: &SessionConfig) -> Option<usize> {
        let verdicts = verdicts(frames, config);
        verdicts.iter().position(|verdict| *verdict == Verdict::RemoveUnmatched).map(|position| position + 1)
    }

    #[test]
    fn eight_unmatched_frames_all_together_remove() {
        let config = SessionConfig::default();
        assert_eq!(first_removal(&[UNMATCHED; 20], &config), Some(8));
        let mixed: Vec<Seen> = (0..20).map(|frame| if frame % 2 == 0 { UNMATCHED } else { MATCHED }).collect();
        // The eighth unmatched one is frame 15, when probation of 15 frames is over.
        assert_eq!(first_removal(&mixed, &config), None);
        assert_eq!(first_removal(&mixed[1..], &SessionConfig { probation_unmatched: 7, ..config }), Some(14));
    }

    #[test]
    fn probation_is_over_after_fifteen_frames_the_birth_included() {
        let config = SessionConfig::default();
        let late = |matched: usize| [vec![MATCHED; matched], vec![UNMATCHED; 20]].concat();
        assert_eq!(first_removal(&late(6), &config), Some(14));
        assert_eq!(first_removal(&late(7), &config), None);
        assert_eq!(first_removal(&late(7), &SessionConfig { probation_frames: 16, ..config }), Some(15));
    }

    #[test]
    fn no_probation_and_no_limit_remove_nothing() {
        let config = SessionConfig { probation_frames: 0, probation_unmatched: 0, ..SessionConfig::default() };
        assert_eq!(first_removal(&[UNMATCHED; 20], &config), None);
        let config = SessionConfig { probation_unmatched: 0, ..SessionConfig::default() };
        assert_eq!(first_removal(&[UNMATCHED; 20], &config), None);
    }

    #[test]
    fn empty_frames_are_not_unmatched() {
        assert_eq!(first_removal(&[EMPTY; 20], &SessionConfig::default()), None);
    }

    #[test]
    fn keep_alive_sinks_when_unmatched_and_rises_when_matched() {
        let config = SessionConfig {
            hides_unmatched: true,
            keep_alive_initial: 2,
            keep_alive_max: 3,
            probation_unmatched: 0,
            ..SessionConfig::default()
        };
        use Verdict::{Hide, Stay};
        assert_eq!(verdicts(&[UNMATCHED; 4], &config), [Stay, Hide, Hide, Hide]);
        // From the lower end of -1 it takes two matches to be above 0.
        let returning = [vec![UNMATCHED; 9], vec![MATCHED; 2]].concat();
        assert_eq!(verdicts(&returning, &config)[8..], [Hide, Hide, Stay]);
        // From the upper end of 3, however long it was matched, it takes three misses.
        let steady = [vec![MATCHED; 9], vec![UNMATCHED; 3]].concat();
        assert_eq!(verdicts(&steady, &config)[9..], [Stay, Stay, Hide]);
        let both = Seen { is_matched: true, ..UNMATCHED };
        assert_eq!(verdicts(&[both; 4], &config), [Stay; 4], "up and down again");
    }

    #[test]
    fn the_lower_end_bounds_how_long_a_return_takes() {
        let config = SessionConfig {
            hides_unmatched: true,
            keep_alive_min: -5,
            probation_unmatched: 0,
            ..SessionConfig::default()
        };
        let returning = [vec![UNMATCHED; 50], vec![MATCHED; 6]].concat();
        assert_eq!(verdicts(&returning, &config)[54..], [Verdict::Hide, Verdict::Stay]);
    }

    #[test]
    fn nothing_is_hidden_unless_asked_for_and_empty_frames_count_only_then() {
        let config = SessionConfig { keep_alive_initial: 1, probation_unmatched: 0, ..SessionConfig::default() };
        assert_eq!(verdicts(&[UNMATCHED; 5], &config), [Verdict::Stay; 5]);
        let hiding = SessionConfig { hides_unmatched: true, ..config };
        let once_unmatched = [vec![MATCHED; 2], vec![UNMATCHED], vec![EMPTY; 5]].concat();
        assert_eq!(verdicts(&once_unmatched, &hiding)[3..], [Verdict::Stay; 5]);
        let counting = SessionConfig { empty_lowers_keep_alive: true, ..hiding };
        assert_eq!(verdicts(&once_unmatched, &counting)[4], Verdict::Hide);
        assert_eq!(verdicts(&[EMPTY; 5], &counting), [Verdict::Stay; 5], "only what was ever unmatched is looked at");
    }

    #[test]
    fn the_later_of_two_tracks_of_a_detection_is_the_double() {
        assert_eq!(doubles(&[vec![0, 1, 2], vec![2], vec![]], &[5, 3, 9]), [(1, 0), (1, 2)]);
        assert_eq!(doubles(&[vec![0, 1]], &[4, 4]), [(0, 1)], "of twins the first stays");
    }

    #[test]
    fn eight_frames_as_a_double_remove_in_probation() {
        let config = SessionConfig::default();
        let removed_at = |born: i64, config: &SessionConfig| {
            let mut probation = Probation::begin(born, config);
            (1..40).find(|&now| {
                probation.record_double(7, now, config);
                probation.record(MATCHED, now, config);
                probation.verdict(now, config) == Verdict::RemoveDouble
            })
        };
        assert_eq!(removed_at(0, &config), Some(8));
        assert_eq!(removed_at(-7, &config), None, "the eighth double comes when probation is over");
        assert_eq!(removed_at(0, &SessionConfig { probation_duplicates: 3, ..config.clone() }), Some(3));
        assert_eq!(removed_at(0, &SessionConfig { probation_duplicates: 0, ..config }), None);
    }

    #[test]
    fn doubles_of_different_objects_are_counted_apart() {
        let config = SessionConfig::default();
        let mut probation = Probation::begin(0, &config);
        for now in 1..=10 {
            probation.record_double(now as u64 % 2, now, &config);
            assert_eq!(probation.verdict(now, &config), Verdict::Stay);
        }
        assert_eq!(probation.counter_count(), 2);
        probation.record(MATCHED, 15, &config);
        assert_eq!(probation.counter_count(), 0, "nothing is counted after probation");
        probation.record_double(9, 16, &config);
        assert_eq!(probation.counter_count(), 0);
    }

    #[test]
    fn an_object_is_shown_after_detections_in_a_row_and_stays_shown() {
        let config = SessionConfig { min_present: 3, ..SessionConfig::default() };
        let mut confirmation = Confirmation::default();
        let mut shown = |is_matched| {
            confirmation.record(is_matched, &config);
            confirmation.is_confirmed(&config)
        };
        assert_eq!(
            [true, true, false, true, true, true, false].map(&mut shown),
            [false, false, false, false, false, true, true]
        );
        assert!(Confirmation::default().is_confirmed(&SessionConfig::default()));
    }
}
