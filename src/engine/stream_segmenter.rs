//! The model at work on streams: the same features and detections as for single pictures, for a session's rules.

use tch::Tensor;

use super::segmenter::{Clock, PictureFeatures, Segmenter, to_numbers, tracker_clicks};
use super::sessions::StreamModel;
use super::{SegmentRequest, StageTimes};
use crate::error::Result;
use crate::frame::FrameSource;
use crate::masks::{Candidate, clear_outside};
use crate::session::{
    Clicks, Detected, Found, FrameShape, Giver, MaskLogits, MemorySettings, NO_OBJECT_LOGIT, Propagated, TrackingModel,
};
use crate::tracker::{BankRules, ObjectMemory, TrackedMask};

/// One followed object: the tracker's memory, and its latest mask, which clicks on the same frame correct.
#[derive(Default)]
pub struct Followed {
    memory: ObjectMemory,
    latest: Option<(i64, MaskLogits)>,
}

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
    type Memory = Followed;

    fn follows(&self) -> bool {
        self.tracker.is_some()
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
        features: &PictureFeatures,
        memories: &mut [&mut Followed],
        settings: &MemorySettings,
        frame: i64,
    ) -> Result<Vec<Propagated>> {
        self.timed(|segmenter| {
            let (tracker, features) = segmenter.tracker_on(features)?;
            tracker.use_rules(bank_rules(settings));
            let mut own: Vec<_> = memories.iter_mut().map(|followed| &mut followed.memory).collect();
            let tracked = tracker.propagate(features, &mut own, frame);
            for (followed, tracked) in memories.iter_mut().zip(&tracked) {
                followed.latest = Some((frame, tracked.mask.clone()));
            }
            Ok(tracked.into_iter().map(propagated).collect())
        })
    }

    fn click(
        &mut self,
        features: &PictureFeatures,
        memory: Option<&mut Followed>,
        clicks: &Clicks,
        settings: &MemorySettings,
        frame: i64,
    ) -> Result<(Option<Followed>, Propagated)> {
        self.timed(|segmenter| {
            let (tracker, features) = segmenter.tracker_on(features)?;
            let mut begun = memory.is_none().then(Followed::default);
            tracker.use_rules(bank_rules(settings));
            let Some(followed) = memory.or(begun.as_mut()) else { unreachable!("one of the two is there") };
            let previous = followed.latest.take().filter(|(known, _)| *known == frame).map(|(_, mask)| mask);
            let tracked = tracker.click(features, &mut followed.memory, &tracker_clicks(clicks, previous), frame);
            followed.latest = Some((frame, tracked.mask.clone()));
            Ok((begun, propagated(tracked)))
        })
    }

    fn recondition(
        &mut self,
        features: &PictureFeatures,
        memory: &mut Followed,
        mask: &MaskLogits,
        giver: Giver,
        frame: i64,
    ) -> Result<()> {
        self.timed(|segmenter| {
            let (tracker, features) = segmenter.tracker_on(features)?;
            tracker.recondition(features, &mut [&mut memory.memory], std::slice::from_ref(mask), giver, frame);
            Ok(())
        })
    }

    fn remember(
        &mut self,
        features: &PictureFeatures,
        memories: &mut [&mut Followed],
        masks: &[MaskLogits],
        _is_present: &[bool],
        _frame: i64,
    ) -> Result<()> {
        self.timed(|segmenter| {
            let (tracker, features) = segmenter.tracker_on(features)?;
            let mut own: Vec<_> = memories.iter_mut().map(|followed| &mut followed.memory).collect();
            tracker.remember(features, &mut own, masks);
            Ok(())
        })
    }

    fn start_from_masks(
        &mut self,
        features: &PictureFeatures,
        masks: &[MaskLogits],
        giver: Giver,
        frame: i64,
    ) -> Result<Vec<Followed>> {
        self.timed(|segmenter| {
            let (tracker, features) = segmenter.tracker_on(features)?;
            let started = tracker.start_from_masks(features, masks, giver, frame).into_iter().zip(masks);
            Ok(started.map(|(memory, mask)| Followed { memory, latest: Some((frame, mask.clone())) }).collect())
        })
    }

    fn kept_for_clicks(&self, features: PictureFeatures) -> PictureFeatures {
        features.for_late_clicks()
    }

    fn memory_bytes(&self, memory: &Followed) -> usize {
        memory.memory.bytes()
    }
}

impl Segmenter {
    /// Counts the time of `work` as the tracker's.
    fn timed<T>(&mut self, work: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        let mut clock = Clock::start(self.device);
        let outcome = work(self);
        self.times.tracker += clock.lap();
        outcome
    }
}

fn propagated(tracked: TrackedMask) -> Propagated {
    Propagated { mask: tracked.mask, score_logit: tracked.object_score_logit }
}

fn bank_rules(settings: &MemorySettings) -> BankRules {
    BankRules {
        recent_memories: settings.frames as i64 - 1,
        conditioning_frames: settings.conditioning_frames,
        pointers: settings.pointers as i64,
        click_window: i64::from(settings.click_window_frames),
        least_worth: (settings.selection_threshold > 0.0).then_some(settings.selection_threshold),
    }
}

/// # Shapes
/// logits: [K, M, M] → K masks of M·M logits.
fn host_logits(logits: &Tensor) -> Vec<Vec<f32>> {
    let cells = (logits.size()[1] * logits.size()[2]) as usize;
    to_numbers(logits).chunks_exact(cells).map(<[f32]>::to_vec).collect()
}
