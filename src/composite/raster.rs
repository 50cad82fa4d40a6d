//! One mask as pixels of its frame: what is drawn, extracted and exported has the same edge.

use std::ops::Range;

use super::coverage::{Part, cover_row, inside_spans};
use super::distance::Distances;
use super::field::Field;
use crate::objects::Mask;
use crate::row_spans::RowSpans;

/// Distances in pixels that are exact: those that a soft edge, one pixel wide, needs.
const REACH_IN_PIXELS: f32 = 1.0;
/// The lattice may reach this far beyond the frame.
const OVERHANG_IN_PIXELS: usize = 4;

/// Turns masks into pixels, one after the other; keeps its memory.
#[derive(Debug, Default)]
pub struct Raster {
    field: Field,
    distances: Distances,
    pixel_distances: Vec<f32>,
    alphas: Vec<u8>,
    frame_size: [u32; 2],
}

impl Raster {
    /// Takes a mask, stretched over a frame of `width` x `height` pixels. False when nothing is inside.
    pub fn load(&mut self, mask: &Mask, inside_level: u8, (width, height): (u32, u32)) -> bool {
        self.frame_size = [width, height];
        let has_inside =
            width > 0 && height > 0 && self.field.sample(mask.into(), inside_level, self.frame_size, REACH_IN_PIXELS);
        if has_inside {
            self.distances.measure(&self.field, REACH_IN_PIXELS);
        }
        has_inside
    }

    /// Rows of the frame outside of which nothing is inside.
    pub fn rows(&self) -> Range<u32> {
        let [_, rows] = self.distances.extent(self.frame_size);
        rows
    }

    /// How much of each pixel of row `y` is inside, 0 to 255: the columns that are not wholly outside.
    pub fn alphas(&mut self, y: u32) -> (u32, &[u8]) {
        let [columns, _] = self.distances.extent(self.frame_size);
        let width = self.frame_size[0] as usize;
        self.alphas.clear();
        self.alphas.resize(width + OVERHANG_IN_PIXELS, 0);
        let part = Part::Inside { grown_by: 0.0, ramp: 1.0 };
        cover_row(&self.distances, part, y, &mut self.pixel_distances, &mut self.alphas);
        (columns.start, &self.alphas[columns.start as usize..columns.end as usize])
    }

    /// The pixels of which at least half is inside.
    pub fn spans(&mut self, spans: &mut RowSpans) {
        let (rows, [width, height]) = (self.rows(), self.frame_size);
        spans.begin(width, height, rows.start);
        for y in rows {
            let Self { distances, pixel_distances, .. } = self;
            spans.push_row(|writer| inside_spans(distances, y, width, pixel_distances, writer));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A soft disc, and its raster on a frame.
    fn disc(size: (u32, u32)) -> Raster {
        const SIDE: u32 = 40;
        let value = |cell: u32| {
            let at = |n: u32| (n as f32 + 0.5) / SIDE as f32 - 0.5;
            let outside_in_cells = (at(cell % SIDE).hypot(at(cell / SIDE)) - 0.3) * SIDE as f32;
            (255.0 / (1.0 + (2.0 * outside_in_cells).exp())).round() as u8
        };
        let mask = Mask::new(SIDE, SIDE, (0..SIDE * SIDE).map(value).collect::<Vec<_>>()).unwrap();
        let mut raster = Raster::default();
        assert!(raster.load(&mask, 128, size));
        raster
    }

    #[test]
    fn spans_are_the_pixels_that_are_at_least_half_covered() {
        for size in [(320, 180), (61, 37), (1921, 1079), (16, 16)] {
            let mut raster = disc(size);
            let mut spans = RowSpans::default();
            raster.spans(&mut spans);
            for (y, row) in spans.rows() {
                let (left, alphas) = raster.alphas(y);
                let mut covered = RowSpans::default();
                covered.begin(size.0, 1, 0);
                covered.push_row(|writer| writer.add_inside(alphas, 128, left));
                assert_eq!(covered.rows().next().unwrap().1, row, "row {y} of {size:?}");
            }
            let part = spans.area() as f32 / (size.0 * size.1) as f32;
            assert!((part - 0.09 * std::f32::consts::PI).abs() < 0.02, "{part} of {size:?}");
        }
    }

    #[test]
    fn an_empty_mask_has_no_pixels() {
        let mask = Mask::new(4, 4, vec![0; 16]).unwrap();
        assert!(!Raster::default().load(&mask, 128, (32, 32)));
        assert!(!disc((32, 32)).load(&Mask::new(1, 1, [255]).unwrap(), 128, (0, 32)));
    }
}
