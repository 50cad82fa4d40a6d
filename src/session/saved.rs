//! A session as text: which objects there were, what they were called and where they were last.
//!
//! Not saved: masks, memories, features, times, the counters of probation, bans, phrases and settings. A restored object
//! is missing at first and gets its id back when a detection of its phrase appears near its last place; objects that were
//! not found by words have no phrase to be found by and are not saved, unless the user began them.

use serde::{Deserialize, Serialize};

use crate::boxes::BoxXyxy;
use crate::error::{Error, Result};

/// Version of the format.
const VERSION: u32 = 1;
/// Longest text that is read.
const MAX_BYTES: usize = 16 << 20;

/// Everything that is saved.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SavedSession {
    version: u32,
    /// The next object's id.
    pub next_id: u64,
    /// The objects, in the order of their ids.
    pub objects: Vec<SavedObject>,
}

/// One object.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SavedObject {
    /// Its id.
    pub id: u64,
    /// The phrase that found it; absent for what the user began.
    pub phrase: Option<String>,
    /// Its own name, when it is not that of its phrase.
    pub label: Option<String>,
    /// Score of its birth.
    pub score: f32,
    /// Where it was last: left, top, right, bottom, normalised to the frame.
    pub box_in_frame: [f32; 4],
    /// True when it is locked.
    pub is_locked: bool,
}

impl SavedSession {
    pub(super) fn new(next_id: u64, objects: Vec<SavedObject>) -> Self {
        Self { version: VERSION, next_id, objects }
    }

    /// As JSON, to be kept in a file.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default()
    }

    /// From JSON.
    ///
    /// # Errors
    /// [`Error::Setting`] when it is not what [`Self::to_json`] writes.
    pub fn from_json(text: &str) -> Result<Self> {
        let refused = |cause: String| Error::Setting {
            property: "session",
            value: format!("({} bytes)", text.len()),
            cause,
            remedy: "Give the text that saving a session returned".into(),
        };
        if text.len() > MAX_BYTES {
            return Err(refused(format!("it has more than {MAX_BYTES} bytes")));
        }
        let saved: Self = serde_json::from_str(text).map_err(|cause| refused(cause.to_string()))?;
        if saved.version != VERSION {
            return Err(refused(format!("its version is {}, this program reads {VERSION}", saved.version)));
        }
        Ok(saved)
    }
}

impl SavedObject {
    /// Where it was, or why it cannot be used.
    pub(super) fn place(&self) -> std::result::Result<BoxXyxy, &'static str> {
        let [x0, y0, x1, y1] = self.box_in_frame;
        let place = BoxXyxy { x0, y0, x1, y1 };
        let is_number = self.box_in_frame.iter().all(|value| value.is_finite()) && self.score.is_finite();
        if is_number && place.clipped().area() > 0.0 {
            Ok(place.clipped())
        } else {
            Err("its box is outside the frame")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn saved() -> SavedSession {
        let object = SavedObject {
            id: 3,
            phrase: Some("red car".into()),
            label: None,
            score: 0.75,
            box_in_frame: [0.25, 0.25, 0.5, 0.5],
            is_locked: true,
        };
        SavedSession::new(7, vec![object])
    }

    #[test]
    fn text_goes_both_ways() {
        assert_eq!(SavedSession::from_json(&saved().to_json()).unwrap(), saved());
    }

    #[test]
    fn what_is_no_session_is_refused_with_the_cause() {
        let error = |text: &str| SavedSession::from_json(text).unwrap_err().to_string();
        assert!(error("{\"next_id\": 3}").contains("missing field"), "{}", error("{\"next_id\": 3}"));
        assert!(error(&saved().to_json().replace("\"version\": 1", "\"version\": 9")).contains("reads 1"));
        assert!(error(&" ".repeat(MAX_BYTES + 1)).contains("more than"));
    }

    #[test]
    fn a_place_outside_the_frame_is_none() {
        let with = |box_in_frame| SavedObject { box_in_frame, ..saved().objects[0].clone() };
        assert!(with([0.5, 0.5, 2.0, 0.75]).place().is_ok_and(|place| place.x1 == 1.0));
        assert!(with([1.5, 0.5, 2.0, 0.75]).place().is_err() && with([f32::NAN, 0.0, 1.0, 1.0]).place().is_err());
    }
}
