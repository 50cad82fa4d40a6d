//! `sa3track`: finds what a text prompt names, follows it, and remembers it.
//!
//! ```text
//! gst-launch-1.0 v4l2src ! videoconvert ! sa3track prompt="person; red car" ! maskcomposite ! videoconvert ! \
//!     autovideosink
//! ```
//!
//! Everything that `sa3segment` does, with the same properties, action signals and messages (but for `points`, whose place
//! clicks take here, and `clear-points`); and objects have an id that
//! they keep while they are followed. The mask meta tells for each of them how it is followed (`state`) and when it was
//! seen first and last. Phrases may come and go while the pipeline plays: the objects of one that goes are removed, all
//! others keep their ids. An id is never used twice in a stream.
//!
//! The rules are those of SAM 3's video predictor, made for streams without end: nothing looks ahead, and memory never
//! grows. Numbers of the rules are properties; what they mean is in docs/tracking.md. With a model without tracker weights
//! (the bundled one says so in a WARNING when it is asked for something that needs them) objects are followed by detection and
//! association alone.
//!
//! # Delay
//!
//! A new object is on probation: when too few detections confirm it, it was a mistake and is removed. `output-delay`
//! frames are held back so that such mistakes are hidden from their first frame on: 14 with files, none with live
//! sources, unless it is set. It adds to the latency.
//!
//! # Clicks
//!
//! With `click-to-track=true` the window of a sink that sends navigation events (autovideosink, glimagesink, xvimagesink)
//! is a place to click: left on a thing follows it, left on a followed one corrects it, right says what does not belong
//! to it, a drag draws a box around a thing, the key c lets go of everything that was clicked.
//!
//! # Action signals
//!
//! Those of `sa3segment`, and these. Places are 0 to 1 of the frame's width and height; `id` 0 begins an object. All of them take
//! effect at the next frame, and return false where they are refused.
//!
//! | signal | what it does |
//! | --- | --- |
//! | `click` (guint64 id, gdouble x, gdouble y, gboolean positive) | a point that belongs to an object, or does not |
//! | `draw-box` (guint64 id, gdouble x, gdouble y, gdouble width, gdouble height) | a box around an object |
//! | `give-mask` (guint64 id, GstSample) | the mask of an object, GRAY8 of any size |
//! | `remove-object` (guint64 id, gboolean ban) | drops an object; with `ban` the same thing is not detected again |
//! | `lock-object` (guint64 id, gboolean lock) | no rule removes it, nor the end of its phrase |
//! | `rename-object` (guint64 id, gchararray) | calls it something else; an empty text gives its label back |
//! | `clear-bans` | everything may be detected again |
//! | `scene-cut` | nothing is where it was: drops all objects |
//! | `save-session` | returns the objects (ids, labels, places) as JSON, NULL while nothing plays |
//! | `load-session` (gchararray) | goes on with what was saved |
//! | `reset` | prompts as with `sa3segment`, and drops all objects |
//!
//! # Messages and signals
//!
//! The messages of `sa3segment`, and for each event one ELEMENT message `sa3-object` with the fields `event` (appeared,
//! lost, recovered, removed), `id`, `label`, `pts`, `cause` (of removed), and for objects on the frame `score`, `x`, `y`,
//! `width` and `height` (0 to 1). The signals `object-appeared`, `object-lost`, `object-recovered` and `object-removed`
//! bring the id and the same structure. What is ignored is a WARNING that says why.

mod actions;
mod clicks;
mod events;
mod follower;
mod imp;
mod rules;
mod settings;

use glib::prelude::*;

pub use settings::{DetectPolicyProperty, IdPolicy, ReacquireProperty};

glib::wrapper! {
    /// The element `sa3track`.
    pub struct Sa3Track(ObjectSubclass<imp::Sa3Track>) @extends gst::Element, gst::Object;
}

pub(crate) fn register(plugin: &gst::Plugin) -> Result<(), glib::BoolError> {
    gst::Element::register(Some(plugin), "sa3track", gst::Rank::NONE, Sa3Track::static_type())
}
