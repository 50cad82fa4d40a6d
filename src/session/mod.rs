//! The video session: detections and a tracker's masks become objects that keep their ids, on streams without end.
//!
//! [`Session::step`] takes one frame after the other and never looks ahead. It follows the reference's order: the
//! tracker's masks, the detector's, association, probation, refreshed memories, hidden doubles, what is remembered,
//! what begins, what ends, what is shown. Each rule is a pure function on plain data in a file of its own; the numbers
//! are those of [`SessionConfig`]. Edits of the user come between frames. A model without tracker weights follows by
//! detection and association alone: a track takes the mask of the detection that it overlaps most. A model whose detector
//! is better than its tracker does the same and lets the tracker bridge what the detector misses ([`Trust`]).
//!
//! Where this differs from the reference, and why:
//! - Phrases are groups of their own, and an empty scene is one without objects of the phrase at hand. What the user
//!   began belongs to all groups.
//! - Nothing depends on the end of the stream; probation counts frames with detection, whatever the output's delay.
//! - The area that is left beside others is measured on the mask grid, not on one of four times its size.
//! - A detection whose mask has no inside begins nothing.
//! - Objects end: after being missing or unmatched for too long, at scene cuts and long gaps, with their phrase.
//!
//! # Bounds
//! A session keeps at most [`SessionConfig::active_objects`] tracks, each with one mask of the mask grid, a memory of the
//! model's own bounded size, and during probation one counter for each older track that it doubles; at most 64 bans of
//! one bit a cell; the features of [`SessionConfig::click_frames`] frames, or of one; one list of phrases; no frames, no scores and no
//! ids of the past. Counters of frames are `i64`, ids `u64`, and an id is used once in a stream. Before one frame at most
//! [`MAX_EDITS`] edits are applied.

mod assignment;
mod association;
mod bans;
mod binary_mask;
mod bridging;
mod cadence;
mod edits;
mod following;
mod group;
mod holding;
mod holes;
mod interaction;
mod lifetime;
mod looking;
mod model;
mod nms;
mod non_overlap;
mod notices;
mod occlusion;
mod output;
mod phrases;
mod probation;
mod reacquire;
mod saved;
mod scene_cut;
#[expect(clippy::module_inception, reason = "the session is one concept of the session's files")]
mod session;
mod settings;
mod shrink;
#[cfg(test)]
mod tests;
mod tight_box;
mod track;
mod tracking;

pub use binary_mask::BinaryMask;
pub use edits::{Edit, MAX_EDITS, MAX_POINTS, Started};
pub(crate) use holes::without_holes_and_sprinkles;
pub(crate) use interaction::{given_mask, usable_box, usable_points};
pub use model::{ClickPoint, Clicks, Detected, Found, Giver, MaskLogits, NO_OBJECT_LOGIT, Propagated, TrackingModel};
pub use notices::Notice;
pub use saved::{SavedObject, SavedSession};
pub use scene_cut::Glance;
pub use session::Session;
pub use settings::{
    DetectPolicy, MAX_ACTIVE_OBJECTS, MAX_CLICK_FRAMES, MemorySettings, Reacquire, SessionConfig, Trust,
};
pub(crate) use tight_box::tight_box;
pub use tracking::{FrameShape, Kept, ObjectEvent, ObjectEventKind, RemovalCause, TrackRequest, Tracking};
