//! Blur whose time does not depend on the radius: the frame in coarse cells, smoothed, and drawn large again.
//!
//! Cells are a half to a quarter of the radius wide. Three passes with a short symmetric filter in each direction come
//! close to a Gaussian whose standard deviation is half the radius, and straight lines between the cells' middles lead
//! back to pixels. What is finer than a cell is gone for good.

use super::super::canvas::Source;
use super::super::passes::Pass;
use super::super::samples::Component;
use super::super::vectors::vectorized;
use super::shrink::Shrunk;
use super::smooth::{SMOOTHING_PASSES, Smoother, Taps};

/// Standard deviation as a part of the radius.
const DEVIATION_IN_RADIUS: f32 = 0.5;
/// Side of the largest cells in pixels.
const MAX_CELL: usize = 512;

/// Side of a cell in pixels for a blur radius: a power of two.
pub(super) fn cell_size(radius: f32) -> usize {
    let mut size = 2;
    while 2.0 * radius >= 8.0 * size as f32 && size < MAX_CELL {
        size *= 2;
    }
    size
}

/// A blurred frame in cells.
#[derive(Debug, Default)]
pub(super) struct Blurred {
    smoother: Smoother,
    components: [Option<Enlarged>; 3],
    planes: [Vec<f32>; 3],
    cell_row: Vec<f32>,
    values: Vec<u16>,
    plane_row: Vec<u8>,
}

/// A component's way from cells back to samples.
#[derive(Debug, Clone, Copy)]
struct Enlarged {
    component: Component,
    /// Samples of a cell, across and down.
    cell: [usize; 2],
    columns: usize,
    rows: usize,
    samples_in_row: usize,
}

impl Blurred {
    /// Blurs what was summed up with this radius in pixels.
    pub(super) fn smooth(&mut self, shrunk: &mut Shrunk, radius: f32) {
        let taps = taps(DEVIATION_IN_RADIUS * radius / shrunk.cell_size as f32);
        self.smoother.smooth(shrunk, taps);
        for (index, component) in shrunk.lanes.components.iter().enumerate() {
            self.components[index] = component.map(|(component, _)| Enlarged {
                component,
                cell: component.pixels_per_sample.map(|pixels| shrunk.cell_size / pixels),
                columns: shrunk.columns,
                rows: shrunk.rows,
                samples_in_row: component.columns(shrunk.frame_width),
            });
            let Some((_, [lane, weights])) = component else { continue };
            let plane = &mut self.planes[index];
            plane.resize(shrunk.rows * shrunk.columns, 0.0);
            let rows = plane.chunks_exact_mut(shrunk.columns).zip(shrunk.sums.chunks_exact(shrunk.row_length()));
            for (means, row) in rows {
                take_means(shrunk.cells_of(row, *lane), shrunk.cells_of(row, *weights), means);
            }
        }
    }
}

vectorized! {
    fn take_means(sums: &[f32], weights: &[f32], means: &mut [f32]) {
        for ((mean, sum), weight) in means.iter_mut().zip(sums).zip(weights) {
            *mean = sum / weight;
        }
    }
}

impl Source for Blurred {
    fn row(&mut self, pass: &Pass, plane_row: usize, current: &[u8]) -> &[u8] {
        self.plane_row.resize(current.len(), 0);
        for (enlarged, plane) in self.components.iter().zip(&self.planes) {
            let Some(enlarged) = enlarged.filter(|enlarged| enlarged.component.is_painted_by(pass)) else { continue };
            self.values.resize(enlarged.samples_in_row, 0);
            let (above, below, part) = enlarged.rows_around(plane, plane_row);
            blend_rows(above, below, part, &mut self.cell_row);
            widen(&self.cell_row, enlarged.cell[0], &mut self.values);
            enlarged.component.write(&mut self.plane_row, &self.values);
        }
        &self.plane_row
    }
}

impl Enlarged {
    /// The rows of cells above and below a row of samples, and how far down from one to the other it is.
    fn rows_around<'a>(&self, plane: &'a [f32], sample_row: usize) -> (&'a [f32], &'a [f32], f32) {
        let position = (sample_row as f32 + 0.5) / self.cell[1] as f32 - 0.5;
        let above = (position.max(0.0) as usize).min(self.rows - 1);
        let row = |row: usize| &plane[row.min(self.rows - 1) * self.columns..][..self.columns];
        (row(above), row(above + 1), (position - above as f32).clamp(0.0, 1.0))
    }
}

vectorized! {
    /// The row of cells between two, and its last cell once more.
    fn blend_rows(above: &[f32], below: &[f32], part: f32, blended: &mut Vec<f32>) {
        blended.resize(above.len() + 1, 0.0);
        for ((blended, a), b) in blended.iter_mut().zip(above).zip(below) {
            *blended = a + part * (b - a);
        }
        blended[above.len()] = blended[above.len() - 1];
    }
}

/// Half a filter that, applied three times, has this standard deviation in cells; five cells are as wide as it gets.
fn taps(deviation: f32) -> Taps {
    let variance = (deviation * deviation / SMOOTHING_PASSES as f32).min(2.0);
    // A row of equal weights whose ends count in part: first one cell to each side, then two.
    let (near, far) = match variance <= 2.0 / 3.0 {
        true => (variance / (2.0 - 2.0 * variance), 0.0),
        false => (1.0, (3.0 * variance - 2.0) / (8.0 - 2.0 * variance)),
    };
    [1.0, near, far].map(|weight| weight / (1.0 + 2.0 * near + 2.0 * far))
}

vectorized! {
    /// Rounded values on straight lines between the middles of cells of `cell_size` samples; behind the last cell stands
    /// one that is not seen.
    fn widen(cells: &[f32], cell_size: usize, values: &mut [u16]) {
        match cell_size {
            1 => values.iter_mut().zip(cells).for_each(|(value, cell)| *value = rounded(*cell)),
            2 => widen_by::<2>(cells, values),
            4 => widen_by::<4>(cells, values),
            8 => widen_by::<8>(cells, values),
            16 => widen_by::<16>(cells, values),
            32 => widen_by::<32>(cells, values),
            64 => widen_by::<64>(cells, values),
            128 => widen_by::<128>(cells, values),
            256 => widen_by::<256>(cells, values),
            _ => widen_by::<512>(cells, values),
        }
    }
}

#[inline(always)]
fn widen_by<const SIZE: usize>(cells: &[f32], values: &mut [u16]) {
    let (first, rest) = values.split_at_mut(values.len().min(SIZE / 2));
    first.fill(rounded(cells[0]));
    let (whole, rest) = rest.as_chunks_mut::<SIZE>();
    let count = whole.len();
    let line = |left: f32, right: f32, step: usize| left + (step as i32 as f32 + 0.5) / SIZE as f32 * (right - left);
    for ((values, left), right) in whole.iter_mut().zip(cells).zip(&cells[1..]) {
        for (step, value) in values.iter_mut().enumerate() {
            *value = rounded(line(*left, *right, step));
        }
    }
    if let (Some(left), Some(right)) = (cells.get(count), cells.get(count + 1)) {
        rest.iter_mut().enumerate().for_each(|(step, value)| *value = rounded(line(*left, *right, step)));
    }
}

/// A positive number, rounded, without the checks of a cast.
#[inline(always)]
fn rounded(value: f32) -> u16 {
    const ROUNDING: f32 = 8_388_608.0;
    (value + ROUNDING).to_bits() as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_follow_the_radius() {
        for (radius, expected) in [(0.0, 2), (7.9, 2), (8.0, 4), (43.0, 16), (1e4, 512)] {
            assert_eq!(cell_size(radius), expected, "{radius}");
        }
    }

    #[test]
    fn filters_keep_the_sum_and_have_their_deviation() {
        for deviation in [0.3, 1.0, 1.5, 1.9] {
            let [own, near, far] = taps(deviation);
            assert!((own + 2.0 * (near + far) - 1.0).abs() < 1e-6);
            let variance = 3.0 * 2.0 * (near + 4.0 * far);
            assert!((variance.sqrt() - deviation).abs() < 1e-3, "{} for {deviation}", variance.sqrt());
        }
    }

    #[test]
    fn lines_lead_from_middle_to_middle() {
        let mut values = [0; 11];
        widen(&[10.0, 50.0, 20.0, 20.0], 4, &mut values);
        assert_eq!(values, [10, 10, 15, 25, 35, 45, 46, 39, 31, 24, 20]);
        widen(&[10.0, 50.0, 50.0], 1, &mut values[..2]);
        assert_eq!(values[..2], [10, 50]);
    }
}
