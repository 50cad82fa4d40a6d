//! Scene cuts, found in what frames look like at a glance.

use crate::frame::Frame;

/// Cells of a glance.
const COLUMNS: usize = 16;
const ROWS: usize = 9;
/// Pixels that are read of a cell, in each direction.
const POINTS: usize = 8;

/// How bright a frame is, in 16 x 9 cells, 0..1.
#[derive(Debug, Clone, PartialEq)]
pub struct Glance([f32; ROWS * COLUMNS]);

impl Glance {
    /// Looks at some thousand of the frame's pixels.
    pub fn of(frame: &Frame<'_>) -> Self {
        let middle = |index: usize, count: usize, size: u32| (2 * index + 1) * size as usize / (2 * count);
        let mut cells = [0.0; ROWS * COLUMNS];
        for line in 0..ROWS * POINTS {
            let row = frame.row(0, middle(line, ROWS * POINTS, frame.height));
            for point in 0..COLUMNS * POINTS {
                let x = middle(point, COLUMNS * POINTS, frame.width);
                cells[line / POINTS * COLUMNS + point / POINTS] += frame.format.brightness(row, x);
            }
        }
        Self(cells.map(|sum| sum / (POINTS * POINTS) as f32))
    }

    /// Mean difference of the cells, 0..1.
    fn difference(&self, other: &Self) -> f32 {
        let sum: f32 = self.0.iter().zip(&other.0).map(|(one, other)| (one - other).abs()).sum();
        sum / self.0.len() as f32
    }
}

/// What comes next, and what came before.
#[derive(Debug, Default)]
pub(super) struct SceneCuts {
    next: Option<Glance>,
    latest: Option<Glance>,
    /// How much the frame before differed from its own.
    change: f32,
}

impl SceneCuts {
    /// Shows the next frame.
    pub(super) fn show(&mut self, glance: Glance) {
        self.next = Some(glance);
    }

    /// True when the frame that was shown differs from the one before by `threshold` more than that one did from its
    /// own: neither steady motion nor flicker is a cut. 0 is off, and forgets what came before, as does a frame that
    /// was not shown.
    pub(super) fn is_cut(&mut self, threshold: f32) -> bool {
        let Some(glance) = self.next.take().filter(|_| threshold > 0.0) else {
            *self = Self::default();
            return false;
        };
        let change = self.latest.as_ref().map_or(0.0, |latest| latest.difference(&glance));
        let is_cut = change - self.change >= threshold;
        *self = Self { next: None, latest: Some(glance), change };
        is_cut
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::{Colorimetry, PixelFormat, Plane};

    impl SceneCuts {
        fn cuts_at(&mut self, level: f32, threshold: f32) -> bool {
            self.show(Glance([level; ROWS * COLUMNS]));
            self.is_cut(threshold)
        }
    }

    #[test]
    fn a_jump_is_a_cut_and_flicker_and_drift_are_none() {
        let cuts = |levels: &[f32]| {
            let mut cuts = SceneCuts::default();
            levels.iter().map(|level| cuts.cuts_at(*level, 0.1)).collect::<Vec<_>>()
        };
        assert_eq!(cuts(&[0.9, 0.9, 0.5, 0.5]), [false, false, true, false]);
        assert_eq!(cuts(&[0.2, 0.25, 0.3, 0.35]), [false; 4]);
        assert_eq!(cuts(&[0.2, 0.8, 0.2, 0.8]), [false, true, false, false]);
        assert_eq!(cuts(&[0.5, 0.599, 0.5]), [false; 3]);
    }

    #[test]
    fn off_sees_nothing_and_forgets() {
        let mut cuts = SceneCuts::default();
        assert!(!cuts.cuts_at(0.1, 0.1));
        assert!(!cuts.cuts_at(0.9, 0.0));
        assert!(!cuts.cuts_at(0.9, 0.1));
    }

    #[test]
    fn every_format_is_read_where_it_is_bright() {
        for format in PixelFormat::ALL {
            // The left half is black, the right half white, as far as the first plane says.
            let (bytes_of_row, rows) = format.plane_extent(0, 64, 18);
            let row: Vec<u8> =
                (0..bytes_of_row).map(|i| if i < bytes_of_row / 2 { 0 } else { white(format, i) }).collect();
            let luma = row.repeat(rows);
            let plane = |index| {
                let (stride, rows) = format.plane_extent(index, 64, 18);
                let bytes = if index == 0 { &luma[..] } else { &[128; 64 * 18 * 4][..stride * rows] };
                Plane { bytes, stride }
            };
            let planes = (0..format.plane_count()).map(plane).collect();
            let frame = Frame::new(format, (64, 18), Colorimetry::default(), planes).unwrap();
            let Glance(cells) = Glance::of(&frame);
            let expected: Vec<f32> = (0..cells.len()).map(|cell| f32::from(cell % COLUMNS >= COLUMNS / 2)).collect();
            let is_near = cells.iter().zip(&expected).all(|(found, expected)| (found - expected).abs() < 1e-3);
            assert!(is_near, "{format:?}: {cells:?}");
        }
    }

    fn white(format: PixelFormat, index: usize) -> u8 {
        let is_luma = match format {
            PixelFormat::Yuy2 => index.is_multiple_of(2),
            PixelFormat::Uyvy => !index.is_multiple_of(2),
            PixelFormat::I42010Le if !index.is_multiple_of(2) => return 3,
            _ => true,
        };
        if is_luma { 255 } else { 128 }
    }
}
