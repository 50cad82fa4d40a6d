//! J&F: region similarity and contour accuracy of each true track with the found track that suits it best, as
//! TrackEval computes them for DAVIS (the protocol for ids that nobody gave: found ids need not be the true ones).

use super::assignment::{Weights, best_pairs};
use super::contour::contour_accuracy;
use super::unit::{FrameOverlap, Unit};

/// Sums over true tracks; a track's J and F are means over all frames.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct ShapeSums {
    /// How many true tracks there are.
    pub tracks: f64,
    region: f64,
    contour: f64,
}

impl ShapeSums {
    /// Sums of one unit. Pairs are those with the largest sum of J. Where neither of a pair is to be seen J and F are 1,
    /// and so they are for a true track without a partner.
    pub fn of(unit: &Unit, overlaps: &[FrameOverlap]) -> Self {
        let region = region_means(unit, overlaps);
        let mut sums = Self { tracks: unit.truth.len() as f64, ..Self::default() };
        for (truth, found) in best_pairs(&region) {
            let found_masks = unit.found.get(found).map(|track| &track.masks);
            let contour = |(frame, mask): (usize, &Option<_>)| {
                let found = found_masks.and_then(|masks| masks[frame].as_ref());
                contour_accuracy(mask.as_ref(), found)
            };
            sums.region += region.at(truth, found);
            sums.contour += unit.truth[truth].masks.iter().enumerate().map(contour).sum::<f64>() / unit.frames as f64;
        }
        sums
    }

    /// Takes another unit's sums in.
    pub fn add(&mut self, other: &Self) {
        self.tracks += other.tracks;
        self.region += other.region;
        self.contour += other.contour;
    }

    /// J: IoU, over the frames and then the true tracks. None without a true track.
    pub fn region_similarity(&self) -> Option<f64> {
        (self.tracks > 0.0).then(|| self.region / self.tracks)
    }

    /// F, likewise.
    pub fn contour_accuracy(&self) -> Option<f64> {
        (self.tracks > 0.0).then(|| self.contour / self.tracks)
    }
}

/// J of each pair, over the frames. Columns are found tracks, and tracks that are never seen, so that each true track has
/// a partner.
fn region_means(unit: &Unit, overlaps: &[FrameOverlap]) -> Weights {
    let on = |masks: Option<&Vec<Option<_>>>, frame: usize| masks.is_some_and(|masks| masks[frame].is_some());
    let columns = unit.truth.len().max(unit.found.len());
    let mut sums = Weights::new(unit.truth.len(), columns, |row, column| {
        let (truth, found) = (Some(&unit.truth[row].masks), unit.found.get(column).map(|track| &track.masks));
        (0..unit.frames).filter(|&frame| !on(truth, frame) && !on(found, frame)).count() as f64
    });
    for overlap in overlaps {
        let ious = overlap.ious();
        for (row, column) in ious.pairs() {
            sums.add(overlap.truth[row], overlap.found[column], ious.at(row, column));
        }
    }
    Weights::new(sums.rows, sums.columns, |row, column| sums.at(row, column) / unit.frames as f64)
}

#[cfg(test)]
mod tests {
    use super::super::unit::tests::{track, unit};
    use super::*;

    fn sums(unit: &Unit) -> ShapeSums {
        ShapeSums::of(unit, &unit.overlaps())
    }

    #[test]
    fn ids_need_not_agree() {
        let truth = vec![track(1, &[Some(0..4)]), track(2, &[Some(6..9)])];
        let found = vec![track(4, &[Some(6..9)]), track(3, &[Some(0..2)])];
        let sums = sums(&unit(truth, found));
        assert_eq!(sums.region_similarity(), Some((0.5 + 1.0) / 2.0));
    }

    /// On the first of four frames neither is there, on the second both, on the third and fourth one of them.
    #[test]
    fn frames_without_both_count_as_right() {
        let truth = vec![track(1, &[None, Some(0..4), None, Some(0..4)])];
        let found = vec![track(1, &[None, Some(0..4), Some(0..4), None])];
        let sums = sums(&unit(truth, found));
        assert_eq!((sums.region_similarity(), sums.contour_accuracy()), (Some(0.5), Some(0.5)));
    }

    #[test]
    fn one_who_is_not_found_is_right_where_it_is_absent() {
        let sums = sums(&unit(vec![track(1, &[Some(0..4), None])], vec![]));
        assert_eq!((sums.region_similarity(), sums.contour_accuracy()), (Some(0.5), Some(0.5)));
    }

    #[test]
    fn without_truth_there_is_nothing_to_say() {
        let mut all = sums(&unit(vec![], vec![track(1, &[Some(0..4)])]));
        assert_eq!(all.region_similarity(), None);
        all.add(&sums(&unit(vec![track(1, &[Some(0..4)])], vec![])));
        assert_eq!((all.tracks, all.region_similarity()), (1.0, Some(0.0)));
    }
}
