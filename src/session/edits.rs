//! What a user may do to a running session. Edits are applied between two frames, in their order; tracks that an edit
//! does not name go on as they were.
//!
//! Phrases are not edited here: the request's own list says which are asked for. The tracks of one that is gone are
//! dropped, those of the others keep their ids.

use std::sync::Arc;

use super::model::ClickPoint;
use super::saved::SavedSession;
use crate::boxes::BoxXyxy;
use crate::objects::Mask;

/// Edits that are applied before one frame; of more, the newest.
pub const MAX_EDITS: usize = 256;
/// Points of one click that the model reads; of more, the first and the last half.
pub const MAX_POINTS: usize = 16;

/// One thing to do before the next frame.
#[derive(Debug, Clone)]
pub enum Edit {
    /// Points on an object: it begins, with score 1, or the tracked one is corrected. Needs tracker weights.
    Click {
        /// The object to correct; `None` begins one.
        object_id: Option<u64>,
        /// Every point that holds on this frame; at least one positive one begins an object.
        points: Vec<ClickPoint>,
        /// Time of the frame that the user saw; `None`, or one that is kept no more: the next frame.
        at_ns: Option<u64>,
        /// What a new object is called.
        label: Option<Arc<str>>,
    },
    /// A box around one object, which begins or is corrected. Needs tracker weights.
    Box {
        /// The object to correct; `None` begins one.
        object_id: Option<u64>,
        /// Normalised to the frame; what reaches beyond is cut off.
        box_in_frame: BoxXyxy,
        /// As with clicks.
        at_ns: Option<u64>,
        /// What a new object is called.
        label: Option<Arc<str>>,
    },
    /// The mask of one object on the next frame.
    Mask {
        /// The object that has this mask from now on; `None` begins one.
        object_id: Option<u64>,
        /// Of any size, stretched over the frame.
        mask: Mask,
        /// What a new object is called.
        label: Option<Arc<str>>,
    },
    /// Drops an object.
    RemoveObject {
        /// Which.
        object_id: u64,
        /// True not to detect the same thing again: a place that follows what is detected there, for its phrase.
        bans: bool,
    },
    /// Forgets all bans.
    ClearBans,
    /// Keeps an object from being removed by any rule, or by the end of its phrase; or no longer.
    Lock {
        /// Which.
        object_id: u64,
        /// True to lock.
        is_locked: bool,
    },
    /// Calls one object something else; an empty name gives back its phrase's label.
    Rename {
        /// Which.
        object_id: u64,
        /// Its name.
        label: Arc<str>,
    },
    /// Drops all tracks, locked ones too, bans and kept frames. Ids go on, unless they are to begin again.
    Reset {
        /// True at the beginning of another stream: ids begin at 1 again.
        restarts_ids: bool,
    },
    /// Drops all tracks: nothing on the next frame is where it was. Ids go on.
    SceneCut,
    /// Goes on with what was saved: everything is dropped, then the saved objects are missing until a detection of
    /// their phrase appears near where they were.
    Restore(Box<SavedSession>),
}

impl Edit {
    /// What it is called in messages.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Click { .. } => "click",
            Self::Box { .. } => "box",
            Self::Mask { .. } => "mask",
            Self::RemoveObject { .. } => "remove-object",
            Self::ClearBans => "clear-bans",
            Self::Lock { .. } => "lock",
            Self::Rename { .. } => "rename",
            Self::Reset { .. } => "reset",
            Self::SceneCut => "scene-cut",
            Self::Restore(_) => "restore",
        }
    }
}

/// An object that an edit began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Started {
    /// Position of the edit in the request.
    pub edit_index: usize,
    /// The new object.
    pub object_id: u64,
}
