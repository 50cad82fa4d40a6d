//! `sa3segment`: finds on each frame what a text prompt names.
//!
//! ```text
//! gst-launch-1.0 videotestsrc pattern=ball ! videoconvert ! sa3segment prompt="white ball" ! maskcomposite ! \
//!     videoconvert ! autovideosink
//! ```
//!
//! Frames pass with their pixels and caps unchanged. Each gets a `GstSa3MaskMeta` with the objects found on it (label,
//! score, box, soft mask; see `plugins/include/gstsa3maskmeta.h`), and a GstVideoRegionOfInterestMeta for each object. A
//! frame without the meta was not looked at; a meta without objects says that nothing was found.
//!
//! Every frame waits for its own result; at most [`crate::flow::MAX_WAITING_FRAMES`] frames wait behind it, then
//! upstream is blocked. In a live pipeline the element adds the mean time of a pass to the latency.
//!
//! # Messages
//!
//! | message | when | fields |
//! | --- | --- | --- |
//! | PROGRESS `sa3-load` | the model is loaded, from NULL to READY, in the background | `percent` |
//! | ELEMENT `sa3-prompt` | a changed prompt takes effect | `prompt`, `first-pts` |
//! | WARNING | no prompt; a phrase the model will misread; an `inference-size` that is not possible; a frame that failed (the first and each 100th) | |
//! | ERROR | the model cannot be loaded; libtorch failed; interlaced video | |
//!
//! A frame that the model fails on passes without objects. When libtorch itself fails (out of memory, a lost device) the
//! stream ends with an error.

mod actions;
mod imp;
mod placement;
mod prompts;
mod segmenter;
mod settings;

use glib::prelude::*;

glib::wrapper! {
    /// The element `sa3segment`.
    pub struct Sa3Segment(ObjectSubclass<imp::Sa3Segment>) @extends gst::Element, gst::Object;
}

pub(crate) fn register(plugin: &gst::Plugin) -> Result<(), glib::BoolError> {
    gst::Element::register(Some(plugin), "sa3segment", gst::Rank::NONE, Sa3Segment::static_type())
}
