//! An object that others cover almost wholly is remembered as absent.

use super::binary_mask::BinaryMask;
use super::group::{Group, compete};
use super::model::MaskLogits;

/// A track as this rule sees it.
#[derive(Debug, Clone, Copy)]
pub struct Shrinkable<'a> {
    /// Its phrase.
    pub group: Group,
    /// Its logits.
    pub logits: &'a MaskLogits,
    /// Its inside.
    pub mask: &'a BinaryMask,
}

/// Which tracks keep at least `least` of their area when each cell goes to the highest logit of the phrase; 0: all. Only
/// this decision is made of it: those that stay keep their whole masks, overlaps included.
///
/// The reference measures on masks stretched to four times the mask grid, we on the grid itself.
pub fn keeps_area(tracks: &[Shrinkable<'_>], least: f32) -> Vec<bool> {
    let keeps = |(index, track): (usize, &Shrinkable<'_>)| {
        let mut beaten = BinaryMask::empty(track.mask.side());
        for (other, rival) in tracks.iter().enumerate() {
            if other == index || !compete(track.group, rival.group) {
                continue;
            }
            // The first of equal logits wins, as an argmax decides.
            let wins = |&cell: &usize| {
                let (own, rivals) = (track.logits.values()[cell], rival.logits.values()[cell]);
                rivals > own || (rivals == own && other < index)
            };
            beaten.insert_all(track.mask.common_cells(rival.mask).filter(wins));
        }
        let area = track.mask.area();
        (area - beaten.area()) as f32 / area.max(1) as f32 >= least
    };
    if least <= 0.0 {
        return vec![true; tracks.len()];
    }
    tracks.iter().enumerate().map(keeps).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Logit `value` in the cells `from` to `to` of a grid of 10 by 10, -5 elsewhere.
    fn logits(from: usize, to: usize, value: f32) -> MaskLogits {
        let cell = |cell| if (from..to).contains(&cell) { value } else { -5.0 };
        MaskLogits::new(10, (0..100).map(cell).collect::<Vec<f32>>()).unwrap()
    }

    fn kept(tracks: &[(Group, MaskLogits)], least: f32) -> Vec<bool> {
        let masks: Vec<_> = tracks.iter().map(|(_, logits)| BinaryMask::from_logits(logits)).collect();
        let view = |index: usize| Shrinkable { group: tracks[index].0, logits: &tracks[index].1, mask: &masks[index] };
        keeps_area(&(0..tracks.len()).map(view).collect::<Vec<_>>(), least)
    }

    #[test]
    fn three_tenths_of_the_area_are_enough() {
        let covered_by = |to| kept(&[(Some(0), logits(0, 100, 1.0)), (Some(0), logits(0, to, 2.0))], 0.3);
        assert_eq!(covered_by(70), [true, true]);
        assert_eq!(covered_by(71), [false, true]);
    }

    #[test]
    fn several_rivals_count_together_and_their_overlap_once() {
        let rivals = |from| {
            let own = (Some(0), logits(0, 100, 1.0));
            kept(&[own, (Some(0), logits(0, 50, 2.0)), (Some(0), logits(from, from + 40, 2.0))], 0.3)[0]
        };
        assert!(!rivals(50), "90 of 100 are covered");
        assert!(rivals(20), "60 of 100 are covered, 30 of them twice");
    }

    #[test]
    fn of_equal_logits_the_first_wins() {
        let twins = [(Some(0), logits(0, 50, 1.0)), (Some(0), logits(0, 50, 1.0))];
        assert_eq!(kept(&twins, 0.3), [true, false]);
    }

    #[test]
    fn phrases_do_not_shrink_each_other_zero_is_off_and_empty_ones_stay_empty() {
        let apart = [(Some(0), logits(0, 50, 1.0)), (Some(1), logits(0, 50, 2.0))];
        assert_eq!(kept(&apart, 0.3), [true, true]);
        let twins = [(Some(0), logits(0, 50, 1.0)), (Some(0), logits(0, 50, 2.0))];
        assert_eq!((kept(&twins, 0.3), kept(&twins, 0.0)), (vec![false, true], vec![true, true]));
        assert_eq!(kept(&[(Some(0), logits(0, 0, 1.0))], 0.3), [false]);
    }
}
