//! What the caller wants to see: mode, colours, lines, text.

use super::label_format::LabelFormat;
use super::overrides::Overrides;
use super::selection::Selection;
use crate::objects::{Object, Objects};

/// How far [`Mode::Dim`] goes unless told: what is dimmed is still seen.
const AUTO_DIM: f32 = 0.6;

/// What becomes of the picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// Masks are tinted, outlined and labelled; the picture stays visible.
    #[default]
    Overlay,
    /// What lies in the region becomes transparent, or black where the format has no alpha.
    Cutout,
    /// The region is blurred.
    Blur,
    /// The region becomes blocks of one colour each.
    Pixelate,
    /// The region becomes [`Style::fill_color`].
    Fill,
    /// The region loses its colour.
    Desaturate,
    /// The region is darkened.
    Dim,
    /// The region is white and the rest black, with greys at soft edges.
    Matte,
    /// As the overlay without the tint: outlines, boxes and labels.
    Outline,
    /// Outlines in a light that fades around the objects.
    Glow,
    /// A [`Backdrop`](super::Backdrop) takes the region's place, or [`Style::fill_color`] without one.
    Replace,
    /// What a keyer takes for fill: the picture, black in the region with [`Style::is_premultiplied`].
    KeyFill,
    /// The region as an ink wash: a few greys and dark lines.
    Ink,
    /// The region as a cartoon: a few steps of brightness, strong colours and dark lines.
    Cartoon,
}

impl Mode {
    /// Every mode.
    pub const ALL: [Self; 14] = [
        Self::Overlay,
        Self::Cutout,
        Self::Blur,
        Self::Pixelate,
        Self::Fill,
        Self::Desaturate,
        Self::Dim,
        Self::Matte,
        Self::Outline,
        Self::Glow,
        Self::Replace,
        Self::KeyFill,
        Self::Ink,
        Self::Cartoon,
    ];
}

/// Where a mode acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Region {
    /// As the mode suggests: on the objects for those that hide, on everything else for those that bring them out.
    #[default]
    Auto,
    /// On the objects.
    Inside,
    /// On everything else.
    Outside,
}

/// What is done to the masks before any mode looks at them.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Edges {
    /// Pixels by which masks grow; negative: shrink.
    pub grow: f32,
    /// Width in pixels of the soft edge, half of it inside and half outside; up to 1: a crisp, smooth edge.
    pub feather: f32,
    /// Whether what a mask wholly encloses belongs to it.
    pub fill_holes: bool,
    /// Connected parts of a mask smaller than this part of the frame do not count.
    pub min_area: f32,
    /// How much edges move to those of the picture nearby, 0 to 1.
    pub refine: f32,
    /// How much of what a mask was before stays where the picture did not change, 0 to 1.
    pub temporal_smoothing: f32,
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
    /// Only these objects count.
    pub select: Selection,
    /// How some objects are drawn differently.
    pub overrides: Overrides,
    /// Length of the lines that show where objects came along, in frames; 0: none.
    pub trail_in_frames: u32,
    /// Where the modes that change a region act.
    pub region: Region,
    /// What is done to the masks first.
    pub edges: Edges,
    /// Time in milliseconds in which objects come and go, where frames have times. Modes that act on objects have them at
    /// once and let them go softly.
    pub fade_ms: f32,
    /// Blur: pixels over which the picture runs together; glow: how far the light is seen; ink and
    /// cartoon: size of the smallest shapes; `None`: by the frame's shorter side, 43 at 1080.
    pub radius: Option<f32>,
    /// Pixelate: side of a block in pixels; `None`: by the frame's shorter side, 24 at 1080.
    pub block_size: Option<u32>,
    /// The colour of [`Mode::Fill`], and of [`Mode::Replace`] without a backdrop.
    pub fill_color: Rgb,
    /// Whether colours of [`Mode::Cutout`] and [`Mode::KeyFill`] are multiplied by alpha.
    pub is_premultiplied: bool,
    /// Replace: how much of the backdrop's light falls on the edges of what stays, 0 to 1.
    pub light_wrap: f32,
    /// Replace, cutout, key-fill: how much of its colour the edge of what stays takes from its own inside, 0 to 1.
    pub despill: f32,
    /// Of [`Mode::Desaturate`], [`Mode::Dim`], [`Mode::Ink`] and [`Mode::Cartoon`], 0 (nothing changes) to 1; `None`: 1,
    /// and 0.6 for dim.
    pub amount: Option<f32>,
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
            select: Selection::default(),
            overrides: Overrides::default(),
            trail_in_frames: 0,
            region: Region::Auto,
            edges: Edges::default(),
            fade_ms: 0.0,
            radius: None,
            block_size: None,
            fill_color: Rgb::BLACK,
            is_premultiplied: false,
            light_wrap: 0.0,
            despill: 0.0,
            amount: None,
        }
    }
}

impl Style {
    /// True when drawing `objects` in this style changes no pixel, so that the frame need not even be mapped.
    pub fn leaves_untouched(&self, objects: &Objects) -> bool {
        let has_objects = || objects.items.iter().any(|object| self.selects(object));
        match self.mode {
            Mode::Overlay => (self.opacity <= 0.0 && !self.overrides.set_opacity()) || !has_objects(),
            Mode::Outline | Mode::Glow => !has_objects(),
            Mode::Matte => false,
            Mode::KeyFill if !self.is_premultiplied && self.despill <= 0.0 => true,
            Mode::Desaturate | Mode::Dim | Mode::Ink | Mode::Cartoon if self.amount() <= 0.0 => true,
            _ => !self.acts_outside() && !has_objects(),
        }
    }

    /// True when the mode acts on what is not an object.
    pub fn acts_outside(&self) -> bool {
        match (self.region, self.mode) {
            (Region::Inside, _) => false,
            (Region::Outside, _) => true,
            (Region::Auto, mode) => {
                matches!(mode, Mode::Cutout | Mode::Desaturate | Mode::Dim | Mode::Replace | Mode::KeyFill)
            }
        }
    }

    /// True when the mode changes what is on objects, so that one that is seen too late shows what it should hide.
    pub(super) fn acts_on_objects(&self) -> bool {
        !matches!(self.mode, Mode::Overlay | Mode::Outline | Mode::Glow) && !self.acts_outside()
    }

    /// True when objects are not drawn as they come.
    pub(super) fn prepares(&self) -> bool {
        self.edges.refine > 0.0 || self.edges.temporal_smoothing > 0.0 || self.fade_ms > 0.0
    }

    /// True when `object` counts.
    pub fn selects(&self, object: &Object) -> bool {
        self.select.includes(object)
    }

    /// How much the region is changed, 0..1.
    pub(super) fn amount(&self) -> f32 {
        self.amount.unwrap_or(if self.mode == Mode::Dim { AUTO_DIM } else { 1.0 }).clamp(0.0, 1.0)
    }

    /// Opacity of lines and text of a mask of this opacity, 0..1.
    pub(super) fn line_opacity(&self, opacity: f32) -> f32 {
        if self.mode != Mode::Overlay {
            return 1.0;
        }
        (2.0 * opacity).clamp(0.0, 1.0)
    }

    /// Width of the widest outline that an object may have, in pixels.
    pub(super) fn widest_outline(&self, auto_width: f32) -> f32 {
        self.outline_width.unwrap_or(auto_width).max(self.overrides.widest_outline())
    }
}
