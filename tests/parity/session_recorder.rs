//! The engine's model with an ear on what the session asks of it.

use sa3::Result;
use sa3::engine::{Followed, PictureFeatures, SegmentRequest, Segmenter};
use sa3::session::{Clicks, Detected, Giver, MaskLogits, MemorySettings, Propagated, TrackingModel};

/// Passes everything on.
pub struct Recorder<'m> {
    pub model: &'m mut Segmenter,
    pub recording: Recording,
    last_id: u64,
}

/// What was asked and answered on one frame; ids are the session's.
#[derive(Default)]
pub struct Recording {
    pub detected: Detected,
    pub propagated: Vec<(u64, Propagated)>,
    pub reconditioned: Vec<u64>,
    /// Masks as they shall be remembered, and whether there is an object.
    pub remembered: Vec<(u64, MaskLogits, bool)>,
    pub born: Vec<(u64, MaskLogits)>,
}

/// A memory that knows whose it is: ids are given in the order of the births.
pub struct Named {
    id: u64,
    own: Followed,
}

impl<'m> Recorder<'m> {
    pub fn new(model: &'m mut Segmenter) -> Self {
        Self { model, recording: Recording::default(), last_id: 0 }
    }
}

fn own<'a>(memories: &'a mut [&mut Named]) -> Vec<&'a mut Followed> {
    memories.iter_mut().map(|memory| &mut memory.own).collect()
}

impl TrackingModel for Recorder<'_> {
    type Features = PictureFeatures;
    type Memory = Named;

    fn follows(&self) -> bool {
        self.model.follows()
    }

    fn mask_side(&self, features: &PictureFeatures) -> usize {
        self.model.mask_side(features)
    }

    fn recommended_nms_iou(&self) -> Option<f32> {
        self.model.recommended_nms_iou()
    }

    fn detect(&mut self, features: &PictureFeatures, request: &SegmentRequest) -> Result<Detected> {
        self.recording.detected = self.model.detect(features, request)?;
        Ok(self.recording.detected.clone())
    }

    fn propagate(
        &mut self,
        features: &PictureFeatures,
        memories: &mut [&mut Named],
        settings: &MemorySettings,
        frame: i64,
    ) -> Result<Vec<Propagated>> {
        let answers = self.model.propagate(features, &mut own(memories), settings, frame)?;
        self.recording.propagated = memories.iter().map(|memory| memory.id).zip(answers.iter().cloned()).collect();
        Ok(answers)
    }

    fn click(
        &mut self,
        _: &PictureFeatures,
        _: Option<&mut Named>,
        _: &Clicks,
        _: &MemorySettings,
        _: i64,
    ) -> Result<(Option<Named>, Propagated)> {
        unreachable!("nobody clicks here")
    }

    fn recondition(
        &mut self,
        features: &PictureFeatures,
        memory: &mut Named,
        mask: &MaskLogits,
        giver: Giver,
        frame: i64,
    ) -> Result<()> {
        self.recording.reconditioned.push(memory.id);
        self.model.recondition(features, &mut memory.own, mask, giver, frame)
    }

    fn remember(
        &mut self,
        features: &PictureFeatures,
        memories: &mut [&mut Named],
        masks: &[MaskLogits],
        is_present: &[bool],
        frame: i64,
    ) -> Result<()> {
        let given = memories.iter().zip(masks).zip(is_present);
        self.recording.remembered = given.map(|((memory, mask), is)| (memory.id, mask.clone(), *is)).collect();
        self.model.remember(features, &mut own(memories), masks, is_present, frame)
    }

    fn start_from_masks(
        &mut self,
        features: &PictureFeatures,
        masks: &[MaskLogits],
        giver: Giver,
        frame: i64,
    ) -> Result<Vec<Named>> {
        let begun = self.model.start_from_masks(features, masks, giver, frame)?;
        let named = |(own, mask): (Followed, &MaskLogits)| {
            self.last_id += 1;
            self.recording.born.push((self.last_id, mask.clone()));
            Named { id: self.last_id, own }
        };
        Ok(begun.into_iter().zip(masks).map(named).collect())
    }

    fn memory_bytes(&self, memory: &Named) -> usize {
        self.model.memory_bytes(&memory.own)
    }
}
