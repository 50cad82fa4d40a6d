//! Detections become sightings: overlaps, excluded phrases and bans are settled before tracks are looked at.

use super::bans::Suspect;
use super::binary_mask::BinaryMask;
use super::group::compete;
use super::model::{Found, TrackingModel, nms_iou};
use super::nms::{self, Scored};
use super::phrases::Concept;
use super::session::{Session, Step};
use crate::boxes::BoxXyxy;
use crate::engine::EXCLUDED_SHARE;
use crate::error::Result;
use crate::session::model::MaskLogits;

/// A detection of a phrase that is asked for.
#[derive(Debug, Clone)]
pub struct Sighting {
    /// Its phrase.
    pub concept: Concept,
    /// That phrase's group.
    pub group: usize,
    /// Probability, 0..1.
    pub score: f32,
    /// From the detector's box head, normalised to the frame.
    pub box_in_frame: BoxXyxy,
    /// Its mask as it was found; holes are filled when it is shown.
    pub mask: MaskLogits,
    /// Cells above 0.
    pub inside: BinaryMask,
}

impl<M: TrackingModel> Session<M> {
    /// Everything the detector sees that may be or become an object, by phrase, in the order of the queries.
    pub(super) fn detect(&mut self, step: &mut Step<'_, M>) -> Result<Vec<Sighting>> {
        let detected = step.model.detect(step.features, &step.request.segment)?;
        step.answer.objects.semantic_maps = detected.semantic_maps;
        let side = step.side;
        let found: Vec<Found> = detected.found.into_iter().filter(|found| found.mask.side() == side).collect();
        let masks: Vec<BinaryMask> = found.iter().map(|found| BinaryMask::from_logits(&found.mask)).collect();
        let limit = nms_iou(step.config, step.model.recommended_nms_iou());
        let scored: Vec<_> = found
            .iter()
            .zip(&masks)
            .map(|(found, mask)| Scored { group: Some(self.nms_group(found.prompt_index)), score: found.score, mask })
            .collect();
        let kept = nms::kept(&scored, limit);
        let mut excluded: Option<BinaryMask> = None;
        let mut sightings = Vec::new();
        for ((found, inside), _) in found.into_iter().zip(masks).zip(kept).filter(|(_, is_kept)| *is_kept) {
            match self.phrases.at(found.prompt_index) {
                Some((concept, group)) => sightings.push(sighting(found, inside, concept.clone(), group)),
                None => excluded.get_or_insert_with(|| BinaryMask::empty(side)).unite(&inside),
            }
        }
        if let Some(covered) = &excluded {
            sightings.retain(|sighting| sighting.inside.share_inside(covered) <= EXCLUDED_SHARE);
        }
        self.excluded = excluded;
        self.without_banned(step, sightings)
    }

    /// Excluded phrases are groups of their own.
    fn nms_group(&self, prompt_index: usize) -> usize {
        self.phrases.at(prompt_index).map_or(prompt_index, |(_, group)| group)
    }

    fn without_banned(&mut self, step: &Step<'_, M>, sightings: Vec<Sighting>) -> Result<Vec<Sighting>> {
        if self.bans.is_empty() {
            return Ok(sightings);
        }
        let groups = self.groups();
        let track_iou = |sighting: &Sighting| {
            let rivals = self.tracks.iter().zip(&groups).filter(|(_, group)| compete(**group, Some(sighting.group)));
            rivals.map(|(track, _)| track.outline.inside.iou(&sighting.inside)).fold(0.0, f32::max)
        };
        let suspects: Vec<_> = sightings
            .iter()
            .map(|sighting| Suspect {
                group: Some(sighting.group),
                mask: &sighting.inside,
                track_iou: track_iou(sighting),
            })
            .collect();
        let phrases = &self.phrases;
        let is_banned = self.bans.apply(&suspects, |concept| phrases.group_of(concept), step.config);
        Ok(sightings.into_iter().zip(is_banned).filter(|(_, is_banned)| !is_banned).map(|(kept, _)| kept).collect())
    }
}

fn sighting(found: Found, inside: BinaryMask, concept: Concept, group: usize) -> Sighting {
    let Found { score, box_in_frame, mask, .. } = found;
    Sighting { concept, group, score, box_in_frame, mask, inside }
}
