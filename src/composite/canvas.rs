//! Two rows of a frame at a time: alphas from layers or from a region, and onto the planes with them.

use std::ops::Range;

use super::blend::{Brush, divided_by_255};
use super::coverage::cover_row;
use super::glyphs::Typesetter;
use super::mask_painter::MaskPainter;
use super::passes::{Grid, Pass, color_passes};
use super::planes::FrameMut;
use super::region::{SeenShape, Territory};
use super::rows::AlphaRows;
use super::scene::{Layer, Scene, Shape};
use super::stencil::Stencil;
use crate::frame::PixelFormat;

/// Another picture, of which parts are brought onto the frame.
pub(super) trait Source {
    /// Its samples for one row of a pass's plane, laid out as that row; `current` is the row as it is.
    ///
    /// Only the samples that the pass paints have to be right.
    fn row(&mut self, pass: &Pass, plane_row: usize, current: &[u8]) -> &[u8];
}

/// Brings rows of alphas onto a frame.
#[derive(Debug, Default)]
pub(super) struct Canvas {
    pub(super) rows: AlphaRows,
    /// Distances of pixels near an edge, in one row.
    pub(super) pixel_distances: Vec<f32>,
    /// Alphas of a shape that comes or goes, in one row.
    faint: Vec<u8>,
    masks: MaskPainter,
}

impl Canvas {
    /// Paints layers, bottom first; what of one mask follows on another is painted in one go.
    pub(super) fn paint_layers(&mut self, frame: &mut FrameMut<'_>, scene: &Scene, typesetter: &Typesetter) {
        let mask_of = |layer: &Layer| match layer.shape {
            Shape::Mask(index, part) => Some((index, part)),
            _ => None,
        };
        let index_of = |layer: &Layer| mask_of(layer).map(|(index, _)| index);
        for group in scene.layers.chunk_by(|a, b| index_of(a) == index_of(b)) {
            let Some(index) = index_of(&group[0]) else {
                group.iter().for_each(|layer| self.paint_layer(frame, layer, scene, typesetter));
                continue;
            };
            let parts = group.iter().filter_map(|layer| Some((mask_of(layer)?.1, layer.ink)));
            self.masks.paint(frame, parts, &scene.distances[index]);
        }
    }

    fn paint_layer(&mut self, frame: &mut FrameMut<'_>, layer: &Layer, scene: &Scene, typesetter: &Typesetter) {
        let passes = color_passes(frame.format);
        let brushes: [Option<Brush>; 3] =
            std::array::from_fn(|n| passes.get(n).map(|pass| Brush::new(&layer.ink, pass)));
        for even_row in (layer.rows.start / 2 * 2..layer.rows.end).step_by(2) {
            self.rows.clear(&layer.columns, frame.width);
            for y in (even_row..even_row + 2).filter(|y| layer.rows.contains(y)) {
                let alphas = self.rows.row_mut((y % 2) as usize);
                match &layer.shape {
                    Shape::Mask(..) => {}
                    Shape::Rect(rect) => rect.cover_row(y, &layer.columns, alphas),
                    Shape::Trail(line) => scene.trails.cover_row(line, y, &layer.columns, alphas),
                    Shape::Text(line) => typesetter.cover_row(line, y, &layer.columns, alphas),
                }
            }
            self.rows.complete_edges(frame.width, even_row + 1 < frame.height);
            for (pass, brush) in passes.iter().zip(brushes.iter().flatten()) {
                self.paint_pass(frame, pass, brush, even_row);
            }
        }
    }

    /// Fills both rows with what `territory` covers of the row `even_row` and the one below it.
    pub(super) fn cover(&mut self, [width, height]: [u32; 2], territory: &Territory<'_>, even_row: u32) {
        self.rows.clear(&(0..width), width);
        for y in even_row..(even_row + 2).min(height) {
            let alphas = self.rows.row_mut((y % 2) as usize);
            for shape in territory.shapes {
                let SeenShape { distances, strength } = shape;
                if *strength == u8::MAX {
                    cover_row(distances, territory.part, y, &mut self.pixel_distances, alphas);
                    continue;
                }
                self.faint.clear();
                self.faint.resize(alphas.len(), 0);
                cover_row(distances, territory.part, y, &mut self.pixel_distances, &mut self.faint);
                for (alpha, faint) in alphas.iter_mut().zip(&self.faint) {
                    *alpha = divided_by_255(u16::from(*faint) * u16::from(*strength)).max(*alpha);
                }
            }
        }
        if territory.is_outside {
            self.rows.invert();
        }
        self.rows.complete_edges(width, even_row + 1 < height);
    }

    /// Paints all of `territory` with brushes, each on its pass.
    pub(super) fn paint_territory(
        &mut self,
        frame: &mut FrameMut<'_>,
        territory: &Territory<'_>,
        brushes: &[Option<(Pass, Brush)>],
    ) {
        for even_row in territory.rows.clone().step_by(2) {
            self.cover([frame.width, frame.height], territory, even_row);
            for (pass, brush) in brushes.iter().flatten() {
                self.paint_pass(frame, pass, brush, even_row);
            }
        }
    }

    /// Brings the samples of `source` to all of `territory`, as much of them as `opacity` says (255: all).
    pub(super) fn paint_from(
        &mut self,
        frame: &mut FrameMut<'_>,
        territory: &Territory<'_>,
        opacity: u8,
        source: &mut impl Source,
    ) {
        let format = frame.format;
        let passes = color_passes(format);
        let stencils: [Option<Stencil>; 3] =
            std::array::from_fn(|n| passes.get(n).map(|pass| Stencil::new(pass, opacity)));
        for even_row in territory.rows.clone().step_by(2) {
            self.cover([frame.width, frame.height], territory, even_row);
            if self.rows.is_clear() {
                continue;
            }
            for (pass, stencil) in passes.iter().zip(stencils.iter().flatten()) {
                for (parity, row) in rows_of(pass, even_row, frame.height).enumerate() {
                    let (first_cell, alphas) = self.rows.on_grid(pass.grid, parity);
                    let samples = frame.row_mut(pass.plane, row as usize);
                    let from = source.row(pass, row as usize, samples);
                    match deep_shift(format) {
                        Some(shift) => stencil.paint_deep(samples, from, first_cell, alphas, shift),
                        None => stencil.paint(samples, from, first_cell, alphas),
                    }
                }
            }
        }
    }

    /// Paints the alphas of a row and the one below it onto one plane.
    pub(super) fn paint_pass(&mut self, frame: &mut FrameMut<'_>, pass: &Pass, brush: &Brush, even_row: u32) {
        let format = frame.format;
        for (parity, row) in rows_of(pass, even_row, frame.height).enumerate() {
            let (first_cell, alphas) = self.rows.on_grid(pass.grid, parity);
            let samples = frame.row_mut(pass.plane, row as usize);
            match deep_shift(format) {
                Some(shift) => brush.paint_deep(samples, first_cell, alphas, shift),
                None => brush.paint(samples, first_cell, alphas),
            }
        }
    }
}

/// Rows of a pass's plane that belong to the frame's row `even_row` and the one below it.
pub(super) fn rows_of(pass: &Pass, even_row: u32, frame_height: u32) -> Range<u32> {
    match pass.grid {
        Grid::HalfBoth => even_row / 2..even_row / 2 + 1,
        _ => even_row..(even_row + 2).min(frame_height),
    }
}

/// How far up a 10-bit value stands in its word; `None` for bytes.
pub(super) fn deep_shift(format: PixelFormat) -> Option<u32> {
    match format {
        PixelFormat::P010Le => Some(6),
        PixelFormat::I42010Le => Some(0),
        _ => None,
    }
}
