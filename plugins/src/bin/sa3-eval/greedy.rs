//! The baseline for ids: each mask goes on with the id of the mask before it that overlaps it most. No memory of how
//! things look, no motion.

use sa3::evaluate::Rle;

/// A mask goes on with an id from this IoU.
const LEAST_IOU: f64 = 0.3;
/// An id that was not seen for this many frames is not taken up again.
const FORGET_AFTER: usize = 15;

/// One mask that was found on a frame.
pub struct Found {
    /// Id of its category.
    pub category: u64,
    /// Its pixels.
    pub mask: Rle,
}

/// Gives ids, frame after frame.
#[derive(Default)]
pub struct Greedy {
    known: Vec<Known>,
    last_id: u64,
}

struct Known {
    id: u64,
    category: u64,
    mask: Rle,
    frame: usize,
}

impl Greedy {
    /// An id for each mask of a frame. Pairs of the largest IoU go first; who has no pair gets a new id.
    pub fn ids(&mut self, frame: usize, found: &[Found]) -> Vec<u64> {
        self.known.retain(|known| frame - known.frame <= FORGET_AFTER);
        let mut pairs: Vec<(f64, usize, usize)> = Vec::new();
        for (index, one) in found.iter().enumerate() {
            let same = self.known.iter().enumerate().filter(|(_, known)| known.category == one.category);
            pairs.extend(same.map(|(position, known)| (known.mask.iou(&one.mask), index, position)));
        }
        pairs.sort_by(|a, b| b.0.total_cmp(&a.0));
        let mut partners = vec![None; found.len()];
        let mut is_taken = vec![false; self.known.len()];
        for (_, index, position) in pairs.into_iter().filter(|pair| pair.0 >= LEAST_IOU) {
            if partners[index].is_none() && !is_taken[position] {
                (partners[index], is_taken[position]) = (Some(position), true);
            }
        }
        found.iter().zip(partners).map(|(one, partner)| self.note(frame, one, partner)).collect()
    }

    fn note(&mut self, frame: usize, found: &Found, partner: Option<usize>) -> u64 {
        let id = partner.map_or(self.last_id + 1, |position| self.known[position].id);
        self.last_id = self.last_id.max(id);
        let known = Known { id, category: found.category, mask: found.mask.clone(), frame };
        match partner {
            Some(position) => self.known[position] = known,
            None => self.known.push(known),
        }
        id
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Columns that are inside, on a picture of 10x1.
    fn found(category: u64, columns: std::ops::Range<usize>) -> Found {
        let inside: Vec<bool> = (0..10).map(|column| columns.contains(&column)).collect();
        Found { category, mask: Rle::from_pixels(10, 1, &inside) }
    }

    #[test]
    fn the_best_overlap_keeps_its_id() {
        let mut greedy = Greedy::default();
        assert_eq!(greedy.ids(0, &[found(1, 0..4), found(1, 6..10)]), [1, 2]);
        assert_eq!(greedy.ids(1, &[found(1, 5..9), found(1, 1..5)]), [2, 1]);
        assert_eq!(greedy.ids(2, &[found(1, 2..6), found(1, 1..5)]), [3, 1]);
    }

    #[test]
    fn another_category_and_a_small_overlap_are_new() {
        let mut greedy = Greedy::default();
        assert_eq!(greedy.ids(0, &[found(1, 0..4)]), [1]);
        assert_eq!(greedy.ids(1, &[found(2, 0..4)]), [2]);
        assert_eq!(greedy.ids(2, &[found(1, 3..7)]), [3]);
    }

    #[test]
    fn ids_outlive_a_gap_but_not_a_long_one() {
        let mut greedy = Greedy::default();
        assert_eq!(greedy.ids(0, &[found(1, 0..4)]), [1]);
        assert_eq!(greedy.ids(FORGET_AFTER, &[found(1, 0..4)]), [1]);
        assert_eq!(greedy.ids(2 * FORGET_AFTER + 1, &[found(1, 0..4)]), [2]);
    }
}
