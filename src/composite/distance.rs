//! From a field to distances: how many pixels each lattice node is from the object's edge.
//!
//! The edge is the field's zero line, a chain of straight pieces, one for each lattice square it crosses. Distances to
//! it are exact near the edge, whatever the mask's values were; so fills have crisp edges and lines a constant width.

use std::ops::Range;

use super::field::{Field, Lattice};
use super::spread::ClosestPoints;
use super::vectors::vectorized;

/// Distances in pixels on a lattice: positive inside, negative outside, cut off where they no longer matter.
#[derive(Debug, Default)]
pub(super) struct Distances {
    pub(super) lattice: Lattice,
    pub(super) values: Vec<f32>,
    /// What is not outside, one row of lattice squares after the other.
    runs: Vec<Run>,
    /// For each row of squares the end of its runs.
    run_ends: Vec<usize>,
    /// Columns and rows of squares that hold every run.
    bounds: [Range<usize>; 2],
    closest: ClosestPoints,
    pieces: Vec<[Point; 2]>,
    /// What nodes and squares say of themselves.
    codes: Vec<u8>,
}

/// Neighbouring lattice squares of one row.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Run {
    pub(super) squares: Range<usize>,
    /// Wholly inside, farther from the edge than the distances reach; otherwise near the edge.
    pub(super) is_inside: bool,
}

/// Reaches beyond this many squares are spread from node to node instead of measured from each piece of the edge.
const MAX_SPLAT_IN_SQUARES: f32 = 5.0;
/// Nodes that are measured at a time.
const LANES: usize = 8;

/// A point in lattice units.
type Point = [f32; 2];

/// What a node says of the squares around it: all four have to say the same.
const SURELY_INSIDE: u8 = 1;
const SURELY_OUTSIDE: u8 = 2;

impl Distances {
    /// Measures `field` so that distances up to `reach` pixels are exact, also between the nodes.
    pub(super) fn measure(&mut self, field: &Field, reach: f32) {
        self.lattice = field.lattice;
        let spacing = self.lattice.spacing as f32;
        // A pixel within reach has nodes around it that are up to a square's diagonal farther.
        let cut_off = reach / spacing + std::f32::consts::SQRT_2;
        if cut_off <= MAX_SPLAT_IN_SQUARES {
            measure_near(self, field, cut_off);
        } else {
            measure_far(self, field, cut_off);
        }
        finish(self, field, cut_off);
    }

    /// The runs in a row of squares, left to right.
    pub(super) fn runs(&self, square_row: usize) -> &[Run] {
        let start = square_row.checked_sub(1).map_or(0, |before| self.run_ends[before]);
        &self.runs[start..self.run_ends[square_row]]
    }

    /// The runs in pixel row `y` as columns of pixels, and whether they are wholly inside.
    pub(super) fn pixel_runs(&self, y: u32) -> impl Iterator<Item = (Range<usize>, bool)> {
        let Lattice { spacing, origin, rows, .. } = self.lattice;
        let square_row = (y / spacing).checked_sub(origin[1]).map(|row| row as usize).filter(|row| row + 1 < rows);
        let runs = square_row.map(|row| self.runs(row)).unwrap_or_default();
        let column = move |square: usize| (origin[0] as usize + square) * spacing as usize;
        runs.iter().map(move |run| (column(run.squares.start)..column(run.squares.end), run.is_inside))
    }

    /// The pixel columns and rows that hold every run, inside the frame.
    pub(super) fn extent(&self, frame_size: [u32; 2]) -> [Range<u32>; 2] {
        let Lattice { spacing, origin, .. } = self.lattice;
        let pixels = |axis: usize, squares: usize| ((origin[axis] + squares as u32) * spacing).min(frame_size[axis]);
        let [columns, rows] = &self.bounds;
        [pixels(0, columns.start)..pixels(0, columns.end), pixels(1, rows.start)..pixels(1, rows.end)]
    }

    fn find_bounds(&mut self) {
        let left = self.runs.iter().map(|run| run.squares.start).min().unwrap_or(0);
        let right = self.runs.iter().map(|run| run.squares.end).max().unwrap_or(0);
        let top = self.run_ends.iter().position(|&end| end > 0).unwrap_or(0);
        let bottom = self.run_ends.iter().position(|&end| end == self.runs.len()).map_or(top, |last| last + 1);
        self.bounds = [left..right, top..bottom];
    }

    /// Finds the straight pieces of the field's zero line.
    #[inline(always)]
    fn find_pieces(&mut self, field: &Field) {
        let columns = self.lattice.columns;
        let Self { pieces, codes, .. } = self;
        pieces.clear();
        for run in &field.near_edges {
            let (x, y) = (run.start % columns, run.start / columns);
            if y + 1 == self.lattice.rows {
                break;
            }
            let (upper, lower) = (&field.values[run.clone()], &field.values[run.start + columns..run.end + columns]);
            find_crossed(upper, lower, codes);
            let mut next = 0;
            while let Some(step) = next_set(codes, next) {
                let corners = [upper[step], upper[step + 1], lower[step + 1], lower[step]];
                push_pieces(corners, [(x + step) as i32 as f32, y as i32 as f32], pieces);
                next = step + 1;
            }
        }
    }

    /// Lowers the squared distances of the nodes around one straight piece.
    #[inline(always)]
    fn splat(&mut self, [from, to]: [Point; 2], cut_off: f32, steps: &[f32; LANES]) {
        let Lattice { columns, rows, .. } = self.lattice;
        let around = |a: f32, b: f32, count: usize| {
            let first = (a.min(b) - cut_off).ceil().max(0.0) as usize;
            first..((a.max(b) + cut_off) as usize + 1).min(count)
        };
        let [dx, dy] = [to[0] - from[0], to[1] - from[1]];
        let per_square = 1.0 / (dx * dx + dy * dy).max(1e-12);
        let wanted = around(from[0], to[0], columns);
        // A few nodes more than wanted, so that there are whole groups.
        let length = wanted.len().next_multiple_of(LANES);
        let first = wanted.start.min(columns.saturating_sub(length));
        let nodes = first..(first + length).min(columns);
        let fx = nodes.start as i32 as f32 - from[0];
        for y in around(from[1], to[1], rows) {
            let fy = y as i32 as f32 - from[1];
            let squared_at = |fx: f32| {
                let along = (fx * dx + fy * dy) * per_square;
                let along = if along > 0.0 { along } else { 0.0 };
                let along = if along < 1.0 { along } else { 1.0 };
                let (ex, ey) = (fx - along * dx, fy - along * dy);
                ex * ex + ey * ey
            };
            let (groups, rest) = self.values[y * columns..][nodes.clone()].as_chunks_mut::<LANES>();
            let mut group_fx: [f32; LANES] = std::array::from_fn(|lane| fx + steps[lane]);
            for group in groups {
                let squared: [f32; LANES] = std::array::from_fn(|lane| squared_at(group_fx[lane]));
                *group =
                    std::array::from_fn(|lane| if squared[lane] < group[lane] { squared[lane] } else { group[lane] });
                group_fx = group_fx.map(|fx| fx + LANES as f32);
            }
            if rest.is_empty() {
                continue;
            }
            for (node, fx) in rest.iter_mut().zip(group_fx) {
                let squared = squared_at(fx);
                *node = if squared < *node { squared } else { *node };
            }
        }
    }
}

vectorized! {
    fn measure_near(distances: &mut Distances, field: &Field, cut_off: f32) {
        distances.values.clear();
        distances.values.resize(field.values.len(), cut_off * cut_off);
        distances.find_pieces(field);
        // Known numbers would be treated one by one, not as a group.
        let steps = std::hint::black_box(std::array::from_fn(|step| step as f32));
        for index in 0..distances.pieces.len() {
            distances.splat(distances.pieces[index], cut_off, &steps);
        }
    }
}

vectorized! {
    fn measure_far(distances: &mut Distances, field: &Field, cut_off: f32) {
        distances.closest.clear(distances.lattice.columns, distances.lattice.rows);
        distances.find_pieces(field);
        for [from, to] in &distances.pieces {
            distances.closest.seed(*from, *to);
        }
        distances.closest.spread(cut_off * cut_off, &mut distances.values);
    }
}

vectorized! {
    /// Squared distances in lattice units become signed ones in pixels, and the runs are found.
    fn finish(distances: &mut Distances, field: &Field, cut_off: f32) {
        let Lattice { spacing, columns, .. } = distances.lattice;
        let spacing = spacing as f32;
        // Rounding may have taken a little off those that no edge reached.
        let sure = 0.999 * cut_off * spacing;
        let Distances { values, runs, run_ends, codes, .. } = distances;
        runs.clear();
        run_ends.clear();
        // Three rows: nodes above, nodes below, squares between them.
        codes.clear();
        codes.resize(3 * columns, 0);
        let (nodes, squares) = codes.split_at_mut(2 * columns);
        let (mut above, mut below) = nodes.split_at_mut(columns);
        let rows = values.chunks_exact_mut(columns).zip(field.values.chunks_exact(columns));
        for (y, (distances, signs)) in rows.enumerate() {
            for ((distance, sign), code) in distances.iter_mut().zip(signs).zip(below.iter_mut()) {
                let pixels = spacing * distance.sqrt();
                *distance = pixels.copysign(*sign);
                let is_sure = u8::from(pixels >= sure);
                *code = if *sign >= 0.0 { is_sure * SURELY_INSIDE } else { is_sure * SURELY_OUTSIDE };
            }
            if y > 0 {
                let corners = above.iter().zip(&above[1..]).zip(below.iter().zip(&below[1..]));
                for (square, ((a, b), (c, d))) in squares.iter_mut().zip(corners) {
                    *square = a & b & c & d;
                }
                push_runs(&squares[..columns - 1], runs);
                run_ends.push(runs.len());
            }
            std::mem::swap(&mut above, &mut below);
        }
        distances.find_bounds();
    }
}

/// Appends the runs of a row of squares.
#[inline(always)]
fn push_runs(squares: &[u8], runs: &mut Vec<Run>) {
    let mut start = 0;
    while start < squares.len() {
        let end = run_end(squares, start);
        if squares[start] != SURELY_OUTSIDE {
            runs.push(Run { squares: start..end, is_inside: squares[start] == SURELY_INSIDE });
        }
        start = end;
    }
}

/// Where the run of equal codes that `start` belongs to ends.
#[inline(always)]
fn run_end(codes: &[u8], start: usize) -> usize {
    let code = codes[start];
    let mut at = start;
    while let Some(group) = codes[at..].first_chunk::<LANES>() {
        let different = u64::from_le_bytes(*group) ^ u64::from_le_bytes([code; LANES]);
        if different != 0 {
            return at + different.trailing_zeros() as usize / 8;
        }
        at += LANES;
    }
    at + codes[at..].iter().take_while(|&&other| other == code).count()
}

/// Notes for each square between two rows of nodes whether the edge crosses it.
#[inline(always)]
fn find_crossed(upper: &[f32], lower: &[f32], is_crossed: &mut Vec<u8>) {
    is_crossed.resize(upper.len().saturating_sub(1), 0);
    let corners = upper.windows(2).zip(lower.windows(2));
    for (is_crossed, (upper, lower)) in is_crossed.iter_mut().zip(corners) {
        let inside: u8 = [upper[0], upper[1], lower[0], lower[1]].iter().map(|&v| u8::from(v >= 0.0)).sum();
        *is_crossed = u8::from(!inside.is_multiple_of(4));
    }
}

/// The first flag from `start` on that is set.
#[inline(always)]
fn next_set(flags: &[u8], start: usize) -> Option<usize> {
    let mut at = start;
    while let Some(group) = flags.get(at..).and_then(|flags| flags.first_chunk::<LANES>()) {
        let bits = u64::from_le_bytes(*group);
        if bits != 0 {
            return Some(at + bits.trailing_zeros() as usize / 8);
        }
        at += LANES;
    }
    flags.get(at..)?.iter().position(|&flag| flag != 0).map(|step| at + step)
}

/// Appends the pieces of the edge in one square; `corners` go round it from the upper left.
#[inline(always)]
fn push_pieces(corners: [f32; 4], [x, y]: Point, pieces: &mut Vec<[Point; 2]>) {
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
    if count == 2 {
        return pieces.push([a, b]);
    }
    // Two corners inside, across from each other: they touch when the middle is inside.
    let is_center_inside = corners.iter().sum::<f32>() >= 0.0;
    pieces.extend(if (corners[0] >= 0.0) == is_center_inside { [[a, b], [c, d]] } else { [[d, a], [b, c]] });
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
