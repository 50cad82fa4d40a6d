//! From objects and a style to layers: what is drawn, where, in which ink, in which order.

use std::cmp::Reverse;
use std::ops::Range;

use super::clean::Cleaner;
use super::coverage::Part;
use super::distance::Distances;
use super::effects::RADIUS_IN_FRAME;
use super::field::Field;
use super::glyphs::Typesetter;
use super::ink::Ink;
use super::labels::{Anchor, LabelLayout};
use super::palette::Palette;
use super::planes::FrameMut;
use super::prepare::Shown;
use super::shapes::RoundRect;
use super::style::{Edges, Mode, Rgb, Style};
use super::trails::{Line, Trails};
use crate::boxes::BoxXyxy;
use crate::objects::Object;

/// Width of outlines as a part of the frame's shorter side, and the least that looks like a line, in pixels.
const OUTLINE_IN_FRAME: f32 = 3.0 / 1080.0;
const MIN_OUTLINE_IN_PIXELS: f32 = 1.5;
/// Dark line around outlines and boxes, so that they stand off from a picture of their own colour.
const HALO_IN_OUTLINES: f32 = 0.5;
const HALO_OPACITY: f32 = 0.35;
/// Plates let a little of the picture through.
const PLATE_OPACITY: f32 = 0.92;
/// Plates brighter than this carry black text.
const BRIGHT_PLATE: f32 = 0.28;

/// One thing to draw.
#[derive(Debug)]
pub(super) enum Shape {
    /// Part of the mask whose distances have this index.
    Mask(usize, Part),
    /// A box or a plate.
    Rect(RoundRect),
    /// A line of text.
    Text(Range<usize>),
    /// Where an object came along.
    Trail(Line),
}

/// A shape, the pixels it may touch, and its ink.
#[derive(Debug)]
pub(super) struct Layer {
    pub(super) shape: Shape,
    pub(super) columns: Range<u32>,
    pub(super) rows: Range<u32>,
    pub(super) ink: Ink,
}

/// Everything drawn on one frame, bottom first; kept from frame to frame so that its memory is used again.
#[derive(Debug, Default)]
pub(super) struct Scene {
    pub(super) layers: Vec<Layer>,
    pub(super) distances: Vec<Distances>,
    pub(super) trails: Trails,
    cleaner: Cleaner,
    field: Field,
    drawn: Vec<Drawn>,
    labels: LabelLayout,
    text: String,
}

/// One object that is drawn.
#[derive(Debug)]
struct Drawn {
    item: usize,
    look: Look,
    /// `None`: nothing of its mask is inside.
    mask: Option<DrawnMask>,
}

/// What of the style counts for one object.
#[derive(Debug, Clone, Copy)]
struct Look {
    color: Rgb,
    opacity: f32,
    /// Of lines and text.
    line_opacity: f32,
    outline_width: f32,
    boxes: bool,
    labels: bool,
}

#[derive(Debug)]
struct DrawnMask {
    distances: usize,
    inside_box: BoxXyxy,
    /// Middle of what is inside, in parts of the frame's width; not moved by far specks as the box's is.
    center_x: f32,
    /// Power of two below the number of its cells, so that small changes do not change the order.
    size_class: u32,
}

impl Scene {
    /// Measures the masks of the selected objects, exactly up to `reach` pixels from their edges.
    fn measure(&mut self, objects: Shown<'_>, style: &Style, frame_size: [u32; 2], reach: f32, palette: &mut Palette) {
        self.drawn.clear();
        self.layers.clear();
        let mut used = 0;
        for (item, object) in objects.items.iter().enumerate().filter(|(_, object)| style.selects(object)) {
            let cells = self.cleaner.clean((&object.mask).into(), objects.inside_level, &style.edges);
            let has_inside = self.field.sample(cells, objects.inside_level, frame_size, reach);
            let mask = has_inside.then(|| {
                if self.distances.len() == used {
                    self.distances.push(Distances::default());
                }
                self.distances[used].measure(&self.field, reach);
                used += 1;
                DrawnMask {
                    distances: used - 1,
                    center_x: self.field.cells.inside_center_x,
                    inside_box: self.field.cells.inside_box(cells),
                    size_class: self.field.cells.inside_count.ilog2(),
                }
            });
            let look = Look::of(object, style, frame_size, palette).seen(objects.strength(item));
            self.drawn.push(Drawn { item, look, mask });
        }
    }

    /// The layers of an overlay.
    pub(super) fn lay_overlay(
        &mut self,
        frame: &FrameMut<'_>,
        objects: Shown<'_>,
        style: &Style,
        palette: &mut Palette,
        typesetter: &mut Typesetter,
    ) {
        let frame_size = [frame.width, frame.height];
        let widest = style.widest_outline(auto_outline_width(frame_size));
        let plain = Look::plain(style, widest);
        let reach = mask_parts(style, frame_size, &plain).map(|(part, ..)| part.reach()).fold(0.0, f32::max);
        self.measure(objects, style, frame_size, reach, palette);
        self.lay_masks(frame, objects, style);
        self.lay_trails(frame, objects, style);
        self.lay_boxes(frame, objects);
        if self.drawn.iter().any(|drawn| drawn.look.labels) {
            self.lay_labels(frame, objects, style, typesetter);
        }
    }

    /// Large masks first, so that what lies on them is seen; the order does not depend on scores, which tremble.
    fn lay_masks(&mut self, frame: &FrameMut<'_>, objects: Shown<'_>, style: &Style) {
        let frame_size = [frame.width, frame.height];
        self.drawn.sort_unstable_by_key(|drawn| {
            let object = &objects.items[drawn.item];
            (Reverse(drawn.mask.as_ref().map(|mask| mask.size_class)), object.prompt_index, object.id, drawn.item)
        });
        for drawn in &self.drawn {
            let Some(mask) = &drawn.mask else { continue };
            let [columns, rows] = self.distances[mask.distances].extent(frame_size);
            for (part, color, opacity) in mask_parts(style, frame_size, &drawn.look) {
                let ink = Ink::new(color, opacity, frame.format, frame.colorimetry);
                let shape = Shape::Mask(mask.distances, part);
                self.layers.push(Layer { shape, columns: columns.clone(), rows: rows.clone(), ink });
            }
        }
    }

    /// Trails grow older by a frame without objects.
    pub(super) fn pass_over(&mut self, style: &Style) {
        self.trails.pass_over(style.trail_in_frames);
    }

    fn lay_trails(&mut self, frame: &FrameMut<'_>, objects: Shown<'_>, style: &Style) {
        self.trails.note(&objects, style.trail_in_frames);
        let frame_size = [frame.width, frame.height];
        let width = 1.5 * auto_outline_width(frame_size);
        for drawn in &self.drawn {
            let id = objects.items[drawn.item].id;
            let Some(line) = id.and_then(|id| self.trails.line(id, frame_size, width)) else { continue };
            let [columns, rows] = self.trails.extent(&line, frame_size);
            let ink = Ink::new(drawn.look.color, drawn.look.line_opacity, frame.format, frame.colorimetry);
            self.layers.push(Layer { shape: Shape::Trail(line), columns, rows, ink });
        }
    }

    fn lay_boxes(&mut self, frame: &FrameMut<'_>, objects: Shown<'_>) {
        let width = auto_outline_width([frame.width, frame.height]).round().max(1.0);
        let halo = (HALO_IN_OUTLINES * width).round().max(1.0);
        for drawn in self.drawn.iter().filter(|drawn| drawn.look.boxes) {
            let anchor = anchor_of(&objects.items[drawn.item].box_in_frame, frame);
            for (grown_by, width, color, opacity) in
                [(halo, width + 2.0 * halo, Rgb::BLACK, HALO_OPACITY), (0.0, width, drawn.look.color, 1.0)]
            {
                let rect = RoundRect {
                    x0: anchor.x0 - grown_by,
                    y0: anchor.y0 - grown_by,
                    x1: anchor.x1 + grown_by,
                    y1: anchor.y1 + grown_by,
                    radius: width + grown_by,
                    frame_width: Some(width),
                };
                self.layers.push(rect_layer(rect, color, opacity * drawn.look.line_opacity, frame));
            }
        }
    }

    fn lay_labels(&mut self, frame: &FrameMut<'_>, objects: Shown<'_>, style: &Style, typesetter: &mut Typesetter) {
        self.labels.begin_frame([frame.width, frame.height], typesetter);
        // Best scores choose their places first.
        self.drawn.sort_unstable_by_key(|drawn| drawn.item);
        for drawn in self.drawn.iter().filter(|drawn| drawn.look.labels) {
            let Look { color, line_opacity: opacity, .. } = drawn.look;
            let object = &objects.items[drawn.item];
            let anchor = drawn.anchor(object, frame);
            style.label_format.fill(object, &mut self.text);
            let Some(label) = self.labels.place(&mut self.text, &anchor, typesetter) else { continue };
            let layer = rect_layer(label.plate, color, PLATE_OPACITY * opacity, frame);
            let (columns, rows) = (layer.columns.clone(), layer.rows.clone());
            self.layers.push(layer);
            let line = typesetter.set(&self.text, self.labels.text_size_in_pixels(), label.pen_x, label.baseline);
            let color = if color.luminance() > BRIGHT_PLATE { Rgb::BLACK } else { Rgb::WHITE };
            let ink = Ink::new(color, opacity, frame.format, frame.colorimetry);
            self.layers.push(Layer { shape: Shape::Text(line), columns, rows, ink });
        }
    }
}

impl Drawn {
    fn anchor(&self, object: &Object, frame: &FrameMut<'_>) -> Anchor {
        match &self.mask {
            Some(mask) if !self.look.boxes => Anchor {
                label_center_x: Some(mask.center_x * frame.width as f32),
                ..anchor_of(&mask.inside_box, frame)
            },
            _ => anchor_of(&object.box_in_frame, frame),
        }
    }
}

impl Look {
    fn of(object: &Object, style: &Style, frame_size: [u32; 2], palette: &mut Palette) -> Self {
        let own = style.overrides.of(object);
        let auto = || own.outline_width.or(style.outline_width).unwrap_or_else(|| auto_outline_width(frame_size));
        let opacity = own.opacity.unwrap_or(style.opacity);
        Self {
            color: own.color.unwrap_or_else(|| palette.color_of(object, style)),
            opacity,
            line_opacity: style.line_opacity(opacity),
            outline_width: auto(),
            boxes: own.boxes.unwrap_or(style.boxes),
            labels: own.labels.unwrap_or(style.labels),
        }
    }

    /// The same of an object of which so much is seen, 0..1.
    fn seen(self, strength: f32) -> Self {
        Self { opacity: strength * self.opacity, line_opacity: strength * self.line_opacity, ..self }
    }

    /// That of an object without a style of its own.
    fn plain(style: &Style, outline_width: f32) -> Self {
        let line_opacity = style.line_opacity(style.opacity);
        let Style { opacity, boxes, labels, .. } = *style;
        Self { color: Rgb::BLACK, opacity, line_opacity, outline_width, boxes, labels }
    }
}

fn rect_layer(rect: RoundRect, color: Rgb, opacity: f32, frame: &FrameMut<'_>) -> Layer {
    let [columns, rows] = rect.extent([frame.width, frame.height]);
    let ink = Ink::new(color, opacity, frame.format, frame.colorimetry);
    Layer { shape: Shape::Rect(rect), columns, rows, ink }
}

/// A normalised box on whole pixels of the frame.
fn anchor_of(box_in_frame: &BoxXyxy, frame: &FrameMut<'_>) -> Anchor {
    let clipped = box_in_frame.clipped();
    let (width, height) = (frame.width as f32, frame.height as f32);
    Anchor {
        x0: (clipped.x0 * width).round(),
        y0: (clipped.y0 * height).round(),
        x1: (clipped.x1 * width).round(),
        y1: (clipped.y1 * height).round(),
        label_center_x: None,
    }
}

/// What is drawn of a mask, with its ink and its opacity, bottom first.
fn mask_parts(style: &Style, frame_size: [u32; 2], look: &Look) -> impl Iterator<Item = (Part, Rgb, f32)> {
    let Edges { grow: grown_by, feather, .. } = style.edges;
    let Look { color, line_opacity: opacity, outline_width: width, .. } = *look;
    let tint = || (Part::Inside { grown_by, ramp: feather.max(1.0) }, color, look.opacity);
    let light = || {
        let auto = RADIUS_IN_FRAME * frame_size[0].min(frame_size[1]) as f32;
        (Part::Glow { grown_by, width: style.radius.unwrap_or(auto).max(1.0) }, color, opacity)
    };
    let halo = || (Part::Outline { grown_by, half_width: halo_half_width(width) }, Rgb::BLACK, HALO_OPACITY * opacity);
    let line = || (Part::Outline { grown_by, half_width: 0.5 * width }, color, opacity);
    let first = match style.mode {
        Mode::Overlay => Some(tint()),
        Mode::Glow => Some(light()),
        _ => None,
    };
    let halo = (width > 0.0 && style.mode != Mode::Glow).then(halo);
    [first, halo, (width > 0.0).then(line)].into_iter().flatten()
}

/// The width that looks alike at every resolution.
fn auto_outline_width(frame_size: [u32; 2]) -> f32 {
    (OUTLINE_IN_FRAME * frame_size[0].min(frame_size[1]) as f32).max(MIN_OUTLINE_IN_PIXELS)
}

fn halo_half_width(outline_width: f32) -> f32 {
    0.5 * outline_width + (HALO_IN_OUTLINES * outline_width).max(0.75).min(outline_width)
}
