//! Two rows of alphas at a time, and what the chroma planes make of them.

use std::ops::Range;

use super::blend::CHUNK;
use super::passes::Grid;
use super::vectors::vectorized;

/// Columns are taken in multiples of this, so that halved columns are still whole chunks.
pub(super) const COLUMN_STEP: usize = 2 * CHUNK;

/// The alphas of an even row and the row below it, over a range of columns, and room for halved ones.
#[derive(Debug, Default)]
pub(super) struct AlphaRows {
    columns: Range<usize>,
    pair: [Vec<u8>; 2],
    halved: Vec<u8>,
    /// As many as a row has, all 255.
    full: Vec<u8>,
    /// All alphas are 255, whatever the rows hold.
    is_full: bool,
}

impl AlphaRows {
    /// Clears both rows over the columns that hold `columns`, for a frame of `frame_width`.
    pub(super) fn clear(&mut self, columns: &Range<u32>, frame_width: u32) {
        self.set_columns(columns, frame_width, false);
        for row in &mut self.pair {
            row[self.columns.clone()].fill(0);
        }
    }

    /// Sets all alphas of the columns that hold `columns` to 255, until the next [`AlphaRows::clear`].
    pub(super) fn set_full(&mut self, columns: &Range<u32>, frame_width: u32) {
        self.set_columns(columns, frame_width, true);
    }

    fn set_columns(&mut self, columns: &Range<u32>, frame_width: u32, is_full: bool) {
        let length = (frame_width as usize).next_multiple_of(COLUMN_STEP) + COLUMN_STEP;
        if self.full.len() != length {
            self.pair.iter_mut().for_each(|row| row.resize(length, 0));
            self.halved.resize(length, 0);
            self.full.resize(length, u8::MAX);
        }
        let start = columns.start as usize / COLUMN_STEP * COLUMN_STEP;
        self.columns = start..(columns.end as usize).next_multiple_of(COLUMN_STEP).min(length);
        self.is_full = is_full;
    }

    /// The even (0) or the odd (1) row, from column 0.
    pub(super) fn row_mut(&mut self, parity: usize) -> &mut [u8] {
        &mut self.pair[parity]
    }

    /// True when no alpha is above 0.
    pub(super) fn is_clear(&self) -> bool {
        self.pair.iter().all(|row| largest(&row[self.columns.clone()]) == 0)
    }

    /// Each alpha becomes what was missing to 255.
    pub(super) fn invert(&mut self) {
        for row in &mut self.pair {
            row[self.columns.clone()].iter_mut().for_each(|alpha| *alpha = 255 - *alpha);
        }
    }

    /// Prepares chroma: where width or height is odd, the last column or row stands for the missing one too.
    pub(super) fn complete_edges(&mut self, frame_width: u32, has_second_row: bool) {
        let width = frame_width as usize;
        if width % 2 == 1 {
            self.pair.iter_mut().for_each(|row| row[width] = row[width - 1]);
        }
        if !has_second_row {
            let [even, odd] = &mut self.pair;
            odd[self.columns.clone()].copy_from_slice(&even[self.columns.clone()]);
        }
    }

    /// The first cell of a grid and its alphas for the row of this parity; [`Grid::HalfBoth`] looks at both.
    pub(super) fn on_grid(&mut self, grid: Grid, parity: usize) -> (usize, &[u8]) {
        let Range { start, end } = self.columns;
        if self.is_full {
            return match grid {
                Grid::Full | Grid::HalfColumnsTwice => (start, &self.full[start..end]),
                Grid::HalfColumns | Grid::HalfBoth => (start / 2, &self.full[start / 2..end / 2]),
            };
        }
        let row = &self.pair[parity][start..end];
        let half = &mut self.halved[..(end - start) / 2];
        match grid {
            Grid::Full => (start, &self.pair[parity][start..end]),
            Grid::HalfColumns => {
                halve_columns(row, half);
                (start / 2, &self.halved[..(end - start) / 2])
            }
            Grid::HalfBoth => {
                halve_both(&self.pair[0][start..end], &self.pair[1][start..end], half);
                (start / 2, &self.halved[..(end - start) / 2])
            }
            Grid::HalfColumnsTwice => {
                let twice = &mut self.halved[..end - start];
                for (out, two) in twice.as_chunks_mut::<2>().0.iter_mut().zip(row.as_chunks::<2>().0) {
                    *out = [mean_of_two(*two); 2];
                }
                (start, &self.halved[..end - start])
            }
        }
    }
}

vectorized! {
    fn largest(row: &[u8]) -> u8 {
        row.iter().fold(0, |most, &alpha| most.max(alpha))
    }
}

#[inline(always)]
fn mean_of_two([a, b]: [u8; 2]) -> u8 {
    u16::midpoint(u16::from(a), u16::from(b) + 1) as u8
}

vectorized! {
    fn halve_columns(row: &[u8], half: &mut [u8]) {
        for (out, two) in half.iter_mut().zip(row.as_chunks::<2>().0) {
            *out = mean_of_two(*two);
        }
    }
}

vectorized! {
    fn halve_both(even: &[u8], odd: &[u8], half: &mut [u8]) {
        let chunks = even.as_chunks::<COLUMN_STEP>().0.iter().zip(odd.as_chunks::<COLUMN_STEP>().0);
        for (out, (even, odd)) in half.as_chunks_mut::<CHUNK>().0.iter_mut().zip(chunks) {
            // Most chunks are empty or full.
            if (even, odd) == (&[even[0]; COLUMN_STEP], &[even[0]; COLUMN_STEP]) {
                *out = [even[0]; CHUNK];
                continue;
            }
            for (index, out) in out.iter_mut().enumerate() {
                let four = [even[2 * index], even[2 * index + 1], odd[2 * index], odd[2 * index + 1]];
                *out = ((four.iter().map(|&alpha| u16::from(alpha)).sum::<u16>() + 2) / 4) as u8;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> AlphaRows {
        let mut rows = AlphaRows::default();
        rows.clear(&(0..5), 5);
        rows.row_mut(0)[..5].copy_from_slice(&[10, 20, 30, 40, 200]);
        rows.row_mut(1)[..5].copy_from_slice(&[20, 30, 255, 255, 100]);
        rows
    }

    #[test]
    fn halving_rounds_and_repeats_the_last_column() {
        let mut rows = rows();
        rows.complete_edges(5, true);
        assert_eq!(rows.on_grid(Grid::HalfColumns, 0).1[..3], [15, 35, 200]);
        assert_eq!(rows.on_grid(Grid::HalfBoth, 0).1[..4], [20, 145, 150, 0]);
        assert_eq!(rows.on_grid(Grid::HalfColumnsTwice, 1).1[..6], [25, 25, 255, 255, 100, 100]);
    }

    #[test]
    fn a_missing_last_row_repeats() {
        let mut rows = rows();
        rows.complete_edges(5, false);
        assert_eq!(rows.on_grid(Grid::HalfBoth, 0).1[..3], [15, 35, 200]);
    }

    #[test]
    fn columns_start_on_whole_chunks_also_when_halved() {
        let mut rows = AlphaRows::default();
        rows.clear(&(70..75), 100);
        assert_eq!(rows.on_grid(Grid::Full, 0).0, 64);
        let (first_cell, alphas) = rows.on_grid(Grid::HalfBoth, 0);
        assert_eq!((first_cell, alphas.len() % CHUNK), (32, 0));
        rows.clear(&(0..100), 100);
        rows.invert();
        assert!(rows.on_grid(Grid::Full, 1).1.iter().all(|&alpha| alpha == 255));
    }
}
