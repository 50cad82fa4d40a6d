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
use crate::frame::PixelFormat;

/// Cells of nothing on each side of a row, so that filters may look beyond its ends.
pub(super) const PADDING: usize = 2;

/// Sums over cells. A cell has a lane for each sum, a row of cells is one run of numbers.
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
        (self.columns + 2 * PADDING) * self.lanes.count
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
        self.sums.clear();
        self.sums.resize(self.rows * self.row_length(), 0.0);
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
        let row_length = self.row_length();
        let row = &mut self.sums[cell_row * row_length..][..row_length];
        let row = &mut row[PADDING * self.lanes.count..];
        for (index, component) in self.lanes.components.iter().enumerate() {
            let Some((component, [lane, weight_lane])) = component else { continue };
            let columns = component.columns(self.frame_width);
            let cell_columns = self.cell_size / component.pixels_per_sample[0];
            let accumulator = &mut self.accumulators[index];
            let sum = |columns: &[u32]| columns.iter().map(|&sum| u64::from(sum)).sum::<u64>() as f32;
            for (cell, columns) in accumulator.weighted[..columns].chunks(cell_columns).enumerate() {
                row[cell * self.lanes.count + lane] = sum(columns);
            }
            if !self.lanes.shares_weights(index) {
                for (cell, columns) in accumulator.weights[..columns].chunks(cell_columns).enumerate() {
                    row[cell * self.lanes.count + weight_lane] = sum(columns);
                }
            }
            accumulator.restart(self.frame_width as usize);
        }
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
        for ((sum, &sample), &alpha) in self.weighted.iter_mut().zip(samples).zip(alphas) {
            *sum += u32::from(sample) * u32::from(u16::from(alpha) + 1);
        }
    }

    fn add_weights(&mut self, alphas: &[u8]) {
        for (sum, &alpha) in self.weights.iter_mut().zip(alphas) {
            *sum += u32::from(alpha) + 1;
        }
    }
}
