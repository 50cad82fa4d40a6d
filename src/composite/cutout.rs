//! Cutout: what lies in the region, by default all that no mask covers, becomes transparent, or black where the format
//! has no alpha.
//!
//! Where there is alpha it is straight, and what is wholly transparent is black as well, except close to the edges: so
//! a consumer that drops alpha still shows the cutout, and one that scales or filters finds the object's own
//! surroundings at its edge, not a dark fringe. Premultiplied colours go to black as alpha goes.
//!
//! The same as two pictures, for a keyer: [`fill`] and [`paint_key`].

use super::blend::Brush;
use super::canvas::Canvas;
use super::ink::Ink;
use super::passes::{Pass, alpha_pass, color_passes};
use super::planes::FrameMut;
use super::prepare::Shown;
use super::region::{Region, Territory};
use super::style::{Rgb, Style};

/// Colours are kept this far around what is covered, as a part of the frame's shorter side.
const KEPT_MARGIN_IN_FRAME: f32 = 4.0 / 1080.0;
const MIN_KEPT_MARGIN_IN_PIXELS: f32 = 2.0;

/// Alpha samples through which nothing and everything is seen.
const OPAQUE: Ink = Ink { samples: [255; 3], opacity: 255 };
const TRANSPARENT: Ink = Ink { samples: [0; 3], opacity: 255 };

pub(super) fn cut_out(
    frame: &mut FrameMut<'_>,
    objects: Shown<'_>,
    style: &Style,
    region: &mut Region,
    canvas: &mut Canvas,
) {
    let shorter_side = frame.width.min(frame.height) as f32;
    let margin = (KEPT_MARGIN_IN_FRAME * shorter_side).max(MIN_KEPT_MARGIN_IN_PIXELS);
    let territory = region.measure(objects, style, [frame.width, frame.height], margin + 0.5);
    let black = brushes_of(&Ink::new(Rgb::BLACK, 1.0, frame.format, frame.colorimetry), frame);
    let Some(alpha) = alpha_pass(frame.format, frame.has_alpha_plane()) else {
        return canvas.paint_territory(frame, &territory, &black);
    };
    // What stays of the colours reaches into what goes: beyond the masks, or into them where they go.
    let kept_margin = match (style.is_premultiplied, territory.is_outside) {
        (true, _) => 0.0,
        (false, true) => margin,
        (false, false) => -margin,
    };
    canvas.paint_territory(frame, &territory.with_margin(kept_margin), &black);
    canvas.paint_territory(frame, &territory, &[Some((alpha, Brush::new(&TRANSPARENT, &alpha)))]);
}

/// The picture for a keyer's fill: as it is, or premultiplied.
pub(super) fn fill(
    frame: &mut FrameMut<'_>,
    objects: Shown<'_>,
    style: &Style,
    region: &mut Region,
    canvas: &mut Canvas,
) {
    if style.is_premultiplied {
        let black = brushes_of(&Ink::new(Rgb::BLACK, 1.0, frame.format, frame.colorimetry), frame);
        let territory = region.measure(objects, style, [frame.width, frame.height], 0.0);
        canvas.paint_territory(frame, &territory, &black);
    }
}

/// The picture for a keyer's key: white where the picture stays, black in the region that goes.
pub(super) fn paint_key(
    key: &mut FrameMut<'_>,
    objects: Shown<'_>,
    style: &Style,
    region: &mut Region,
    canvas: &mut Canvas,
) {
    let ink = |color| Ink::new(color, 1.0, key.format, key.colorimetry);
    let (white, black) = (brushes_of(&ink(Rgb::WHITE), key), brushes_of(&ink(Rgb::BLACK), key));
    let territory = region.measure(objects, style, [key.width, key.height], 0.0);
    canvas.paint_territory(key, &Territory::everything(key.height), &white);
    canvas.paint_territory(key, &territory, &black);
}

/// Brushes that paint an ink on every plane.
pub(super) fn brushes_of(ink: &Ink, frame: &FrameMut<'_>) -> [Option<(Pass, Brush)>; 3] {
    let passes = color_passes(frame.format);
    std::array::from_fn(|index| passes.get(index).map(|pass| (*pass, Brush::new(ink, pass))))
}

/// Paints all of a frame black, and transparent if asked to.
pub(super) fn hide(frame: &mut FrameMut<'_>, is_transparent: bool, canvas: &mut Canvas) {
    let everything = Territory::everything(frame.height);
    let black = Ink::new(Rgb::BLACK, 1.0, frame.format, frame.colorimetry);
    canvas.paint_territory(frame, &everything, &brushes_of(&black, frame));
    if let Some(pass) = alpha_pass(frame.format, frame.has_alpha_plane()).filter(|_| is_transparent) {
        canvas.paint_territory(frame, &everything, &[Some((pass, Brush::new(&TRANSPARENT, &pass)))]);
    }
}

pub(super) fn make_opaque(frame: &mut FrameMut<'_>, canvas: &mut Canvas) {
    let Some(pass) = alpha_pass(frame.format, frame.has_alpha_plane()) else { return };
    let everything = Territory::everything(frame.height);
    canvas.paint_territory(frame, &everything, &[Some((pass, Brush::new(&OPAQUE, &pass)))]);
}
