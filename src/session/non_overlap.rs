//! What is shown does not overlap: a cell belongs to the object that the tracker is surest of.

use super::binary_mask::BinaryMask;
use super::group::{Group, compete};

/// An object as this rule sees it.
#[derive(Debug, Clone, Copy)]
pub struct Claim<'a> {
    /// Its phrase.
    pub group: Group,
    /// The tracker's score of this frame as a probability; that of the detection on the frame of birth, 1 after a click.
    pub score: f32,
    /// The cells that it claims.
    pub mask: &'a BinaryMask,
}

/// The cells that each object loses to a surer one of its phrase; of equal scores the first keeps them.
pub fn lost_cells(claims: &[Claim<'_>]) -> Vec<BinaryMask> {
    let lost = |(index, claim): (usize, &Claim<'_>)| {
        let mut lost = BinaryMask::empty(claim.mask.side());
        for (other, rival) in claims.iter().enumerate() {
            let is_surer = rival.score > claim.score || (rival.score == claim.score && other < index);
            if other != index && is_surer && compete(claim.group, rival.group) {
                lost.insert_all(claim.mask.common_cells(rival.mask));
            }
        }
        lost
    };
    claims.iter().enumerate().map(lost).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(from: usize, to: usize) -> BinaryMask {
        BinaryMask::from_cells(10, (0..100).map(|cell| (from..to).contains(&cell)))
    }

    fn losses(list: &[(Group, f32, BinaryMask)]) -> Vec<u32> {
        let claims: Vec<_> =
            list.iter().map(|(group, score, mask)| Claim { group: *group, score: *score, mask }).collect();
        lost_cells(&claims).iter().map(BinaryMask::area).collect()
    }

    #[test]
    fn the_surer_object_keeps_the_cells() {
        let list = [(Some(0), 0.6, cells(0, 50)), (Some(0), 0.9, cells(40, 90)), (Some(0), 0.7, cells(80, 100))];
        assert_eq!(losses(&list), [10, 0, 10]);
    }

    #[test]
    fn of_equals_the_first_keeps_them_and_phrases_share() {
        let equal = [(Some(0), 0.9, cells(0, 50)), (Some(0), 0.9, cells(40, 90))];
        assert_eq!(losses(&equal), [0, 10]);
        let phrases = [(Some(0), 0.6, cells(0, 50)), (Some(1), 0.9, cells(0, 50)), (None, 1.0, cells(0, 5))];
        assert_eq!(losses(&phrases), [5, 5, 0]);
    }
}
