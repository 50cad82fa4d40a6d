//! Of detections that overlap, the better one stays.

use super::binary_mask::BinaryMask;
use super::group::{Group, compete};

/// A detection as this rule sees it.
#[derive(Debug, Clone, Copy)]
pub struct Scored<'a> {
    /// Its phrase.
    pub group: Group,
    /// Probability, 0..1.
    pub score: f32,
    /// Its inside.
    pub mask: &'a BinaryMask,
}

/// Which detections stay: best first, each takes away those of its phrase that it overlaps more than `max_iou`; 0 keeps
/// all. Of equal scores the later one goes first, as the reference sorts.
pub fn kept(detections: &[Scored<'_>], max_iou: f32) -> Vec<bool> {
    if max_iou <= 0.0 {
        return vec![true; detections.len()];
    }
    let mut order: Vec<usize> = (0..detections.len()).collect();
    order.sort_by(|&a, &b| detections[b].score.total_cmp(&detections[a].score).then(b.cmp(&a)));
    let mut is_kept = vec![false; detections.len()];
    let mut better: Vec<usize> = Vec::new();
    for index in order {
        let this = detections[index];
        let is_repeated = |&other: &usize| {
            compete(this.group, detections[other].group) && this.mask.iou(detections[other].mask) > max_iou
        };
        if !better.iter().any(is_repeated) {
            is_kept[index] = true;
            better.push(index);
        }
    }
    is_kept
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Cells `from` to `to` of a grid of 10 by 10.
    fn mask(from: usize, to: usize) -> BinaryMask {
        BinaryMask::from_cells(10, (0..100).map(|cell| (from..to).contains(&cell)))
    }

    fn survivors(list: &[(usize, f32, BinaryMask)], max_iou: f32) -> Vec<bool> {
        let scored = |(group, score, mask): &'_ (usize, f32, BinaryMask)| (Some(*group), *score, mask.clone());
        let list: Vec<_> = list.iter().map(scored).collect();
        let scored: Vec<_> =
            list.iter().map(|(group, score, mask)| Scored { group: *group, score: *score, mask }).collect();
        kept(&scored, max_iou)
    }

    #[test]
    fn an_overlap_of_exactly_the_threshold_stays() {
        // 10 of 100 cells in common: IoU 0.1.
        let list = [(0, 0.9, mask(0, 55)), (0, 0.8, mask(45, 100))];
        assert_eq!(list[0].2.iou(&list[1].2), 0.1);
        assert_eq!(survivors(&list, 0.1), [true, true]);
        assert_eq!(survivors(&list, 0.0999), [true, false]);
    }

    #[test]
    fn phrases_do_not_suppress_each_other_and_zero_is_off() {
        let list = [(0, 0.9, mask(0, 50)), (1, 0.8, mask(0, 50)), (0, 0.7, mask(0, 50))];
        assert_eq!(survivors(&list, 0.1), [true, true, false]);
        assert_eq!(survivors(&list, 0.0), [true; 3]);
    }

    #[test]
    fn what_was_suppressed_suppresses_nothing() {
        let chain = [(0, 0.9, mask(0, 40)), (0, 0.8, mask(20, 60)), (0, 0.7, mask(40, 80))];
        assert_eq!(survivors(&chain, 0.1), [true, false, true]);
    }

    #[test]
    fn of_equal_scores_the_later_stays() {
        assert_eq!(survivors(&[(0, 0.8, mask(0, 50)), (0, 0.8, mask(0, 50))], 0.1), [false, true]);
    }
}
