//! Two tracks on one thing: the one that was hidden more recently is blanked for the frame.

use super::binary_mask::BinaryMask;
use super::group::{Group, compete};

/// A track as this rule sees it.
#[derive(Debug, Clone, Copy)]
pub struct Occludable<'a> {
    /// Its phrase.
    pub group: Group,
    /// Its inside on this frame.
    pub mask: &'a BinaryMask,
    /// When it was last hidden.
    pub hidden: LastHidden,
}

/// When a track was last without mask or blanked by this rule. The order is that of the rule: later is more hidden.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum LastHidden {
    /// Not since it appeared.
    #[default]
    Never,
    /// On this frame.
    On(i64),
    /// It is being removed and was never seen before; more hidden than any frame (`ALWAYS_OCCLUDED`, 100,000).
    Always,
}

/// Which tracks to blank. Of two of one phrase that overlap at least `min_iou`, the more recently hidden one, unless the
/// other was never hidden: two fresh doubles are left alone. 0: none.
pub fn blanked(tracks: &[Occludable<'_>], min_iou: f32) -> Vec<bool> {
    let mut is_blanked = vec![false; tracks.len()];
    if min_iou <= 0.0 {
        return is_blanked;
    }
    for (later, b) in tracks.iter().enumerate() {
        for (earlier, a) in tracks[..later].iter().enumerate() {
            if a.hidden == b.hidden || !compete(a.group, b.group) || a.mask.iou(b.mask) < min_iou {
                continue;
            }
            if a.hidden.min(b.hidden) > LastHidden::Never {
                is_blanked[if a.hidden > b.hidden { earlier } else { later }] = true;
            }
        }
    }
    is_blanked
}

#[cfg(test)]
mod tests {
    use super::*;
    use LastHidden::{Always, Never, On};

    fn cells(from: usize, to: usize) -> BinaryMask {
        BinaryMask::from_cells(10, (0..100).map(|cell| (from..to).contains(&cell)))
    }

    fn pair(a: LastHidden, b: LastHidden, overlap: usize) -> Vec<bool> {
        let masks = [cells(0, 100), cells(0, overlap)];
        let track = |mask, hidden| Occludable { group: Some(0), mask, hidden };
        blanked(&[track(&masks[0], a), track(&masks[1], b)], 0.7)
    }

    #[test]
    fn the_more_recently_hidden_one_goes() {
        assert_eq!(pair(On(4), On(9), 90), [false, true]);
        assert_eq!(pair(On(9), On(4), 90), [true, false]);
        assert_eq!(pair(On(4), On(4), 90), [false, false]);
    }

    #[test]
    fn fresh_doubles_are_left_alone() {
        assert_eq!(pair(Never, Never, 100), [false, false]);
        assert_eq!(pair(Never, On(9), 100), [false, false], "the other was never hidden");
        assert_eq!(pair(On(0), On(9), 100), [false, true], "hidden on the very first frame is hidden");
    }

    #[test]
    fn what_is_always_hidden_is_so_on_endless_streams_too() {
        assert_eq!(pair(On(100_001), Always, 100), [false, true]);
        assert_eq!(pair(On(i64::MAX), Always, 100), [false, true]);
    }

    #[test]
    fn seven_tenths_are_enough_and_less_is_not() {
        assert_eq!(pair(On(4), On(9), 70), [false, true]);
        assert_eq!(pair(On(4), On(9), 69), [false, false]);
    }

    #[test]
    fn phrases_do_not_hide_each_other_and_zero_is_off() {
        let mask = cells(0, 50);
        let track = |group, hidden| Occludable { group, mask: &mask, hidden };
        assert_eq!(blanked(&[track(Some(0), On(1)), track(Some(1), On(2))], 0.7), [false, false]);
        assert_eq!(blanked(&[track(Some(0), On(1)), track(None, On(2))], 0.7), [false, true]);
        assert_eq!(blanked(&[track(Some(0), On(1)), track(Some(0), On(2))], 0.0), [false, false]);
    }
}
