//! Outlines of masks, and masks of outlines.
//!
//! An outline runs along the edges of pixels, clockwise, and is then made simpler. Holes are left out: neither COCO's
//! polygons nor most readers have a place for them.

use std::ops::Range;

use crate::row_spans::RowSpans;

/// x and y.
pub type Point = [f64; 2];

/// A corner between pixels.
type Corner = [i64; 2];
/// Right, down, left, up.
const STEPS: [Corner; 4] = [[1, 0], [0, 1], [-1, 0], [0, -1]];

/// The outer outlines of what is inside, each at most `tolerance` pixels off; first those that begin higher up.
pub(super) fn outlines(spans: &RowSpans, tolerance: f64) -> Vec<Vec<Point>> {
    let Some(window) = Window::new(spans) else { return Vec::new() };
    let mut seen = vec![false; window.inside.len()];
    let mut outlines = Vec::new();
    for y in 0..window.rows {
        for x in 0..window.columns {
            let is_upper_edge = window.at(x, y) && !window.at(x, y - 1);
            if is_upper_edge && !seen[window.index(x, y)] {
                let corners = window.follow([x, y], &mut seen);
                if signed_area(&corners) > 0 {
                    outlines.push(window.placed(&simplified(&corners, tolerance)));
                }
            }
        }
    }
    outlines
}

/// The part of a picture that has something inside.
struct Window {
    left: u32,
    top: u32,
    columns: i64,
    rows: i64,
    inside: Vec<bool>,
}

impl Window {
    fn new(spans: &RowSpans) -> Option<Self> {
        let [columns, rows] = spans.bounds()?;
        let (width, height) = ((columns.end - columns.start) as usize, (rows.end - rows.start) as usize);
        let mut inside = vec![false; width * height];
        for (y, row) in spans.rows().filter(|(y, _)| rows.contains(y)) {
            let row_start = (y - rows.start) as usize * width;
            for span in row {
                let Range { start, end } = span;
                inside[row_start + (start - columns.start) as usize..row_start + (end - columns.start) as usize]
                    .fill(true);
            }
        }
        let (left, top) = (columns.start, rows.start);
        Some(Self { left, top, columns: width as i64, rows: height as i64, inside })
    }

    fn index(&self, x: i64, y: i64) -> usize {
        (y * self.columns + x) as usize
    }

    fn at(&self, x: i64, y: i64) -> bool {
        (0..self.columns).contains(&x) && (0..self.rows).contains(&y) && self.inside[self.index(x, y)]
    }

    /// The corners of the outline whose upper edge begins at a pixel; what is inside lies to the right of the way.
    fn follow(&self, start: Corner, seen: &mut [bool]) -> Vec<Corner> {
        let (mut at, mut direction) = (start, 0usize);
        let mut corners = Vec::new();
        loop {
            if direction == 0 {
                seen[self.index(at[0], at[1])] = true;
            }
            let [dx, dy] = STEPS[direction];
            at = [at[0] + dx, at[1] + dy];
            let turned = self.turn(at, direction);
            if turned != direction {
                corners.push(at);
            }
            direction = turned;
            if (at, direction) == (start, 0) {
                return corners;
            }
        }
    }

    /// Where the outline goes from a corner. Pixels that only share a corner are apart.
    fn turn(&self, [x, y]: Corner, direction: usize) -> usize {
        // The pixels ahead, to the left and to the right of the way.
        let (left, right) = match direction {
            0 => ([x, y - 1], [x, y]),
            1 => ([x, y], [x - 1, y]),
            2 => ([x - 1, y], [x - 1, y - 1]),
            _ => ([x - 1, y - 1], [x, y - 1]),
        };
        if !self.at(right[0], right[1]) {
            (direction + 1) % 4
        } else if self.at(left[0], left[1]) {
            (direction + 3) % 4
        } else {
            direction
        }
    }

    fn placed(&self, corners: &[Corner]) -> Vec<Point> {
        corners.iter().map(|[x, y]| [(x + i64::from(self.left)) as f64, (y + i64::from(self.top)) as f64]).collect()
    }
}

/// Twice the area, positive for a way that goes clockwise on a screen.
fn signed_area(corners: &[Corner]) -> i64 {
    let next = corners.iter().cycle().skip(1);
    corners.iter().zip(next).map(|(a, b)| a[0] * b[1] - b[0] * a[1]).sum()
}

/// Douglas and Peucker's way: a corner stays when it is more than `tolerance` off the line between those that stay.
fn simplified(corners: &[Corner], tolerance: f64) -> Vec<Corner> {
    let distance_to_first = |index: &usize| {
        let [dx, dy] = [corners[*index][0] - corners[0][0], corners[*index][1] - corners[0][1]];
        dx * dx + dy * dy
    };
    if tolerance <= 0.0 || corners.len() < 4 {
        return corners.to_vec();
    }
    let farthest = (0..corners.len()).max_by_key(distance_to_first).unwrap_or(0);
    let mut stays = vec![false; corners.len()];
    (stays[0], stays[farthest]) = (true, true);
    let mut stretches = vec![(0, farthest), (farthest, corners.len())];
    while let Some((from, to)) = stretches.pop() {
        let end = corners[to % corners.len()];
        let off = |index: &usize| distance_to_line(corners[*index], corners[from], end);
        let Some(worst) = (from + 1..to).max_by(|a, b| off(a).total_cmp(&off(b))) else { continue };
        if off(&worst) > tolerance {
            stays[worst] = true;
            stretches.extend([(from, worst), (worst, to)]);
        }
    }
    let kept: Vec<Corner> =
        corners.iter().zip(&stays).filter(|(_, stays)| **stays).map(|(corner, _)| *corner).collect();
    if kept.len() < 3 { corners.to_vec() } else { kept }
}

fn distance_to_line(point: Corner, from: Corner, to: Corner) -> f64 {
    let [ax, ay] = [(point[0] - from[0]) as f64, (point[1] - from[1]) as f64];
    let [bx, by] = [(to[0] - from[0]) as f64, (to[1] - from[1]) as f64];
    let length = bx.hypot(by);
    if length > 0.0 { (ax * by - ay * bx).abs() / length } else { ax.hypot(ay) }
}

/// What lies inside an odd number of outlines: 255 for pixels whose centre does, otherwise 0, first row first.
pub(super) fn filled(outlines: &[Vec<Point>], width: u32, height: u32) -> Vec<u8> {
    let mut values = vec![0; width as usize * height as usize];
    for (y, row) in values.chunks_exact_mut((width as usize).max(1)).enumerate() {
        let middle = y as f64 + 0.5;
        let mut crossings: Vec<f64> = outlines.iter().flat_map(|outline| crossings(outline, middle)).collect();
        crossings.sort_by(f64::total_cmp);
        for pair in crossings.chunks_exact(2) {
            let [start, end] = [pair[0], pair[1]].map(|x| (x - 0.5).ceil().clamp(0.0, f64::from(width)) as usize);
            row[start..end].fill(255);
        }
    }
    values
}

/// Where an outline crosses the middle of a row.
fn crossings(outline: &[Point], y: f64) -> impl Iterator<Item = f64> {
    let next = outline.iter().cycle().skip(1);
    outline
        .iter()
        .zip(next)
        .filter(move |([_, from], [_, to])| (*from <= y) != (*to <= y))
        .map(move |([x0, y0], [x1, y1])| x0 + (y - y0) / (y1 - y0) * (x1 - x0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::objects::Mask;

    fn spans(rows: &[&str]) -> RowSpans {
        let values: Vec<u8> =
            rows.iter().flat_map(|row| row.bytes().map(|b| if b == b'#' { 255 } else { 0 })).collect();
        let mut spans = RowSpans::default();
        spans.load_grid(&Mask::new(rows[0].len() as u32, rows.len() as u32, values).unwrap(), 128);
        spans
    }

    #[test]
    fn an_outline_runs_along_the_edges_of_pixels() {
        let found = outlines(&spans(&["....", ".##.", ".#..", "...."]), 0.0);
        assert_eq!(found, [[[3.0, 1.0], [3.0, 2.0], [2.0, 2.0], [2.0, 3.0], [1.0, 3.0], [1.0, 1.0]]]);
    }

    #[test]
    fn pixels_that_share_a_corner_are_apart_and_holes_are_left_out() {
        assert_eq!(outlines(&spans(&["#.", ".#"]), 0.0).len(), 2);
        let ring = outlines(&spans(&["###", "#.#", "###"]), 0.0);
        assert_eq!(ring, [[[3.0, 0.0], [3.0, 3.0], [0.0, 3.0], [0.0, 0.0]]]);
        assert!(outlines(&spans(&["..."]), 0.0).is_empty());
    }

    #[test]
    fn filling_an_outline_gives_the_mask_back() {
        for rows in [&["#...#", "##.##", ".###.", "#.#.#"][..], &["####", "####"], &[".....", "..#..", "....."]] {
            let spans = spans(rows);
            let expected: Vec<u8> =
                rows.iter().flat_map(|row| row.bytes().map(|b| if b == b'#' { 255 } else { 0 })).collect();
            assert_eq!(filled(&outlines(&spans, 0.0), spans.width(), spans.height()), expected, "{rows:?}");
        }
    }

    #[test]
    fn a_tolerance_takes_corners_away_and_stays_near() {
        let rows: Vec<String> = (0..64).map(|y| format!("{}{}", "#".repeat(y + 1), ".".repeat(63 - y))).collect();
        let spans = spans(&rows.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(outlines(&spans, 0.0)[0].len(), 130);
        let simple = outlines(&spans, 1.0);
        assert!(simple[0].len() <= 5, "{simple:?}");
        let area = filled(&simple, 64, 64).iter().filter(|&&value| value > 0).count() as f64;
        assert!((area / spans.area() as f64 - 1.0).abs() < 0.04, "{area}");
    }
}
