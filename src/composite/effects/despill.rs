//! Edges in their object's own colour: what the old background left there is replaced by the colour further inside.
//!
//! Brightness stays, so that hair and cloth keep their detail.

use super::super::canvas::{Canvas, Source};
use super::super::passes::{Pass, Slot};
use super::super::planes::FrameMut;
use super::super::region::Territory;
use super::super::style::Style;
use super::blur::{self, Blurred};
use super::shrink::Shrunk;
use crate::frame::PixelFormat;

/// How far inside a background's colour is looked for, as a part of the frame's shorter side.
const SPILL_IN_FRAME: f32 = 8.0 / 1080.0;
const MIN_SPILL_IN_PIXELS: f32 = 2.0;
/// The object's colour is a mean over this many times as much.
const RADIUS_IN_SPILLS: f32 = 4.0;
/// Rec. 709 weights of red, green and blue, out of 256.
const WEIGHTS: [i32; 3] = [54, 183, 19];

/// Pixels of an edge that are looked at.
pub(super) fn width(frame: &FrameMut<'_>, style: &Style) -> f32 {
    (SPILL_IN_FRAME * frame.width.min(frame.height) as f32).max(MIN_SPILL_IN_PIXELS) + style.edges.feather
}

/// The colours of what stays, without its edges, seen from its edges.
#[derive(Debug, Default)]
pub(super) struct OwnColors {
    shrunk: Shrunk,
    blurred: Blurred,
    row: Vec<u8>,
}

/// [`OwnColors`] with the brightness of the frame.
struct Colored<'a> {
    blurred: &'a mut Blurred,
    row: &'a mut Vec<u8>,
    format: PixelFormat,
}

impl OwnColors {
    /// Brings the colour from inside to what is up to `width` pixels beyond `territory`, and to all of `territory`; over
    /// as much again it fades.
    pub(super) fn bring_back(
        &mut self,
        frame: &mut FrameMut<'_>,
        territory: &Territory<'_>,
        width: f32,
        amount: f32,
        canvas: &mut Canvas,
    ) {
        let radius = RADIUS_IN_SPILLS * width;
        self.shrunk.shrink(frame, &territory.complement(width), canvas, blur::cell_size(radius));
        self.blurred.smooth(&mut self.shrunk, radius);
        let mut colored = Colored { blurred: &mut self.blurred, row: &mut self.row, format: frame.format };
        let opacity = (255.0 * amount.clamp(0.0, 1.0)).round() as u8;
        canvas.paint_from(frame, &territory.grown(width).reaching(width), opacity, &mut colored);
    }
}

impl Source for Colored<'_> {
    fn row(&mut self, pass: &Pass, plane_row: usize, current: &[u8]) -> &[u8] {
        let blurred = self.blurred.row(pass, plane_row, current);
        self.row.clear();
        match self.format.rgb_offsets() {
            Some((bytes, offsets)) => {
                self.row.extend_from_slice(current);
                let pixels = self.row.chunks_exact_mut(bytes).zip(blurred.chunks_exact(bytes));
                pixels.for_each(|(pixel, blurred)| color_pixel(pixel, blurred, offsets));
            }
            // Luma stays.
            None if pass.slots.iter().any(|slots| slots.contains(&Slot::Ink(0))) => self.row.extend_from_slice(current),
            None => self.row.extend_from_slice(blurred),
        }
        self.row
    }
}

/// The colour of `blurred` as bright as `pixel`.
fn color_pixel(pixel: &mut [u8], blurred: &[u8], offsets: [usize; 3]) {
    let brightness = |samples: &[u8]| -> i32 {
        offsets.iter().zip(WEIGHTS).map(|(&at, weight)| weight * i32::from(samples[at])).sum::<i32>() / 256
    };
    let brighter = brightness(pixel) - brightness(blurred);
    for at in offsets {
        pixel[at] = (i32::from(blurred[at]) + brighter).clamp(0, 255) as u8;
    }
}
