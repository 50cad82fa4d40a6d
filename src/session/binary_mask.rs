//! The inside of a mask, a bit a cell: overlaps are counted 64 cells at a time.

use super::model::MaskLogits;

/// Which cells of the square mask grid are inside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BinaryMask {
    side: usize,
    words: Vec<u64>,
    area: u32,
}

impl BinaryMask {
    /// A mask without inside.
    pub fn empty(side: usize) -> Self {
        Self { side, words: vec![0; (side * side).div_ceil(64)], area: 0 }
    }

    /// The cells whose logit is above 0.
    pub fn from_logits(mask: &MaskLogits) -> Self {
        Self::from_cells(mask.side(), mask.values().iter().map(|&logit| logit > 0.0))
    }

    /// A mask from `side * side` answers, first row first; missing ones are outside.
    pub fn from_cells(side: usize, cells: impl Iterator<Item = bool>) -> Self {
        let mut mask = Self::empty(side);
        for (index, is_inside) in cells.take(side * side).enumerate() {
            mask.words[index / 64] |= u64::from(is_inside) << (index % 64);
        }
        mask.count()
    }

    fn count(mut self) -> Self {
        self.area = self.words.iter().map(|word| word.count_ones()).sum();
        self
    }

    /// Rows, and columns.
    pub fn side(&self) -> usize {
        self.side
    }

    /// Cells inside.
    pub fn area(&self) -> u32 {
        self.area
    }

    /// True without a cell inside.
    pub fn is_empty(&self) -> bool {
        self.area == 0
    }

    /// Cells inside both; 0 for masks of different grids.
    pub fn intersection(&self, other: &Self) -> u32 {
        self.common_words(other).map(|word| word.count_ones()).sum()
    }

    fn common_words<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = u64> + 'a {
        let is_one_grid = self.side == other.side;
        self.words.iter().zip(&other.words).map(move |(a, b)| if is_one_grid { a & b } else { 0 })
    }

    /// Intersection over union, 0 when both are empty.
    pub fn iou(&self, other: &Self) -> f32 {
        let both = self.intersection(other);
        let either = self.area + other.area - both;
        both as f32 / either.max(1) as f32
    }

    /// The part of this mask that `other` covers; 0 for an empty mask.
    pub fn share_inside(&self, other: &Self) -> f32 {
        self.intersection(other) as f32 / self.area.max(1) as f32
    }

    /// Takes in the other's cells, if it is of the same grid.
    pub fn unite(&mut self, other: &Self) {
        if self.side == other.side {
            self.words.iter_mut().zip(&other.words).for_each(|(word, more)| *word |= more);
            self.area = self.words.iter().map(|word| word.count_ones()).sum();
        }
    }

    /// Adds cells by their positions, first row first.
    pub(super) fn insert_all(&mut self, cells: impl Iterator<Item = usize>) {
        for cell in cells {
            self.words[cell / 64] |= 1 << (cell % 64);
        }
        self.area = self.words.iter().map(|word| word.count_ones()).sum();
    }

    /// Positions of the cells inside both, first row first.
    pub fn common_cells<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = usize> + 'a {
        self.common_words(other).enumerate().flat_map(|(index, word)| bits(word).map(move |bit| 64 * index + bit))
    }

    /// Positions of the cells inside, first row first.
    pub fn cells(&self) -> impl Iterator<Item = usize> + '_ {
        self.common_cells(self)
    }

    /// First and last column and row with a cell inside, both included: [x0, y0, x1, y1].
    pub fn bounds(&self) -> Option<[usize; 4]> {
        let start = [usize::MAX, usize::MAX, 0, 0];
        let grown = |b: [usize; 4], cell: usize| {
            let (x, y) = (cell % self.side, cell / self.side);
            [b[0].min(x), b[1].min(y), b[2].max(x), b[3].max(y)]
        };
        (!self.is_empty()).then(|| self.cells().fold(start, grown))
    }
}

/// Positions of the ones, lowest first.
fn bits(mut word: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let bit = (word != 0).then(|| word.trailing_zeros() as usize)?;
        word &= word - 1;
        Some(bit)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(range: std::ops::Range<usize>) -> BinaryMask {
        BinaryMask::from_cells(10, (0..100).map(|cell| range.contains(&(cell % 10))))
    }

    #[test]
    fn overlaps_are_counted_in_cells() {
        let (left, middle) = (columns(0..5), columns(3..7));
        assert_eq!((left.area(), left.intersection(&middle)), (50, 20));
        assert!((left.iou(&middle) - 20.0 / 70.0).abs() < 1e-6);
        assert!((left.share_inside(&middle) - 0.4).abs() < 1e-6);
        assert_eq!(BinaryMask::empty(10).iou(&BinaryMask::empty(10)), 0.0);
    }

    #[test]
    fn a_logit_of_zero_is_outside() {
        let mask = MaskLogits::new(2, vec![0.0, 0.1, -0.1, f32::NAN]).unwrap();
        assert_eq!(BinaryMask::from_logits(&mask).cells().collect::<Vec<_>>(), [1]);
    }

    #[test]
    fn grids_of_different_size_do_not_overlap() {
        let small = BinaryMask::from_cells(2, [true; 4].into_iter());
        assert_eq!((small.intersection(&columns(0..5)), small.iou(&columns(0..5))), (0, 0.0));
        let mut united = small.clone();
        united.unite(&columns(0..5));
        assert_eq!(united, small);
    }

    #[test]
    fn bounds_include_their_last_cell() {
        let one = BinaryMask::from_cells(10, (0..100).map(|cell| cell == 73));
        assert_eq!(one.bounds(), Some([3, 7, 3, 7]));
        assert_eq!(columns(3..7).bounds(), Some([3, 0, 6, 9]));
        assert_eq!(BinaryMask::empty(10).bounds(), None);
    }

    #[test]
    fn cells_are_united_and_added() {
        let mut mask = columns(0..1);
        mask.unite(&columns(9..10));
        mask.insert_all([5, 5, 0].into_iter());
        assert_eq!(mask.area(), 21);
    }
}
