//! F, contour accuracy: how much of each outline has the other outline near it (Perazzi et al. 2016), as DAVIS's
//! evaluation and TrackEval compute it.

use std::ops::Range;

use crate::rle::Rle;

/// How near is near, in parts of the picture's diagonal; rounded up to whole pixels.
pub const TOLERANCE_IN_DIAGONALS: f64 = 0.008;

/// F of two masks on one frame, `None` for an object that is not there: 1 when neither has an outline, 0 when one has.
pub fn contour_accuracy(truth: Option<&Rle>, found: Option<&Rle>) -> f64 {
    let Some(any) = truth.or(found) else { return 1.0 };
    let radius = tolerance_in_pixels(any.width(), any.height());
    let [truth, found] = [truth, found].map(|mask| mask.map_or_else(Vec::new, outline));
    if truth.is_empty() || found.is_empty() {
        return if truth.is_empty() && found.is_empty() { 1.0 } else { 0.0 };
    }
    let precision = count_near(&found, &truth, radius) as f64 / found.len() as f64;
    let recall = count_near(&truth, &found, radius) as f64 / truth.len() as f64;
    if precision + recall > 0.0 { 2.0 * precision * recall / (precision + recall) } else { 0.0 }
}

fn tolerance_in_pixels(width: u32, height: u32) -> usize {
    (TOLERANCE_IN_DIAGONALS * f64::from(width).hypot(f64::from(height))).ceil() as usize
}

/// A pixel's column and row.
type Point = (usize, usize);

/// Pixels that differ from the one to the right, below, or right below. In the last row and column only the neighbour in
/// the picture counts, and the last corner is never outline.
fn outline(mask: &Rle) -> Vec<Point> {
    let (width, height) = (mask.width() as usize, mask.height() as usize);
    let inside = mask.to_pixels();
    let at = |x: usize, y: usize| inside[y * width + x];
    let (columns, rows) = extent(mask);
    let mut points = Vec::new();
    for x in columns.start.saturating_sub(1)..columns.end {
        for y in rows.start.saturating_sub(1)..rows.end {
            let (right, below) = (x + 1 < width, y + 1 < height);
            let here = at(x, y);
            let is_edge = (right && at(x + 1, y) != here)
                || (below && at(x, y + 1) != here)
                || (right && below && at(x + 1, y + 1) != here);
            if is_edge {
                points.push((x, y));
            }
        }
    }
    points
}

/// Columns and rows that hold all of the mask. A run that goes on in the next column is taken to fill its columns.
fn extent(mask: &Rle) -> (Range<usize>, Range<usize>) {
    let height = mask.height() as usize;
    let extents = mask.spans().map(|(first, end)| {
        let (first, last) = (first as usize, end as usize - 1);
        let columns = first / height..last / height + 1;
        let rows = if columns.len() == 1 { first % height..last % height + 1 } else { 0..height };
        (columns, rows)
    });
    let hull = |a: Range<usize>, b: Range<usize>| a.start.min(b.start)..a.end.max(b.end);
    extents.reduce(|all, one| (hull(all.0, one.0), hull(all.1, one.1))).unwrap_or_default()
}

/// How many of `points` have one of `others` within `radius`. `others` is not empty.
fn count_near(points: &[Point], others: &[Point], radius: usize) -> usize {
    let distances = ColumnDistances::of(others, radius);
    points.iter().filter(|&&point| distances.is_near(point)).count()
}

/// For each pixel around an outline, the distance to the outline's nearest pixel in the same column.
struct ColumnDistances {
    left: usize,
    top: usize,
    columns: usize,
    rows: usize,
    radius: usize,
    distances: Vec<usize>,
}

impl ColumnDistances {
    fn of(outline: &[Point], radius: usize) -> Self {
        let side = |of: fn(&Point) -> usize| {
            let sides = outline.iter().map(of);
            sides.fold((usize::MAX, 0), |(least, most), side| (least.min(side), most.max(side)))
        };
        let ((left, right), (top, bottom)) = (side(|point| point.0), side(|point| point.1));
        let top = top.saturating_sub(radius);
        let (columns, rows) = (right - left + 1, bottom + radius - top + 1);
        let mut distances = vec![radius + 1; columns * rows];
        for &(x, y) in outline {
            distances[(x - left) * rows + y - top] = 0;
        }
        for column in distances.chunks_exact_mut(rows) {
            for row in 1..rows {
                column[row] = column[row].min(column[row - 1] + 1);
            }
            for row in (1..rows).rev() {
                column[row - 1] = column[row - 1].min(column[row] + 1);
            }
        }
        Self { left, top, columns, rows, radius, distances }
    }

    fn is_near(&self, (x, y): Point) -> bool {
        let Some(row) = y.checked_sub(self.top).filter(|&row| row < self.rows) else { return false };
        let first = x.saturating_sub(self.radius).max(self.left);
        let end = (x + self.radius + 1).min(self.left + self.columns);
        (first..end).any(|column| {
            let (across, down) = (column.abs_diff(x), self.distances[(column - self.left) * self.rows + row]);
            across * across + down * down <= self.radius * self.radius
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A rectangle on a picture.
    fn rectangle(size: (u32, u32), columns: Range<u32>, rows: Range<u32>) -> Rle {
        let inside = (0..size.1).flat_map(|y| {
            let (columns, rows) = (columns.clone(), rows.clone());
            (0..size.0).map(move |x| columns.contains(&x) && rows.contains(&y))
        });
        Rle::from_pixels(size.0, size.1, &inside.collect::<Vec<_>>())
    }

    #[test]
    fn the_tolerance_is_that_of_davis() {
        assert_eq!(tolerance_in_pixels(854, 480), 8);
        assert_eq!(tolerance_in_pixels(640, 360), 6);
        assert_eq!(tolerance_in_pixels(20, 20), 1);
    }

    /// One pixel has four outline pixels: itself and those above, to the left, and above left.
    #[test]
    fn outlines_lie_half_a_pixel_towards_the_origin() {
        assert_eq!(outline(&rectangle((9, 9), 4..5, 4..5)), [(3, 3), (3, 4), (4, 3), (4, 4)]);
        assert_eq!(outline(&rectangle((3, 3), 0..3, 0..3)), []);
        assert_eq!(outline(&rectangle((3, 2), 2..3, 1..2)), [(1, 0), (1, 1), (2, 0)]);
    }

    #[test]
    fn what_is_missing_or_the_same_is_nought_or_one() {
        let mask = rectangle((20, 20), 5..9, 5..9);
        assert_eq!(contour_accuracy(Some(&mask), Some(&mask)), 1.0);
        assert_eq!(contour_accuracy(None, None), 1.0);
        assert_eq!(contour_accuracy(Some(&mask), None), 0.0);
        assert_eq!(contour_accuracy(None, Some(&mask)), 0.0);
    }

    /// The tolerance is one pixel: moved by one all of it is near, moved by two only where the outlines cross.
    #[test]
    fn near_is_within_the_tolerance() {
        let mask = rectangle((20, 20), 5..9, 5..9);
        assert_eq!(contour_accuracy(Some(&mask), Some(&rectangle((20, 20), 6..10, 5..9))), 1.0);
        let apart = contour_accuracy(Some(&mask), Some(&rectangle((20, 20), 12..16, 12..16)));
        assert_eq!(apart, 0.0);
        let moved = contour_accuracy(Some(&mask), Some(&rectangle((20, 20), 7..11, 5..9)));
        assert_eq!(moved, 10.0 / 16.0);
    }

    #[test]
    fn a_disk_is_no_square() {
        let near = |radius, point| ColumnDistances::of(&[(10, 10)], radius).is_near(point);
        assert!(near(2, (12, 10)) && near(2, (11, 11)) && !near(2, (12, 11)) && !near(2, (10, 13)));
    }
}
