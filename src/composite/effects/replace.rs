//! Light of the new background on the edges of what stays in front of it.

use super::super::backdrop::Backdrop;
use super::super::canvas::Canvas;
use super::super::planes::FrameMut;
use super::super::region::Territory;
use super::blur::{self, Blurred};
use super::shrink::Shrunk;

/// How far the light reaches, as a part of the frame's shorter side.
const WRAP_IN_FRAME: f32 = 20.0 / 1080.0;
const MIN_WRAP_IN_PIXELS: f32 = 3.0;
/// The light comes from this many times as far.
const RADIUS_IN_WRAPS: f32 = 3.0;

/// How far light of the backdrop reaches into what stays, in pixels.
pub(super) fn wrap_width(frame: &FrameMut<'_>) -> f32 {
    (WRAP_IN_FRAME * frame.width.min(frame.height) as f32).max(MIN_WRAP_IN_PIXELS)
}

/// The backdrop's light: itself, blurred. Made once for each picture.
#[derive(Debug, Default)]
pub(super) struct Wrap {
    shrunk: Shrunk,
    blurred: Blurred,
    /// The picture it was made of.
    generation: Option<u64>,
}

impl Wrap {
    /// Lets light of `backdrop` fall on what is up to `width` pixels beyond `territory`.
    pub(super) fn shine(
        &mut self,
        frame: &mut FrameMut<'_>,
        territory: &Territory<'_>,
        width: f32,
        amount: f32,
        backdrop: &mut Backdrop,
        canvas: &mut Canvas,
    ) {
        if self.generation != Some(backdrop.generation) {
            self.generation = Some(backdrop.generation);
            let Some(mut picture) = backdrop.frame() else { return };
            let (radius, everything) = (RADIUS_IN_WRAPS * width, Territory::everything(picture.height));
            self.shrunk.shrink(&mut picture, &everything, canvas, blur::cell_size(radius));
            self.blurred.smooth(&mut self.shrunk, radius);
        }
        let opacity = (255.0 * amount.clamp(0.0, 1.0)).round() as u8;
        canvas.paint_from(frame, &territory.reaching(width), opacity, &mut self.blurred);
    }
}
