//! HOTA, with DetA, AssA and LocA (Luiten et al., IJCV 2021), as TrackEval computes them.

use super::assignment::{Weights, best_pairs};
use super::unit::{FrameOverlap, Unit};

/// Localisation thresholds: 0.05, 0.10, … 0.95.
pub const THRESHOLDS: usize = 19;

fn threshold(index: usize) -> f64 {
    0.05 + index as f64 * 0.05
}

/// What adds up over units, for each localisation threshold.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct HotaSums {
    /// Pairs that match.
    pub true_positives: [f64; THRESHOLDS],
    /// True masks without a match.
    pub misses: [f64; THRESHOLDS],
    /// Found masks without a match.
    pub false_positives: [f64; THRESHOLDS],
    /// Over matches: how well the tracks of the pair go together.
    association: [f64; THRESHOLDS],
    /// Over matches: IoU.
    localisation: [f64; THRESHOLDS],
}

/// Means over the thresholds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hota {
    /// Mean of sqrt(DetA · AssA).
    pub hota: f64,
    /// Detection: matches over matches, misses and false positives.
    pub det_a: f64,
    /// Association: over matches, frames on which both tracks match each other over frames on which either is.
    pub ass_a: f64,
    /// IoU of matches.
    pub loc_a: f64,
}

impl HotaSums {
    /// Counts of one unit.
    pub fn of(unit: &Unit, overlaps: &[FrameOverlap]) -> Self {
        let tracks = (unit.truth.len(), unit.found.len());
        let lengths = Lengths::of(tracks, overlaps);
        let alignment = alignment(tracks, &lengths, overlaps);
        let mut sums = Self::default();
        let mut matches = vec![Weights::new(tracks.0, tracks.1, |_, _| 0.0); THRESHOLDS];
        for overlap in overlaps {
            let ious = overlap.ious();
            let pairs = best_pairs(&Weights::new(ious.rows, ious.columns, |row, column| {
                alignment.at(overlap.truth[row], overlap.found[column]) * ious.at(row, column)
            }));
            for (index, matches) in matches.iter_mut().enumerate() {
                let mut count = 0.0;
                for &(row, column) in &pairs {
                    if ious.at(row, column) >= threshold(index) - f64::EPSILON {
                        count += 1.0;
                        sums.localisation[index] += ious.at(row, column);
                        matches.add(overlap.truth[row], overlap.found[column], 1.0);
                    }
                }
                sums.true_positives[index] += count;
                sums.misses[index] += ious.rows as f64 - count;
                sums.false_positives[index] += ious.columns as f64 - count;
            }
        }
        sums.association = std::array::from_fn(|index| lengths.association(&matches[index]));
        sums
    }

    /// Takes another unit's counts in.
    pub fn add(&mut self, other: &Self) {
        for index in 0..THRESHOLDS {
            self.true_positives[index] += other.true_positives[index];
            self.misses[index] += other.misses[index];
            self.false_positives[index] += other.false_positives[index];
            self.association[index] += other.association[index];
            self.localisation[index] += other.localisation[index];
        }
    }

    /// The measures.
    pub fn scores(&self) -> Hota {
        let det_a = |index: usize| {
            let either: f64 = self.true_positives[index] + self.misses[index] + self.false_positives[index];
            self.true_positives[index] / either.max(1.0)
        };
        let ass_a = |index: usize| self.association[index] / self.true_positives[index].max(1.0);
        let loc_a = |index: usize| {
            let matches: f64 = self.true_positives[index];
            if matches > 0.0 { self.localisation[index] / matches } else { 1.0 }
        };
        Hota {
            hota: mean(|index| (det_a(index) * ass_a(index)).sqrt()),
            det_a: mean(det_a),
            ass_a: mean(ass_a),
            loc_a: mean(loc_a),
        }
    }
}

fn mean(of: impl Fn(usize) -> f64) -> f64 {
    (0..THRESHOLDS).map(of).sum::<f64>() / THRESHOLDS as f64
}

/// On how many frames each track is.
struct Lengths {
    truth: Vec<f64>,
    found: Vec<f64>,
}

impl Lengths {
    fn of(tracks: (usize, usize), overlaps: &[FrameOverlap]) -> Self {
        let mut lengths = Self { truth: vec![0.0; tracks.0], found: vec![0.0; tracks.1] };
        for overlap in overlaps {
            overlap.truth.iter().for_each(|&index| lengths.truth[index] += 1.0);
            overlap.found.iter().for_each(|&index| lengths.found[index] += 1.0);
        }
        lengths
    }

    /// Over matches: frames of the pair over frames of either track.
    fn association(&self, matches: &Weights) -> f64 {
        let of_pair = |(row, column)| {
            let count: f64 = matches.at(row, column);
            count * count / (self.truth[row] + self.found[column] - count).max(1.0)
        };
        // Nothing adds up to 0, where `sum` says -0.
        matches.pairs().map(of_pair).fold(0.0, |sum, share| sum + share)
    }
}

/// How well tracks go together before any matching: soft counts of common frames over frames of either.
fn alignment(tracks: (usize, usize), lengths: &Lengths, overlaps: &[FrameOverlap]) -> Weights {
    let mut common = Weights::new(tracks.0, tracks.1, |_, _| 0.0);
    for overlap in overlaps {
        let ious = overlap.ious();
        let of_row: Vec<f64> = (0..ious.rows).map(|row| (0..ious.columns).map(|c| ious.at(row, c)).sum()).collect();
        let of_column: Vec<f64> = (0..ious.columns).map(|c| (0..ious.rows).map(|row| ious.at(row, c)).sum()).collect();
        for (row, column) in ious.pairs() {
            let either = of_row[row] + of_column[column] - ious.at(row, column);
            if either > f64::EPSILON {
                common.add(overlap.truth[row], overlap.found[column], ious.at(row, column) / either);
            }
        }
    }
    Weights::new(tracks.0, tracks.1, |row, column| {
        let both = common.at(row, column);
        both / (lengths.truth[row] + lengths.found[column] - both)
    })
}

#[cfg(test)]
mod tests {
    use super::super::unit::tests::{track, unit};
    use super::*;

    fn sums(unit: &Unit) -> HotaSums {
        HotaSums::of(unit, &unit.overlaps())
    }

    #[test]
    fn the_truth_itself_is_perfect() {
        let tracks = vec![track(1, &[Some(0..4), Some(1..5)]), track(2, &[None, Some(6..9)])];
        let scores = sums(&unit(tracks.clone(), tracks)).scores();
        assert_eq!(scores, Hota { hota: 1.0, det_a: 1.0, ass_a: 1.0, loc_a: 1.0 });
    }

    /// One object, four frames, found without a flaw under one id on three and another on one: DetA 1,
    /// AssA (3·3/4 + 1·1/4) / 4 = 10/16.
    #[test]
    fn a_broken_track_costs_association_alone() {
        let whole = track(1, &[Some(0..4), Some(0..4), Some(0..4), Some(0..4)]);
        let most = track(8, &[Some(0..4), Some(0..4), Some(0..4), None]);
        let rest = track(9, &[None, None, None, Some(0..4)]);
        let scores = sums(&unit(vec![whole], vec![most, rest])).scores();
        assert!((scores.ass_a - 0.625).abs() < 1e-12 && (scores.hota - 0.625_f64.sqrt()).abs() < 1e-12);
        assert_eq!((scores.det_a, scores.loc_a), (1.0, 1.0));
    }

    /// IoU 0.5 passes the thresholds 0.05 to 0.5: 10 of 19.
    #[test]
    fn half_an_object_counts_up_to_half() {
        let half = unit(vec![track(1, &[Some(0..8)])], vec![track(1, &[Some(0..4)])]);
        assert_eq!(sums(&half).true_positives.iter().sum::<f64>(), 10.0);
        assert!((sums(&half).scores().hota - 10.0 / 19.0).abs() < 1e-12);
    }

    #[test]
    fn nothing_found_and_nothing_there_have_counts_of_their_own() {
        let one = || vec![track(1, &[Some(0..4), None])];
        let (missed, invented) = (sums(&unit(one(), vec![])), sums(&unit(vec![], one())));
        assert_eq!((missed.misses[0], missed.false_positives[0]), (1.0, 0.0));
        assert_eq!((invented.misses[0], invented.false_positives[0]), (0.0, 1.0));
        let mut both = missed;
        both.add(&invented);
        assert_eq!((both.scores().hota, both.misses[18] + both.false_positives[18]), (0.0, 2.0));
    }
}
