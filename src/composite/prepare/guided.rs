//! Edges that follow the picture: a guided filter ("Guided Image Filtering", He, Sun and Tang, 2010) over the cells
//! around a mask.
//!
//! Within a window the mask is explained as a linear function of the picture, of that mixture of its components which
//! tells the object from its surroundings best (`separation`); where the picture has an edge
//! the mask's edge comes to lie on it. A window reaches as far as the mask's
//! own grid leaves its edge uncertain; a second pass looks closer, as the edge is nearer to its place by then. Flat windows say nothing, and the mask stays as it is where all are flat.

use std::ops::Range;

use super::super::cells::Cells;
use super::super::vectors::vectorized;
use super::guide::{Color, Guide};
use super::separation::Separation;

/// Variance of the picture, of components of 0..1, below which a window counts as flat.
const FLAT_VARIANCE: f32 = 3e-4;
/// Windows on both sides of an edge leave less than all of the mask; so much makes it steep again.
const STEEPER: f32 = 1.5;
/// How far the edge of a mask may lie from the true one, in cells of its grid.
const REACH_IN_MASK_CELLS: f32 = 1.5;
const RADII: [usize; 2] = [2, 24];

/// Refines masks; keeps its memory.
#[derive(Debug, Default)]
pub(super) struct Guided {
    /// Picture, mask, and the products whose means make variance and covariance.
    moments: Vec<[f32; 4]>,
    /// The mask as it came.
    insides: Vec<f32>,
    /// Slope and offset of picture to mask, how much both count, and room to make it a vector.
    lines: Vec<[f32; 4]>,
    column_sums: Vec<[f32; 4]>,
    line_sums: Vec<[f32; 4]>,
    taps: Vec<Tap>,
}

/// A part of the guide's cells.
#[derive(Debug, Clone)]
struct Window {
    columns: Range<usize>,
    rows: Range<usize>,
}

/// Where a cell of the guide lies between two cells of a mask.
#[derive(Debug, Clone, Copy)]
struct Tap {
    before: usize,
    behind: usize,
    behind_part: f32,
}

impl Guided {
    /// Writes `mask` on the guide's grid to `refined`, its edges `strength` (0..1) of the way to those of the picture.
    pub(super) fn refine(
        &mut self,
        mask: Cells<'_>,
        inside_level: u8,
        guide: &Guide,
        strength: f32,
        refined: &mut Vec<u8>,
    ) {
        refined.clear();
        refined.resize(guide.cells.len(), 0);
        let mask_size = [mask.width as usize, mask.height as usize];
        let cells = [0, 1].map(|axis| [guide.columns, guide.rows][axis] as f32 / mask_size[axis] as f32);
        let uncertain = REACH_IN_MASK_CELLS * cells[0].max(cells[1]);
        let radius = (uncertain.ceil() as usize).clamp(RADII[0], RADII[1]);
        let Some(window) = Window::around(mask, inside_level, guide, cells, 2 * radius) else { return };
        self.load(mask, guide, cells, &window);
        let size = [window.columns.len(), window.rows.len()];
        for radius in [radius, radius.div_ceil(2)] {
            self.follow(size, radius);
        }
        for (y, row) in window.rows.clone().enumerate() {
            let cells = y * size[0]..(y + 1) * size[0];
            let target = &mut refined[row * guide.columns..][window.columns.clone()];
            mix(&self.insides[cells.clone()], &self.moments[cells], strength, target);
        }
    }

    /// Moves the edge of the mask in `moments` towards edges of the picture up to `radius` cells away.
    fn follow(&mut self, size: [usize; 2], radius: usize) {
        let Self { moments, lines, column_sums, line_sums, .. } = self;
        lines.resize(size[0] * size[1], [0.0; 4]);
        fit_lines(moments, size, radius, column_sums, lines);
        for y in 0..size[1] {
            apply_lines(lines, size, Row { y, radius }, line_sums, &mut moments[y * size[0]..][..size[0]]);
        }
    }

    /// Picture and mask of each cell of the window, and their products.
    fn load(&mut self, mask: Cells<'_>, guide: &Guide, cells: [f32; 2], window: &Window) {
        let mask_width = mask.width as usize;
        self.insides.clear();
        self.taps.clear();
        self.taps.extend(window.columns.clone().map(|column| Tap::at(column, cells[0], mask_width)));
        let colors = |row: usize| &guide.cells[row * guide.columns..][window.columns.clone()];
        let mut separation = Separation::default();
        for row in window.rows.clone() {
            let tap = Tap::at(row, cells[1], mask.height as usize);
            let mask_row = |row: usize| &mask.values[row * mask_width..][..mask_width];
            let start = self.insides.len();
            stretch_row([mask_row(tap.before), mask_row(tap.behind)], tap.behind_part, &self.taps, &mut self.insides);
            separation.add(colors(row), &self.insides[start..]);
        }
        let mixture = separation.mixture();
        self.moments.clear();
        for (row, insides) in window.rows.clone().zip(self.insides.chunks_exact(window.columns.len())) {
            mix_row(colors(row), mixture, insides, &mut self.moments);
        }
    }
}

impl Window {
    /// The cells that are inside, and `margin` more on each side; `None` when nothing is inside.
    fn around(mask: Cells<'_>, inside_level: u8, guide: &Guide, cells: [f32; 2], margin: usize) -> Option<Self> {
        let [columns, rows] = mask.inside_extent(inside_level.max(1))?;
        let widened = |inside: Range<usize>, axis: usize, count: usize| {
            let first = (inside.start as f32 * cells[axis]) as usize;
            let end = (inside.end as f32 * cells[axis]).ceil() as usize;
            first.saturating_sub(margin)..(end + margin).min(count)
        };
        Some(Self { columns: widened(columns, 0, guide.columns), rows: widened(rows, 1, guide.rows) })
    }
}

impl Tap {
    /// Of the guide's cell `index`, when each cell of the mask is `cells` of them wide and there are `count`.
    fn at(index: usize, cells: f32, count: usize) -> Self {
        let position = ((index as f32 + 0.5) / cells - 0.5).clamp(0.0, (count - 1) as f32);
        let before = position as usize;
        Self { before, behind: (before + 1).min(count - 1), behind_part: position - before as f32 }
    }
}

/// A row of a window's cells, and how far up and down from it sums reach.
#[derive(Debug, Clone, Copy)]
struct Row {
    y: usize,
    radius: usize,
}

vectorized! {
    /// A row of the mask, 0..1, between two rows of its own.
    fn stretch_row(mask_rows: [&[u8]; 2], below_part: f32, taps: &[Tap], insides: &mut Vec<f32>) {
        insides.extend(taps.iter().map(|tap| {
            let [above, below] = mask_rows.map(|row| {
                let (before, behind) = (f32::from(row[tap.before]), f32::from(row[tap.behind]));
                before + tap.behind_part * (behind - before)
            });
            (above + below_part * (below - above)) / 255.0
        }));
    }
}

vectorized! {
    fn mix_row(colors: &[Color], mixture: Color, insides: &[f32], moments: &mut Vec<[f32; 4]>) {
        moments.extend(colors.iter().zip(insides).map(|(color, &inside)| {
            let light = color[0] * mixture[0] + color[1] * mixture[1] + color[2] * mixture[2];
            [light, inside, light * light, light * inside]
        }));
    }
}

vectorized! {
    /// Explains the mask by the picture in the window around each cell.
    fn fit_lines(
        moments: &[[f32; 4]],
        size: [usize; 2],
        radius: usize,
        column_sums: &mut Vec<[f32; 4]>,
        lines: &mut [[f32; 4]],
    ) {
        for y in 0..size[1] {
            sum_columns(moments, size, Row { y, radius }, column_sums);
            let line_row = &mut lines[y * size[0]..][..size[0]];
            let rows = rows_around(y, radius, size[1]).len();
            slide(column_sums, radius, |x, sums: [f32; 4], columns| {
                let part = 1.0 / (rows * columns) as f32;
                let [light, inside, squared, product] = sums.map(|sum| sum * part);
                let variance = (squared - light * light).max(0.0);
                let slope = (product - light * inside) / (variance + FLAT_VARIANCE);
                let weight = variance / (variance + FLAT_VARIANCE);
                line_row[x] = [slope, inside - slope * light, weight, 0.0];
            });
        }
    }
}

vectorized! {
    /// Makes the mask in one row of `moments` what the lines around each cell make of its picture, and steeper.
    fn apply_lines(
        lines: &[[f32; 4]],
        size: [usize; 2],
        row: Row,
        line_sums: &mut Vec<[f32; 4]>,
        moments: &mut [[f32; 4]],
    ) {
        sum_columns(lines, size, row, line_sums);
        let rows = rows_around(row.y, row.radius, size[1]).len();
        slide(line_sums, row.radius, |x, sums: [f32; 4], columns| {
            let part = 1.0 / (rows * columns) as f32;
            let [slope, offset, weight, _] = sums.map(|sum| sum * part);
            let [light, inside, ..] = moments[x];
            // One window in two with an edge is enough.
            let weight = (2.0 * weight).min(1.0);
            let followed = 0.5 + STEEPER * (slope * light + offset - 0.5);
            let inside = inside + weight * (followed.clamp(0.0, 1.0) - inside);
            moments[x] = [light, inside, light * light, light * inside];
        });
    }
}

vectorized! {
    /// Writes the mask in `moments`, `strength` of it where the mask was not sure, and the rest of what it was.
    fn mix(insides: &[f32], moments: &[[f32; 4]], strength: f32, target: &mut [u8]) {
        for ((value, before), [_, inside, ..]) in target.iter_mut().zip(insides).zip(moments) {
            let sure = (2.0 * before - 1.0) * (2.0 * before - 1.0);
            let weight = strength * (1.0 - sure * sure);
            *value = (255.0 * (before + weight * (inside - before)) + 0.5) as u8;
        }
    }
}

/// Rows of a window `radius` up and down from `y`.
#[inline(always)]
fn rows_around(y: usize, radius: usize, height: usize) -> Range<usize> {
    y.saturating_sub(radius)..(y + radius + 1).min(height)
}

/// Sums of each column over the rows around `y`; rows are asked for one after the other, from 0.
#[inline(always)]
fn sum_columns<const N: usize>(
    cells: &[[f32; N]],
    [width, height]: [usize; 2],
    Row { y, radius }: Row,
    sums: &mut Vec<[f32; N]>,
) {
    let row = |row: usize| &cells[row * width..][..width];
    let add = |sums: &mut [[f32; N]], row: &[[f32; N]], sign: f32| {
        for (sums, cells) in sums.iter_mut().zip(row) {
            sums.iter_mut().zip(cells).for_each(|(sum, value)| *sum += sign * value);
        }
    };
    if y == 0 {
        sums.clear();
        sums.resize(width, [0.0; N]);
        rows_around(0, radius, height).for_each(|index| add(sums, row(index), 1.0));
        return;
    }
    if y + radius < height {
        add(sums, row(y + radius), 1.0);
    }
    if y > radius {
        add(sums, row(y - radius - 1), -1.0);
    }
}

/// Calls `take` for each column with the sums of the columns up to `radius` beside it and their number.
#[inline(always)]
fn slide<const N: usize>(columns: &[[f32; N]], radius: usize, mut take: impl FnMut(usize, [f32; N], usize)) {
    let width = columns.len();
    let mut sums = [0.0; N];
    let add = |sums: &mut [f32; N], column: &[f32; N], sign: f32| {
        sums.iter_mut().zip(column).for_each(|(sum, value)| *sum += sign * value);
    };
    columns[..radius.min(width)].iter().for_each(|column| add(&mut sums, column, 1.0));
    for x in 0..width {
        let mut change = [0.0; N];
        if let Some(column) = columns.get(x + radius) {
            add(&mut change, column, 1.0);
        }
        if x > radius {
            add(&mut change, &columns[x - radius - 1], -1.0);
        }
        add(&mut sums, &change, 1.0);
        take(x, sums, (x + radius + 1).min(width) - x.saturating_sub(radius));
    }
}
