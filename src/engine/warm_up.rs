//! One pass on a grey picture after loading, so that the first real frame does not pay for kernel selection.

use std::time::{Duration, Instant};

use super::SegmentRequest;
use super::segmenter::{PictureFeatures, Segmenter, soft_masks};
use super::sessions::{StreamModel, Unread};
use crate::error::Result;
use crate::frame::RgbPicture;
use crate::prompt::Prompt;
use crate::session::{Giver, MaskLogits, MemorySettings, TrackingModel};

/// Masks that are made. Those of every query would set the process's peak of memory for nothing.
const MASKS: usize = 2;

/// A pass that nobody should wait for twice.
const LONG: Duration = Duration::from_secs(1);
/// Logit of every cell of the object that the tracker is given.
const INSIDE_LOGIT: f32 = 10.0;

impl Segmenter {
    /// Looks for a word, and follows one object from one frame to the next where there is a tracker; then once more, for
    /// the time that it takes when all is warm. A large model's first pass tells it well enough.
    pub(super) fn warm_up(&mut self) -> Result<Duration> {
        let mut began = Instant::now();
        self.pass_once()?;
        if began.elapsed() < LONG {
            began = Instant::now();
            self.pass_once()?;
        }
        Ok(began.elapsed())
    }

    fn pass_once(&mut self) -> Result<()> {
        let side = self.native_size();
        let picture = RgbPicture { width: side, height: side, rgb: vec![128; 3 * (side * side) as usize] };
        let features = self.read_one(picture)?;
        self.look_once(&features)?;
        if self.follows() { self.follow_once(&features) } else { Ok(()) }
    }

    fn read_one(&mut self, picture: RgbPicture) -> Result<PictureFeatures> {
        let request = SegmentRequest::default();
        let unread = Unread { source: Box::new(picture), request: &request, number: None };
        self.read(vec![unread]).remove(0).map(|read| read.features)
    }

    /// The masks that were made.
    fn look_once(&mut self, features: &PictureFeatures) -> Result<usize> {
        let request = SegmentRequest {
            prompts: Prompt::list_from_text("object"),
            threshold: Some(0.0),
            ..SegmentRequest::default()
        };
        Ok(self.find_at_most(features, &request, MASKS, soft_masks)?.objects.len())
    }

    fn follow_once(&mut self, features: &PictureFeatures) -> Result<()> {
        let mask = MaskLogits::blank(features.mask_side(), INSIDE_LOGIT);
        let masks = std::slice::from_ref(&mask);
        let mut memories = self.start_from_masks(features, masks, Giver::Detector, 0)?;
        let mut memories: Vec<_> = memories.iter_mut().collect();
        self.propagate(features, &mut memories, &MemorySettings::default(), 1)?;
        self.remember(features, &mut memories, masks, &[true], 1)
    }
}

#[cfg(test)]
#[cfg(feature = "bundled")]
mod tests {
    use super::*;
    use crate::device::{DeviceChoice, PrecisionChoice};
    use crate::engine::EngineSettings;

    #[test]
    fn warming_up_makes_a_few_masks_whatever_the_number_of_queries() {
        let (device, precision) = (DeviceChoice::Cpu, PrecisionChoice::Fp32);
        let settings = EngineSettings { model: "nano".into(), device, precision };
        let mut segmenter = Segmenter::open(&settings, &mut |_| {}).unwrap();
        let _no_grad = tch::no_grad_guard();
        let picture = RgbPicture { width: 8, height: 8, rgb: vec![128; 192] };
        let features = segmenter.read_one(picture).unwrap();
        let made = std::cell::Cell::new(0);
        let request = SegmentRequest {
            prompts: Prompt::list_from_text("dog; cat"),
            threshold: Some(0.0),
            ..SegmentRequest::default()
        };
        let count = |logits: &tch::Tensor| {
            made.set(made.get() + logits.size()[0]);
            soft_masks(logits)
        };
        let all = segmenter.find(&features, &request, count).unwrap().objects;
        assert!(all.len() > 2 * MASKS && made.take() == all.len() as i64);
        let few = segmenter.find_at_most(&features, &request, MASKS, count).unwrap().objects;
        assert_eq!((few.len(), made.take()), (MASKS, MASKS as i64));
        assert_eq!(segmenter.look_once(&features).unwrap(), MASKS);
    }
}
