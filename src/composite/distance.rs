//! From a field to distances: how many pixels each lattice node is from the object's edge.
//!
//! The edge is the field's zero line, a chain of straight pieces, one for each lattice square it crosses. Distances to
//! it are exact near the edge, whatever the mask's values were; so fills have crisp edges and lines a constant width.

use std::ops::Range;

use super::field::{Field, Lattice};
use super::spread::ClosestPoints;

/// Distances in pixels on a lattice: positive inside, negative outside, cut off where they no longer matter.
#[derive(Debug, Default)]
pub(super) struct Distances {
    pub(super) lattice: Lattice,
    pub(super) values: Vec<f32>,
    /// What is not outside, one row of lattice squares after the other.
    runs: Vec<Run>,
    /// For each row of squares the end of its runs.
    run_ends: Vec<usize>,
    closest: ClosestPoints,
}

/// Neighbouring lattice squares of one row.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Run {
    pub(super) squares: Range<usize>,
    /// Wholly inside, farther from the edge than the distances reach; otherwise near the edge.
    pub(super) is_inside: bool,
}

/// Squares that are looked at together.
const STRETCH: usize = 16;

/// Reaches beyond this many squares are spread from node to node instead of measured from each piece of the edge.
const MAX_SPLAT_IN_SQUARES: f32 = 5.0;

/// A point in lattice units.
type Point = [f32; 2];

impl Distances {
    /// Measures `field` so that distances up to `reach` pixels are exact, also between the nodes.
    pub(super) fn measure(&mut self, field: &Field, reach: f32) {
        self.lattice = field.lattice;
        let spacing = self.lattice.spacing as f32;
        // A pixel within reach has nodes around it that are up to a square's diagonal farther.
        let cut_off = reach / spacing + std::f32::consts::SQRT_2;
        self.values.clear();
        self.values.resize(field.values.len(), cut_off * cut_off);
        if cut_off <= MAX_SPLAT_IN_SQUARES {
            self.for_each_piece(field, |distances, from, to| distances.splat(from, to, cut_off));
        } else {
            self.closest.clear(self.lattice.columns, field.values.len());
            self.for_each_piece(field, |distances, from, to| distances.closest.seed(from, to));
            let squared = self.closest.spread().map(|squared| squared.min(cut_off * cut_off));
            self.values.iter_mut().zip(squared).for_each(|(value, squared)| *value = squared);
        }
        for (distance, value) in self.values.iter_mut().zip(&field.values) {
            *distance = (spacing * distance.sqrt()).copysign(*value);
        }
        // Rounding may have taken a little off those that no edge reached.
        self.find_runs(0.999 * cut_off * spacing);
    }

    /// The runs in a row of squares, left to right.
    pub(super) fn runs(&self, square_row: usize) -> &[Run] {
        let start = square_row.checked_sub(1).map_or(0, |before| self.run_ends[before]);
        &self.runs[start..self.run_ends[square_row]]
    }

    /// The pixel columns and rows that hold every run, inside the frame.
    pub(super) fn extent(&self, frame_size: [u32; 2]) -> [Range<u32>; 2] {
        let Lattice { spacing, origin, .. } = self.lattice;
        let left = self.runs.iter().map(|run| run.squares.start).min().unwrap_or(0);
        let right = self.runs.iter().map(|run| run.squares.end).max().unwrap_or(0);
        let top = self.run_ends.iter().position(|&end| end > 0).unwrap_or(0);
        let bottom = self.run_ends.iter().position(|&end| end == self.runs.len()).map_or(top, |last| last + 1);
        let pixels = |axis: usize, squares: usize| ((origin[axis] + squares as u32) * spacing).min(frame_size[axis]);
        [pixels(0, left)..pixels(0, right), pixels(1, top)..pixels(1, bottom)]
    }

    fn find_runs(&mut self, cut_off: f32) {
        self.runs.clear();
        self.run_ends.clear();
        let columns = self.lattice.columns;
        for (upper, lower) in self.values.chunks_exact(columns).zip(self.values.chunks_exact(columns).skip(1)) {
            let row_start = self.runs.len();
            let mut start = 0;
            while start + 1 < columns {
                let end = (start + STRETCH).min(columns - 1);
                let stretches = [&upper[start..=end], &lower[start..=end]];
                // Most stretches are uniform.
                let all = 2 * (end + 1 - start);
                if count(stretches, |distance| distance >= cut_off) == all {
                    push_run(&mut self.runs, row_start, start..end, true);
                } else if count(stretches, |distance| distance <= -cut_off) != all {
                    for x in start..end {
                        let corners = [upper[x], upper[x + 1], lower[x], lower[x + 1]];
                        if !corners.iter().all(|&distance| distance <= -cut_off) {
                            let is_inside = corners.iter().all(|&distance| distance >= cut_off);
                            push_run(&mut self.runs, row_start, x..x + 1, is_inside);
                        }
                    }
                }
                start = end;
            }
            self.run_ends.push(self.runs.len());
        }
    }

    /// Calls `take` with the ends of each straight piece of the field's zero line.
    fn for_each_piece(&mut self, field: &Field, take: impl Fn(&mut Self, Point, Point)) {
        let columns = self.lattice.columns;
        for run in &field.near_edges {
            let (x, y) = (run.start % columns, run.start / columns);
            if y + 1 == self.lattice.rows {
                break;
            }
            let (upper, lower) = (&field.values[run.clone()], &field.values[run.start + columns..run.end + columns]);
            for (step, (top, bottom)) in upper.windows(2).zip(lower.windows(2)).enumerate() {
                let corners = [top[0], top[1], bottom[1], bottom[0]];
                let inside = corners.iter().filter(|v| **v >= 0.0).count();
                if inside != 0 && inside != 4 {
                    self.take_square(corners, [(x + step) as f32, y as f32], &take);
                }
            }
        }
    }

    /// Takes the pieces of the edge in one square; `corners` go round it from the upper left.
    fn take_square(&mut self, corners: [f32; 4], [x, y]: Point, take: &impl Fn(&mut Self, Point, Point)) {
        const ROUND: [Point; 4] = [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]];
        let mut crossings = [[0.0; 2]; 4];
        let mut count = 0;
        for side in 0..4 {
            let (a, b) = (corners[side], corners[(side + 1) % 4]);
            if (a >= 0.0) != (b >= 0.0) {
                let part = a / (a - b);
                let ([ax, ay], [bx, by]) = (ROUND[side], ROUND[(side + 1) % 4]);
                crossings[count] = [x + ax + part * (bx - ax), y + ay + part * (by - ay)];
                count += 1;
            }
        }
        let [a, b, c, d] = crossings;
        let is_center_inside = corners.iter().sum::<f32>() >= 0.0;
        match count {
            2 => take(self, a, b),
            // Two corners inside, across from each other: they touch when the middle is inside.
            _ if (corners[0] >= 0.0) == is_center_inside => {
                take(self, a, b);
                take(self, c, d);
            }
            _ => {
                take(self, d, a);
                take(self, b, c);
            }
        }
    }

    /// Lowers the squared distances of the nodes around one straight piece.
    fn splat(&mut self, from: Point, to: Point, cut_off: f32) {
        let Lattice { columns, rows, .. } = self.lattice;
        let around = |a: f32, b: f32, count: usize| {
            let first = (a.min(b) - cut_off).ceil().max(0.0) as usize;
            first..((a.max(b) + cut_off) as usize + 1).min(count)
        };
        let [dx, dy] = [to[0] - from[0], to[1] - from[1]];
        let per_square = 1.0 / (dx * dx + dy * dy).max(1e-12);
        let node_columns = around(from[0], to[0], columns);
        for y in around(from[1], to[1], rows) {
            let fy = y as f32 - from[1];
            let row = &mut self.values[y * columns..][node_columns.clone()];
            let first_fx = node_columns.start as f32 - from[0];
            for (step, distance) in (0i16..).zip(row) {
                let fx = first_fx + f32::from(step);
                let along = (fx * dx + fy * dy) * per_square;
                let along = if along > 0.0 { along } else { 0.0 };
                let along = if along < 1.0 { along } else { 1.0 };
                let (ex, ey) = (fx - along * dx, fy - along * dy);
                let squared = ex * ex + ey * ey;
                *distance = if squared < *distance { squared } else { *distance };
            }
        }
    }
}

/// Counting, other than searching, becomes vector instructions.
fn count(stretches: [&[f32]; 2], is_met: impl Fn(f32) -> bool) -> usize {
    let in_one = |nodes: &[f32]| nodes.iter().map(|&distance| u32::from(is_met(distance))).sum::<u32>();
    stretches.into_iter().map(in_one).sum::<u32>() as usize
}

/// Appends squares to the row that began at run `row_start`, or lengthens its last run.
fn push_run(runs: &mut Vec<Run>, row_start: usize, squares: Range<usize>, is_inside: bool) {
    match runs[row_start..].last_mut() {
        Some(run) if run.squares.end == squares.start && run.is_inside == is_inside => run.squares.end = squares.end,
        _ => runs.push(Run { squares, is_inside }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::objects::Mask;

    const FRAME: [u32; 2] = [200, 200];
    const RADIUS: f32 = 50.0;

    fn disc() -> Mask {
        let value = |i: u32| {
            let (x, y) = ((i % 50) as f32 + 0.5, (i / 50) as f32 + 0.5);
            let outside = 4.0 * (x - 25.0).hypot(y - 25.0) - RADIUS;
            (255.0 / (1.0 + (0.5 * outside).exp())).round() as u8
        };
        Mask::new(50, 50, (0..2500).map(value).collect::<Vec<_>>()).unwrap()
    }

    fn distances(mask: &Mask, reach: f32) -> Distances {
        let (mut field, mut distances) = (Field::default(), Distances::default());
        assert!(field.sample(mask.into(), 128, FRAME, reach));
        distances.measure(&field, reach);
        distances
    }

    #[test]
    fn nodes_around_a_disc_know_their_distance() {
        let reach = 6.0;
        let measured = distances(&disc(), reach);
        let Lattice { spacing, origin, columns, .. } = measured.lattice;
        let mut near = 0;
        for (index, &distance) in measured.values.iter().enumerate() {
            let x = (origin[0] as usize + index % columns) as f32 * spacing as f32;
            let y = (origin[1] as usize + index / columns) as f32 * spacing as f32;
            let expected = RADIUS - (x - 100.0).hypot(y - 100.0);
            if expected.abs() < reach {
                near += 1;
                assert!((distance - expected).abs() < 0.4, "at {x},{y}: {distance}, expected {expected}");
            } else {
                assert!(distance.abs() >= reach - 0.4 && distance.is_sign_positive() == (expected > 0.0));
            }
        }
        assert!(near > 200, "{near}");
    }

    #[test]
    fn far_distances_agree_with_near_ones_and_go_on() {
        let (near, far) = (distances(&disc(), 12.0), distances(&disc(), 44.0));
        let at = |measured: &Distances, x: usize, y: usize| {
            let Lattice { spacing, origin, columns, .. } = measured.lattice;
            let node = |pixel: usize, axis: usize| pixel / spacing as usize - origin[axis] as usize;
            measured.values[node(y, 1) * columns + node(x, 0)]
        };
        for (x, y) in [(52, 100), (44, 104), (60, 72), (100, 148), (136, 136)] {
            assert!((at(&near, x, y) - at(&far, x, y)).abs() < 0.6, "{x},{y}");
        }
        for (x, expected) in [(60, 10.0), (20, -30.0), (80, 30.0), (70, 20.0)] {
            assert!((at(&far, x, 100) - expected).abs() < 2.0, "{x}: {}", at(&far, x, 100));
        }
    }

    #[test]
    fn runs_split_a_row_into_edges_and_inside() {
        let measured = distances(&disc(), 2.0);
        let middle = measured.lattice.rows / 2;
        let kinds: Vec<_> = measured.runs(middle).iter().map(|run| run.is_inside).collect();
        assert_eq!(kinds, [false, true, false]);
        assert!(measured.runs(middle).windows(2).all(|two| two[0].squares.end == two[1].squares.start));
        let [columns, rows] = measured.extent(FRAME);
        assert!((40..50).contains(&columns.start) && (150..160).contains(&columns.end), "{columns:?}");
        assert_eq!(columns, rows);
    }

    #[test]
    fn corners_that_touch_are_joined_by_the_middle() {
        let mut field = Field::default();
        let values = vec![1.0, -2.0, -2.0, 1.0];
        field.lattice = Lattice { spacing: 1, origin: [0, 0], columns: 2, rows: 2 };
        field.values = values;
        field.near_edges = vec![0..2, 2..4];
        let mut apart = Distances::default();
        apart.measure(&field, 2.0);
        field.values = vec![2.0, -1.0, -1.0, 2.0];
        let mut joined = Distances::default();
        joined.measure(&field, 2.0);
        // Apart: two small corners cut off. Joined: the outside corners are cut off.
        assert!((apart.values[0] - (1.0f32 / 18.0).sqrt()).abs() < 1e-5, "{:?}", apart.values);
        assert!((joined.values[1] + (1.0f32 / 18.0).sqrt()).abs() < 1e-5, "{:?}", joined.values);
    }
}
