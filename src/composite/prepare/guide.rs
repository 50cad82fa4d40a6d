//! The picture's brightness in small cells: what masks are compared with.

use super::super::planes::FrameMut;
use super::super::samples::{Component, components};
use super::super::vectors::vectorized;
use crate::frame::PixelFormat;

/// Cells along the frame's shorter side, as many as fit in cells of whole pixels: 3 pixels a cell at 1080p.
const CELLS_IN_SHORTER_SIDE: f32 = 360.0;

/// Brightness of a frame, 0..1, in cells that are stretched over it.
#[derive(Debug, Default)]
pub(super) struct Guide {
    pub(super) columns: usize,
    pub(super) rows: usize,
    /// `columns * rows` values, first row first.
    pub(super) values: Vec<f32>,
    sums: Vec<u32>,
    samples: Vec<u16>,
}

impl Guide {
    /// The row in the middle of row `row` of `rows` that are stretched over the frame.
    pub(super) fn row_at(&self, row: usize, rows: usize) -> &[f32] {
        let row = (2 * row + 1) * self.rows / (2 * rows);
        &self.values[row * self.columns..][..self.columns]
    }

    /// Reads all of `frame`.
    pub(super) fn read(&mut self, frame: &mut FrameMut<'_>) {
        let (width, height) = (frame.width as usize, frame.height as usize);
        let cell_size = (width.min(height) as f32 / CELLS_IN_SHORTER_SIDE).round().max(1.0) as usize;
        (self.columns, self.rows) = (width / cell_size, height / cell_size);
        self.values.resize(self.columns * self.rows, 0.0);
        self.samples.resize(width, 0);
        let brightest = if super::super::ink::bits_of(frame.format) > 8 { 1023.0 } else { 255.0 };
        for row in 0..self.rows {
            let pixel_rows = row * height / self.rows..(row + 1) * height / self.rows;
            self.sums.clear();
            self.sums.resize(width, 0);
            let mut weights = 0;
            for y in pixel_rows.clone() {
                weights = add_brightness(frame, y, &mut self.samples, &mut self.sums);
            }
            let most = brightest * (weights as usize * pixel_rows.len()) as f32;
            average(&self.sums, most, &mut self.values[row * self.columns..][..self.columns]);
        }
    }
}

/// Adds the brightness of one row of pixels to `sums`; returns what the weights of its components add up to.
fn add_brightness(frame: &mut FrameMut<'_>, y: usize, samples: &mut [u16], sums: &mut [u32]) -> u32 {
    let mut weights = 0;
    for (component, weight) in brightness_of(frame.format) {
        component.read(frame.row_mut(component.plane, y), samples);
        add_weighted(sums, samples, weight);
        weights += weight;
    }
    weights
}

/// Luma, or red, green and blue with about their parts of it.
fn brightness_of(format: PixelFormat) -> impl Iterator<Item = (Component, u32)> {
    let weights: [u32; 3] = if format.is_rgb() { [1, 2, 1] } else { [1, 0, 0] };
    components(format).zip(weights).filter(|(_, weight)| *weight > 0)
}

vectorized! {
    fn add_weighted(sums: &mut [u32], samples: &[u16], weight: u32) {
        sums.iter_mut().zip(samples).for_each(|(sum, &sample)| *sum += weight * u32::from(sample));
    }
}

vectorized! {
    /// Means of as many groups of columns as there are cells, in parts of `most`; groups differ by a column at most.
    fn average(columns: &[u32], most: f32, cells: &mut [f32]) {
        let count = cells.len();
        for (index, cell) in cells.iter_mut().enumerate() {
            let group = &columns[index * columns.len() / count..(index + 1) * columns.len() / count];
            *cell = group.iter().sum::<u32>() as f32 / (most * group.len() as f32);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::composite::tests::Picture;

    #[test]
    fn every_format_has_its_brightness() {
        for format in PixelFormat::ALL {
            let mut picture = Picture::new(format, (37, 21));
            let mut guide = Guide::default();
            guide.read(&mut picture.frame());
            assert_eq!((guide.columns, guide.rows), (37, 21));
            assert!(guide.values.windows(2).all(|two| two[0] == two[1]), "{format:?}");
            assert!((0.0..=1.0).contains(&guide.values[0]), "{format:?}");
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
        for row in guide.values.chunks(500) {
            for (column, value) in row.iter().enumerate() {
                let middle = (column as f32 + 0.5) * 1001.0 / 500.0 / 4.0 - 0.5;
                assert!((255.0 * value - middle).abs() < 0.6, "{column}: {value}");
            }
        }
    }
}
