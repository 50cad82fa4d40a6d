//! The part of a mask that matters: the cells around what is inside, and which of them are near an edge.

use std::ops::Range;

use super::vectors::vectorized;
use crate::boxes::BoxXyxy;
use crate::objects::Mask;

/// Log-odds beyond this say no more than "surely inside" or "surely outside"; 8-bit masks end at 5.5. Lower, the edges of
/// trained models' masks tremble more.
const MAX_LOG_ODDS: f32 = 5.0;
/// Cells beyond the last one inside that an edge can reach.
const REACH_IN_CELLS: usize = 2;
/// A cell is near an edge when a cell up to this far before or behind it is on the other side: the spline looks at
/// cells -1 to +2, and a lattice node's neighbours may belong to the next cell.
const CELLS_BEFORE: usize = 2;
const CELLS_BEHIND: usize = 3;
/// Cells that are looked at together.
const GROUP: usize = 16;

/// A soft mask's values on its grid, stretched over the frame.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cells<'a> {
    pub(super) width: u32,
    pub(super) height: u32,
    /// `width * height` values, first row first.
    pub(super) values: &'a [u8],
}

impl<'a> From<&'a Mask> for Cells<'a> {
    fn from(mask: &'a Mask) -> Self {
        Self { width: mask.width, height: mask.height, values: mask.bytes() }
    }
}

impl Cells<'_> {
    /// Columns and rows of the smallest window that holds every cell inside; `None` when there is none.
    pub(super) fn inside_extent(&self, inside_level: u8) -> Option<[Range<usize>; 2]> {
        let width = self.width as usize;
        let (mut columns, mut rows) = (width..0, self.height as usize..0);
        for (y, row) in self.values.chunks_exact(width.max(1)).enumerate() {
            // Most rows of most masks are empty.
            if largest(row) < inside_level {
                continue;
            }
            let found = inside_of(row, inside_level).columns;
            columns = columns.start.min(found.start)..columns.end.max(found.end);
            rows = rows.start.min(y)..y + 1;
        }
        (!rows.is_empty()).then_some([columns, rows])
    }
}

/// Where a cell is, for every lattice node that belongs to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Outside,
    Inside,
    NearEdge,
}

/// A window onto a mask; rows and columns are counted from its corner.
#[derive(Debug, Default)]
pub(super) struct CellWindow {
    /// Columns of the mask.
    pub(super) columns: Range<usize>,
    /// Rows of the mask.
    pub(super) rows: Range<usize>,
    /// Cells that are inside.
    pub(super) inside_count: usize,
    /// Their left, top, right and bottom, the last two exclusive.
    inside_bounds: [usize; 4],
    /// Mean column of what is inside, in parts of the frame's width.
    pub(super) inside_center_x: f32,
    /// Log-odds relative to the inside level: the edge is at zero.
    log_odds: Vec<f32>,
    /// Log-odds of each mask value, for the inside level `table_level`; there is none yet for 0.
    table: Box<[f32]>,
    table_level: u8,
    sides: Vec<Side>,
    is_inside: Vec<u8>,
    counts: Vec<u8>,
}

impl CellWindow {
    /// Finds the cells around what is inside. False when nothing is.
    pub(super) fn load(&mut self, cells: Cells<'_>, inside_level: u8) -> bool {
        let inside_level = inside_level.max(1);
        if !self.find_inside(cells, inside_level) {
            return false;
        }
        if self.table_level != inside_level {
            (self.table, self.table_level) = (log_odds_table(inside_level).into(), inside_level);
        }
        self.log_odds.clear();
        for y in self.rows.clone() {
            let row = &cells.values[y * cells.width as usize..][self.columns.clone()];
            self.log_odds.extend(row.iter().map(|&value| self.table[value as usize]));
        }
        find_sides(self);
        true
    }

    /// Log-odds of a row of the window.
    pub(super) fn row(&self, row: usize) -> &[f32] {
        &self.log_odds[row * self.columns.len()..][..self.columns.len()]
    }

    /// Sides of the cells of a row of the window.
    pub(super) fn sides(&self, row: usize) -> &[Side] {
        &self.sides[row * self.columns.len()..][..self.columns.len()]
    }

    /// What is inside, in parts of the frame and to the cell.
    pub(super) fn inside_box(&self, cells: Cells<'_>) -> BoxXyxy {
        let [x0, y0, x1, y1] = self.inside_bounds.map(|v| v as f32);
        let (width, height) = (cells.width as f32, cells.height as f32);
        BoxXyxy { x0: x0 / width, y0: y0 / height, x1: x1 / width, y1: y1 / height }
    }

    fn find_inside(&mut self, cells: Cells<'_>, inside_level: u8) -> bool {
        let (width, height) = (cells.width as usize, cells.height as usize);
        let (mut columns, mut rows) = (width..0, height..0);
        self.inside_count = 0;
        let mut column_sum = 0;
        for (y, row) in cells.values.chunks_exact(width.max(1)).enumerate() {
            // Most rows of most masks are empty.
            if largest(row) < inside_level {
                continue;
            }
            let found = inside_of(row, inside_level);
            self.inside_count += found.count;
            column_sum += found.column_sum;
            columns = columns.start.min(found.columns.start)..columns.end.max(found.columns.end);
            rows = rows.start.min(y)..y + 1;
        }
        self.inside_bounds = [columns.start, rows.start, columns.end, rows.end];
        self.inside_center_x = (column_sum as f32 / self.inside_count as f32 + 0.5) / width as f32;
        let widened =
            |r: Range<usize>, end: usize| r.start.saturating_sub(REACH_IN_CELLS)..(r.end + REACH_IN_CELLS).min(end);
        (self.columns, self.rows) = (widened(columns, width), widened(rows, height));
        self.inside_count > 0
    }
}

/// The cells of a row that are inside.
struct InsideOfRow {
    /// From the first to the last.
    columns: Range<usize>,
    count: usize,
    column_sum: usize,
}

vectorized! {
    fn inside_of(row: &[u8], inside_level: u8) -> InsideOfRow {
        let (groups, _) = row.as_chunks::<GROUP>();
        let has_inside = |group: &[u8; GROUP]| group.iter().fold(0, |most, &value| most.max(value)) >= inside_level;
        let skipped = groups.iter().take_while(|group| !has_inside(group)).count() * GROUP;
        let is_inside = |value: &u8| *value >= inside_level;
        let first = skipped + row[skipped..].iter().position(is_inside).unwrap_or(0);
        let (_, groups) = row[first..].as_rchunks::<GROUP>();
        let skipped = groups.iter().rev().take_while(|group| !has_inside(group)).count() * GROUP;
        let end = row.len() - skipped;
        let end = row[..end].iter().rposition(is_inside).map_or(first, |last| last + 1);
        let (mut count, mut steps) = (0u32, 0u32);
        for (step, value) in (0u32..).zip(&row[first..end]) {
            let inside = u32::from(*value >= inside_level);
            count += inside;
            steps += inside * step;
        }
        InsideOfRow { columns: first..end, count: count as usize, column_sum: count as usize * first + steps as usize }
    }
}

vectorized! {
    /// Counts the cells inside around each cell: none or all of them say that no edge is near.
    fn find_sides(window: &mut CellWindow) {
        const AROUND: usize = CELLS_BEFORE + 1 + CELLS_BEHIND;
        const ALL: u8 = (AROUND * AROUND) as u8;
        let (width, height) = (window.columns.len(), window.rows.len());
        let CellWindow { log_odds, sides, is_inside, counts, .. } = window;
        is_inside.resize(width * height, 0);
        is_inside.iter_mut().zip(log_odds.iter()).for_each(|(inside, &value)| *inside = u8::from(value >= 0.0));
        sides.resize(width * height, Side::Outside);
        counts.resize(width + AROUND - 1, 0);
        for (y, sides) in sides.chunks_exact_mut(width).enumerate() {
            // Beyond the window its border goes on.
            let row = |step: usize| &is_inside[(y + step).saturating_sub(CELLS_BEFORE).min(height - 1) * width..][..width];
            let counted = &mut counts[CELLS_BEFORE..][..width];
            counted.copy_from_slice(row(0));
            for step in 1..AROUND {
                counted.iter_mut().zip(row(step)).for_each(|(count, inside)| *count += inside);
            }
            let (first, last) = (counted[0], counted[width - 1]);
            counts[..CELLS_BEFORE].fill(first);
            counts[CELLS_BEFORE + width..].fill(last);
            let at = |step: usize| counts[step..].iter();
            let around = at(0).zip(at(1)).zip(at(2)).zip(at(3)).zip(at(4)).zip(at(5));
            for (side, (((((a, b), c), d), e), f)) in sides.iter_mut().zip(around) {
                let count = a + b + c + d + e + f;
                *side = if count == 0 {
                    Side::Outside
                } else if count == ALL {
                    Side::Inside
                } else {
                    Side::NearEdge
                };
            }
        }
    }
}

vectorized! {
    /// The largest value, 0 of none.
    pub(super) fn largest(row: &[u8]) -> u8 {
        row.iter().fold(0, |most, &value| most.max(value))
    }
}

/// Log-odds of each mask value, shifted so that the inside level's edge is at zero.
fn log_odds_table(inside_level: u8) -> [f32; 256] {
    let log_odds = |value: f32| {
        let probability = (value / 255.0).clamp(1e-3, 1.0 - 1e-3);
        (probability / (1.0 - probability)).ln().clamp(-MAX_LOG_ODDS, MAX_LOG_ODDS)
    };
    let edge = log_odds(f32::from(inside_level) - 0.5);
    std::array::from_fn(|value| log_odds(value as f32) - edge)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(side: usize, inside: impl Fn(usize, usize) -> bool) -> CellWindow {
        let values = (0..side * side).map(|i| if inside(i % side, i / side) { 200u8 } else { 50 });
        let mut window = CellWindow::default();
        window.load(Cells { width: side as u32, height: side as u32, values: &values.collect::<Vec<_>>() }, 128);
        window
    }

    #[test]
    fn the_window_holds_what_is_inside_and_a_border() {
        let window = window(16, |x, y| (5..9).contains(&x) && (0..3).contains(&y));
        assert_eq!((window.columns.clone(), window.rows.clone(), window.inside_count), (3..11, 0..5, 12));
        let cells = Cells { width: 16, height: 16, values: &[0; 256] };
        assert_eq!(window.inside_box(cells), BoxXyxy { x0: 5.0 / 16.0, y0: 0.0, x1: 9.0 / 16.0, y1: 3.0 / 16.0 });
        assert_eq!(window.inside_center_x, 7.0 / 16.0);
        assert!(window.row(1)[2] > 0.0 && window.row(1)[1] < 0.0);
    }

    #[test]
    fn cells_know_whether_an_edge_is_near() {
        let window = window(32, |x, _| x < 16);
        use Side::{Inside, NearEdge};
        assert_eq!(window.columns, 0..18);
        assert_eq!(window.sides(4)[11..], [Inside, Inside, NearEdge, NearEdge, NearEdge, NearEdge, NearEdge]);
        assert!(window.sides(0)[..12].iter().all(|&side| side == Inside));
    }

    #[test]
    fn nothing_inside_is_said() {
        let mut window = CellWindow::default();
        assert!(!window.load(Cells { width: 4, height: 4, values: &[127; 16] }, 128));
        assert!(window.load(Cells { width: 4, height: 4, values: &[128; 16] }, 128));
    }
}
