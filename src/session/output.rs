//! What is shown of a frame, and what happened to objects.

use super::binary_mask::BinaryMask;
use super::model::{MaskLogits, TrackingModel};
use super::non_overlap::{Claim, lost_cells};
use super::session::{Session, Step};
use super::tight_box::tight_box;
use super::track::{Outline, Track};
use super::tracking::{ObjectEvent, ObjectEventKind};
use crate::boxes::BoxXyxy;
use crate::engine::EXCLUDED_SHARE;
use crate::objects::{MASK_INSIDE, Mask, Object, ObjectState, Objects};
use crate::session::settings::SessionConfig;

impl<M: TrackingModel> Session<M> {
    /// Steps 13 and 14: what may be shown, boxes first, then each cell to one object of its phrase.
    pub(super) fn show(&mut self, step: &mut Step<'_, M>) {
        let shown = self.shown(step);
        let groups = self.groups();
        let claims: Vec<_> = shown
            .iter()
            .map(|&(index, _)| Claim {
                group: groups[index],
                score: self.tracks[index].now.certainty,
                mask: &self.tracks[index].shown_outline().inside,
            })
            .collect();
        let lost = lost_cells(&claims);
        self.tell_events(step, &shown);
        let masks = shown
            .iter()
            .zip(&lost)
            .map(|((index, _), lost)| soft_mask(&self.tracks[*index].shown_outline().logits, lost));
        let masks: Vec<_> = masks.collect();
        let mut items = Vec::with_capacity(shown.len());
        for ((index, box_in_frame), mask) in shown.iter().zip(masks) {
            items.extend(mask.map(|mask| self.object(step, *index, *box_in_frame, mask)));
        }
        let inside_level =
            step.request.segment.mask_threshold.map_or(MASK_INSIDE, |share| (share * 255.0).round() as u8);
        let semantic_maps = std::mem::take(&mut step.answer.objects.semantic_maps);
        let (frame_width, frame_height) = (step.shape.width, step.shape.height);
        step.answer.objects = Objects { frame_width, frame_height, inside_level, items, semantic_maps };
    }

    /// Positions and boxes of the tracks that are shown, best score first, within the request's caps.
    fn shown(&mut self, step: &Step<'_, M>) -> Vec<(usize, BoxXyxy)> {
        let mut shown = Vec::new();
        for (index, track) in self.tracks.iter_mut().enumerate() {
            if !track.may_be_shown(self.excluded.as_ref(), step.config) {
                continue;
            }
            let outline = track.shown_outline();
            if let Some(place) = tight_box(&outline.logits, &outline.inside, step.shape.width, step.shape.height) {
                track.place = place;
                shown.push((index, place));
            }
        }
        let tracks = &self.tracks;
        shown.sort_by(|(a, _), (b, _)| {
            tracks[*b].score.total_cmp(&tracks[*a].score).then(tracks[*a].id.cmp(&tracks[*b].id))
        });
        let prompts = &step.request.segment.prompts;
        let mut counts = vec![0; prompts.len()];
        shown.retain(|(index, _)| {
            let Some(group) = tracks[*index].group(&self.phrases) else { return true };
            counts[group] += 1;
            prompts[group].max_objects == 0 || counts[group] <= prompts[group].max_objects
        });
        if step.request.segment.max_objects > 0 {
            shown.truncate(step.request.segment.max_objects);
        }
        shown
    }

    fn tell_events(&mut self, step: &mut Step<'_, M>, shown: &[(usize, BoxXyxy)]) {
        let prompts = &step.request.segment.prompts;
        for index in 0..self.tracks.len() {
            let is_shown = shown.iter().any(|(other, _)| *other == index);
            let group = self.tracks[index].group(&self.phrases);
            let track = &mut self.tracks[index];
            let of_phrase = group.map(|group| prompts[group].label.clone());
            track.label = track.own_label.clone().or(of_phrase).unwrap_or_else(|| track.label.clone());
            let kind = match (track.was_shown, is_shown) {
                (false, true) if !track.has_appeared => Some(ObjectEventKind::Appeared),
                (false, true) => Some(ObjectEventKind::Recovered),
                (true, false) => Some(ObjectEventKind::Lost),
                _ => None,
            };
            if is_shown && !track.has_appeared {
                track.now.state = ObjectState::New;
            }
            track.has_appeared |= is_shown;
            track.was_shown = is_shown;
            if let Some(kind) = kind {
                let (object_id, label) = (track.id, track.label.clone());
                step.answer.events.push(ObjectEvent { kind, object_id, label, cause: None });
            }
            if !is_shown && track.has_appeared {
                step.answer.lost_ids.push(track.id);
            }
        }
        step.answer.lost_ids.sort_unstable();
    }

    fn object(&self, step: &Step<'_, M>, index: usize, box_in_frame: BoxXyxy, mask: Mask) -> Object {
        let track = &self.tracks[index];
        let prompt_index = track.group(&self.phrases).unwrap_or(step.request.segment.prompts.len());
        Object {
            id: Some(track.id),
            label: track.label.clone(),
            prompt_index: prompt_index as u32,
            score: track.score,
            box_in_frame,
            mask,
            state: Some(track.now.state),
            first_seen_ns: track.first_seen_ns,
            last_seen_ns: track.last_seen_ns,
        }
    }
}

impl<Memory> Track<Memory> {
    fn shown_outline(&self) -> &Outline {
        self.now.shown.as_ref().unwrap_or(&self.outline)
    }

    fn may_be_shown(&self, excluded: Option<&BinaryMask>, config: &SessionConfig) -> bool {
        let covered = |excluded| self.shown_outline().inside.share_inside(excluded) > EXCLUDED_SHARE;
        let is_lost = self.now.state == ObjectState::Lost || self.now.is_hidden;
        let is_excluded = !self.is_users && excluded.is_some_and(covered);
        let is_confirmed = self.is_users || self.confirmation.is_confirmed(config);
        !is_lost && is_confirmed && !is_excluded && !self.shown_outline().inside.is_empty()
    }
}

/// Probabilities as bytes, 0 in the cells that another object has.
fn soft_mask(logits: &MaskLogits, lost: &BinaryMask) -> Option<Mask> {
    let mut values = logits.probabilities();
    lost.cells().for_each(|cell| values[cell] = 0);
    Mask::new(logits.side() as u32, logits.side() as u32, values)
}
