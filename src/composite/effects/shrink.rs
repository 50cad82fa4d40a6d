//! A frame in coarse cells: sums over squares of pixels, of what lies in the region.
//!
//! Blur and blocks begin here. Each sample counts as much as the region covers it, so that what is next to the region
//! does not bleed into it: a person in front of a blurred background has no halo. Samples outside of the region count a
//! little (1 against 256), so that every cell has a value.

use super::super::canvas::{Canvas, rows_of};
use super::super::passes::color_passes;
use super::super::planes::FrameMut;
use super::super::region::Territory;
use super::super::samples::{Component, components};
use super::super::vectors::vectorized;
use crate::frame::PixelFormat;

/// Cells of nothing on each side of a row, so that filters may look beyond its ends.
pub(super) const PADDING: usize = 2;

/// Sums over cells. A row of cells is one run of numbers: lane after lane, in each a number for each cell.
#[derive(Debug, Default)]
pub(super) struct Shrunk {
    /// Side of a cell in pixels.
    pub(super) cell_size: usize,
    pub(super) columns: usize,
    pub(super) rows: usize,
    pub(super) lanes: Lanes,
    pub(super) frame_width: u32,
    /// `rows` rows of `columns` cells with padding.
    pub(super) sums: Vec<f32>,
    /// Columns, rows and lanes that `sums` was made for.
    layout: [usize; 3],
    accumulators: [Accumulator; 3],
    samples: Vec<u16>,
}

/// Which lane of a cell holds what.
#[derive(Debug, Clone, Default)]
pub(super) struct Lanes {
    pub(super) count: usize,
    /// For each component its format's place and its lanes: sum of samples times weights, sum of weights.
    pub(super) components: [Option<(Component, [usize; 2])>; 3],
}

/// Sums down the columns of one row of cells.
#[derive(Debug, Default)]
struct Accumulator {
    weighted: Vec<u32>,
    weights: Vec<u32>,
}

impl Lanes {
    /// Components on one grid share the lane of their weights.
    fn of(format: PixelFormat) -> Self {
        let mut lanes = Self::default();
        let mut last: Option<(Component, [usize; 2])> = None;
        for (slot, component) in lanes.components.iter_mut().zip(components(format)) {
            let weights = match last {
                Some((before, [_, weights])) if before.grid() == component.grid() => weights,
                _ => {
                    lanes.count += 1;
                    lanes.count - 1
                }
            };
            last = Some((component, [lanes.count, weights]));
            *slot = last;
            lanes.count += 1;
        }
        lanes
    }

    /// True when the component's weights are summed with another one's.
    fn shares_weights(&self, index: usize) -> bool {
        let weights = |index: usize| self.components[index].map(|(_, [_, weights])| weights);
        index > 0 && weights(index) == weights(index - 1)
    }
}

impl Shrunk {
    /// Numbers in a row of cells.
    pub(super) fn row_length(&self) -> usize {
        self.lane_length() * self.lanes.count
    }

    /// Numbers of one lane in a row of cells.
    pub(super) fn lane_length(&self) -> usize {
        self.columns + 2 * PADDING
    }

    /// Of one lane in a row of cells what the cells themselves have.
    pub(super) fn cells_of<'a>(&self, row: &'a [f32], lane: usize) -> &'a [f32] {
        &row[lane * self.lane_length() + PADDING..][..self.columns]
    }

    /// Sums up `frame` in cells of `cell_size` pixels, an even number.
    pub(super) fn shrink(
        &mut self,
        frame: &mut FrameMut<'_>,
        territory: &Territory<'_>,
        canvas: &mut Canvas,
        cell_size: usize,
    ) {
        let (width, height) = (frame.width as usize, frame.height as usize);
        self.cell_size = cell_size;
        (self.columns, self.rows) = (width.div_ceil(cell_size), height.div_ceil(cell_size));
        self.lanes = Lanes::of(frame.format);
        self.frame_width = frame.width;
        self.samples.resize(width, 0);
        // Every cell is written; what is between the lanes is to stay nothing.
        let layout = [self.columns, self.rows, self.lanes.count];
        if self.layout != layout {
            self.sums.clear();
            self.sums.resize(self.rows * self.row_length(), 0.0);
            self.layout = layout;
        }
        for accumulator in &mut self.accumulators {
            accumulator.restart(width);
        }
        for even_row in (0..frame.height).step_by(2) {
            canvas.cover([frame.width, frame.height], territory, even_row);
            self.add_rows(frame, canvas, even_row);
            let next = even_row as usize + 2;
            if next.is_multiple_of(cell_size) || next >= height {
                self.finish_cells(even_row as usize / cell_size);
            }
        }
    }

    fn add_rows(&mut self, frame: &mut FrameMut<'_>, canvas: &mut Canvas, even_row: u32) {
        let passes = color_passes(frame.format);
        for (index, component) in self.lanes.components.iter().enumerate() {
            let Some((component, _)) = component else { continue };
            let samples = &mut self.samples[..component.columns(frame.width)];
            for (parity, row) in rows_of(&passes[component.pass_index], even_row, frame.height).enumerate() {
                component.read(frame.row_mut(component.plane, row as usize), samples);
                let (_, alphas) = canvas.rows.on_grid(component.grid(), parity);
                let accumulator = &mut self.accumulators[index];
                accumulator.add(samples, alphas);
                if !self.lanes.shares_weights(index) {
                    accumulator.add_weights(&alphas[..samples.len()]);
                }
            }
        }
    }

    /// Sums the columns of each cell and starts the next row of cells.
    fn finish_cells(&mut self, cell_row: usize) {
        let (row_length, lane_length) = (self.row_length(), self.lane_length());
        let row = &mut self.sums[cell_row * row_length..][..row_length];
        for (index, component) in self.lanes.components.iter().enumerate() {
            let Some((component, [lane, weight_lane])) = component else { continue };
            let columns = component.columns(self.frame_width);
            let cell_columns = self.cell_size / component.pixels_per_sample[0];
            let accumulator = &mut self.accumulators[index];
            let mut finish = |sums: &[u32], lane: usize| {
                let cells = &mut row[lane * lane_length + PADDING..][..self.columns];
                sum_cells(&sums[..columns], cell_columns, cells);
            };
            finish(&accumulator.weighted, *lane);
            if !self.lanes.shares_weights(index) {
                finish(&accumulator.weights, *weight_lane);
            }
            accumulator.restart(self.frame_width as usize);
        }
    }
}

/// Cells of up to so many columns have sums of less than 2^31: 1023 times 256, as often as a cell has pixels.
const MAX_SMALL_CELL: usize = 64;

vectorized! {
    /// Sums groups of `cell_columns` columns, the last of which may have fewer.
    fn sum_cells(columns: &[u32], cell_columns: usize, cells: &mut [f32]) {
        match cell_columns {
            1 => sum_by::<1>(columns, cells),
            2 => sum_by::<2>(columns, cells),
            4 => sum_by::<4>(columns, cells),
            8 => sum_by::<8>(columns, cells),
            _ if cell_columns <= MAX_SMALL_CELL => {
                for (cell, columns) in cells.iter_mut().zip(columns.chunks(cell_columns)) {
                    *cell = columns.iter().sum::<u32>() as f32;
                }
            }
            _ => {
                for (cell, columns) in cells.iter_mut().zip(columns.chunks(cell_columns)) {
                    *cell = columns.iter().map(|&sum| u64::from(sum)).sum::<u64>() as f32;
                }
            }
        }
    }
}

#[inline(always)]
fn sum_by<const SIZE: usize>(columns: &[u32], cells: &mut [f32]) {
    let (whole, rest) = columns.as_chunks::<SIZE>();
    for (cell, columns) in cells.iter_mut().zip(whole) {
        *cell = columns.iter().sum::<u32>() as i32 as f32;
    }
    if let (false, Some(cell)) = (rest.is_empty(), cells.get_mut(whole.len())) {
        *cell = rest.iter().sum::<u32>() as f32;
    }
}

impl Accumulator {
    fn restart(&mut self, width: usize) {
        for sums in [&mut self.weighted, &mut self.weights] {
            sums.clear();
            sums.resize(width, 0);
        }
    }

    fn add(&mut self, samples: &[u16], alphas: &[u8]) {
        add_weighted(&mut self.weighted, samples, alphas);
    }

    fn add_weights(&mut self, alphas: &[u8]) {
        add_weights(&mut self.weights, alphas);
    }
}

vectorized! {
    fn add_weighted(sums: &mut [u32], samples: &[u16], alphas: &[u8]) {
        for ((sum, &sample), &alpha) in sums.iter_mut().zip(samples).zip(alphas) {
            *sum += u32::from(sample) * u32::from(u16::from(alpha) + 1);
        }
    }
}

vectorized! {
    fn add_weights(sums: &mut [u32], alphas: &[u8]) {
        for (sum, &alpha) in sums.iter_mut().zip(alphas) {
            *sum += u32::from(alpha) + 1;
        }
    }
}
