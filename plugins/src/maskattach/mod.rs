//! `maskattach`: makes masks of a file, of grey video or of regions of interest, as if a model had found them.
//!
//! ```text
//! gst-launch-1.0 filesrc location=in.mp4 ! decodebin ! videoconvert ! maskattach location=dogs.jsonl ! \
//!     maskcomposite ! videoconvert ! autovideosink
//! gst-launch-1.0 videotestsrc ! maskattach name=a ! maskcomposite ! videoconvert ! autovideosink \
//!     videotestsrc pattern=ball ! video/x-raw,format=GRAY8 ! queue ! a.mask
//! ```
//!
//! Where they come from, the first that is there:
//!
//! 1. `location`: what `maskexport format=jsonl` wrote, matched by `match`
//! 2. the request pad `mask`: GRAY8 video, matched by running time. A picture holds for its own duration, and without one
//!    until the next. Frames wait for their picture; put a queue before the pad where both come from one source
//! 3. `regions=true`: the regions of interest on the buffer, each as a filled box
//!
//! Masks of an earlier element are replaced where there is something new; other frames pass as they are. Frames may have
//! another size than those that were exported, and any format and memory.
//!
//! # Messages
//!
//! | message | when |
//! | --- | --- |
//! | ERROR | a file that cannot be read, at READY to PAUSED; a line that is no record, with its number |
//! | WARNING | once: there is nothing to attach, neither `location` nor a pad `mask` nor `regions=true` |

mod imp;
mod pictures;
mod settings;
mod source;

use glib::prelude::*;
use sa3::export;

/// The `match` property.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, glib::Enum)]
#[enum_type(name = "GstMaskAttachMatch")]
#[repr(i32)]
pub enum Match {
    /// By time.
    #[default]
    #[enum_value(name = "By PTS, within half a frame's duration", nick = "pts")]
    Pts,
    /// By number.
    #[enum_value(name = "By number: the Nth buffer gets the line of frame N, from 0", nick = "frame")]
    Frame,
}

/// The `values` property.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, glib::Enum)]
#[enum_type(name = "GstMaskAttachValues")]
#[repr(i32)]
pub enum Values {
    /// A soft mask.
    #[default]
    #[enum_value(name = "One object: 255 is surely inside, 0 surely outside", nick = "soft")]
    Soft,
    /// Phrases.
    #[enum_value(name = "An object for each value but 0, which is the position of a phrase, from 1", nick = "labels")]
    Labels,
    /// Ids.
    #[enum_value(name = "An object for each value but 0, which is its id", nick = "ids")]
    Ids,
}

impl From<Values> for export::Samples {
    fn from(values: Values) -> Self {
        match values {
            Values::Soft => Self::Soft,
            Values::Labels => Self::Labels,
            Values::Ids => Self::Ids,
        }
    }
}

glib::wrapper! {
    /// The element `maskattach`.
    pub struct MaskAttach(ObjectSubclass<imp::MaskAttach>) @extends gst::Element, gst::Object;
}

pub(crate) fn register(plugin: &gst::Plugin) -> Result<(), glib::BoolError> {
    gst::Element::register(Some(plugin), "maskattach", gst::Rank::NONE, MaskAttach::static_type())
}
