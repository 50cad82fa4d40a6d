//! Boxes and the plates behind labels: rectangles with round corners, filled or as a frame.

use std::ops::Range;

use super::coverage::alpha_at;

/// A rectangle with round corners in frame pixels; a pixel's centre is at half a pixel.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct RoundRect {
    pub(super) x0: f32,
    pub(super) y0: f32,
    pub(super) x1: f32,
    pub(super) y1: f32,
    pub(super) radius: f32,
    /// Width of the frame along the inside of the edge; `None`: filled.
    pub(super) frame_width: Option<f32>,
}

impl RoundRect {
    /// The pixel columns and rows it may cover.
    pub(super) fn extent(&self, frame_size: [u32; 2]) -> [Range<u32>; 2] {
        let range = |a: f32, b: f32, size: u32| {
            let start = (a.floor().max(0.0) as u32).min(size);
            start..(b.ceil().max(0.0) as u32).clamp(start, size)
        };
        [range(self.x0, self.x1, frame_size[0]), range(self.y0, self.y1, frame_size[1])]
    }

    /// Raises `alphas` (the whole pixel row `y`, from column 0) to what the shape covers between `columns`.
    pub(super) fn cover_row(&self, y: u32, columns: &Range<u32>, alphas: &mut [u8]) {
        let center_y = y as f32 + 0.5;
        let border = self.radius.max(self.frame_width.unwrap_or(0.0)) + 1.0;
        let is_near_end = center_y < self.y0 + border || center_y > self.y1 - border;
        let left_end = ((self.x0 + border).ceil().max(0.0) as u32).clamp(columns.start, columns.end);
        let right_start = ((self.x1 - border).floor().max(0.0) as u32).clamp(left_end, columns.end);
        if is_near_end {
            return self.cover_pixels(center_y, columns.clone(), alphas);
        }
        self.cover_pixels(center_y, columns.start..left_end, alphas);
        self.cover_pixels(center_y, right_start..columns.end, alphas);
        if self.frame_width.is_none() {
            alphas[left_end as usize..right_start as usize].fill(255);
        }
    }

    fn cover_pixels(&self, center_y: f32, columns: Range<u32>, alphas: &mut [u8]) {
        let start = columns.start;
        for (index, alpha) in alphas[start as usize..columns.end as usize].iter_mut().enumerate() {
            let covered = alpha_at(self.inner_distance((start + index as u32) as f32 + 0.5, center_y));
            *alpha = covered.max(*alpha);
        }
    }

    /// Distance to the shape's edge, positive inside.
    fn inner_distance(&self, x: f32, y: f32) -> f32 {
        let to_side = |v: f32, low: f32, high: f32| (0.5 * (high - low) - (v - 0.5 * (low + high)).abs()) - self.radius;
        let (dx, dy) = (to_side(x, self.x0, self.x1), to_side(y, self.y0, self.y1));
        let (out_x, out_y) = (dx.min(0.0), dy.min(0.0));
        let outside_corner = (out_x * out_x + out_y * out_y).sqrt();
        let inner = dx.min(dy).max(0.0) - outside_corner + self.radius;
        match self.frame_width {
            Some(width) => 0.5 * width - (inner - 0.5 * width).abs(),
            None => inner,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SQUARE: RoundRect = RoundRect { x0: 4.0, y0: 2.0, x1: 14.0, y1: 12.0, radius: 0.0, frame_width: None };

    fn picture(shape: &RoundRect) -> Vec<Vec<u8>> {
        let [columns, rows] = shape.extent([20, 16]);
        let mut picture = vec![vec![0; 20]; 16];
        for y in rows {
            shape.cover_row(y, &columns, &mut picture[y as usize]);
        }
        picture
    }

    #[test]
    fn a_plain_square_covers_its_pixels_and_no_others() {
        for (y, row) in picture(&SQUARE).iter().enumerate() {
            for (x, &alpha) in row.iter().enumerate() {
                let expected = if (4..14).contains(&x) && (2..12).contains(&y) { 255 } else { 0 };
                assert_eq!(alpha, expected, "{x},{y}");
            }
        }
    }

    #[test]
    fn a_frame_is_hollow() {
        let picture = picture(&RoundRect { frame_width: Some(2.0), ..SQUARE });
        assert_eq!(picture[7][3..9], [0, 255, 255, 0, 0, 0]);
        assert_eq!(picture[2][4..14], [255; 10]);
        assert_eq!(picture[4][6..12], [0; 6]);
    }

    #[test]
    fn round_corners_lose_their_tip() {
        let picture = picture(&RoundRect { radius: 4.0, ..SQUARE });
        assert_eq!(picture[2][4], 0);
        assert!((1..255).contains(&picture[3][5]));
        assert_eq!(picture[6][4], 255);
    }

    #[test]
    fn what_hangs_over_the_frame_is_cut() {
        let shape = RoundRect { x0: -30.0, x1: 50.0, y0: -5.0, y1: 100.0, ..SQUARE };
        assert_eq!(shape.extent([20, 16]), [0..20, 0..16]);
        assert!(picture(&shape).iter().flatten().all(|&alpha| alpha == 255));
    }
}
