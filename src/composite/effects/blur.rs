//! Blur whose time does not depend on the radius: the frame in coarse cells, smoothed, and drawn large again.
//!
//! Cells are a half to a quarter of the radius wide. Three passes with a short symmetric filter in each direction come
//! close to a Gaussian whose standard deviation is half the radius, and straight lines between the cells' middles lead
//! back to pixels. What is finer than a cell is gone for good.

use super::super::canvas::Source;
use super::super::passes::Pass;
use super::super::samples::Component;
use super::shrink::{PADDING, Shrunk};

/// Standard deviation as a part of the radius.
const DEVIATION_IN_RADIUS: f32 = 0.5;
const SMOOTHING_PASSES: usize = 3;
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
    smoothed: Vec<f32>,
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

/// Weights of a cell, the ones beside it, and those beside them.
type Taps = [f32; 3];

impl Blurred {
    /// Blurs what was summed up with this radius in pixels.
    pub(super) fn smooth(&mut self, shrunk: &mut Shrunk, radius: f32) {
        let taps = taps(DEVIATION_IN_RADIUS * radius / shrunk.cell_size as f32);
        let (row_length, lanes) = (shrunk.row_length(), shrunk.lanes.count);
        self.smoothed.clear();
        self.smoothed.resize(shrunk.sums.len(), 0.0);
        for _ in 0..SMOOTHING_PASSES {
            for (from, to) in shrunk.sums.chunks_exact(row_length).zip(self.smoothed.chunks_exact_mut(row_length)) {
                smooth_row(from, to, lanes, taps);
            }
            for y in 0..shrunk.rows {
                smooth_column(&self.smoothed, &mut shrunk.sums[y * row_length..][..row_length], y, taps);
            }
        }
        self.take_means(shrunk);
    }

    /// Sums become means, each component on a plane of its own.
    fn take_means(&mut self, shrunk: &Shrunk) {
        let lanes = shrunk.lanes.count;
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
            plane.clear();
            for row in shrunk.sums.chunks_exact(shrunk.row_length()) {
                let cells = row.chunks_exact(lanes).skip(PADDING).take(shrunk.columns);
                plane.extend(cells.map(|cell| cell[*lane] / cell[*weights]));
            }
        }
    }
}

impl Source for Blurred {
    fn row(&mut self, pass: &Pass, plane_row: usize, current: &[u8]) -> &[u8] {
        self.plane_row.resize(current.len(), 0);
        for (enlarged, plane) in self.components.iter().zip(&self.planes) {
            let Some(enlarged) = enlarged.filter(|enlarged| enlarged.component.is_painted_by(pass)) else { continue };
            self.values.resize(enlarged.samples_in_row, 0);
            enlarged.blend_rows(plane, plane_row, &mut self.cell_row);
            widen(&self.cell_row, enlarged.cell[0], &mut self.values);
            enlarged.component.write(&mut self.plane_row, &self.values);
        }
        &self.plane_row
    }
}

impl Enlarged {
    /// The row of cells at the middle of a row of samples.
    fn blend_rows(&self, plane: &[f32], sample_row: usize, blended: &mut Vec<f32>) {
        let position = (sample_row as f32 + 0.5) / self.cell[1] as f32 - 0.5;
        let above = (position.max(0.0) as usize).min(self.rows - 1);
        let part = (position - above as f32).clamp(0.0, 1.0);
        let row = |row: usize| &plane[row.min(self.rows - 1) * self.columns..][..self.columns];
        blended.clear();
        blended.extend(row(above).iter().zip(row(above + 1)).map(|(a, b)| a + part * (b - a)));
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

fn smooth_row(from: &[f32], to: &mut [f32], lanes: usize, [own, near, far]: Taps) {
    let count = from.len() - 2 * PADDING * lanes;
    let at = |offset: usize| &from[offset * lanes..][..count];
    let (a, b, c, d, e) = (at(0), at(1), at(2), at(3), at(4));
    for (index, out) in to[PADDING * lanes..][..count].iter_mut().enumerate() {
        *out = own * c[index] + near * (b[index] + d[index]) + far * (a[index] + e[index]);
    }
}

/// Beyond the first and the last row there is nothing.
fn smooth_column(from: &[f32], to: &mut [f32], y: usize, [own, near, far]: Taps) {
    let length = to.len();
    to.iter_mut().zip(&from[y * length..]).for_each(|(out, value)| *out = own * value);
    for (distance, weight) in [(1, near), (2, far)] {
        for row in [y.checked_sub(distance), Some(y + distance)].into_iter().flatten() {
            if let Some(row) = from.get(row * length..(row + 1) * length) {
                to.iter_mut().zip(row).for_each(|(out, value)| *out += weight * value);
            }
        }
    }
}

/// Rounded values on straight lines between the middles of cells of `cell_size` samples.
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

fn widen_by<const SIZE: usize>(cells: &[f32], values: &mut [u16]) {
    let steps: [f32; SIZE] = std::array::from_fn(|step| (step as f32 + 0.5) / SIZE as f32);
    let (first, rest) = values.split_at_mut(values.len().min(SIZE / 2));
    first.fill(rounded(cells[0]));
    for (index, values) in rest.chunks_mut(SIZE).enumerate() {
        let left = cells[index.min(cells.len() - 1)];
        let rise = cells[(index + 1).min(cells.len() - 1)] - left;
        match values.as_chunks_mut::<SIZE>() {
            ([whole], _) => *whole = steps.map(|step| rounded(left + step * rise)),
            (_, part) => part.iter_mut().zip(steps).for_each(|(value, step)| *value = rounded(left + step * rise)),
        }
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
        widen(&[10.0, 50.0, 20.0], 4, &mut values);
        assert_eq!(values, [10, 10, 15, 25, 35, 45, 46, 39, 31, 24, 20]);
        widen(&[10.0, 50.0], 1, &mut values[..2]);
        assert_eq!(values[..2], [10, 50]);
    }
}
