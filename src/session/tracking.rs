//! What goes in and comes out with each frame.

use std::sync::Arc;

use super::edits::{Edit, Started};
use super::notices::Notice;
use super::settings::SessionConfig;
use crate::engine::{SegmentRequest, StageTimes};
use crate::objects::Objects;

/// What to do with one frame.
#[derive(Debug, Clone, Default)]
pub struct TrackRequest {
    /// The phrases, and how the detector looks for them. `max_objects` caps what is shown and begun.
    pub segment: Arc<SegmentRequest>,
    /// The rules' numbers; checked with every frame that has new ones.
    pub session: Arc<SessionConfig>,
    /// Applied before the frame.
    pub edits: Vec<Edit>,
    /// When the frame is shown, in nanoseconds of a clock that goes forward.
    pub time_ns: Option<u64>,
}

/// The frame at hand, without its pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FrameShape {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
}

/// The answer for one frame.
#[derive(Debug, Clone, Default)]
pub struct Tracking {
    /// What is shown on this frame, best score first. An object's score is that of its first detection, or 1 after the
    /// user began or corrected it.
    pub objects: Objects,
    /// Objects that are followed but not on this frame, in the order of their ids.
    pub lost_ids: Vec<u64>,
    /// Objects that turned out on this frame never to have been there, or that the user removed: whoever still holds
    /// earlier frames back hides them there.
    pub removed_ids: Vec<u64>,
    /// What happened to objects.
    pub events: Vec<ObjectEvent>,
    /// What was ignored or changed, and why.
    pub notices: Vec<Notice>,
    /// Objects that the request's edits began.
    pub started: Vec<Started>,
    /// True when the detector looked at this frame.
    pub is_detected: bool,
    /// What the session keeps for the next frame.
    pub kept: Kept,
    /// Where the time went.
    pub times: StageTimes,
}

/// What a session keeps, counted: none of it grows with the length of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Kept {
    /// Objects, missing ones included.
    pub tracks: usize,
    /// Counters of objects on probation.
    pub counters: usize,
    /// Bans of removed objects.
    pub bans: usize,
    /// Frames for late clicks.
    pub frames: usize,
    /// Bytes of all objects, those of the model's memories included; frames for late clicks apart.
    pub bytes: usize,
}

/// Something that happened to an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectEvent {
    /// What.
    pub kind: ObjectEventKind,
    /// To which object.
    pub object_id: u64,
    /// What it is called.
    pub label: Arc<str>,
    /// Why it was removed; `None` for other events.
    pub cause: Option<RemovalCause>,
}

/// What can happen to an object. Objects that never were shown have no events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ObjectEventKind {
    /// It is shown for the first time.
    Appeared,
    /// It is shown no more, and may come back.
    Lost,
    /// It is shown again.
    Recovered,
    /// It is gone for good; its id is not used again.
    Removed,
}

/// Why an object is gone for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RemovalCause {
    /// Too few detections confirmed it while it was new.
    Unconfirmed,
    /// It was an older object once more.
    Double,
    /// It was missing for too long.
    LostTooLong,
    /// The tracker followed it for too long without a detection.
    UnmatchedTooLong,
    /// The user removed it.
    User,
    /// Its phrase is asked for no more.
    PhraseGone,
    /// Everything was dropped: a reset, a scene cut, a long gap, another shape of frames.
    Cleared,
}
