//! `maskcomposite`: draws on each frame the objects that its buffer carries, or cuts them out.
//!
//! ```text
//! gst-launch-1.0 videotestsrc pattern=ball ! videoconvert ! sa3segment prompt="white ball" ! maskcomposite ! \
//!     videoconvert ! autovideosink
//! gst-launch-1.0 filesrc location=in.mp4 ! decodebin ! videoconvert ! sa3segment prompt="dog" ! \
//!     maskcomposite mode=cutout ! video/x-raw,format=RGBA ! pngenc ! multifilesink location=dog%05d.png
//! ```
//!
//! The objects come from the frame's `GstSa3MaskMeta`, which `sa3segment` attaches. Frames are drawn on in their own
//! format, without conversion, and in place where nobody else holds the buffer; timing and all metas stay. With
//! nothing to draw a buffer passes as it is.
//!
//! # Modes and caps
//!
//! `mode=overlay` tints, outlines and labels the objects; the caps stay. `mode=cutout` removes everything else: where
//! downstream takes alpha (RGBA, ARGB, BGRA or ABGR from the same order of RGB with a padding byte, A420 from I420) it
//! becomes transparent, otherwise black. Alpha is straight. What is wholly transparent is black as well, except close to
//! the edges. `mode` may change in PLAYING; caps are then negotiated anew.
//!
//! # Messages
//!
//! | message | when |
//! | --- | --- |
//! | WARNING | once, when masks were made for another frame size: nothing is drawn (cutout: all is removed) |
//! | WARNING | once, when `mode=cutout` meets frames without masks: all is removed |
//! | ERROR | interlaced video; a frame that cannot be written |
//!
//! Put the element before those that crop or flip: they drop the masks.

mod formats;
mod imp;
mod mapping;
mod negotiation;
mod painter;
mod settings;
mod stats;

use glib::prelude::*;
use sa3::composite;

/// The `mode` property.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, glib::Enum)]
#[enum_type(name = "GstMaskCompositeMode")]
#[repr(i32)]
pub enum Mode {
    /// Objects are drawn on the picture.
    #[default]
    #[enum_value(name = "Tint, outline and label the objects on the picture", nick = "overlay")]
    Overlay,
    /// Only the objects stay.
    #[enum_value(name = "Keep only the objects: transparent elsewhere, black without alpha", nick = "cutout")]
    Cutout,
}

impl From<Mode> for composite::Mode {
    fn from(mode: Mode) -> Self {
        match mode {
            Mode::Overlay => Self::Overlay,
            Mode::Cutout => Self::Cutout,
        }
    }
}

impl From<composite::Mode> for Mode {
    fn from(mode: composite::Mode) -> Self {
        match mode {
            composite::Mode::Overlay => Self::Overlay,
            composite::Mode::Cutout => Self::Cutout,
        }
    }
}

/// The `color-by` property.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, glib::Enum)]
#[enum_type(name = "GstMaskCompositeColorBy")]
#[repr(i32)]
pub enum ColorBy {
    /// By label.
    #[default]
    #[enum_value(name = "One colour for each label", nick = "label")]
    Label,
    /// By object id.
    #[enum_value(name = "One colour for each object id; by label where there is no id", nick = "id")]
    Id,
    /// By position of the phrase.
    #[enum_value(name = "One colour for each phrase of the prompt, in its order", nick = "prompt")]
    Prompt,
    /// By score.
    #[enum_value(name = "From violet for score 0 to yellow for score 1", nick = "score")]
    Score,
    /// The `color` property.
    #[enum_value(name = "The colour of the property color", nick = "single")]
    Single,
}

impl From<ColorBy> for composite::ColorBy {
    fn from(color_by: ColorBy) -> Self {
        match color_by {
            ColorBy::Label => Self::Label,
            ColorBy::Id => Self::Id,
            ColorBy::Prompt => Self::Prompt,
            ColorBy::Score => Self::Score,
            ColorBy::Single => Self::Single,
        }
    }
}

impl From<composite::ColorBy> for ColorBy {
    fn from(color_by: composite::ColorBy) -> Self {
        match color_by {
            composite::ColorBy::Label => Self::Label,
            composite::ColorBy::Id => Self::Id,
            composite::ColorBy::Prompt => Self::Prompt,
            composite::ColorBy::Score => Self::Score,
            composite::ColorBy::Single => Self::Single,
        }
    }
}

glib::wrapper! {
    /// The element `maskcomposite`.
    pub struct MaskComposite(ObjectSubclass<imp::MaskComposite>) @extends gst::Element, gst::Object;
}

pub(crate) fn register(plugin: &gst::Plugin) -> Result<(), glib::BoolError> {
    gst::Element::register(Some(plugin), "maskcomposite", gst::Rank::NONE, MaskComposite::static_type())
}
