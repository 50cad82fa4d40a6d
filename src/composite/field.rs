//! From a soft mask to a smooth field over the frame whose zero line is the object's edge.
//!
//! The mask's grid is coarse (15 x 27 pixels a cell for 72 x 72 on 1080p), and its values rise from 0 to 255 within one
//! or two cells, so that straight lines between them show as corners. Two steps make a smooth edge out of them without
//! moving it by more than a fraction of a cell: the values are taken back to log-odds, which are nearly linear across
//! an edge and are what the reference interpolates, and are then interpolated with a cubic B-spline, which has no kinks
//! where cells meet and irons out the trembling of single cells.
//!
//! The result stands on a lattice of a few pixels' spacing; [`super::distance`] measures distances on it.

use std::ops::Range;

use super::cells::{CellWindow, Cells, Side};
use super::vectors::vectorized;

/// Largest spacing of the lattice in pixels. Edges are straight between its nodes.
const MAX_SPACING: u32 = 4;
/// Smaller objects are interpolated linearly: the spline would swallow a part of them.
const SPLINE_MIN_CELLS: usize = 12;

/// Where lattice nodes stand: node `k` at pixel position `(origin + k) * spacing`, counted from the frame's corner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Lattice {
    pub(super) spacing: u32,
    /// Column and row of the first node.
    pub(super) origin: [u32; 2],
    pub(super) columns: usize,
    pub(super) rows: usize,
}

impl Lattice {
    /// Covers `cells` and a margin, inside the frame.
    fn around(cells: &CellWindow, cell_size: [f32; 2], frame_size: [u32; 2], margin_in_pixels: f32) -> Self {
        let smallest_cell = cell_size[0].min(cell_size[1]);
        let spacing = (smallest_cell / 2.0).round().clamp(1.0, MAX_SPACING as f32) as u32;
        let range = |cells: &Range<usize>, axis: usize| {
            let nodes = frame_size[axis].div_ceil(spacing);
            let start = cells.start as f32 * cell_size[axis] - margin_in_pixels;
            let end = cells.end as f32 * cell_size[axis] + margin_in_pixels;
            let first = (start.max(0.0) as u32 / spacing).min(nodes - 1);
            (first, (end.ceil() as u32).div_ceil(spacing).clamp(first + 1, nodes))
        };
        let ((left, right), (top, bottom)) = (range(&cells.columns, 0), range(&cells.rows, 1));
        let (columns, rows) = ((right - left + 1) as usize, (bottom - top + 1) as usize);
        Self { spacing, origin: [left, top], columns, rows }
    }
}

/// A field on a lattice: positive inside, negative outside.
#[derive(Debug, Default)]
pub(super) struct Field {
    pub(super) lattice: Lattice,
    /// Far from edges only the signs are right.
    pub(super) values: Vec<f32>,
    /// Indices into `values` of the nodes near edges, in runs that do not leave their row.
    pub(super) near_edges: Vec<Range<usize>>,
    pub(super) cells: CellWindow,
    blended_row: Vec<f32>,
    column_taps: Vec<Taps>,
    row_taps: Vec<Taps>,
    /// For each column of cells the first node that belongs to it or to a later one.
    first_nodes: Vec<usize>,
    /// Of one row of cells.
    side_runs: Vec<(Side, Range<usize>)>,
}

/// Cells before the first and behind the last that repeat it, so that four neighbours are always there.
const BORDER: usize = 3;

/// Four neighbouring cells and their weights.
#[derive(Debug, Clone, Copy)]
struct Taps {
    /// The cell that the position belongs to.
    own_cell: usize,
    /// The first of the four, counted with the border.
    first: usize,
    weights: [f32; 4],
}

impl Field {
    /// Samples `mask`, stretched over a frame of `frame_size` pixels. False when nothing is inside.
    ///
    /// The lattice reaches `margin_in_pixels` beyond the object.
    pub(super) fn sample(
        &mut self,
        mask: Cells<'_>,
        inside_level: u8,
        frame_size: [u32; 2],
        margin_in_pixels: f32,
    ) -> bool {
        if !self.cells.load(mask, inside_level) {
            return false;
        }
        let cell_size = [frame_size[0] as f32 / mask.width as f32, frame_size[1] as f32 / mask.height as f32];
        self.lattice = Lattice::around(&self.cells, cell_size, frame_size, margin_in_pixels);
        interpolate(self, cell_size);
        true
    }
}

vectorized! {
    fn interpolate(field: &mut Field, cell_size: [f32; 2]) {
        let Field { lattice, cells, column_taps, row_taps, first_nodes, .. } = field;
        let is_spline = cells.inside_count >= SPLINE_MIN_CELLS;
        for (axis, cells, taps) in [(0, &cells.columns, &mut *column_taps), (1, &cells.rows, row_taps)] {
            let count = [lattice.columns, lattice.rows][axis];
            taps.clear();
            for node in (lattice.origin[axis]..).take(count) {
                let position = (node * lattice.spacing) as f32 / cell_size[axis] - 0.5;
                taps.push(Taps::new(position, cells, is_spline));
            }
        }
        first_nodes.clear();
        let mut node = 0;
        for cell in 0..=cells.columns.len() {
            node += column_taps[node..].iter().take_while(|taps| taps.own_cell < cell).count();
            first_nodes.push(node);
        }
        fill_rows(field);
    }
}

#[inline(always)]
fn fill_rows(field: &mut Field) {
    let Field { values, near_edges, cells, blended_row, column_taps, row_taps, first_nodes, side_runs, .. } = field;
    values.clear();
    near_edges.clear();
    let mut runs_of = None;
    for row_taps in row_taps.iter() {
        // Several rows of nodes belong to a row of cells.
        if runs_of.replace(row_taps.own_cell) != Some(row_taps.own_cell) {
            find_side_runs(cells.sides(row_taps.own_cell), first_nodes, side_runs);
        }
        let mut is_blended = false;
        for (side, nodes) in side_runs.iter() {
            let start = values.len();
            values.resize(start + nodes.len(), if *side == Side::Inside { 1.0 } else { -1.0 });
            if *side == Side::NearEdge {
                if !std::mem::replace(&mut is_blended, true) {
                    row_taps.blend_rows(cells, blended_row);
                }
                let taps = &column_taps[nodes.clone()];
                values[start..].iter_mut().zip(taps).for_each(|(value, taps)| *value = taps.apply(blended_row));
                near_edges.push(start..values.len());
            }
        }
    }
}

/// Runs of one side in a row of cells, as the nodes that belong to them.
#[inline(always)]
fn find_side_runs(sides: &[Side], first_nodes: &[usize], side_runs: &mut Vec<(Side, Range<usize>)>) {
    side_runs.clear();
    let mut cell = 0;
    for run in sides.chunk_by(|a, b| a == b) {
        side_runs.push((run[0], first_nodes[cell]..first_nodes[cell + run.len()]));
        cell += run.len();
    }
}

impl Taps {
    /// The cells around `position` (cell centres at whole numbers), counted from the start of `cells`.
    #[inline(always)]
    fn new(position: f32, cells: &Range<usize>, is_spline: bool) -> Self {
        let before = position.floor();
        let own_cell = (before.max(cells.start as f32) as usize).min(cells.end - 1) - cells.start;
        let first = (before - 1.0 - cells.start as f32).max(-(BORDER as f32)) as isize + BORDER as isize;
        let first = (first as usize).min(cells.len() + BORDER - 1);
        let part = position - before;
        Self { own_cell, first, weights: if is_spline { spline_weights(part) } else { linear_weights(part) } }
    }

    /// The row of cells at this position, its first and last value repeated beyond its ends.
    #[inline(always)]
    fn blend_rows(&self, cells: &CellWindow, blended_row: &mut Vec<f32>) {
        let last = cells.rows.len() - 1;
        let row = |step: usize| cells.row((self.first + step).saturating_sub(BORDER).min(last));
        let ([a, b, c, d], [wa, wb, wc, wd]) = ([row(0), row(1), row(2), row(3)], self.weights);
        let width = a.len();
        blended_row.resize(width + 2 * BORDER, 0.0);
        let columns = a.iter().zip(b).zip(c).zip(d);
        for (blended, (((a, b), c), d)) in blended_row[BORDER..].iter_mut().zip(columns) {
            *blended = wa * a + wb * b + wc * c + wd * d;
        }
        let (first, last) = (blended_row[BORDER], blended_row[BORDER + width - 1]);
        blended_row[..BORDER].fill(first);
        blended_row[BORDER + width..].fill(last);
    }

    #[inline(always)]
    fn apply(&self, row: &[f32]) -> f32 {
        let ([a, b, c, d], weights) = (row[self.first..].first_chunk().unwrap_or(&[0.0; 4]), self.weights);
        weights[0] * a + weights[1] * b + weights[2] * c + weights[3] * d
    }
}

/// Cubic B-spline at `part`, 0..1, of the way from the second to the third of four cells.
#[inline(always)]
fn spline_weights(part: f32) -> [f32; 4] {
    let rest = 1.0 - part;
    let outer = |t: f32| t * t * t / 6.0;
    let inner = |t: f32| 2.0 / 3.0 - 0.5 * t * t * (2.0 - t);
    [outer(rest), inner(part), inner(rest), outer(part)]
}

fn linear_weights(part: f32) -> [f32; 4] {
    [0.0, 1.0 - part, part, 0.0]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::objects::Mask;

    fn mask_of(side: u32, inside: impl Fn(u32, u32) -> u8) -> Mask {
        let values: Vec<u8> = (0..side * side).map(|i| inside(i % side, i / side)).collect();
        Mask::new(side, side, values).unwrap()
    }

    #[test]
    fn weights_add_up_to_one() {
        for part in [0.0, 0.25, 0.5, 0.99] {
            for weights in [spline_weights(part), linear_weights(part)] {
                assert!((weights.iter().sum::<f32>() - 1.0).abs() < 1e-6, "{part}: {weights:?}");
            }
        }
        let at_a_cell = spline_weights(0.0);
        assert!(at_a_cell.iter().zip([1.0, 4.0, 1.0, 0.0]).all(|(w, sixths)| (6.0 * w - sixths).abs() < 1e-6));
    }

    #[test]
    fn an_empty_mask_has_no_field() {
        assert!(!Field::default().sample((&mask_of(8, |_, _| 127)).into(), 128, [64, 64], 4.0));
    }

    #[test]
    fn the_zero_line_of_a_straight_edge_is_between_the_cells() {
        let mut field = Field::default();
        assert!(field.sample((&mask_of(8, |x, _| if x < 4 { 255 } else { 0 })).into(), 128, [64, 64], 4.0));
        let row = &field.values[..field.lattice.columns];
        let node_at = |pixel: u32| row[(pixel / field.lattice.spacing - field.lattice.origin[0]) as usize];
        assert_eq!(field.lattice.spacing, 4);
        assert!(node_at(28) > 1.0 && node_at(32).abs() < 0.05 && node_at(36) < -1.0, "{row:?}");
    }

    #[test]
    fn the_lattice_stays_near_the_object_and_inside_the_frame() {
        let mut field = Field::default();
        assert!(field.sample(
            (&mask_of(16, |x, y| if x == 14 && y == 3 { 255 } else { 0 })).into(),
            128,
            [160, 160],
            3.0
        ));
        let Lattice { spacing, origin, columns, rows } = field.lattice;
        assert_eq!(spacing, 4);
        assert_eq!(origin, [117 / 4, 7 / 4]);
        assert_eq!((origin[0] as usize + columns - 1) * 4, 160);
        assert!((origin[1] as usize + rows - 1) * 4 <= 68);
        assert_eq!(field.values.len(), columns * rows);
    }

    #[test]
    fn one_small_cell_keeps_an_inside() {
        let mut field = Field::default();
        assert!(field.sample((&mask_of(9, |x, y| if x == 4 && y == 4 { 220 } else { 10 })).into(), 128, [90, 90], 3.0));
        assert!(field.values.iter().any(|&v| v > 0.0));
    }

    #[test]
    fn the_inside_level_moves_the_edge() {
        let ramp = mask_of(16, |x, _| (x * 17) as u8);
        let inside_nodes = |level: u8| {
            let mut field = Field::default();
            field.sample((&ramp).into(), level, [64, 64], 2.0);
            field.values.iter().filter(|&&v| v >= 0.0).count() / field.lattice.rows
        };
        assert!(inside_nodes(64) > inside_nodes(128) && inside_nodes(128) > inside_nodes(192));
    }
}
