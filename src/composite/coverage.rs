//! From distances to alphas: which part of each pixel a mask's inside or outline covers, row by row.

use std::ops::Range;

use super::distance::Distances;
use super::field::Lattice;
use super::vectors::vectorized;
use crate::row_spans::RowWriter;

/// What of a mask is covered. Lengths are in pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Part {
    /// The inside.
    Inside {
        /// How much larger it is; negative: smaller.
        grown_by: f32,
        /// Width of the ramp from 0 to all, half of it outside; at least 1.
        ramp: f32,
    },
    /// A line along the edge.
    Outline {
        /// How far outside the mask's own edge the line is.
        grown_by: f32,
        /// Half of the line's width.
        half_width: f32,
    },
    /// Light around the outside that fades.
    Glow {
        /// How far outside the mask's own edge it begins.
        grown_by: f32,
        /// How far it is seen from there.
        width: f32,
    },
}

impl Part {
    /// How far from the mask's edge distances have to be right.
    pub(super) fn reach(self) -> f32 {
        match self {
            Self::Inside { grown_by, ramp } => grown_by.abs() + 0.5 * ramp,
            Self::Outline { grown_by, half_width } => grown_by.abs() + half_width + 0.5,
            Self::Glow { grown_by, width } => grown_by.abs() + width.max(0.5),
        }
    }

    /// Raises `alphas` to what is covered at pixels of these distances to the mask's edge.
    #[inline(always)]
    fn cover(self, distances: &[f32], alphas: &mut [u8]) {
        match self {
            Self::Inside { grown_by, ramp } if ramp <= 1.0 => {
                raise(distances, alphas, |distance| alpha_at(distance + grown_by));
            }
            Self::Inside { grown_by, ramp } => raise(distances, alphas, |distance| {
                let part = ((distance + grown_by) / ramp + 0.5).clamp(0.0, 1.0);
                // No kinks where the ramp begins and ends.
                alpha_at(part * part * (3.0 - 2.0 * part) - 0.5)
            }),
            Self::Outline { grown_by, half_width } => {
                raise(distances, alphas, |distance| alpha_at(half_width - (distance + grown_by).abs()));
            }
            Self::Glow { grown_by, width } => raise(distances, alphas, |distance| {
                let outside = -(distance + grown_by);
                let left = (1.0 - outside / width).clamp(0.0, 1.0);
                alpha_at((left * left).min(outside + 0.5) - 0.5)
            }),
        }
    }
}

#[inline(always)]
fn raise(distances: &[f32], alphas: &mut [u8], alpha_of: impl Fn(f32) -> u8) {
    for (alpha, &distance) in alphas.iter_mut().zip(distances) {
        *alpha = alpha_of(distance).max(*alpha);
    }
}

/// Alpha of a pixel from its centre's signed distance to an edge: a ramp one pixel wide.
#[inline(always)]
pub(super) fn alpha_at(inner_distance: f32) -> u8 {
    /// Added to a small number it leaves the rounded number in the lowest bits. A cast would do, in five times as many
    /// instructions.
    const ROUNDING: f32 = 8_388_608.0;
    let alpha = 255.0 * inner_distance + 127.5;
    let alpha = if alpha > 0.0 { alpha } else { 0.0 };
    let alpha = if alpha < 255.0 { alpha } else { 255.0 };
    (alpha + ROUNDING).to_bits() as u8
}

vectorized! {
    /// Raises `alphas` (the whole pixel row `y`, from column 0) to what `part` covers.
    ///
    /// Rows that the lattice does not reach are left as they are.
    pub(super) fn cover_row(
        distances: &Distances,
        part: Part,
        y: u32,
        pixel_distances: &mut Vec<f32>,
        alphas: &mut [u8],
    ) {
        let Some(row) = PixelRow::at(distances, y) else { return };
        for run in distances.runs(row.square_row) {
            let pixels = &mut alphas[row.pixels(&run.squares)];
            if run.is_inside {
                if matches!(part, Part::Inside { .. }) {
                    pixels.fill(255);
                }
                continue;
            }
            row.measure(&run.squares, pixel_distances);
            part.cover(pixel_distances, pixels);
        }
    }
}

vectorized! {
    /// Writes the columns of pixel row `y` of which at least half is inside.
    pub(super) fn inside_spans(
        distances: &Distances,
        y: u32,
        width: u32,
        pixel_distances: &mut Vec<f32>,
        writer: &mut RowWriter<'_>,
    ) {
        let Some(row) = PixelRow::at(distances, y) else { return };
        for run in distances.runs(row.square_row) {
            let pixels = row.pixels(&run.squares);
            let (start, end) = (pixels.start as u32, (pixels.end as u32).min(width));
            if start >= end {
                continue;
            }
            if run.is_inside {
                writer.add(start..end);
                continue;
            }
            row.measure(&run.squares, pixel_distances);
            // The sign decides, which is what half an alpha comes to.
            let mut first_inside = None;
            for (x, &distance) in (start..end).zip(pixel_distances.iter()) {
                match (distance >= 0.0, first_inside) {
                    (true, None) => first_inside = Some(x),
                    (false, Some(first)) => {
                        writer.add(first..x);
                        first_inside = None;
                    }
                    _ => {}
                }
            }
            if let Some(first) = first_inside {
                writer.add(first..end);
            }
        }
    }
}

/// Distances of pixels that are outside, farther than anything that is drawn reaches.
const FAR_OUTSIDE: f32 = -1e9;

vectorized! {
    /// Measures the pixels of row `y` in `columns`; `pixel_distances` begins with the first of them or up to a square before,
    /// how far before is the result.
    pub(super) fn measure_row(
        distances: &Distances,
        y: u32,
        columns: &Range<usize>,
        pixel_distances: &mut Vec<f32>,
    ) -> usize {
        let Lattice { spacing, origin, columns: nodes, .. } = distances.lattice;
        let (spacing, origin) = (spacing as usize, origin[0] as usize);
        let first = columns.start.max(origin * spacing) / spacing - origin;
        let end = columns.end.div_ceil(spacing).saturating_sub(origin).min(nodes - 1);
        let row = PixelRow::at(distances, y).filter(|_| first < end);
        let Some(row) = row else {
            set_length(pixel_distances, columns.len());
            pixel_distances[..columns.len()].fill(FAR_OUTSIDE);
            return 0;
        };
        let pixels = row.pixels(&(first..end));
        let start = columns.start.min(pixels.start);
        let whole = columns.end.max(pixels.end) - start;
        set_length(pixel_distances, whole);
        pixel_distances[..pixels.start - start].fill(FAR_OUTSIDE);
        pixel_distances[pixels.end - start..whole].fill(FAR_OUTSIDE);
        row.fill(&(first..end), &mut pixel_distances[pixels.start - start..pixels.end - start]);
        columns.start - start
    }
}

/// At least so many; most rows have what the row before had.
#[inline(always)]
fn set_length(pixel_distances: &mut Vec<f32>, length: usize) {
    if pixel_distances.len() < length {
        pixel_distances.resize(length, 0.0);
    }
}

vectorized! {
    /// Raises `alphas` to what `part` covers at pixels of these distances.
    pub(super) fn cover_pixels(part: Part, pixel_distances: &[f32], alphas: &mut [u8]) {
        part.cover(pixel_distances, alphas);
    }
}

/// A row of pixels between two rows of lattice nodes.
struct PixelRow<'a> {
    lattice: Lattice,
    square_row: usize,
    above: &'a [f32],
    below: &'a [f32],
    /// How far down from the upper nodes to the lower ones.
    below_part: f32,
}

impl<'a> PixelRow<'a> {
    /// `None` where the lattice does not reach.
    #[inline(always)]
    fn at(distances: &'a Distances, y: u32) -> Option<Self> {
        let Lattice { spacing, origin, columns, rows } = distances.lattice;
        let square_row = (y / spacing).checked_sub(origin[1])? as usize;
        if square_row + 1 >= rows {
            return None;
        }
        let (above, below) = distances.values[square_row * columns..][..2 * columns].split_at(columns);
        let below_part = ((y % spacing) as f32 + 0.5) / spacing as f32;
        Some(Self { lattice: distances.lattice, square_row, above, below, below_part })
    }

    /// Columns of pixels that squares cover; the last ones may stand beyond the frame.
    #[inline(always)]
    fn pixels(&self, squares: &Range<usize>) -> Range<usize> {
        let Lattice { spacing, origin, .. } = self.lattice;
        let column = |square: usize| (origin[0] as usize + square) * spacing as usize;
        column(squares.start)..column(squares.end)
    }

    #[inline(always)]
    fn measure(&self, squares: &Range<usize>, pixel_distances: &mut Vec<f32>) {
        pixel_distances.resize(squares.len() * self.lattice.spacing as usize, 0.0);
        self.fill(squares, pixel_distances);
    }

    /// Distances of all pixels of `squares`.
    #[inline(always)]
    fn fill(&self, squares: &Range<usize>, pixel_distances: &mut [f32]) {
        let nodes = squares.start..squares.end + 1;
        let (above, below) = (&self.above[nodes.clone()], &self.below[nodes]);
        match self.lattice.spacing {
            1 => interpolate::<1>(above, below, self.below_part, pixel_distances),
            2 => interpolate::<2>(above, below, self.below_part, pixel_distances),
            3 => interpolate::<3>(above, below, self.below_part, pixel_distances),
            _ => interpolate::<4>(above, below, self.below_part, pixel_distances),
        }
    }
}

/// Distances at the centres of the pixels between nodes; there is one node more than groups of `SPACING` pixels.
#[inline(always)]
fn interpolate<const SPACING: usize>(above: &[f32], below: &[f32], below_part: f32, pixel_distances: &mut [f32]) {
    let (squares, _) = pixel_distances.as_chunks_mut::<SPACING>();
    let (above, below) = (above.iter().zip(&above[1..]), below.iter().zip(&below[1..]));
    for (pixels, (above, below)) in squares.iter_mut().zip(above.zip(below)) {
        let left = above.0 + below_part * (below.0 - above.0);
        let right = above.1 + below_part * (below.1 - above.1);
        let step = (right - left) * (1.0 / SPACING as f32);
        *pixels = std::array::from_fn(|index| left + (index as f32 + 0.5) * step);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::composite::field::Field;

    const SIZE: [u32; 2] = [40, 12];

    /// Distances to a vertical edge at x = `edge`; inside is to its left.
    fn left_of(edge: f32, spacing: u32) -> Distances {
        let lattice = Lattice {
            spacing,
            origin: [0, 0],
            columns: (SIZE[0] / spacing) as usize + 1,
            rows: (SIZE[1] / spacing) as usize + 1,
        };
        let node = |index: usize| edge - ((index % lattice.columns) as u32 * spacing) as f32;
        let mut field = Field::default();
        field.lattice = lattice;
        field.values = (0..lattice.columns * lattice.rows).map(node).collect();
        field.near_edges = (0..lattice.rows).map(|y| y * lattice.columns..(y + 1) * lattice.columns).collect();
        let mut distances = Distances::default();
        distances.measure(&field, 6.0);
        distances
    }

    fn row_of(distances: &Distances, part: Part) -> Vec<u8> {
        let mut alphas = vec![0; 96];
        cover_row(distances, part, 5, &mut Vec::new(), &mut alphas);
        alphas.truncate(SIZE[0] as usize);
        alphas
    }

    #[test]
    fn alphas_round_and_end_at_both_ends() {
        for (distance, alpha) in [(-9e9, 0), (-0.5, 0), (0.0, 128), (0.25, 191), (0.5, 255), (f32::INFINITY, 255)] {
            assert_eq!(alpha_at(distance), alpha, "{distance}");
        }
    }

    #[test]
    fn the_inside_ends_with_one_partial_pixel() {
        for spacing in [1, 2, 4] {
            let row = row_of(&left_of(20.25, spacing), Part::Inside { grown_by: 0.0, ramp: 1.0 });
            assert!(row[..20].iter().all(|&a| a == 255), "{spacing}: {row:?}");
            assert_eq!(row[20], 64, "{spacing}");
            assert!(row[21..].iter().all(|&a| a == 0), "{spacing}: {row:?}");
        }
    }

    #[test]
    fn growing_moves_the_edge() {
        let row = row_of(&left_of(20.0, 4), Part::Inside { grown_by: 3.0, ramp: 1.0 });
        assert_eq!(row.iter().filter(|&&a| a == 255).count(), 23);
    }

    #[test]
    fn an_outline_has_its_width() {
        for (half_width, edge) in [(0.5, 20.0), (1.0, 19.7), (2.0, 20.5)] {
            let row = row_of(&left_of(edge, 4), Part::Outline { grown_by: 0.0, half_width });
            let width = row.iter().map(|&a| f32::from(a) / 255.0).sum::<f32>();
            assert!((width - 2.0 * half_width).abs() < 0.03, "{width} for {half_width}: {row:?}");
        }
    }

    #[test]
    fn a_feather_is_a_soft_ramp_around_the_edge() {
        let row = row_of(&left_of(20.0, 4), Part::Inside { grown_by: 0.0, ramp: 8.0 });
        assert!(row[..16].iter().all(|&a| a == 255) && row[24..].iter().all(|&a| a == 0), "{row:?}");
        assert!(row[16..24].windows(2).all(|two| two[0] > two[1]), "{row:?}");
        assert!((16..20).all(|x| row[x].abs_diff(255 - row[39 - x]) <= 1), "the same on both sides: {row:?}");
    }

    #[test]
    fn a_glow_fades_outside_and_leaves_the_inside() {
        let row = row_of(&left_of(20.0, 4), Part::Glow { grown_by: 0.0, width: 5.0 });
        assert!(row[..19].iter().all(|&a| a == 0) && row[26..].iter().all(|&a| a == 0), "{row:?}");
        assert!(row[20] > 200 && row[20..25].windows(2).all(|two| two[0] > two[1]), "{row:?}");
    }

    #[test]
    fn the_extent_is_that_of_the_lattice_inside_the_frame() {
        assert_eq!(left_of(20.0, 4).extent([40, 12]), [0..32, 0..12]);
        assert_eq!(left_of(20.0, 4).extent([30, 10]), [0..30, 0..10]);
    }
}
