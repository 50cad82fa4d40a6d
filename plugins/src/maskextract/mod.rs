//! `maskextract`: the masks that buffers carry, as grey video with the same times.
//!
//! ```text
//! gst-launch-1.0 videotestsrc pattern=ball ! sa3segment prompt="white ball" ! maskextract ! videoconvert ! autovideosink
//! ```
//!
//! Pixels are not looked at, so the input may have any format and live in any memory. Every buffer gives one picture:
//! black when nothing was found on it, and when nobody looked. Edges are those that `maskcomposite` draws.
//!
//! # Caps
//!
//! What comes in leaves as `GRAY8` (`GRAY16_LE` where downstream asks for it) in the same size and rate. With `size=grid`
//! it has the size of the masks' own grid, which is known from the first mask on, with a pixel aspect ratio that keeps
//! the shape of the picture. The size of the grid may change in the middle of a stream.
//!
//! # Messages
//!
//! | message | when |
//! | --- | --- |
//! | ERROR | interlaced video; a picture that cannot be written |

mod imp;
mod settings;

use glib::prelude::*;
use sa3::extract::Content;

/// The `mode` property.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, glib::Enum)]
#[enum_type(name = "GstMaskExtractMode")]
#[repr(i32)]
pub enum Mode {
    /// All chosen objects together.
    #[default]
    #[enum_value(name = "White inside any chosen object", nick = "union")]
    Union,
    /// Phrases as numbers.
    #[enum_value(name = "Position of the object's phrase in the prompt, from 1; 0 outside", nick = "labels")]
    Labels,
    /// Ids.
    #[enum_value(
        name = "Id of the object: 1 + (id - 1) mod 255 in GRAY8, its low 16 bits in GRAY16_LE; 0 outside",
        nick = "ids"
    )]
    Ids,
    /// One object.
    #[enum_value(name = "White inside the chosen object with the best score", nick = "object")]
    Object,
}

impl From<Mode> for Content {
    fn from(mode: Mode) -> Self {
        match mode {
            Mode::Union => Self::Union,
            Mode::Labels => Self::Labels,
            Mode::Ids => Self::Ids,
            Mode::Object => Self::Object,
        }
    }
}

impl From<Content> for Mode {
    fn from(content: Content) -> Self {
        match content {
            Content::Union => Self::Union,
            Content::Labels => Self::Labels,
            Content::Ids => Self::Ids,
            Content::Object => Self::Object,
        }
    }
}

/// The `size` property.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, glib::Enum)]
#[enum_type(name = "GstMaskExtractSize")]
#[repr(i32)]
pub enum Size {
    /// That of the frames.
    #[default]
    #[enum_value(name = "As large as the frames", nick = "frame")]
    Frame,
    /// That of the masks.
    #[enum_value(name = "As large as the masks' own grid, whose soft values are left as they are", nick = "grid")]
    Grid,
}

glib::wrapper! {
    /// The element `maskextract`.
    pub struct MaskExtract(ObjectSubclass<imp::MaskExtract>) @extends gst_base::BaseTransform, gst::Element, gst::Object;
}

pub(crate) fn register(plugin: &gst::Plugin) -> Result<(), glib::BoolError> {
    gst::Element::register(Some(plugin), "maskextract", gst::Rank::NONE, MaskExtract::static_type())
}
