//! Cutout: what no mask covers becomes transparent, or black where the format has no alpha.
//!
//! Where there is alpha it is straight, and what is wholly transparent is black as well, except close to the edges: so
//! a consumer that drops alpha still shows the cutout, and one that scales or filters finds the object's own
//! surroundings at its edge, not a dark fringe.

use super::Canvas;
use super::blend::Brush;
use super::coverage::{Part, cover_row};
use super::ink::Ink;
use super::passes::{Pass, alpha_pass, color_passes};
use super::planes::FrameMut;
use super::scene::Scene;
use super::style::{Rgb, Style};
use crate::objects::Objects;

/// Colours are kept this far around what is covered, as a part of the frame's shorter side.
const KEPT_MARGIN_IN_FRAME: f32 = 4.0 / 1080.0;
const MIN_KEPT_MARGIN_IN_PIXELS: f32 = 2.0;

/// Alpha samples through which nothing and everything is seen.
const OPAQUE: Ink = Ink { samples: [255; 3], opacity: 255 };
const TRANSPARENT: Ink = Ink { samples: [0; 3], opacity: 255 };

pub(super) fn cut_out(
    frame: &mut FrameMut<'_>,
    objects: &Objects,
    style: &Style,
    scene: &mut Scene,
    canvas: &mut Canvas,
) {
    let frame_size = [frame.width, frame.height];
    let margin = (KEPT_MARGIN_IN_FRAME * frame.width.min(frame.height) as f32).max(MIN_KEPT_MARGIN_IN_PIXELS);
    let mask_count = scene.measure(objects, style, frame_size, margin + 0.5);
    let black = Ink::new(Rgb::BLACK, 1.0, frame.format, frame.colorimetry);
    let colors: Vec<_> = color_passes(frame.format).iter().map(|pass| (*pass, Brush::new(&black, pass))).collect();
    let alpha = alpha_pass(frame.format, frame.has_alpha_plane()).map(|pass| (pass, Brush::new(&TRANSPARENT, &pass)));
    let masks = &scene.distances[..mask_count];
    let kept_margin = if alpha.is_some() { margin } else { 0.0 };
    for even_row in (0..frame.height).step_by(2) {
        canvas.paint_outside(frame, masks, kept_margin, &colors, even_row);
        if let Some(alpha) = &alpha {
            canvas.paint_outside(frame, masks, 0.0, std::slice::from_ref(alpha), even_row);
        }
    }
}

pub(super) fn make_opaque(frame: &mut FrameMut<'_>, canvas: &mut Canvas) {
    let Some(pass) = alpha_pass(frame.format, frame.has_alpha_plane()) else { return };
    let brush = Brush::new(&OPAQUE, &pass);
    for even_row in (0..frame.height).step_by(2) {
        canvas.paint_outside(frame, &[], 0.0, &[(pass, brush.clone())], even_row);
    }
}

impl Canvas {
    /// Paints what is farther than `margin` outside all masks, on a row and the one below it.
    fn paint_outside(
        &mut self,
        frame: &mut FrameMut<'_>,
        masks: &[super::Distances],
        margin: f32,
        brushes: &[(Pass, Brush)],
        even_row: u32,
    ) {
        self.rows.clear(&(0..frame.width), frame.width);
        for y in even_row..(even_row + 2).min(frame.height) {
            let alphas = self.rows.row_mut((y % 2) as usize);
            for mask in masks {
                cover_row(mask, Part::Inside { grown_by: margin }, y, &mut self.pixel_distances, alphas);
            }
        }
        self.rows.invert();
        self.rows.complete_edges(frame.width, even_row + 1 < frame.height);
        for (pass, brush) in brushes {
            self.paint_pass(frame, pass, brush, even_row);
        }
    }
}
