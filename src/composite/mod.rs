//! Draws objects on frames, in the frames' own formats. Pixel work only, no torch.
//!
//! Last stage of the flow. Top to bottom:
//!
//! 1. [`Style`]: what the caller wants to see; `label_format`, `palette`: texts and colours
//! 2. `cells`, `field`, `distance`: a soft mask becomes distances to a smooth edge, on a lattice of a few pixels
//! 3. `scene`: objects become layers, bottom first: masks with outlines, boxes, `labels` on plates
//! 4. `coverage`, `shapes`, `glyphs`: a layer becomes alphas, one pixel row at a time
//! 5. `rows`, `passes`, `blend`: two rows of alphas are painted onto the planes of the format
//!
//! [`Raster`] has stages 2 and 4 for those who want a mask's pixels themselves.
//!
//! The cost follows the pixels that objects cover: distances are measured on the lattice, and of a mask's pixels only
//! those at its edge are looked at one by one.

mod blend;
mod cells;
mod coverage;
mod cutout;
mod distance;
mod field;
mod glyphs;
mod ink;
mod label_format;
mod labels;
mod palette;
mod passes;
mod planes;
mod raster;
mod rows;
mod scene;
mod shapes;
mod style;
#[cfg(test)]
mod tests;

use std::ops::Range;

pub use label_format::LabelFormat;
pub use planes::{FrameMut, PlaneMut};
pub use raster::Raster;
pub use style::{ColorBy, Mode, Rgb, Style};

use crate::frame::PixelFormat;
use crate::objects::Objects;
use blend::Brush;
use coverage::cover_row;
use distance::Distances;
use glyphs::Typesetter;
use palette::Palette;
use passes::Pass;
use rows::AlphaRows;
use scene::{Layer, Scene, Shape};

/// Draws objects on the frames of one stream: remembers colours, letters and memory from frame to frame.
#[derive(Debug, Default)]
pub struct Compositor {
    palette: Palette,
    typesetter: Typesetter,
    scene: Scene,
    canvas: Canvas,
}

impl Compositor {
    /// Draws `objects` on `frame`.
    ///
    /// [`Mode::Overlay`] leaves alpha as it is. [`Mode::Cutout`] scales alpha where the frame has it and paints black
    /// where it has not. The objects' masks are stretched over the frame, whatever size they were made for.
    pub fn composite(&mut self, frame: &mut FrameMut<'_>, objects: &Objects, style: &Style) {
        self.palette.begin_frame();
        self.typesetter.begin_frame();
        if style.leaves_untouched(objects) {
            return;
        }
        match style.mode {
            Mode::Overlay => {
                self.scene.lay_overlay(frame, objects, style, &mut self.palette, &mut self.typesetter);
                for layer in &self.scene.layers {
                    self.canvas.paint_layer(frame, layer, &self.scene.distances, &self.typesetter);
                }
            }
            Mode::Cutout => cutout::cut_out(frame, objects, style, &mut self.scene, &mut self.canvas),
        }
    }

    /// Sets every alpha of a frame that has them to opaque; for pixels that come from a format without alpha.
    pub fn make_opaque(&mut self, frame: &mut FrameMut<'_>) {
        cutout::make_opaque(frame, &mut self.canvas);
    }
}

/// Brings rows of alphas onto a frame.
#[derive(Debug, Default)]
struct Canvas {
    rows: AlphaRows,
    /// Distances of pixels near an edge, in one row.
    pixel_distances: Vec<f32>,
}

impl Canvas {
    fn paint_layer(
        &mut self,
        frame: &mut FrameMut<'_>,
        layer: &Layer,
        distances: &[Distances],
        typesetter: &Typesetter,
    ) {
        let passes = passes::color_passes(frame.format);
        let brushes: [Option<Brush>; 3] =
            std::array::from_fn(|n| passes.get(n).map(|pass| Brush::new(&layer.ink, pass)));
        for even_row in (layer.rows.start / 2 * 2..layer.rows.end).step_by(2) {
            self.rows.clear(&layer.columns, frame.width);
            for y in (even_row..even_row + 2).filter(|y| layer.rows.contains(y)) {
                let alphas = self.rows.row_mut((y % 2) as usize);
                match &layer.shape {
                    Shape::Mask(index, part) => {
                        cover_row(&distances[*index], *part, y, &mut self.pixel_distances, alphas)
                    }
                    Shape::Rect(rect) => rect.cover_row(y, &layer.columns, alphas),
                    Shape::Text(line) => typesetter.cover_row(line, y, &layer.columns, alphas),
                }
            }
            self.rows.complete_edges(frame.width, even_row + 1 < frame.height);
            for (pass, brush) in passes.iter().zip(brushes.iter().flatten()) {
                self.paint_pass(frame, pass, brush, even_row);
            }
        }
    }

    /// Paints the alphas of a row and the one below it onto one plane.
    fn paint_pass(&mut self, frame: &mut FrameMut<'_>, pass: &Pass, brush: &Brush, even_row: u32) {
        let frame_rows: Range<u32> = match pass.grid {
            passes::Grid::HalfBoth => even_row / 2..even_row / 2 + 1,
            _ => even_row..(even_row + 2).min(frame.height),
        };
        let format = frame.format;
        for (parity, row) in frame_rows.enumerate() {
            let (first_cell, alphas) = self.rows.on_grid(pass.grid, parity);
            let samples = frame.row_mut(pass.plane, row as usize);
            match format {
                PixelFormat::P010Le => brush.paint_deep(samples, first_cell, alphas, 6),
                PixelFormat::I42010Le => brush.paint_deep(samples, first_cell, alphas, 0),
                _ => brush.paint(samples, first_cell, alphas),
            }
        }
    }
}
