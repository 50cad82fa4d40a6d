//! What a session ignored or changed, and why. The stream goes on in every case.

use std::fmt;
use std::sync::Arc;

use super::edits::{MAX_EDITS, MAX_POINTS};
use crate::prompt::MAX_PROMPTS;

/// Something the user should be told.
#[derive(Debug, Clone, PartialEq)]
pub enum Notice {
    /// An edit names an object that is not there (any more).
    UnknownObject {
        /// The edit.
        edit: &'static str,
        /// The id it names.
        object_id: u64,
    },
    /// An edit needs the tracker's weights, which this model lacks.
    NeedsTracker {
        /// The edit.
        edit: &'static str,
    },
    /// More edits came before one frame than are applied.
    TooManyEdits {
        /// How many were ignored.
        ignored: usize,
    },
    /// A point lies outside the frame, or is no number.
    PointOutside {
        /// From the left, 0..1.
        x: f32,
        /// From the top, 0..1.
        y: f32,
    },
    /// A positive and a negative point lie in one cell of the mask grid.
    Contradiction {
        /// From the left, 0..1.
        x: f32,
        /// From the top, 0..1.
        y: f32,
    },
    /// More points than the model reads.
    TooManyPoints {
        /// How many were ignored.
        ignored: usize,
    },
    /// Nothing says what a new object is: no positive point and no box.
    NothingPositive,
    /// Something is wrong with what is said of one of several things.
    OfThing {
        /// Its name.
        label: Arc<str>,
        /// What.
        notice: Box<Notice>,
    },
    /// A box has no part inside the frame.
    BoxOutside,
    /// A mask has no inside.
    EmptyMask,
    /// The frame that a click is meant for is no longer kept.
    FrameGone {
        /// Its time.
        at_ns: u64,
    },
    /// There are more things than may be followed.
    TooManyObjects {
        /// How many are not followed.
        ignored: usize,
        /// The cap.
        allowed: usize,
    },
    /// The request has more phrases than are read.
    TooManyPrompts {
        /// How many were ignored.
        ignored: usize,
    },
    /// A frame is older than the one before it.
    OutOfOrder {
        /// Its time.
        time_ns: u64,
        /// The time of the frame before.
        previous_ns: u64,
    },
    /// Tracks were dropped because a long time passed without frames.
    LongGap {
        /// How long.
        gap_ns: u64,
    },
    /// Tracks were dropped because the shape of the frames or the size of the masks changed.
    ShapeChanged,
    /// The policy for detection needs a tracker, and detection goes on as every frame does.
    CannotFollow,
    /// An object of a saved session cannot be used.
    NotRestored {
        /// Its id.
        object_id: u64,
        /// Why not.
        cause: &'static str,
    },
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownObject { edit, object_id } => {
                write!(f, "{edit} ignored: there is no object {object_id}; it never was or is gone")
            }
            Self::NeedsTracker { edit } => write!(
                f,
                "{edit} ignored: the model has no tracker weights; name the thing with a phrase or exemplar boxes"
            ),
            Self::TooManyEdits { ignored } => {
                write!(f, "{ignored} edits ignored: the newest {MAX_EDITS} before one frame are applied")
            }
            Self::OfThing { label, notice } => write!(f, "thing \"{label}\": {notice}"),
            Self::PointOutside { x, y } => {
                write!(f, "point {x},{y} ignored: coordinates go from 0 to 1 of the frame's width and height")
            }
            Self::Contradiction { x, y } => {
                write!(f, "point {x},{y} ignored: a later one of the opposite kind lies in the same place")
            }
            Self::TooManyPoints { ignored } => {
                write!(f, "{ignored} points ignored: the model reads {MAX_POINTS}, the first and the last half of them")
            }
            Self::NothingPositive => {
                write!(f, "click ignored: a new object needs a positive point or a box")
            }
            Self::BoxOutside => write!(f, "box ignored: no part of it is inside the frame (0 to 1 in both directions)"),
            Self::EmptyMask => write!(f, "mask ignored: none of its values is 128 or above"),
            Self::FrameGone { at_ns } => {
                write!(f, "the frame at {at_ns} ns is no longer kept; the click is applied to the next frame")
            }
            Self::TooManyObjects { ignored, allowed } => {
                write!(f, "{ignored} objects not followed: active-objects allows {allowed}; the best are followed")
            }
            Self::TooManyPrompts { ignored } => {
                write!(f, "{ignored} phrases ignored: the first {MAX_PROMPTS} are looked for")
            }
            Self::OutOfOrder { time_ns, previous_ns } => write!(
                f,
                "the frame at {time_ns} ns comes after the one at {previous_ns} ns; it is taken as the next one"
            ),
            Self::LongGap { gap_ns } => {
                write!(f, "{gap_ns} ns passed without a frame: all tracks were dropped, ids go on")
            }
            Self::ShapeChanged => write!(f, "frames or masks have another shape: all tracks were dropped, ids go on"),
            Self::CannotFollow => write!(
                f,
                "detect-policy ignored: without tracker weights only detection finds objects; every frame is looked at"
            ),
            Self::NotRestored { object_id, cause } => write!(f, "saved object {object_id} ignored: {cause}"),
        }
    }
}
