//! The box of a mask in the pixels of its frame, first to last pixel, both included.

use std::ops::RangeInclusive;

use super::binary_mask::BinaryMask;
use super::model::MaskLogits;
use crate::boxes::BoxXyxy;

/// The box of the pixels that are inside when the logits are stretched over the frame, normalised. The right and lower
/// edge are those of the last pixel's own position, as in the reference: one pixel has no width. `None` for no pixel.
///
/// `inside` has the cells of `mask` that count. The stretching is bilinear between cell centres.
pub fn tight_box(mask: &MaskLogits, inside: &BinaryMask, frame_width: u32, frame_height: u32) -> Option<BoxXyxy> {
    let [left, top, right, bottom] = inside.bounds()?;
    let (across, down) = (Axis::new(mask.side(), frame_width), Axis::new(mask.side(), frame_height));
    let value = |x: usize, y: usize| mask.values()[y * mask.side() + x];
    let column_is_inside = |x: &u32| {
        let (x0, x1, right) = across.between(*x);
        down.has_inside(top..=bottom, |y| value(x0, y) * (1.0 - right) + value(x1, y) * right)
    };
    let row_is_inside = |y: &u32| {
        let (y0, y1, lower) = down.between(*y);
        across.has_inside(left..=right, |x| value(x, y0) * (1.0 - lower) + value(x, y1) * lower)
    };
    let (mut columns, mut rows) = (across.pixels_near(left, right), down.pixels_near(top, bottom));
    let x0 = columns.find(column_is_inside)?;
    let x1 = columns.rev().find(column_is_inside).unwrap_or(x0);
    let y0 = rows.find(row_is_inside)?;
    let y1 = rows.rev().find(row_is_inside).unwrap_or(y0);
    let [x0, x1] = [x0, x1].map(|x| x as f32 / frame_width as f32);
    let [y0, y1] = [y0, y1].map(|y| y as f32 / frame_height as f32);
    Some(BoxXyxy { x0, y0, x1, y1 })
}

/// One direction of the frame.
struct Axis {
    cells: usize,
    pixels: u32,
}

impl Axis {
    fn new(cells: usize, pixels: u32) -> Self {
        Self { cells, pixels }
    }

    /// The cells on both sides of a pixel's centre, and how far it is from the first to the second.
    fn between(&self, pixel: u32) -> (usize, usize, f32) {
        let position = (pixel as f32 + 0.5) * self.cells as f32 / self.pixels as f32 - 0.5;
        let position = position.max(0.0);
        let first = (position as usize).min(self.cells - 1);
        (first, (first + 1).min(self.cells - 1), position - first as f32)
    }

    /// The pixels that have one of the cells `first` to `last` beside them.
    fn pixels_near(&self, first: usize, last: usize) -> RangeInclusive<u32> {
        let scale = self.pixels as f32 / self.cells as f32;
        let begin = ((first as f32 - 0.5) * scale - 1.0).max(0.0) as u32;
        let end = ((last as f32 + 1.5) * scale + 1.0) as u32;
        begin..=end.min(self.pixels.saturating_sub(1))
    }

    /// True when a pixel of a line in this direction is above 0, given the line's values at the cells' centres. A pixel
    /// lies between two of them, so only those near a cell above 0 are looked at; none but `cells` are.
    fn has_inside(&self, mut cells: RangeInclusive<usize>, value: impl Fn(usize) -> f32) -> bool {
        let is_above = |pixel: u32| {
            let (first, second, share) = self.between(pixel);
            value(first) * (1.0 - share) + value(second) * share > 0.0
        };
        cells.any(|cell| value(cell) > 0.0 && self.pixels_near(cell, cell).any(is_above))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stretched(mask: &MaskLogits, (x0, x1, right): (usize, usize, f32), (y0, y1, lower): (usize, usize, f32)) -> f32 {
        let row = |y: usize| {
            let values = &mask.values()[y * mask.side()..];
            values[x0] * (1.0 - right) + values[x1] * right
        };
        row(y0) * (1.0 - lower) + row(y1) * lower
    }

    fn boxed(mask: &MaskLogits, width: u32, height: u32) -> Option<[f32; 4]> {
        let found = tight_box(mask, &BinaryMask::from_logits(mask), width, height)?;
        Some([found.x0 * width as f32, found.y0 * height as f32, found.x1 * width as f32, found.y1 * height as f32])
    }

    /// 3 in the cells of columns 2 to 3 and row 1 of a grid of 4 by 4, -1 elsewhere.
    fn mask() -> MaskLogits {
        let cell = |cell: usize| if cell / 4 == 1 && cell % 4 >= 2 { 3.0 } else { -1.0 };
        MaskLogits::new(4, (0..16).map(cell).collect::<Vec<f32>>()).unwrap()
    }

    #[test]
    fn one_pixel_a_cell_gives_first_and_last_cell() {
        assert_eq!(boxed(&mask(), 4, 4), Some([2.0, 1.0, 3.0, 1.0]));
    }

    #[test]
    fn the_box_is_that_of_the_stretched_mask() {
        let noise: Vec<f32> = (0..49).map(|cell: i32| ((cell * 37 % 23) as f32 - 17.0) / 5.0).collect();
        compare(&mask());
        compare(&MaskLogits::new(7, noise).unwrap());
    }

    fn compare(mask: &MaskLogits) {
        for (width, height) in [(64, 48), (17, 31), (3, 2), (1920, 5)] {
            let (across, down) = (Axis::new(mask.side(), width), Axis::new(mask.side(), height));
            let inside = |x, y| stretched(mask, across.between(x), down.between(y)) > 0.0;
            let pixels = (0..height).flat_map(|y| (0..width).map(move |x| (x, y))).filter(|(x, y)| inside(*x, *y));
            let all: Vec<_> = pixels.collect();
            let expected = all.iter().map(|p| p.0).min().map(|x0| {
                let x1 = all.iter().map(|p| p.0).max().unwrap();
                let (y0, y1) = (all.iter().map(|p| p.1).min().unwrap(), all.iter().map(|p| p.1).max().unwrap());
                [x0, y0, x1, y1].map(|value| value as f32)
            });
            let close = |found: Option<[f32; 4]>| match (found, expected) {
                (Some(found), Some(expected)) => found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-2),
                (found, expected) => found.is_none() && expected.is_none(),
            };
            assert!(close(boxed(mask, width, height)), "{width}x{height}: {:?}", boxed(mask, width, height));
        }
    }

    #[test]
    fn nothing_inside_has_no_box() {
        assert_eq!(boxed(&MaskLogits::blank(4, -10.0), 64, 64), None);
    }
}
