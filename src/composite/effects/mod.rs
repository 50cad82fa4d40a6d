//! What modes make of a region: blurred, in blocks, in one colour, without colour, darker, a matte.
//!
//! Those that are a colour are painted with brushes; the others are another picture in the frame's own layout, of which
//! the region is brought onto the frame ([`Source`](super::canvas::Source)).

mod blur;
mod desaturate;
mod despill;
mod looks;
mod pixelate;
mod replace;
#[cfg(test)]
mod replacing;
mod shrink;
mod smooth;
#[cfg(test)]
mod tests;

use blur::Blurred;
use desaturate::Greyed;
use despill::OwnColors;
use looks::{DETAIL_IN_FRAME, Drawing, Look};
use pixelate::Blocks;
use replace::Wrap;
use shrink::Shrunk;

use super::backdrop::Backdrop;
use super::canvas::Canvas;
use super::cutout::brushes_of;
use super::ink::Ink;
use super::planes::FrameMut;
use super::prepare::Shown;
use super::region::{Region, Territory};
use super::style::{Mode, Rgb, Style};

/// Blur radius and block size as a part of the frame's shorter side, unless told.
pub(super) const RADIUS_IN_FRAME: f32 = 0.04;
const BLOCK_IN_FRAME: f32 = 1.0 / 45.0;

/// Memory of the effects, used again from frame to frame.
#[derive(Debug, Default)]
pub(super) struct Effects {
    shrunk: Shrunk,
    blurred: Blurred,
    blocks: Blocks,
    greyed: Greyed,
    own_colors: OwnColors,
    wrap: Wrap,
    drawing: Drawing,
}

impl Effects {
    /// Takes the colour of what goes from the edges of what stays, as much as the style says.
    pub(super) fn despill(
        &mut self,
        frame: &mut FrameMut<'_>,
        objects: Shown<'_>,
        style: &Style,
        region: &mut Region,
        canvas: &mut Canvas,
    ) {
        if style.despill > 0.0 {
            let width = despill::width(frame, style);
            let territory = region.measure(objects, style, [frame.width, frame.height], 2.0 * width);
            self.own_colors.bring_back(frame, &territory, width, style.despill, canvas);
        }
    }

    /// Brings `backdrop`, or the style's colour, to the region of `frame`.
    pub(super) fn replace(
        &mut self,
        frame: &mut FrameMut<'_>,
        objects: Shown<'_>,
        style: &Style,
        backdrop: Option<&mut Backdrop>,
        region: &mut Region,
        canvas: &mut Canvas,
    ) {
        let wrap_width = if style.light_wrap > 0.0 { replace::wrap_width(frame) } else { 0.0 };
        let territory = region.measure(objects, style, [frame.width, frame.height], wrap_width);
        if territory.rows.is_empty() {
            return;
        }
        let Some(backdrop) = backdrop else {
            let ink = Ink::new(style.fill_color, 1.0, frame.format, frame.colorimetry);
            return canvas.paint_territory(frame, &territory, &brushes_of(&ink, frame));
        };
        if style.light_wrap > 0.0 {
            self.wrap.shine(frame, &territory, wrap_width, style.light_wrap, backdrop, canvas);
        }
        canvas.paint_from(frame, &territory, 255, backdrop);
    }

    /// Changes the region of `frame` as the style's mode says.
    pub(super) fn apply(
        &mut self,
        frame: &mut FrameMut<'_>,
        objects: Shown<'_>,
        style: &Style,
        region: &mut Region,
        canvas: &mut Canvas,
    ) {
        let territory = region.measure(objects, style, [frame.width, frame.height], 0.0);
        if territory.rows.is_empty() && style.mode != Mode::Matte {
            return;
        }
        let shorter_side = frame.width.min(frame.height) as f32;
        let (format, colorimetry) = (frame.format, frame.colorimetry);
        let ink = |color, opacity| Ink::new(color, opacity, format, colorimetry);
        match style.mode {
            Mode::Blur => {
                let radius = style.radius.unwrap_or(RADIUS_IN_FRAME * shorter_side);
                self.shrunk.shrink(frame, &territory, canvas, blur::cell_size(radius));
                self.blurred.smooth(&mut self.shrunk, radius);
                canvas.paint_from(frame, &territory, 255, &mut self.blurred);
            }
            Mode::Pixelate => {
                let auto = (BLOCK_IN_FRAME * shorter_side) as u32;
                // Blocks of chroma are whole samples.
                let block_size = style.block_size.unwrap_or(auto).max(2).next_multiple_of(2);
                self.shrunk.shrink(frame, &territory, canvas, block_size as usize);
                self.blocks.take(&self.shrunk);
                canvas.paint_from(frame, &territory, 255, &mut self.blocks);
            }
            Mode::Desaturate if frame.format.is_rgb() => {
                self.greyed.begin(frame.format);
                canvas.paint_from(frame, &territory, (255.0 * style.amount()).round() as u8, &mut self.greyed);
            }
            Mode::Desaturate => {
                let chroma = desaturate::chroma_only(brushes_of(&ink(Rgb::BLACK, style.amount()), frame));
                canvas.paint_territory(frame, &territory, &chroma);
            }
            Mode::Dim => {
                let black = brushes_of(&ink(Rgb::BLACK, style.amount()), frame);
                canvas.paint_territory(frame, &territory, &black);
            }
            Mode::Ink | Mode::Cartoon => {
                let look = if style.mode == Mode::Ink { Look::Ink } else { Look::Cartoon };
                let detail = style.radius.unwrap_or(DETAIL_IN_FRAME * shorter_side);
                let opacity = (255.0 * style.amount()).round() as u8;
                self.drawing.draw(frame, &territory, (look, detail, opacity), canvas);
            }
            Mode::Fill => {
                let color = brushes_of(&ink(style.fill_color, 1.0), frame);
                canvas.paint_territory(frame, &territory, &color);
            }
            Mode::Matte => {
                let everything = Territory::everything(frame.height);
                canvas.paint_territory(frame, &everything, &brushes_of(&ink(Rgb::BLACK, 1.0), frame));
                canvas.paint_territory(frame, &territory, &brushes_of(&ink(Rgb::WHITE, 1.0), frame));
            }
            Mode::Overlay | Mode::Outline | Mode::Glow | Mode::Cutout | Mode::Replace | Mode::KeyFill => {}
        }
    }
}
