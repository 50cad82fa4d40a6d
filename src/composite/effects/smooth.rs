//! Three passes of a short symmetric filter over a frame in cells, along the rows and down the columns.
//!
//! The rows of cells are gone through once: behind the row that the first pass has reached the second one follows, two
//! rows behind, and behind it the third. So what a pass looks at was just written and is still in the cache.

use super::super::vectors::vectorized;
use super::shrink::{PADDING, Shrunk};

pub(super) const SMOOTHING_PASSES: usize = 3;
/// Rows that a pass has to see ahead.
const AHEAD: usize = 2;

/// Weights of a cell, the ones beside it, and those beside them.
pub(super) type Taps = [f32; 3];

/// Smooths frames in cells; keeps its memory.
#[derive(Debug, Default)]
pub(super) struct Smoother {
    /// A row between passes along it.
    between: [Vec<f32>; 2],
    /// For each pass down the columns the last two rows as they were before it.
    before: [[Vec<f32>; 2]; SMOOTHING_PASSES],
    /// A row as it was.
    current: Vec<f32>,
    /// Beyond the first and the last row there is nothing.
    nothing: Vec<f32>,
}

impl Smoother {
    /// Smooths the sums of `shrunk` in place.
    pub(super) fn smooth(&mut self, shrunk: &mut Shrunk, taps: Taps) {
        let (rows, row_length, lane_length) = (shrunk.rows, shrunk.row_length(), shrunk.lane_length());
        let rows_of_nothing = self.between.iter_mut().chain(self.before.as_flattened_mut());
        for row in rows_of_nothing.chain([&mut self.nothing]) {
            row.clear();
            row.resize(row_length, 0.0);
        }
        for lead in 0..rows + (SMOOTHING_PASSES - 1) * AHEAD + AHEAD {
            if lead < rows {
                self.smooth_along(&mut shrunk.sums[lead * row_length..][..row_length], lane_length, taps);
            }
            for pass in 0..SMOOTHING_PASSES {
                if let Some(y) = lead.checked_sub((pass + 1) * AHEAD).filter(|y| *y < rows) {
                    let rest = &mut shrunk.sums[y * row_length..];
                    self.smooth_down(pass, rest, row_length, taps);
                }
            }
        }
    }

    /// All passes along a row, whose lanes have room for what is beyond their ends.
    fn smooth_along(&mut self, row: &mut [f32], lane_length: usize, taps: Taps) {
        let [first, second] = &mut self.between;
        for lane in row.chunks_exact_mut(lane_length) {
            let (first, second) = (&mut first[..lane_length], &mut second[..lane_length]);
            smooth_lane(lane, first, taps);
            smooth_lane(first, second, taps);
            smooth_lane(second, lane, taps);
        }
    }

    /// One pass for the first row of `rows`.
    fn smooth_down(&mut self, pass: usize, rows: &mut [f32], row_length: usize, taps: Taps) {
        let (row, below) = rows.split_at_mut(row_length);
        let mut below = below.chunks_exact(row_length).map(Some).chain([None, None]);
        let mut next = || below.next().flatten().unwrap_or(&self.nothing);
        let below = [next(), next()];
        self.current.clear();
        self.current.extend_from_slice(row);
        let [far, near] = &mut self.before[pass];
        mix_rows([far, near, &self.current, below[0], below[1]], row, taps);
        // What was near is far from the next row.
        std::mem::swap(far, near);
        std::mem::swap(near, &mut self.current);
    }
}

vectorized! {
    fn smooth_lane(from: &[f32], to: &mut [f32], taps: Taps) {
        let count = from.len() - 2 * PADDING;
        let at = |step: usize| &from[step..][..count];
        mix([at(0), at(1), at(2), at(3), at(4)], &mut to[PADDING..][..count], taps);
    }
}

vectorized! {
    fn mix_rows(rows: [&[f32]; 5], to: &mut [f32], taps: Taps) {
        mix(rows, to, taps);
    }
}

#[inline(always)]
fn mix([a, b, c, d, e]: [&[f32]; 5], to: &mut [f32], [own, near, far]: Taps) {
    let beside = b.iter().zip(d);
    if far == 0.0 {
        for ((out, c), (b, d)) in to.iter_mut().zip(c).zip(beside) {
            *out = own * c + near * (b + d);
        }
        return;
    }
    for (((out, c), (b, d)), (a, e)) in to.iter_mut().zip(c).zip(beside).zip(a.iter().zip(e)) {
        *out = own * c + near * (b + d) + far * (a + e);
    }
}
