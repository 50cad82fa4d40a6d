//! Draws objects on frames, in the frames' own formats. Pixel work only, no torch.
//!
//! Last stage of the flow. Top to bottom:
//!
//! 1. [`Style`]: what the caller wants to see; `selection`, `overrides`: of which objects, and what differs for some;
//!    `label_format`, `palette`: texts and colours
//! 2. `prepare`: masks hold still and follow the picture, objects come and go softly
//! 3. `clean`, `cells`, `field`, `distance`, `spread`: a soft mask becomes distances to a smooth edge, on a lattice of a
//!    few pixels
//! 4. `scene`: objects become layers, bottom first: masks with outlines, `trails`, boxes, `labels` on plates; or
//!    `region`: all masks become one shape, for the modes that change what is in it or around it
//! 5. `coverage`, `shapes`, `glyphs`: a layer or a region becomes alphas, one pixel row at a time
//! 6. `canvas`, `rows`, `passes`, `blend`, `stencil`: two rows of alphas are painted onto the planes of the format, in an
//!    ink or from another picture that `cutout` and `effects` make of the frame's own `samples`
//!
//! [`Raster`] has stages 3 and 5 for those who want a mask's pixels themselves.
//!
//! The cost follows the pixels that objects cover: distances are measured on the lattice, and of a mask's pixels only
//! those at its edge are looked at one by one.

mod backdrop;
mod blend;
mod canvas;
mod cells;
mod clean;
mod coverage;
mod cutout;
mod distance;
mod effects;
mod field;
mod glyphs;
mod ink;
mod label_format;
mod labels;
mod mask_painter;
mod overrides;
mod palette;
mod passes;
mod planes;
mod prepare;
mod raster;
mod region;
mod rows;
mod samples;
mod scene;
mod selection;
mod shapes;
#[cfg(test)]
mod sheets;
mod spread;
mod stencil;
mod stretches;
mod style;
#[cfg(test)]
mod tests;
mod trails;
mod vectors;

pub use backdrop::Backdrop;
pub use label_format::LabelFormat;
pub use overrides::Overrides;
pub use planes::{FrameMut, PlaneMut};
pub use raster::Raster;
pub use selection::Selection;
pub use style::{ColorBy, Edges, Mode, Region, Rgb, Style};
pub use trails::MAX_TRAIL_IN_FRAMES;

use crate::objects::Objects;
use canvas::Canvas;
use effects::Effects;
use glyphs::Typesetter;
use palette::Palette;
use prepare::Preparer;
use scene::Scene;

/// Draws objects on the frames of one stream: remembers colours, letters and memory from frame to frame.
#[derive(Debug, Default)]
pub struct Compositor {
    preparer: Preparer,
    palette: Palette,
    typesetter: Typesetter,
    scene: Scene,
    region: region::Region,
    effects: Effects,
    canvas: Canvas,
}

impl Compositor {
    /// Draws `objects` on `frame`.
    ///
    /// [`Mode::Cutout`] scales alpha where the frame has it and paints black where it has not; the others leave alpha as
    /// it is. The objects' masks are stretched over the frame, whatever size they were made for.
    pub fn composite(&mut self, frame: &mut FrameMut<'_>, objects: &Objects, style: &Style) {
        self.composite_over(frame, objects, style, None);
    }

    /// As [`Compositor::composite`], with the picture that takes the region's place in [`Mode::Replace`].
    pub fn composite_over(
        &mut self,
        frame: &mut FrameMut<'_>,
        objects: &Objects,
        style: &Style,
        backdrop: Option<&mut Backdrop>,
    ) {
        self.palette.begin_frame();
        self.typesetter.begin_frame();
        let objects = self.preparer.prepare(frame, objects, style);
        let is_untouched = style.leaves_untouched(&objects);
        if is_untouched || !matches!(style.mode, Mode::Overlay | Mode::Outline | Mode::Glow) {
            self.scene.pass_over(style);
        }
        if is_untouched {
            return;
        }
        match style.mode {
            Mode::Overlay | Mode::Outline | Mode::Glow => {
                self.scene.lay_overlay(frame, objects, style, &mut self.palette, &mut self.typesetter);
                self.canvas.paint_layers(frame, &self.scene, &self.typesetter);
            }
            Mode::Cutout => {
                self.effects.despill(frame, objects, style, &mut self.region, &mut self.canvas);
                cutout::cut_out(frame, objects, style, &mut self.region, &mut self.canvas);
            }
            Mode::KeyFill => {
                self.effects.despill(frame, objects, style, &mut self.region, &mut self.canvas);
                cutout::fill(frame, objects, style, &mut self.region, &mut self.canvas);
            }
            Mode::Replace => {
                let (region, canvas) = (&mut self.region, &mut self.canvas);
                self.effects.despill(frame, objects, style, region, canvas);
                let backdrop = backdrop.filter(|backdrop| backdrop.fits(frame));
                self.effects.replace(frame, objects, style, backdrop, region, canvas);
            }
            _ => self.effects.apply(frame, objects, style, &mut self.region, &mut self.canvas),
        }
    }

    /// A frame goes by without layers of objects: trails grow older.
    pub fn pass_over(&mut self, style: &Style) {
        self.scene.pass_over(style);
    }

    /// True when drawing `objects` in this style changes no pixel and nothing that is remembered, so that the frame need
    /// not even be mapped, and [`Compositor::pass_over`] is enough.
    pub fn leaves_untouched(&self, objects: &Objects, style: &Style) -> bool {
        style.leaves_untouched(objects) && !self.preparer.changes(objects, style)
    }

    /// Paints the key that belongs to a frame, after the frame itself, with the same `objects` and `style`: white where it
    /// stays, black where the style's region goes.
    ///
    /// `key` is a frame of its own, of any size and format; GRAY8 is enough.
    pub fn paint_key(&mut self, key: &mut FrameMut<'_>, objects: &Objects, style: &Style) {
        let objects = self.preparer.last(objects, style);
        cutout::paint_key(key, objects, style, &mut self.region, &mut self.canvas);
    }

    /// Makes a frame black, and with `is_transparent` transparent where it has alpha.
    pub fn hide(&mut self, frame: &mut FrameMut<'_>, is_transparent: bool) {
        cutout::hide(frame, is_transparent, &mut self.canvas);
    }

    /// Sets every alpha of a frame that has them to opaque; for pixels that come from a format without alpha.
    pub fn make_opaque(&mut self, frame: &mut FrameMut<'_>) {
        cutout::make_opaque(frame, &mut self.canvas);
    }
}
