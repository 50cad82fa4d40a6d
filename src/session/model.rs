//! What a session needs of a model: detections, masks that follow, and memories that stay the model's own.

use super::settings::{MemorySettings, SessionConfig, Trust};
use crate::boxes::BoxXyxy;
use crate::engine::SegmentRequest;
use crate::error::Result;
pub use crate::masks::MaskLogits;
use crate::objects::SemanticMap;
pub use crate::tracker::Giver;

/// Logit that an absent or blanked object has in every cell (`NO_OBJ_LOGIT`). The tracker itself says -1024.
pub const NO_OBJECT_LOGIT: f32 = -10.0;

/// One detection.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// Position of its phrase in the request.
    pub prompt_index: usize,
    /// Probability, 0..1.
    pub score: f32,
    /// Normalised to the frame, from the detector's box head.
    pub box_in_frame: BoxXyxy,
    /// Its mask.
    pub mask: MaskLogits,
}

/// What the detector says of one frame.
#[derive(Debug, Clone, Default)]
pub struct Detected {
    /// Everything above the request's thresholds, by phrase and then in the order of the queries. No overlaps were
    /// removed yet and no caps applied.
    pub found: Vec<Found>,
    /// One for each phrase when the request asks for them.
    pub semantic_maps: Vec<SemanticMap>,
}

/// Where the tracker sees an object on one frame.
#[derive(Debug, Clone, PartialEq)]
pub struct Propagated {
    /// Its mask; far below 0 everywhere when the tracker sees no object.
    pub mask: MaskLogits,
    /// The tracker's object score; above 0 there is an object.
    pub score_logit: f32,
}

/// A point on a frame that belongs to an object, or does not.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ClickPoint {
    /// From the left, 0..1 of the frame's width.
    pub x: f32,
    /// From the top, 0..1 of the frame's height.
    pub y: f32,
    /// True for "this", false for "not this".
    pub is_positive: bool,
}

/// Everything a user says of one object on one frame. It replaces what was said of it on that frame before.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Clicks {
    /// At most [`MAX_POINTS`](super::MAX_POINTS).
    pub points: Vec<ClickPoint>,
    /// A box around the object, normalised to the frame.
    pub box_in_frame: Option<BoxXyxy>,
}

/// A model that a [`Session`](super::Session) can be run with.
///
/// Frames are numbered from 0, over the frames that are processed. On each frame the methods that work on it are called
/// in the order propagate, click, detect, recondition, remember, start from masks. Clicks and starting may name the
/// features of an earlier frame, and then propagating comes after them. While [`Self::follows`] is false, only
/// [`Self::detect`] is called.
pub trait TrackingModel {
    /// Everything computed of one frame that does not depend on objects; the trunk is run once.
    type Features: Send;
    /// Everything kept of one object: its memory bank, and what is pending of the frame at hand.
    type Memory: Send;

    /// True when the tracker's weights are there.
    fn follows(&self) -> bool;

    /// Rows, and columns, of the masks of this frame.
    fn mask_side(&self, features: &Self::Features) -> usize;

    /// Overlap above which the worse of two detections should go, when the model has an opinion.
    fn recommended_nms_iou(&self) -> Option<f32> {
        None
    }

    /// Whom to believe, when the model has an opinion.
    fn recommended_trust(&self) -> Option<Trust> {
        None
    }

    /// Finds the request's phrases.
    ///
    /// # Errors
    /// Those of the model.
    fn detect(&mut self, features: &Self::Features, request: &SegmentRequest) -> Result<Detected>;

    /// Follows objects to this frame: masks now, what belongs to the memory stays pending until [`Self::remember`].
    ///
    /// # Errors
    /// Those of the model.
    fn propagate(
        &mut self,
        features: &Self::Features,
        memories: &mut [&mut Self::Memory],
        settings: &MemorySettings,
        frame: i64,
    ) -> Result<Vec<Propagated>>;

    /// What a user says of an object on a frame: a memory begins (`None` is given) or is corrected. The frame becomes a
    /// conditioning one and is remembered here; [`Self::remember`] is not called for it.
    ///
    /// # Errors
    /// Those of the model.
    fn click(
        &mut self,
        features: &Self::Features,
        memory: Option<&mut Self::Memory>,
        clicks: &Clicks,
        settings: &MemorySettings,
        frame: i64,
    ) -> Result<(Option<Self::Memory>, Propagated)>;

    /// Refreshes a memory with a detection's mask, or a user's.
    ///
    /// # Errors
    /// Those of the model.
    fn recondition(
        &mut self,
        features: &Self::Features,
        memory: &mut Self::Memory,
        mask: &MaskLogits,
        giver: Giver,
        frame: i64,
    ) -> Result<()>;

    /// Remembers this frame with the masks that the rules left, also of objects that were reconditioned on it.
    ///
    /// # Errors
    /// Those of the model.
    fn remember(
        &mut self,
        features: &Self::Features,
        memories: &mut [&mut Self::Memory],
        masks: &[MaskLogits],
        is_present: &[bool],
        frame: i64,
    ) -> Result<()>;

    /// Memories of objects that begin together on this frame.
    ///
    /// # Errors
    /// Those of the model.
    fn start_from_masks(
        &mut self,
        features: &Self::Features,
        masks: &[MaskLogits],
        giver: Giver,
        frame: i64,
    ) -> Result<Vec<Self::Memory>>;

    /// Of a frame's features, what late clicks and late starts need ([`SessionConfig::click_frames`] of them are kept).
    fn kept_for_clicks(&self, features: Self::Features) -> Self::Features {
        features
    }

    /// Size of a memory on the device.
    fn memory_bytes(&self, memory: &Self::Memory) -> usize;
}

/// Overlap above which the worse of two detections of one phrase goes.
pub(super) fn nms_iou(config: &SessionConfig, recommended: Option<f32>) -> f32 {
    /// `det_nms_thresh`.
    const REFERENCE: f32 = 0.1;
    config.detection_nms_iou.or(recommended).unwrap_or(REFERENCE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_users_overlap_wins_over_the_models_and_that_over_the_references() {
        let config = SessionConfig::default();
        assert_eq!((nms_iou(&config, None), nms_iou(&config, Some(0.6))), (0.1, 0.6));
        let config = SessionConfig { detection_nms_iou: Some(0.0), ..config };
        assert_eq!(nms_iou(&config, Some(0.6)), 0.0);
    }
}
