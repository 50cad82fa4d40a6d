//! Tracks meet detections: who is confirmed, who goes, who begins, and what is remembered of the frame.

use super::association::{Association, DetectionView, TrackView, associate};
use super::group::Group;
use super::holes::without_holes_and_sprinkles;
use super::lifetime::best_new;
use super::looking::Sighting;
use super::model::{Giver, MaskLogits, NO_OBJECT_LOGIT, TrackingModel};
use super::occlusion::{self, LastHidden, Occludable};
use super::probation::{Seen, Verdict, doubles};
use super::reacquire::{Place, found_again};
use super::session::{Session, Step};
use super::settings::{Reacquire, SessionConfig};
use super::shrink::{Shrinkable, keeps_area};
use super::tight_box::tight_box;
use super::track::{Birth, Outline, Track};
use super::tracking::RemovalCause;
use crate::boxes::BoxXyxy;
use crate::error::Result;
use crate::objects::ObjectState;

impl<M: TrackingModel> Session<M> {
    /// Step 3: every track that has a memory gets its mask of this frame, holes filled, unless it has one already. Where a
    /// detector is trusted more, it matters if it has looked by now.
    pub(super) fn propagate(&mut self, step: &mut Step<'_, M>, has_looked: bool) -> Result<()> {
        if !step.model.follows() {
            return Ok(());
        }
        let bridges = self.bridges(step);
        let mut waiting: Vec<_> = self.tracks.iter_mut().filter(|track| track.waits_for_tracker()).collect();
        let mut memories: Vec<&mut M::Memory> = waiting.iter_mut().filter_map(|track| track.memory.as_mut()).collect();
        if memories.is_empty() {
            return Ok(());
        }
        let settings = &step.config.memory;
        let propagated = step.model.propagate(step.features, &mut memories, settings, self.frame)?;
        for (track, propagated) in waiting.into_iter().zip(propagated) {
            let cleaned = without_holes_and_sprinkles(&propagated.mask, step.config.hole_area);
            if bridges && !track.is_users {
                track.carry(propagated, cleaned, has_looked, step.config);
            } else {
                track.follow(propagated, cleaned);
            }
        }
        Ok(())
    }

    /// Steps 4 to 11 of a frame with detection.
    pub(super) fn associate(&mut self, step: &mut Step<'_, M>, sightings: Vec<Sighting>) -> Result<()> {
        let groups = self.groups();
        let detections: Vec<_> = sightings
            .iter()
            .map(|seen| DetectionView { group: Some(seen.group), score: seen.score, mask: &seen.inside })
            .collect();
        let tracks: Vec<_> = self
            .tracks
            .iter()
            .zip(&groups)
            .map(|(track, group)| TrackView { group: *group, mask: &track.outline.inside })
            .collect();
        let mut outcome = associate(&detections, &tracks, step.config);
        let is_by_detections = !step.model.follows() || self.bridges(step);
        if is_by_detections {
            self.take_masks_of_detections(&sightings, &mut outcome, &groups, step.config);
        }
        for (track, is_confirmed) in self.tracks.iter_mut().zip(&outcome.is_confirmed) {
            if *is_confirmed && track.memory.is_some() {
                track.now.state = ObjectState::Tracked;
            }
        }
        let again = self.find_again(step, &sightings, &outcome)?;
        if self.bridges(step) {
            self.bridge_unseen(step)?;
        }
        let removed = self.on_probation(&outcome, &again, step.config);
        let new = self.choose_new(step, &sightings, outcome.new, &again);
        self.refresh(step, &sightings, &outcome.refreshing)?;
        let leaving: Vec<u64> = removed.iter().map(|(id, _)| *id).collect();
        self.settle(step, &leaving)?;
        self.begin_new(step, &sightings, &new)?;
        for (id, cause) in removed {
            self.remove(&[id], cause, step.answer);
        }
        self.record_detection(!sightings.is_empty());
        Ok(())
    }

    /// Step 6: who is confirmed, who is not, and who is somebody else once more.
    fn on_probation(
        &mut self,
        outcome: &Association,
        again: &[(usize, usize)],
        config: &SessionConfig,
    ) -> Vec<(u64, RemovalCause)> {
        let now = self.detection;
        let born: Vec<i64> = self.tracks.iter().map(|track| track.probation.born()).collect();
        for (first, later) in doubles(&outcome.tracks_of, &born) {
            let first = self.tracks[first].id;
            self.tracks[later].probation.record_double(first, now, config);
        }
        let mut removed = Vec::new();
        for (index, track) in self.tracks.iter_mut().enumerate() {
            let is_again = again.iter().any(|(_, found)| *found == index);
            let seen = Seen {
                is_matched: is_again || outcome.tracks_of.iter().any(|tracks| tracks.contains(&index)),
                is_unmatched: !is_again && outcome.unmatched.contains(&index),
                is_empty: !is_again && outcome.empty.contains(&index),
            };
            track.probation.record(seen, now, config);
            track.confirmation.record(seen.is_matched, config);
            track.missed = if seen.is_unmatched { track.missed.saturating_add(1) } else { 0 };
            if !track.is_on_trial() {
                continue;
            }
            match track.probation.verdict(now, config) {
                Verdict::Stay => {}
                Verdict::Hide => track.now.is_hidden = true,
                Verdict::RemoveUnmatched => removed.push((track.id, RemovalCause::Unconfirmed)),
                Verdict::RemoveDouble => removed.push((track.id, RemovalCause::Double)),
            }
        }
        removed
    }

    /// Detections that are no track's may be objects that are missing: pairs of detection and track.
    fn find_again(
        &mut self,
        step: &mut Step<'_, M>,
        sightings: &[Sighting],
        outcome: &Association,
    ) -> Result<Vec<(usize, usize)>> {
        let free = &outcome.unclaimed;
        let policy = step.config.reacquire;
        let bridges = self.bridges(step);
        let is_missing = |track: &Track<M::Memory>| match policy {
            Reacquire::Off => false,
            Reacquire::Auto => (track.memory.is_none() && !track.is_seen()) || (bridges && track.is_bridged()),
            Reacquire::Nearby => !track.is_seen() || track.outline.inside.is_empty(),
        };
        let missing: Vec<usize> = (0..self.tracks.len()).filter(|&index| is_missing(&self.tracks[index])).collect();
        if free.is_empty() || missing.is_empty() {
            return Ok(Vec::new());
        }
        let groups = self.groups();
        let detections: Vec<Place> = free.iter().map(|&index| sightings[index].place(step)).collect();
        let places: Vec<Place> = missing
            .iter()
            .map(|&index| Place { group: groups[index], box_in_frame: self.tracks[index].place })
            .collect();
        let pairs = found_again(&detections, &places, step.config.reacquire_distance);
        let pairs: Vec<_> = pairs.into_iter().map(|(detection, object)| (free[detection], missing[object])).collect();
        for &(detection, index) in &pairs {
            self.bring_back(step, &sightings[detection], index)?;
        }
        Ok(pairs)
    }

    fn bring_back(&mut self, step: &mut Step<'_, M>, sighting: &Sighting, index: usize) -> Result<()> {
        let (frame, bridges) = (self.frame, self.bridges(step));
        let track = &mut self.tracks[index];
        if bridges && !track.is_users {
            track.memory = None;
        } else if step.model.follows() {
            match &mut track.memory {
                Some(memory) => {
                    step.model.recondition(step.features, memory, &sighting.mask, Giver::Detector, frame)?
                }
                None => {
                    let masks = std::slice::from_ref(&sighting.mask);
                    let begun = step.model.start_from_masks(step.features, masks, Giver::Detector, frame)?;
                    track.memory = begun.into_iter().next();
                    track.now.is_remembered = true;
                }
            }
        }
        track.see(sighting, step.config);
        Ok(())
    }

    /// Step 5, and whatever else keeps detections from becoming objects.
    fn choose_new(
        &mut self,
        step: &mut Step<'_, M>,
        sightings: &[Sighting],
        mut new: Vec<usize>,
        again: &[(usize, usize)],
    ) -> Vec<usize> {
        let margin = step.config.edge_margin;
        new.retain(|index| {
            let is_again = again.iter().any(|(detection, _)| detection == index);
            !is_again && !sightings[*index].inside.is_empty() && !is_at_edge(sightings[*index].box_in_frame, margin)
        });
        let scores: Vec<f32> = sightings.iter().map(|sighting| sighting.score).collect();
        let groups = self.groups();
        let present = |group: Option<Group>| {
            let there = self.tracks.iter().zip(&groups).filter(|(track, _)| !track.outline.inside.is_empty());
            there.filter(|(_, of_track)| group.is_none_or(|group| group == **of_track)).count()
        };
        for group in self.phrases.groups() {
            let cap = step.request.segment.prompts[group].max_objects;
            let of_group: Vec<usize> = new.iter().copied().filter(|&index| sightings[index].group == group).collect();
            if cap > 0 {
                let (best, _) = best_new(of_group, &scores, cap.saturating_sub(present(Some(Some(group)))));
                new.retain(|index| sightings[*index].group != group || best.contains(index));
            }
        }
        let cap = step.request.segment.max_objects;
        if cap > 0 {
            new = best_new(new, &scores, cap.saturating_sub(present(None))).0;
        }
        let allowed = step.config.active_objects;
        let (new, refused) = best_new(new, &scores, allowed.saturating_sub(self.tracks.len()));
        self.record_refused(refused, allowed, step.answer);
        new
    }

    /// Step 7: memories are refreshed by detections that are sure of themselves and of their track.
    fn refresh(
        &mut self,
        step: &mut Step<'_, M>,
        sightings: &[Sighting],
        refreshing: &std::collections::BTreeMap<usize, usize>,
    ) -> Result<()> {
        let config = step.config;
        let is_mismatch = |(&index, &detection): (&usize, &usize)| {
            let (track, seen) = (&self.tracks[index], &sightings[detection]);
            let place = cell_box(&track.outline);
            config.recondition_box_iou > 0.0
                && seen.score >= config.recondition_box_score
                && place.is_some_and(|place| place.iou(&seen.box_in_frame) < config.recondition_box_iou)
        };
        let mismatched: Vec<usize> =
            refreshing.iter().filter(|pair| is_mismatch(*pair)).map(|(index, _)| *index).collect();
        let is_due = self.refreshes_memories(config) || !mismatched.is_empty();
        if !step.model.follows() || !is_due {
            return Ok(());
        }
        for (&index, &detection) in refreshing {
            let track = &mut self.tracks[index];
            if track.now.is_remembered {
                continue;
            }
            if mismatched.contains(&index) {
                track.now.shown = Some(Outline::of(sightings[detection].mask.clone()));
            }
            if let Some(memory) = track.memory.as_mut().filter(|_| track.now.score_logit > config.recondition_logit) {
                step.model.recondition(
                    step.features,
                    memory,
                    &sightings[detection].mask,
                    Giver::Detector,
                    self.frame,
                )?;
            }
        }
        Ok(())
    }

    /// Steps 8 and 9: doubles are blanked, and memories take in what is left of the frame. Without detection too.
    pub(super) fn settle(&mut self, step: &mut Step<'_, M>, leaving: &[u64]) -> Result<()> {
        if !step.model.follows() {
            self.hold(step.config);
            return Ok(());
        }
        if self.bridges(step) {
            self.end_bridges(step.config);
            self.hold(step.config);
        } else {
            self.blank_doubles(step.config, leaving);
        }
        let groups = self.groups();
        let views: Vec<_> = self
            .tracks
            .iter()
            .zip(&groups)
            .map(|(track, group)| Shrinkable {
                group: *group,
                logits: &track.outline.logits,
                mask: &track.outline.inside,
            })
            .collect();
        let keeps = keeps_area(&views, step.config.shrink_share);
        let (mut memories, mut masks, mut is_present) = (Vec::new(), Vec::new(), Vec::new());
        for (track, keeps) in self.tracks.iter_mut().zip(keeps) {
            let Some(memory) = track.memory.as_mut().filter(|_| !track.now.is_remembered) else { continue };
            is_present.push(keeps && !track.outline.inside.is_empty());
            masks.push(if keeps { track.outline.logits.clone() } else { clamped(&track.outline.logits) });
            memories.push(memory);
        }
        if memories.is_empty() {
            return Ok(());
        }
        step.model.remember(step.features, &mut memories, &masks, &is_present, self.frame)
    }

    fn blank_doubles(&mut self, config: &SessionConfig, leaving: &[u64]) {
        if config.occlusion_iou <= 0.0 {
            return;
        }
        for track in &mut self.tracks {
            if track.hidden == LastHidden::Never && leaving.contains(&track.id) {
                track.hidden = LastHidden::Always;
            }
        }
        let groups = self.groups();
        let views: Vec<_> = self
            .tracks
            .iter()
            .zip(&groups)
            .map(|(track, group)| Occludable { group: *group, mask: &track.outline.inside, hidden: track.hidden })
            .collect();
        let blanked = occlusion::blanked(&views, config.occlusion_iou);
        for (track, is_blanked) in self.tracks.iter_mut().zip(blanked) {
            if is_blanked || track.outline.inside.is_empty() {
                track.hidden = LastHidden::On(self.frame);
            }
            if is_blanked {
                track.outline = Outline::blank(track.outline.logits.side());
            }
        }
    }

    /// Steps 10 and 11: new objects begin together.
    fn begin_new(&mut self, step: &mut Step<'_, M>, sightings: &[Sighting], new: &[usize]) -> Result<()> {
        if new.is_empty() {
            return Ok(());
        }
        let mut memories = Vec::new();
        if step.model.follows() && !self.bridges(step) {
            let masks: Vec<MaskLogits> = new.iter().map(|&index| sightings[index].mask.clone()).collect();
            memories = step.model.start_from_masks(step.features, &masks, Giver::Detector, self.frame)?;
        }
        let time_ns = self.now_ns(step);
        let mut memories = memories.into_iter();
        for &index in new {
            let sighting = &sightings[index];
            let birth = Birth {
                concept: Some(sighting.concept.clone()),
                label: None,
                score: sighting.score,
                detection: Some(self.detection),
                time_ns,
            };
            let filled = without_holes_and_sprinkles(&sighting.mask, step.config.hole_area);
            let mut track = Track::begin(self.take_id(), birth, Outline::of(filled), step.config);
            track.memory = memories.next();
            self.tracks.push(track);
        }
        Ok(())
    }
}

impl Sighting {
    /// Where it is on the frame: the box of its mask, so that places of one kind are compared.
    fn place<M: TrackingModel>(&self, step: &Step<'_, M>) -> Place {
        let tight = tight_box(&self.mask, &self.inside, step.shape.width, step.shape.height);
        Place { group: Some(self.group), box_in_frame: tight.unwrap_or(self.box_in_frame) }
    }
}

impl<Memory> Track<Memory> {
    /// Takes over a detection's mask.
    pub(super) fn see(&mut self, sighting: &Sighting, config: &SessionConfig) {
        self.outline = Outline::of(without_holes_and_sprinkles(&sighting.mask, config.hole_area));
        self.now.state = ObjectState::Tracked;
        self.now.certainty = sighting.score;
    }
}

/// Centred closer to an edge than the margin.
fn is_at_edge(box_in_frame: BoxXyxy, margin: f32) -> bool {
    let [x, y] = [box_in_frame.x0 + box_in_frame.x1, box_in_frame.y0 + box_in_frame.y1].map(|sum| 0.5 * sum);
    let is_inner = |centre: f32| centre > margin && centre < 1.0 - margin;
    margin > 0.0 && !(is_inner(x) && is_inner(y))
}

/// The box of the cells inside, first to last as the reference has it, normalised to the mask grid.
fn cell_box(outline: &Outline) -> Option<BoxXyxy> {
    let [x0, y0, x1, y1] = outline.inside.bounds()?.map(|cell| cell as f32 / outline.logits.side() as f32);
    Some(BoxXyxy { x0, y0, x1, y1 })
}

/// Nothing is above what an absent object has.
fn clamped(mask: &MaskLogits) -> MaskLogits {
    mask.with_values(mask.values().iter().map(|&value| value.min(NO_OBJECT_LOGIT)).collect::<Vec<f32>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_centred_at_the_edge_begins_nothing() {
        let at = |x: f32| BoxXyxy { x0: x - 0.01, y0: 0.4, x1: x + 0.01, y1: 0.6 };
        assert!(is_at_edge(at(0.02), 0.025) && is_at_edge(at(0.98), 0.025) && !is_at_edge(at(0.03), 0.025));
        assert!(!is_at_edge(at(0.0), 0.0), "0 is off");
    }
}
