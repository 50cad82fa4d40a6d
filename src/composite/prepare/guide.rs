//! The picture in small cells: what masks are compared with.

use super::super::ink::bits_of;
use super::super::planes::FrameMut;
use super::super::samples::{Component, components};
use super::super::vectors::vectorized;

/// Cells along the frame's shorter side, as many as fit in cells of whole pixels: 3 pixels a cell at 1080p.
const CELLS_IN_SHORTER_SIDE: f32 = 360.0;

/// Red, green and blue, or Y', Cb and Cr.
pub(super) const COMPONENTS: usize = 3;
/// A cell's components, 0..1 of all that the format can hold; one more makes it a vector.
pub(super) type Color = [f32; COMPONENTS + 1];

/// Mean colours of a frame in cells that are stretched over it.
#[derive(Debug, Default)]
pub(super) struct Guide {
    pub(super) columns: usize,
    pub(super) rows: usize,
    /// `columns * rows` cells, first row first.
    pub(super) cells: Vec<Color>,
    sums: Vec<u32>,
    samples: Vec<u16>,
}

impl Guide {
    /// The cells in the middle of row `row` of `rows` that are stretched over the frame.
    pub(super) fn row_at(&self, row: usize, rows: usize) -> &[Color] {
        let row = (2 * row + 1) * self.rows / (2 * rows);
        &self.cells[row * self.columns..][..self.columns]
    }

    /// Reads all of `frame`.
    pub(super) fn read(&mut self, frame: &mut FrameMut<'_>) {
        let (width, height) = (frame.width as usize, frame.height as usize);
        let cell_size = (width.min(height) as f32 / CELLS_IN_SHORTER_SIDE).round().max(1.0) as usize;
        (self.columns, self.rows) = (width / cell_size, height / cell_size);
        self.cells.resize(self.columns * self.rows, Color::default());
        for (index, component) in components(frame.format).enumerate() {
            self.read_component(frame, &component, index);
        }
    }

    fn read_component(&mut self, frame: &mut FrameMut<'_>, component: &Component, index: usize) {
        let brightest = if bits_of(frame.format) > 8 { 1023.0 } else { 255.0 };
        let sample_columns = component.columns(frame.width);
        let sample_rows = (frame.height as usize).div_ceil(component.pixels_per_sample[1]);
        self.samples.resize(sample_columns, 0);
        for row in 0..self.rows {
            let first = row * sample_rows / self.rows;
            let rows = first..((row + 1) * sample_rows / self.rows).max(first + 1);
            self.sums.clear();
            self.sums.resize(sample_columns, 0);
            for y in rows.clone() {
                component.read(frame.row_mut(component.plane, y), &mut self.samples);
                add(&mut self.sums, &self.samples);
            }
            let scale = 1.0 / (brightest * rows.len() as f32);
            average(&self.sums, scale, index, &mut self.cells[row * self.columns..][..self.columns]);
        }
    }
}

vectorized! {
    fn add(sums: &mut [u32], samples: &[u16]) {
        sums.iter_mut().zip(samples).for_each(|(sum, &sample)| *sum += u32::from(sample));
    }
}

vectorized! {
    /// What `columns` are like in as many groups as there are cells, times `scale`.
    fn average(columns: &[u32], scale: f32, component: usize, cells: &mut [Color]) {
        match columns.len() as f32 / cells.len() as f32 {
            1.0 => average_each::<1>(columns, scale, component, cells),
            2.0 => average_each::<2>(columns, scale, component, cells),
            3.0 => average_each::<3>(columns, scale, component, cells),
            6.0 => average_each::<6>(columns, scale, component, cells),
            _ => average_groups(columns, scale, component, cells),
        }
    }
}

/// Groups of `SIZE` columns, as the usual sizes of frames have them.
#[inline(always)]
fn average_each<const SIZE: usize>(columns: &[u32], scale: f32, component: usize, cells: &mut [Color]) {
    let scale = scale / SIZE as f32;
    for (cell, group) in cells.iter_mut().zip(columns.as_chunks::<SIZE>().0) {
        cell[component] = group.iter().sum::<u32>() as f32 * scale;
    }
}

/// What is in the middle of each cell, between two columns.
#[inline(always)]
fn average_groups(columns: &[u32], scale: f32, component: usize, cells: &mut [Color]) {
    let (step, last) = (columns.len() as f32 / cells.len() as f32, columns.len() - 1);
    let mut middle = 0.5 * step - 0.5;
    for cell in cells {
        let first = middle.max(0.0) as usize;
        let part = middle.max(0.0) - first as f32;
        let [left, right] = [first.min(last), (first + 1).min(last)].map(|column| columns[column] as f32);
        cell[component] = (left + part * (right - left)) * scale;
        middle += step;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::composite::tests::Picture;
    use crate::frame::PixelFormat;

    #[test]
    fn every_format_has_its_components() {
        for format in PixelFormat::ALL {
            for size in [(37, 21), (1, 1), (731, 720)] {
                let mut picture = Picture::new(format, size);
                let mut guide = Guide::default();
                guide.read(&mut picture.frame());
                let differ = |a: Color, b: Color| (0..COMPONENTS).any(|index| (a[index] - b[index]).abs() > 1e-6);
                assert!(!guide.cells.iter().any(|cell| differ(*cell, guide.cells[0])), "{format:?}");
                let count = components(format).count();
                let (found, rest) = guide.cells[0].split_at(count);
                assert!(found.iter().all(|value| *value > 0.0 && *value <= 1.0), "{format:?} {found:?}");
                assert!(rest.iter().all(|value| *value == 0.0), "{format:?} {rest:?}");
            }
        }
    }

    #[test]
    fn cells_are_means_and_cover_the_frame_to_its_last_pixel() {
        let mut picture = Picture::new(PixelFormat::Gray8, (1001, 799));
        for row in picture.planes[0].0.chunks_mut(1001 + 13) {
            row[..1001].iter_mut().enumerate().for_each(|(x, value)| *value = (x / 4) as u8);
        }
        let mut guide = Guide::default();
        guide.read(&mut picture.frame());
        assert_eq!((guide.columns, guide.rows), (500, 399));
        for row in guide.cells.chunks(500) {
            for (column, value) in row.iter().enumerate() {
                let middle = (column as f32 + 0.5) * 1001.0 / 500.0 / 4.0 - 0.5;
                assert!((255.0 * value[0] - middle).abs() < 0.6, "{column}: {value:?}");
            }
        }
    }
}
