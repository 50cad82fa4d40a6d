//! Pictures as if drawn by hand: an ink wash, a cartoon.
//!
//! Both come from two blurred pictures, one that keeps shapes and one that keeps tones. Where the first is darker than the
//! second there is a line (a difference of Gaussians); between lines brightness falls into a few steps with soft borders.
//! Ink has no colour; a cartoon has the picture's own, a little stronger.

use super::super::canvas::{Canvas, Source};
use super::super::ink::Ink;
use super::super::passes::Pass;
use super::super::planes::FrameMut;
use super::super::region::Territory;
use super::super::samples::components;
use super::super::style::Rgb;
use super::blur::{self, Blurred};
use super::shrink::Shrunk;
use crate::frame::PixelFormat;

/// Radius of the picture that keeps shapes as a part of the frame's shorter side, and the least that a blur has, in pixels.
pub(super) const DETAIL_IN_FRAME: f32 = 5.0 / 1080.0;
const MIN_DETAIL_IN_PIXELS: f32 = 2.0;
/// Radius of the picture that keeps tones.
const TONE_IN_DETAILS: f32 = 4.0;
/// Difference of brightness, 0..1, at which a line begins and at which it is black.
const LINE: [f32; 2] = [0.012, 0.06];
/// Brightness of each step, from the darkest.
const INK_STEPS: [f32; 4] = [0.10, 0.42, 0.74, 0.97];
const CARTOON_STEPS: [f32; 6] = [0.06, 0.24, 0.43, 0.62, 0.81, 0.97];
/// Part of a step that the border to the next one takes.
const BORDER: f32 = 0.3;
const SATURATION: f32 = 1.3;
/// Rec. 709 weights of red, green and blue.
const WEIGHTS: [f32; 3] = [0.2126, 0.7152, 0.0722];

/// What it looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Look {
    #[default]
    Ink,
    Cartoon,
}

/// The two pictures of a frame.
#[derive(Debug, Default)]
pub(super) struct Drawing {
    shrunk: Shrunk,
    shapes: Blurred,
    tones: Blurred,
    look: Look,
    format: Option<PixelFormat>,
    /// Samples of black and of white.
    span: [f32; 2],
    neutral: f32,
    values: [Vec<u16>; 2],
    row: Vec<u8>,
}

impl Drawing {
    /// Draws all of `territory`, with shapes of `detail` pixels, as much as `opacity` says (255: nothing else is seen).
    pub(super) fn draw(
        &mut self,
        frame: &mut FrameMut<'_>,
        territory: &Territory<'_>,
        (look, detail, opacity): (Look, f32, u8),
        canvas: &mut Canvas,
    ) {
        let detail = detail.max(MIN_DETAIL_IN_PIXELS);
        let everything = Territory::everything(frame.height);
        for (blurred, radius) in [(&mut self.shapes, detail), (&mut self.tones, TONE_IN_DETAILS * detail)] {
            self.shrunk.shrink(frame, &everything, canvas, blur::cell_size(radius));
            blurred.smooth(&mut self.shrunk, radius);
        }
        let ink = |color| Ink::new(color, 1.0, frame.format, frame.colorimetry).samples.map(f32::from);
        let ([black, neutral, _], [white, ..]) = (ink(Rgb::BLACK), ink(Rgb::WHITE));
        (self.look, self.format, self.span, self.neutral) = (look, Some(frame.format), [black, white], neutral);
        canvas.paint_from(frame, territory, opacity, self);
    }

    fn fill_rgb(&mut self, pass: &Pass, plane_row: usize, current: &[u8], (bytes, offsets): (usize, [usize; 3])) {
        let (shapes, tones) = (self.shapes.row(pass, plane_row, current), self.tones.row(pass, plane_row, current));
        self.row.clear();
        self.row.extend_from_slice(current);
        let brightness = |pixel: &[u8]| -> f32 {
            offsets.iter().zip(WEIGHTS).map(|(&at, weight)| weight * f32::from(pixel[at])).sum::<f32>() / 255.0
        };
        let pixels = self.row.chunks_exact_mut(bytes).zip(shapes.chunks_exact(bytes)).zip(tones.chunks_exact(bytes));
        for ((pixel, shape), tone) in pixels {
            let was = brightness(shape);
            let is = self.look.tone(was, brightness(tone));
            for at in offsets {
                let color = f32::from(shape[at]) / 255.0 - was;
                pixel[at] = (255.0 * (is + self.look.saturation() * color)).clamp(0.0, 255.0) as u8;
            }
        }
    }

    fn fill_component(&mut self, pass: &Pass, plane_row: usize, current: &[u8], format: PixelFormat) {
        let (shapes, tones) = (self.shapes.row(pass, plane_row, current), self.tones.row(pass, plane_row, current));
        self.row.clear();
        self.row.extend_from_slice(current);
        let ([black, white], neutral, look) = (self.span, self.neutral, self.look);
        let [values, other] = &mut self.values;
        for (index, component) in components(format).enumerate().filter(|(_, one)| one.is_painted_by(pass)) {
            let most = 2 * current.len();
            [&mut *values, &mut *other].into_iter().for_each(|values| values.resize(most, 0));
            component.read(shapes, values);
            component.read(tones, other);
            for (value, tone) in values.iter_mut().zip(&*other) {
                let [shape, tone] = [*value, *tone].map(f32::from);
                let part = |sample: f32| (sample - black) / (white - black);
                *value = match index {
                    0 => black + (white - black) * look.tone(part(shape), part(tone)),
                    _ => (neutral + look.saturation() * (shape - neutral)).clamp(0.0, 2.0 * neutral - 1.0),
                } as u16;
            }
            component.write(&mut self.row, values);
        }
    }
}

impl Source for Drawing {
    fn row(&mut self, pass: &Pass, plane_row: usize, current: &[u8]) -> &[u8] {
        match self.format.map(|format| (format, format.rgb_offsets())) {
            Some((_, Some(layout))) => self.fill_rgb(pass, plane_row, current, layout),
            Some((format, None)) => self.fill_component(pass, plane_row, current, format),
            None => {}
        }
        &self.row
    }
}

impl Look {
    /// Brightness, 0..1, of what has this brightness in the picture of shapes and in that of tones.
    fn tone(self, shape: f32, tone: f32) -> f32 {
        let line = smooth_step(LINE, tone - shape);
        match self {
            Self::Ink => stepped(&INK_STEPS, shape) * (1.0 - 0.9 * line),
            Self::Cartoon => stepped(&CARTOON_STEPS, shape) * (1.0 - 0.85 * line),
        }
        .clamp(0.0, 1.0)
    }

    fn saturation(self) -> f32 {
        match self {
            Self::Ink => 0.0,
            Self::Cartoon => SATURATION,
        }
    }
}

/// 0 up to the first border, 1 from the second on.
fn smooth_step([from, to]: [f32; 2], value: f32) -> f32 {
    let part = ((value - from) / (to - from)).clamp(0.0, 1.0);
    part * part * (3.0 - 2.0 * part)
}

/// The step that a brightness falls into, with soft borders.
fn stepped(steps: &[f32], value: f32) -> f32 {
    let position = value.clamp(0.0, 1.0) * steps.len() as f32 - 0.5;
    let below = (position.max(0.0) as usize).min(steps.len() - 1);
    let above = (below + 1).min(steps.len() - 1);
    let part = smooth_step([0.5 - 0.5 * BORDER, 0.5 + 0.5 * BORDER], position - below as f32);
    steps[below] + part * (steps[above] - steps[below])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_flat_and_rise() {
        let tones: Vec<f32> = (0..=100).map(|n| stepped(&INK_STEPS, n as f32 / 100.0)).collect();
        assert!(tones.windows(2).all(|two| two[0] <= two[1]));
        let flat = tones.windows(2).filter(|two| two[0] == two[1]).count();
        assert!(flat >= 60 && tones[0] == INK_STEPS[0] && tones[100] == INK_STEPS[3], "{tones:?}");
    }

    #[test]
    fn lines_are_where_shapes_are_darker_than_tones() {
        for look in [Look::Ink, Look::Cartoon] {
            assert_eq!(look.tone(0.9, 0.9), look.tone(0.9, 0.5), "{look:?}");
            assert!(look.tone(0.9, 1.0) < 0.3 * look.tone(0.9, 0.9), "{look:?}");
        }
    }
}
