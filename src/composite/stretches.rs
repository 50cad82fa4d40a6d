//! Where along two rows of pixels a mask covers all, a part or nothing.
//!
//! Only stretches near an edge have alphas of their own; the inside of a mask is painted without looking at any, and of
//! what is outside nothing is looked at.

use std::ops::Range;

use super::distance::Distances;
use super::rows::COLUMN_STEP;

/// What a mask covers of a stretch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cover {
    /// Nothing, not even with its outline.
    Nothing,
    /// An edge is near.
    Part,
    /// All of both rows.
    All,
}

/// What a mask covers of a row and the one below it, in steps of columns; keeps its memory.
#[derive(Debug, Default)]
pub(super) struct Stretches {
    first_step: usize,
    covers: Vec<Cover>,
    /// In how many of the two rows a step is wholly inside.
    inside_counts: Vec<u8>,
}

impl Stretches {
    /// Looks at the rows `even_row` and the one below it; the mask covers nothing but `columns` of them.
    pub(super) fn find(&mut self, distances: &Distances, even_row: u32, columns: &Range<u32>) {
        self.first_step = columns.start as usize / COLUMN_STEP;
        let steps = (columns.end as usize).div_ceil(COLUMN_STEP).saturating_sub(self.first_step);
        self.covers.clear();
        self.covers.resize(steps, Cover::Nothing);
        self.inside_counts.clear();
        self.inside_counts.resize(steps, 0);
        let step = |steps_from_left: usize| steps_from_left.saturating_sub(self.first_step).min(steps);
        for y in [even_row, even_row + 1] {
            for (pixels, is_inside) in distances.pixel_runs(y) {
                let touched = step(pixels.start / COLUMN_STEP)..step(pixels.end.div_ceil(COLUMN_STEP));
                self.covers[touched].fill(Cover::Part);
                let whole = step(pixels.start.div_ceil(COLUMN_STEP))..step(pixels.end / COLUMN_STEP);
                if is_inside && !whole.is_empty() {
                    self.inside_counts[whole].iter_mut().for_each(|count| *count += 1);
                }
            }
        }
        for (cover, _) in self.covers.iter_mut().zip(&self.inside_counts).filter(|(_, count)| **count == 2) {
            *cover = Cover::All;
        }
    }

    /// The stretches that are covered wholly or in part, left to right, in columns.
    pub(super) fn covered(&self) -> impl Iterator<Item = (Range<u32>, Cover)> {
        let mut step = self.first_step;
        self.covers.chunk_by(|a, b| a == b).filter_map(move |run| {
            let columns = (step * COLUMN_STEP) as u32..((step + run.len()) * COLUMN_STEP) as u32;
            step += run.len();
            (run[0] != Cover::Nothing).then_some((columns, run[0]))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::composite::field::Field;
    use crate::objects::Mask;

    #[test]
    fn stretches_tell_the_middle_from_the_edges_and_the_rest() {
        let values: Vec<u8> = (0..64 * 64).map(|i| if (12..52).contains(&(i % 64)) { 250 } else { 5 }).collect();
        let (mut field, mut distances) = (Field::default(), Distances::default());
        assert!(field.sample((&Mask::new(64, 64, values).unwrap()).into(), 128, [640, 640], 2.0));
        distances.measure(&field, 2.0);
        let mut stretches = Stretches::default();
        let [columns, _] = distances.extent([640, 640]);
        stretches.find(&distances, 320, &columns);
        let found: Vec<_> = stretches.covered().collect();
        assert_eq!(found, [(96..128, Cover::Part), (128..512, Cover::All), (512..544, Cover::Part)]);
    }
}
