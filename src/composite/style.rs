//! What the caller wants to see: mode, colours, lines, text.

use std::sync::Arc;

use super::label_format::LabelFormat;
use crate::objects::{Object, Objects};

/// What becomes of the picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// Masks are tinted, outlined and labelled; the picture stays visible.
    #[default]
    Overlay,
    /// Only what the masks cover stays; the rest becomes transparent, or black where the format has no alpha.
    Cutout,
}

/// What decides the colour of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ColorBy {
    /// One colour for each label.
    #[default]
    Label,
    /// One colour for each object id; objects without an id are coloured by label.
    Id,
    /// One colour for each phrase, in the order of the request.
    Prompt,
    /// A ramp from violet (0) to yellow (1).
    Score,
    /// [`Style::color`] for all.
    Single,
}

/// A colour, R'G'B' 0..255.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rgb {
    /// Red.
    pub r: u8,
    /// Green.
    pub g: u8,
    /// Blue.
    pub b: u8,
}

/// How objects are drawn.
#[derive(Debug, Clone, PartialEq)]
pub struct Style {
    /// What becomes of the picture.
    pub mode: Mode,
    /// Of the masks, 0 (nothing is drawn) to 1. Lines and text are solid from 0.5 up and fade with it below.
    pub opacity: f32,
    /// What decides the colour of an object.
    pub color_by: ColorBy,
    /// The colour of [`ColorBy::Single`].
    pub color: Rgb,
    /// Width of the outlines in pixels; 0: none; `None`: by the frame's shorter side, 3 at 1080.
    pub outline_width: Option<f32>,
    /// Whether boxes are drawn.
    pub boxes: bool,
    /// Whether labels are drawn.
    pub labels: bool,
    /// What labels say.
    pub label_format: LabelFormat,
    /// Only objects with one of these labels count; empty: all.
    pub select: Vec<Arc<str>>,
}

impl Default for Style {
    fn default() -> Self {
        Self {
            mode: Mode::Overlay,
            opacity: 0.5,
            color_by: ColorBy::Label,
            color: Rgb { r: 0x47, g: 0xbe, b: 0x81 },
            outline_width: None,
            boxes: false,
            labels: true,
            label_format: LabelFormat::default(),
            select: Vec::new(),
        }
    }
}

impl Style {
    /// True when drawing `objects` in this style changes no pixel, so that the frame need not even be mapped.
    pub fn leaves_untouched(&self, objects: &Objects) -> bool {
        self.mode == Mode::Overlay && (self.opacity <= 0.0 || !objects.items.iter().any(|object| self.selects(object)))
    }

    /// True when `object` counts.
    pub fn selects(&self, object: &Object) -> bool {
        self.select.is_empty() || self.select.contains(&object.label)
    }

    /// Opacity of lines and text, 0..1.
    pub(super) fn line_opacity(&self) -> f32 {
        (2.0 * self.opacity).clamp(0.0, 1.0)
    }
}
