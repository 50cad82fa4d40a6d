//! One mask with all that is drawn of it: tint, halo, line.
//!
//! Its distances are measured once for all of these coats and only near edges; and each row of samples is taken up once,
//! for all coats one after the other.

use std::ops::Range;

use super::blend::Brush;
use super::canvas::{deep_shift, rows_of};
use super::coverage::{Part, cover_pixels, measure_row};
use super::distance::Distances;
use super::ink::Ink;
use super::passes::color_passes;
use super::planes::FrameMut;
use super::rows::AlphaRows;
use super::stretches::{Cover, Stretches};

/// Paints masks; keeps its memory.
#[derive(Debug, Default)]
pub(super) struct MaskPainter {
    stretches: Stretches,
    measured: [Measured; 2],
    coats: Vec<Coat>,
}

/// Distances of one row's pixels.
#[derive(Debug, Default)]
struct Measured {
    /// Where the stretch begins in them.
    start: usize,
    distances: Vec<f32>,
}

/// One ink on one part of the mask.
#[derive(Debug)]
struct Coat {
    part: Part,
    /// One for each pass of the format.
    brushes: Vec<Brush>,
    rows: AlphaRows,
}

impl Coat {
    /// Raises its alphas to what its part covers.
    fn cover(&mut self, measured: &[Measured; 2], columns: &Range<u32>, frame_width: u32, has_second_row: bool) {
        self.rows.clear(columns, frame_width);
        for (parity, Measured { start, distances }) in measured.iter().enumerate() {
            let alphas = &mut self.rows.row_mut(parity)[columns.start as usize..columns.end as usize];
            cover_pixels(self.part, &distances[*start..][..alphas.len()], alphas);
        }
        self.rows.complete_edges(frame_width, has_second_row);
    }

    fn is_on(&self, cover: Cover) -> bool {
        cover == Cover::Part || matches!(self.part, Part::Inside { .. })
    }
}

impl MaskPainter {
    /// Paints parts of one mask in their inks, bottom first.
    pub(super) fn paint(
        &mut self,
        frame: &mut FrameMut<'_>,
        parts: impl Iterator<Item = (Part, Ink)>,
        distances: &Distances,
    ) {
        let coat_count = self.prepare(frame, parts);
        let Self { stretches, measured, coats } = self;
        let coats = &mut coats[..coat_count];
        let [columns, rows] = distances.extent([frame.width, frame.height]);
        for even_row in (rows.start / 2 * 2..rows.end).step_by(2) {
            stretches.find(distances, even_row, &columns);
            for (columns, cover) in stretches.covered() {
                if cover == Cover::Part {
                    measure(measured, distances, &columns, even_row);
                }
                for coat in coats.iter_mut().filter(|coat| coat.is_on(cover)) {
                    match cover {
                        Cover::Part => coat.cover(measured, &columns, frame.width, even_row + 1 < frame.height),
                        _ => coat.rows.set_full(&columns, frame.width),
                    }
                }
                paint_rows(frame, coats, cover, even_row);
            }
        }
    }

    /// Loads the brushes; returns how many coats there are.
    fn prepare(&mut self, frame: &FrameMut<'_>, parts: impl Iterator<Item = (Part, Ink)>) -> usize {
        let mut count = 0;
        for (part, ink) in parts {
            if self.coats.len() == count {
                self.coats.push(Coat { part, brushes: Vec::new(), rows: AlphaRows::default() });
            }
            let coat = &mut self.coats[count];
            coat.part = part;
            coat.brushes.clear();
            coat.brushes.extend(color_passes(frame.format).iter().map(|pass| Brush::new(&ink, pass)));
            count += 1;
        }
        count
    }
}

/// Measures the pixels of a row and the one below it.
fn measure(measured: &mut [Measured; 2], distances: &Distances, columns: &Range<u32>, even_row: u32) {
    let columns = columns.start as usize..columns.end as usize;
    for (y, Measured { start, distances: measured }) in (even_row..).zip(measured) {
        *start = measure_row(distances, y, &columns, measured);
    }
}

/// Paints all coats onto the rows of all planes.
fn paint_rows(frame: &mut FrameMut<'_>, coats: &mut [Coat], cover: Cover, even_row: u32) {
    let shift = deep_shift(frame.format);
    for (index, pass) in color_passes(frame.format).iter().enumerate() {
        for (parity, row) in rows_of(pass, even_row, frame.height).enumerate() {
            let samples = frame.row_mut(pass.plane, row as usize);
            for coat in coats.iter_mut().filter(|coat| coat.is_on(cover)) {
                let (first_cell, alphas) = coat.rows.on_grid(pass.grid, parity);
                match shift {
                    Some(shift) => coat.brushes[index].paint_deep(samples, first_cell, alphas, shift),
                    None => coat.brushes[index].paint(samples, first_cell, alphas),
                }
            }
        }
    }
}
