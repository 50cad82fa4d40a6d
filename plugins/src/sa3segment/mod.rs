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
//! Every frame waits for its own result (`sync-mode=exact`); at most `max-queue` frames wait behind it. Then upstream is
//! blocked, or, in a live pipeline, the oldest of them is dropped: `late-policy`. A live pipeline is told the latency that is
//! measured. `docs/live.md` has all of it.
//!
//! # What to find
//!
//! Concepts come from `prompt`, `prompts`, `prompts-file`, `boxes` and the action signals, and add up: what is said twice of
//! one phrase is one concept, so `boxes="red car: …"` gives exemplars to the "red car" of `prompt`. Everything may change
//! while the pipeline plays and takes effect at the next frame. What is not understood is a WARNING with the grammar, and
//! the prompts before stay in use.
//!
//! Exemplar boxes say what objects look like. What they show on the first frame that is looked at with them is kept, as
//! the model's tokens, for all frames that follow; this goes beyond the reference, which forgets a box with its frame.
//! Boxes that are set again, and boxes after a return to READY, are taken from the next frame anew. `from=each-frame` looks
//! at the same place of every frame instead.
//!
//! Excluded concepts are looked for as others are, and not reported. An object of which they cover more than half goes.
//!
//! # Exactly this thing
//!
//! Boxes of `boxes` mean "find all like this". What is pointed at with `points`, or with the signals `click`, `draw-box` and
//! `give-mask`, is exactly one thing each, as SAM 1 had it: its tracker's prompt encoder and mask decoder look at the frame
//! without any memory, at the same place of every frame (`sa3track` follows what moves). Each thing that is there is one object
//! more in the meta: without id, labelled with the thing's name (`object` where it has none), `prompt_index` counting on
//! behind the concepts, and as score the overlap that its mask is expected to have with the truth. Thresholds, caps and
//! excluded concepts do not touch it. Where the model sees nothing at the place (its object score is 0 or below), or the
//! mask has no inside, there is no object.
//!
//! One or no point leaves open how much is meant, and the best of three masks is taken; a box, or more points, leave no doubt.
//! A mask is a hint that the model corrects, not the answer. 64 things of 16 points each are possible, a box counting as two. A
//! model without tracker weights answers with a WARNING, and finds what phrases ask for as ever.
//!
//! # Action signals
//!
//! | signal | what it does | returns |
//! | --- | --- | --- |
//! | `add-text` (string, GstStructure or NULL) | adds a phrase, with the fields of `prompts` but `text` | id, 0 when refused |
//! | `add-box` (GstStructure) | adds an exemplar: `x`, `y`, `width`, `height`; perhaps `positive` (true), `unit`, `from`, and the `text` or `id` of what it belongs to | id, 0 when refused |
//! | `click` (guint64 id, gdouble x, gdouble y, gboolean positive) | a point that is on a thing, or is not; places are 0 to 1 of the frame, id 0 begins a thing | guint id, 0 when refused |
//! | `draw-box` (guint64 id, gdouble x, gdouble y, gdouble width, gdouble height) | the box around a thing, instead of the one before | guint id, 0 when refused |
//! | `give-mask` (guint64 id, GstSample) | roughly the mask of a thing, GRAY8 of any size, 128 and more inside, instead of the one before | guint id, 0 when refused |
//! | `rename-object` (guint64 id, gchararray) | calls a thing something else | whether there was such a thing |
//! | `clear-points` | takes away everything that is pointed at, `points` too | |
//! | `remove-prompt` (guint) | takes away the prompt or thing that was added with this id | whether there was such a thing |
//! | `reset` | takes away everything, properties too | |
//!
//! # Messages
//!
//! | message | when | fields |
//! | --- | --- | --- |
//! | PROGRESS `sa3-load` | the model is loaded, from NULL to READY, in the background | `percent` |
//! | ELEMENT `sa3-prompt` | changed prompts take effect | `prompt`, `exclude`, `points` (phrases and names with ; between), `first-pts` |
//! | WARNING | no prompt; a prompt that is refused; a phrase the model will misread; a box outside the frame; points, boxes and masks that are ignored, and why; an `inference-size` that is not possible; a frame that failed (the first and each 100th) | |
//! | ERROR | the model cannot be loaded; libtorch failed; interlaced video | |
//!
//! A frame that the model fails on passes without objects. When libtorch itself fails (out of memory, a lost device) the
//! stream ends with an error.

mod actions;
mod imp;
mod told;

use glib::prelude::*;

glib::wrapper! {
    /// The element `sa3segment`.
    pub struct Sa3Segment(ObjectSubclass<imp::Sa3Segment>) @extends gst::Element, gst::Object;
}

pub(crate) fn register(plugin: &gst::Plugin) -> Result<(), glib::BoolError> {
    gst::Element::register(Some(plugin), "sa3segment", gst::Rank::NONE, Sa3Segment::static_type())
}
