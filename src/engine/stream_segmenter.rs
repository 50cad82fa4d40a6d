//! The model at work on streams: the same features and detections as for single pictures, for a session's rules.

use tch::Tensor;

use super::segmenter::{PictureFeatures, Segmenter, to_numbers};
use super::sessions::StreamModel;
use super::{SegmentRequest, StageTimes};
use crate::error::{Error, Result};
use crate::frame::FrameSource;
use crate::masks::{Candidate, clear_outside};
use crate::session::{
    Clicks, Detected, Found, FrameShape, MaskLogits, MemorySettings, NO_OBJECT_LOGIT, Propagated, TrackingModel,
};

/// There is none, as long as there is no tracker.
pub(super) enum NoMemory {}

impl StreamModel for Segmenter {
    fn read(
        &mut self,
        source: Box<dyn FrameSource>,
        request: &SegmentRequest,
        _frame: i64,
    ) -> Result<(PictureFeatures, FrameShape)> {
        let features = self.features(source, request.inference_size)?;
        let shape = FrameShape { width: features.frame_width, height: features.frame_height };
        Ok((features, shape))
    }

    fn take_times(&mut self) -> StageTimes {
        std::mem::take(&mut self.times)
    }

    fn pass_guard(&self) -> Option<tch::NoGradGuard> {
        Some(tch::no_grad_guard())
    }
}

impl TrackingModel for Segmenter {
    type Features = PictureFeatures;
    type Memory = NoMemory;

    fn follows(&self) -> bool {
        false
    }

    fn mask_side(&self, features: &PictureFeatures) -> usize {
        features.mask_side()
    }

    fn recommended_nms_iou(&self) -> Option<f32> {
        Some(self.recommendations.mask_nms_iou).filter(|iou| *iou > 0.0)
    }

    fn detect(&mut self, features: &PictureFeatures, request: &SegmentRequest) -> Result<Detected> {
        let found = self.find(features, request, host_logits)?;
        let margin = request.mask_clip_to_box_margin.unwrap_or(self.recommendations.mask_clip_to_box_margin);
        let side = features.mask_side();
        let mut objects = found.objects;
        objects.sort_by_key(|(candidate, _)| (candidate.prompt_index, candidate.query_index));
        let found_one = |(candidate, mut logits): (Candidate, Vec<f32>)| {
            let Candidate { prompt_index, score, box_in_frame, .. } = candidate;
            if margin > 0.0 {
                clear_outside(&mut logits, side, box_in_frame.grown(margin), NO_OBJECT_LOGIT);
            }
            MaskLogits::new(side, logits).map(|mask| Found { prompt_index, score, box_in_frame, mask })
        };
        let semantic_maps = found.semantic_maps;
        Ok(Detected { found: objects.into_iter().filter_map(found_one).collect(), semantic_maps })
    }

    fn propagate(
        &mut self,
        _features: &PictureFeatures,
        _memories: &mut [&mut NoMemory],
        _settings: &MemorySettings,
        _frame: i64,
    ) -> Result<Vec<Propagated>> {
        Err(no_tracker())
    }

    fn click(
        &mut self,
        _features: &PictureFeatures,
        _memory: Option<&mut NoMemory>,
        _clicks: &Clicks,
        _frame: i64,
    ) -> Result<(Option<NoMemory>, Propagated)> {
        Err(no_tracker())
    }

    fn recondition(
        &mut self,
        _features: &PictureFeatures,
        _memory: &mut NoMemory,
        _mask: &MaskLogits,
        _frame: i64,
    ) -> Result<()> {
        Err(no_tracker())
    }

    fn remember(
        &mut self,
        _features: &PictureFeatures,
        _memories: &mut [&mut NoMemory],
        _masks: &[MaskLogits],
        _is_present: &[bool],
        _frame: i64,
    ) -> Result<()> {
        Err(no_tracker())
    }

    fn start_from_masks(
        &mut self,
        _features: &PictureFeatures,
        _masks: &[MaskLogits],
        _frame: i64,
    ) -> Result<Vec<NoMemory>> {
        Err(no_tracker())
    }

    fn memory_bytes(&self, memory: &NoMemory) -> usize {
        match *memory {}
    }
}

fn no_tracker() -> Error {
    Error::Torch { stage: "following objects", message: "the model has no tracker weights".into() }
}

/// # Shapes
/// logits: [K, M, M] → K masks of M·M logits.
fn host_logits(logits: &Tensor) -> Vec<Vec<f32>> {
    let cells = (logits.size()[1] * logits.size()[2]) as usize;
    to_numbers(logits).chunks_exact(cells).map(<[f32]>::to_vec).collect()
}
