//! The model at work on streams: the same features and detections as for single pictures, for a session's rules.

use tch::Tensor;

use super::segmenter::{Clock, Input, PictureFeatures, Segmenter, to_numbers, tracker_clicks};
use super::sessions::{Read, StreamModel, Unread};
use super::{SegmentRequest, Segmentation, StageTimes};
use crate::error::{Error, Result};
use crate::masks::{Candidate, clear_outside};
use crate::session::{
    Clicks, Detected, Found, FrameShape, Giver, MaskLogits, MemorySettings, NO_OBJECT_LOGIT, Propagated, TrackingModel,
    Trust,
};
use crate::tracker::{BankRules, ObjectMemory, TrackedMask};

/// One followed object: the tracker's memory, and its latest mask, which clicks on the same frame correct.
#[derive(Default)]
pub struct Followed {
    memory: ObjectMemory,
    latest: Option<(i64, MaskLogits)>,
}

impl StreamModel for Segmenter {
    fn read(&mut self, frames: Vec<Unread<'_>>) -> Vec<Result<Read<PictureFeatures>>> {
        let inputs: Vec<_> = frames.into_iter().map(|frame| self.input_of(frame)).collect();
        let pixels: Vec<&Tensor> = inputs.iter().flatten().map(|input| &input.pixels).collect();
        let batch_size = pixels.len() as u32;
        let mut clock = Clock::start(self.device);
        let mut trunks = self.trunks(&pixels).into_iter();
        let vision = clock.lap() / batch_size.max(1);
        let mut read = |Input { shape, preprocess, .. }| {
            let trunk = trunks.next().ok_or(Error::Closed)?;
            let times = StageTimes { batch_size, preprocess, vision, ..StageTimes::default() };
            Ok(Read { features: PictureFeatures::new(trunk, shape), shape, times })
        };
        inputs.into_iter().map(|input| input.and_then(&mut read)).collect()
    }

    fn segment(
        &mut self,
        features: PictureFeatures,
        _shape: FrameShape,
        request: &SegmentRequest,
    ) -> Result<Segmentation> {
        self.segment_picture(&features, request)
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

    fn recommended_trust(&self) -> Option<Trust> {
        self.recommendations.trust
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

#[cfg(test)]
#[cfg(feature = "bundled")]
mod tests {
    use super::*;
    use crate::device::{DeviceChoice, PrecisionChoice};
    use crate::engine::EngineSettings;
    use crate::frame::RgbPicture;

    fn picture(seed: u8) -> RgbPicture {
        let (width, height) = (80, 60);
        let rgb = (0..width * height)
            .flat_map(|at| [at as u8 ^ seed, ((at / width) as u8).wrapping_mul(seed), seed])
            .collect();
        RgbPicture { width, height, rgb }
    }

    /// A frame that cannot be read takes nothing from the others.
    struct Unreadable;

    impl crate::frame::FrameSource for Unreadable {
        fn frame(&self) -> Result<crate::frame::Frame<'_>> {
            Err(Error::Closed)
        }
    }

    #[test]
    fn frames_are_read_together_as_they_are_alone() {
        for precision in [PrecisionChoice::Fp32, PrecisionChoice::Bf16] {
            let settings = EngineSettings { device: DeviceChoice::Cpu, precision, ..EngineSettings::default() };
            let mut segmenter = Segmenter::open(&settings, &mut |_| {}).unwrap();
            let _no_grad = tch::no_grad_guard();
            let request = SegmentRequest::default();
            let unread = |source| Unread { source, request: &request, number: None };
            let mut together = vec![unread(Box::new(Unreadable))];
            together.extend([1, 77, 200].map(|seed| unread(Box::new(picture(seed)))));
            let together = segmenter.read(together);
            assert!(matches!(together[0], Err(Error::Closed)));
            for (seed, read) in [1, 77, 200].into_iter().zip(&together[1..]) {
                let read = read.as_ref().unwrap();
                assert_eq!(read.times.batch_size, 3);
                let alone = segmenter.read(vec![unread(Box::new(picture(seed)))]).remove(0).unwrap();
                assert_eq!(alone.times.batch_size, 1);
                let (ours, theirs) = (read.features.trunk().unwrap(), alone.features.trunk().unwrap());
                assert_eq!(ours.size(), theirs.size());
                let worst = f64::try_from((ours - theirs).abs().max() / theirs.abs().max()).unwrap();
                let bound = if precision == PrecisionChoice::Fp32 { 1e-5 } else { 2e-2 };
                assert!(worst <= bound, "{precision:?}, picture {seed}: {worst}");
            }
        }
    }
}
