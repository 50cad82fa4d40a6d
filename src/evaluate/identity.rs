//! IDF1 (Ristani et al. 2016), and the CLEAR counts (Bernardin and Stiefelhagen 2008): id switches and MOTA. As
//! TrackEval computes them.

use super::assignment::{Weights, best_pairs};
use super::unit::{FrameOverlap, Unit};

/// IoU from which masks are taken for the same object.
const MATCH_IOU: f64 = 0.5;
/// What staying with the id of the frame before is worth, against an IoU of at most 1.
const CONTINUITY: f64 = 1000.0;

/// Counts of IDF1: one found track at most for each true track, over the whole sequence.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct IdentitySums {
    /// Masks that match under their track's one partner.
    pub true_positives: f64,
    /// True masks that do not.
    pub misses: f64,
    /// Found masks that do not.
    pub false_positives: f64,
}

impl IdentitySums {
    /// Counts of one unit.
    pub fn of(unit: &Unit, overlaps: &[FrameOverlap]) -> Self {
        let mut common = Weights::new(unit.truth.len(), unit.found.len(), |_, _| 0.0);
        let (mut there, mut found) = (0, 0);
        for overlap in overlaps {
            let ious = overlap.ious();
            there += ious.rows;
            found += ious.columns;
            for (row, column) in ious.pairs().filter(|&(row, column)| ious.at(row, column) >= MATCH_IOU) {
                common.add(overlap.truth[row], overlap.found[column], 1.0);
            }
        }
        // The pairs with the most common frames are also those with the fewest misses and false positives.
        let matches = best_pairs(&common).into_iter().fold(0.0, |sum, (row, column)| sum + common.at(row, column));
        Self { true_positives: matches, misses: there as f64 - matches, false_positives: found as f64 - matches }
    }

    /// Takes another unit's counts in.
    pub fn add(&mut self, other: &Self) {
        self.true_positives += other.true_positives;
        self.misses += other.misses;
        self.false_positives += other.false_positives;
    }

    /// Twice the matches over all true and all found masks.
    pub fn idf1(&self) -> f64 {
        self.true_positives / (self.true_positives + 0.5 * (self.misses + self.false_positives)).max(1.0)
    }
}

/// CLEAR's counts: matching frame by frame, faithful to the frame before.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct ClearSums {
    /// Pairs that match.
    pub true_positives: f64,
    /// True masks without a match.
    pub misses: f64,
    /// Found masks without a match.
    pub false_positives: f64,
    /// How often a true track's match has another id than its match before, however long ago that was.
    pub id_switches: f64,
    /// How often a true track is there again that was matched before it was away.
    pub returns: f64,
    /// Those whose first match after it has the id of the last one before it.
    pub kept_returns: f64,
}

impl ClearSums {
    /// Counts of one unit.
    pub fn of(unit: &Unit, overlaps: &[FrameOverlap]) -> Self {
        let mut sums = Self::default();
        let mut partners =
            Partners { last: vec![None; unit.truth.len()], of_frame_before: vec![None; unit.truth.len()] };
        let mut returning =
            Returning { was_there: vec![false; unit.truth.len()], waits: vec![false; unit.truth.len()] };
        for overlap in overlaps {
            let matches = partners.matches(overlap);
            let (returns, kept_returns) = returning.note(overlap, &matches, &partners.last);
            sums.returns += returns;
            sums.kept_returns += kept_returns;
            // TrackEval passes over a frame without true or without found masks: it is no frame before.
            if !overlap.truth.is_empty() && !overlap.found.is_empty() {
                sums.id_switches += partners.note(&matches);
            }
            sums.true_positives += matches.len() as f64;
            sums.misses += (overlap.truth.len() - matches.len()) as f64;
            sums.false_positives += (overlap.found.len() - matches.len()) as f64;
        }
        sums
    }

    /// Takes another unit's counts in.
    pub fn add(&mut self, other: &Self) {
        self.true_positives += other.true_positives;
        self.misses += other.misses;
        self.false_positives += other.false_positives;
        self.id_switches += other.id_switches;
        self.returns += other.returns;
        self.kept_returns += other.kept_returns;
    }

    /// Matches less false positives less switches, over all true masks; below 0 when there are more errors than objects.
    pub fn mota(&self) -> f64 {
        let good = self.true_positives - self.false_positives - self.id_switches;
        good / (self.true_positives + self.misses).max(1.0)
    }
}

/// Which found track each true track went with.
struct Partners {
    last: Vec<Option<usize>>,
    of_frame_before: Vec<Option<usize>>,
}

impl Partners {
    /// True and found tracks that match on a frame.
    fn matches(&self, overlap: &FrameOverlap) -> Vec<(usize, usize)> {
        let ious = overlap.ious();
        let scores = Weights::new(ious.rows, ious.columns, |row, column| {
            let goes_on = self.of_frame_before[overlap.truth[row]] == Some(overlap.found[column]);
            let iou = ious.at(row, column);
            if iou < MATCH_IOU - f64::EPSILON { 0.0 } else { iou + if goes_on { CONTINUITY } else { 0.0 } }
        });
        let pairs = best_pairs(&scores).into_iter().filter(|&(row, column)| scores.at(row, column) > f64::EPSILON);
        pairs.map(|(row, column)| (overlap.truth[row], overlap.found[column])).collect()
    }

    /// Remembers the matches of a frame; returns how many of them are with a new partner.
    fn note(&mut self, matches: &[(usize, usize)]) -> f64 {
        let mut switches = 0.0;
        self.of_frame_before.fill(None);
        for &(truth, found) in matches {
            if self.last[truth].is_some_and(|last| last != found) {
                switches += 1.0;
            }
            (self.last[truth], self.of_frame_before[truth]) = (Some(found), Some(found));
        }
        switches
    }
}

/// Which true tracks are there, and which of those that came back have no match yet.
struct Returning {
    was_there: Vec<bool>,
    waits: Vec<bool>,
}

impl Returning {
    /// On a frame: how many true tracks return, and how many have their id again. `last`: who each went with before.
    fn note(&mut self, overlap: &FrameOverlap, matches: &[(usize, usize)], last: &[Option<usize>]) -> (f64, f64) {
        let (mut returns, mut kept) = (0.0, 0.0);
        let was_there = std::mem::replace(&mut self.was_there, vec![false; last.len()]);
        for &truth in &overlap.truth {
            self.was_there[truth] = true;
            if !was_there[truth] && last[truth].is_some() {
                returns += 1.0;
                self.waits[truth] = true;
            }
        }
        for &(truth, found) in matches {
            if std::mem::take(&mut self.waits[truth]) && last[truth] == Some(found) {
                kept += 1.0;
            }
        }
        (returns, kept)
    }
}

#[cfg(test)]
mod tests {
    use super::super::unit::tests::{track, unit};
    use super::*;

    fn sums(unit: &Unit) -> (IdentitySums, ClearSums) {
        let overlaps = unit.overlaps();
        (IdentitySums::of(unit, &overlaps), ClearSums::of(unit, &overlaps))
    }

    /// Four frames under one id, then two under another: the longer one is the partner.
    #[test]
    fn a_new_id_is_a_switch_and_costs_its_frames() {
        let there = || Some(0..4);
        let truth = vec![track(1, &[there(), there(), there(), there(), there(), there()])];
        let found = vec![
            track(7, &[there(), there(), there(), there(), None, None]),
            track(8, &[None, None, None, None, there(), there()]),
        ];
        let (identity, clear) = sums(&unit(truth, found));
        assert_eq!(identity, IdentitySums { true_positives: 4.0, misses: 2.0, false_positives: 2.0 });
        assert_eq!(identity.idf1(), 4.0 / 6.0);
        assert_eq!((clear.id_switches, clear.true_positives, clear.mota()), (1.0, 6.0, 5.0 / 6.0));
    }

    #[test]
    fn a_gap_is_no_switch_but_what_comes_after_it_can_be() {
        let truth = || vec![track(1, &[Some(0..4), Some(0..4), Some(0..4)])];
        let same = vec![track(7, &[Some(0..4), None, Some(0..4)])];
        assert_eq!(sums(&unit(truth(), same)).1.id_switches, 0.0);
        let other = vec![track(7, &[Some(0..4), None, None]), track(8, &[None, None, Some(0..4)])];
        let (_, clear) = sums(&unit(truth(), other));
        assert_eq!((clear.id_switches, clear.misses), (1.0, 1.0));
    }

    /// Away twice: back under its id, unseen at first; and under another. What was never seen does not return.
    #[test]
    fn who_returns_has_its_id_or_not() {
        let there = || Some(0..4);
        let truth = vec![
            track(1, &[there(), None, there(), there(), None, there(), there()]),
            track(2, &[Some(6..8), None, Some(6..8), None, None, None, None]),
        ];
        let found = vec![
            track(7, &[there(), None, None, there(), None, None, None]),
            track(8, &[None, None, None, None, None, None, there()]),
        ];
        let (_, clear) = sums(&unit(truth, found));
        assert_eq!((clear.returns, clear.kept_returns, clear.id_switches), (2.0, 1.0, 1.0));
    }

    /// On the second frame the other found track fits better, and the first still passes 0.5.
    #[test]
    fn the_partner_of_the_frame_before_is_kept_while_it_passes() {
        let truth = vec![track(1, &[Some(0..8), Some(0..8)])];
        let found = vec![track(7, &[Some(0..8), Some(0..5)]), track(8, &[None, Some(0..8)])];
        let (_, clear) = sums(&unit(truth, found));
        assert_eq!((clear.id_switches, clear.false_positives), (0.0, 1.0));
    }

    #[test]
    fn less_than_half_is_no_match_and_mota_can_fall_below_zero() {
        let (identity, clear) =
            sums(&unit(vec![track(1, &[Some(0..9)])], vec![track(7, &[Some(0..4)]), track(8, &[Some(9..10)])]));
        assert_eq!((identity.idf1(), clear.mota()), (0.0, -2.0));
    }

    #[test]
    fn units_add_up() {
        let perfect = sums(&unit(vec![track(1, &[Some(0..4)])], vec![track(1, &[Some(0..4)])]));
        let (mut identity, mut clear) = sums(&unit(vec![track(1, &[Some(0..4)])], vec![]));
        identity.add(&perfect.0);
        clear.add(&perfect.1);
        assert_eq!((identity.idf1(), clear.mota()), (1.0 / 1.5, 0.5));
    }
}
