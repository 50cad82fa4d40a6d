//! Edits at work: what each does to the session, and what is wrong with those that do nothing.

use std::sync::Arc;

use super::edits::{Edit, MAX_POINTS, Started};
use super::model::{ClickPoint, Clicks, Giver, MaskLogits, Propagated, TrackingModel};
use super::notices::Notice;
use super::phrases::Concept;
use super::saved::{SavedObject, SavedSession};
use super::session::{Session, Step};
use super::track::{Birth, Outline, Track};
use super::tracking::{RemovalCause, Tracking};
use crate::boxes::BoxXyxy;
use crate::error::Result;
use crate::objects::{MASK_INSIDE, Mask};

/// Logit inside a mask that the user gave, and below 0 outside.
const GIVEN_LOGIT: f32 = 10.0;

/// Something the user said of an object.
pub(super) struct Correction {
    edit_index: usize,
    edit: &'static str,
    object_id: Option<u64>,
    said: Said,
    label: Option<Arc<str>>,
}

enum Said {
    Clicks(Clicks),
    Mask(MaskLogits),
}

impl<M: TrackingModel> Session<M> {
    /// Applies the edits in their order. What the user says of the frame at hand is returned: it waits for the masks.
    pub(super) fn apply_edits(&mut self, step: &mut Step<'_, M>) -> Result<Vec<Correction>> {
        let edits: Vec<_> = self.edits(step).collect();
        let mut corrections = Vec::new();
        for (edit_index, edit) in edits {
            match edit {
                Edit::Click { object_id, at_ns, label, .. } | Edit::Box { object_id, at_ns, label, .. } => {
                    let Some(clicks) = usable_clicks(edit, object_id.is_none(), step.side, step.answer) else {
                        continue;
                    };
                    let (object_id, said, label) = (*object_id, Said::Clicks(clicks), label.clone());
                    let correction = Correction { edit_index, edit: edit.name(), object_id, said, label };
                    corrections.extend(self.say(step, correction, *at_ns)?);
                }
                Edit::Mask { object_id, mask, label } => match given_mask(mask, step.side) {
                    Some(mask) => {
                        let (object_id, said, label) = (*object_id, Said::Mask(mask), label.clone());
                        corrections.push(Correction { edit_index, edit: edit.name(), object_id, said, label });
                    }
                    None => step.answer.notices.push(Notice::EmptyMask),
                },
                Edit::Reset { restarts_ids } => {
                    corrections.clear();
                    self.reset(step.answer, *restarts_ids);
                }
                Edit::SceneCut => {
                    corrections.clear();
                    self.clear_tracks(step.answer, RemovalCause::Cleared);
                }
                Edit::Restore(saved) => {
                    corrections.clear();
                    self.restore(step, saved);
                }
                Edit::ClearBans => self.bans.clear(),
                Edit::RemoveObject { .. } | Edit::Lock { .. } | Edit::Rename { .. } => self.apply_to_one(step, edit),
            }
        }
        Ok(corrections)
    }

    fn apply_to_one(&mut self, step: &mut Step<'_, M>, edit: &Edit) {
        let (Edit::RemoveObject { object_id, .. } | Edit::Lock { object_id, .. } | Edit::Rename { object_id, .. }) =
            edit
        else {
            return;
        };
        let Some(index) = self.position(*object_id) else {
            step.answer.notices.push(Notice::UnknownObject { edit: edit.name(), object_id: *object_id });
            return;
        };
        let track = &mut self.tracks[index];
        match edit {
            Edit::Lock { is_locked, .. } => track.is_locked = *is_locked,
            Edit::Rename { label, .. } => {
                track.own_label = Some(label.clone()).filter(|label| !label.trim().is_empty())
            }
            Edit::RemoveObject { bans, .. } => {
                if *bans {
                    self.bans.add(track.concept.clone(), track.outline.inside.clone(), step.config);
                }
                self.remove(&[*object_id], RemovalCause::User, step.answer);
            }
            _ => {}
        }
    }

    /// A click on an earlier frame that is still kept is applied there, at once; others are given back for later.
    fn say(
        &mut self,
        step: &mut Step<'_, M>,
        correction: Correction,
        at_ns: Option<u64>,
    ) -> Result<Option<Correction>> {
        if !step.model.follows() {
            step.answer.notices.push(Notice::NeedsTracker { edit: correction.edit });
            return Ok(None);
        }
        let now_ns = self.now_ns(step).unwrap_or(u64::MAX);
        let Some(at_ns) = at_ns.filter(|at_ns| *at_ns < now_ns) else { return Ok(Some(correction)) };
        let Some(position) = self.kept.iter().rposition(|kept| kept.time_ns.is_some_and(|time_ns| time_ns <= at_ns))
        else {
            step.answer.notices.push(Notice::FrameGone { at_ns });
            return Ok(Some(correction));
        };
        let Some(index) = self.index_to_correct(step, &correction) else { return Ok(None) };
        let kept = &self.kept[position];
        let Said::Clicks(clicks) = &correction.said else { return Ok(Some(correction)) };
        let memory = index.and_then(|index| self.tracks[index].memory.as_mut());
        let (begun, _) = step.model.click(&kept.features, memory, clicks, &step.config.memory, kept.frame)?;
        let index = match index {
            Some(index) => index,
            None => self.begin_of_user(step, &correction, Outline::blank(step.side)),
        };
        let track = &mut self.tracks[index];
        track.memory = begun.or_else(|| track.memory.take());
        (track.is_users, track.score, track.now.is_remembered) = (true, 1.0, false);
        Ok(None)
    }

    /// The track that a correction names, `Some(None)` for a new one, `None` when it can have no effect.
    fn index_to_correct(&self, step: &mut Step<'_, M>, correction: &Correction) -> Option<Option<usize>> {
        let Some(object_id) = correction.object_id else {
            let allowed = step.config.active_objects;
            if self.tracks.len() >= allowed {
                step.answer.notices.push(Notice::TooManyObjects { ignored: 1, allowed });
                return None;
            }
            return Some(None);
        };
        let index = self.position(object_id);
        if index.is_none() {
            step.answer.notices.push(Notice::UnknownObject { edit: correction.edit, object_id });
        }
        index.map(Some)
    }

    /// Says something of the frame at hand.
    pub(super) fn correct_one(&mut self, step: &mut Step<'_, M>, correction: Correction) -> Result<()> {
        let Some(index) = self.index_to_correct(step, &correction) else { return Ok(()) };
        let memory = index.and_then(|index| self.tracks[index].memory.as_mut());
        let (begun, mask, is_remembered) = match &correction.said {
            Said::Clicks(clicks) => {
                let settings = &step.config.memory;
                let (begun, clicked) = step.model.click(step.features, memory, clicks, settings, self.frame)?;
                let Propagated { mask, .. } = clicked;
                (begun, mask, true)
            }
            Said::Mask(mask) => match memory {
                Some(memory) => {
                    step.model.recondition(step.features, memory, mask, Giver::User, self.frame)?;
                    (None, mask.clone(), false)
                }
                None if step.model.follows() => {
                    let masks = std::slice::from_ref(mask);
                    let begun = step.model.start_from_masks(step.features, masks, Giver::User, self.frame)?;
                    (begun.into_iter().next(), mask.clone(), true)
                }
                None => (None, mask.clone(), true),
            },
        };
        let index = match index {
            Some(index) => index,
            None => self.begin_of_user(step, &correction, Outline::blank(step.side)),
        };
        let track = &mut self.tracks[index];
        track.memory = begun.or_else(|| track.memory.take());
        track.correct(mask);
        track.now.is_remembered = is_remembered;
        Ok(())
    }

    fn begin_of_user(&mut self, step: &mut Step<'_, M>, correction: &Correction, outline: Outline) -> usize {
        let time_ns = self.now_ns(step);
        let label = correction.label.clone();
        let birth = Birth { concept: None, label, score: 1.0, detection: None, time_ns };
        let object_id = self.take_id();
        self.tracks.push(Track::begin(object_id, birth, outline, step.config));
        step.answer.started.push(Started { edit_index: correction.edit_index, object_id });
        self.tracks.len() - 1
    }

    /// What can be saved of the session.
    pub fn save(&self) -> SavedSession {
        let is_known_by_words = |track: &&Track<M::Memory>| track.concept.as_ref().is_none_or(Concept::has_words);
        let saved = |track: &Track<M::Memory>| SavedObject {
            id: track.id,
            phrase: track.concept.as_ref().map(|concept| concept.text.to_string()),
            label: track.own_label.as_ref().map(|label| label.to_string()),
            score: track.score,
            box_in_frame: [track.place.x0, track.place.y0, track.place.x1, track.place.y1],
            is_locked: track.is_locked,
        };
        let mut objects: Vec<_> = self.tracks.iter().filter(is_known_by_words).map(saved).collect();
        objects.sort_by_key(|object| object.id);
        SavedSession::new(self.next_id, objects)
    }

    /// Everything is dropped, then the saved objects are missing. Ids never go back.
    fn restore(&mut self, step: &mut Step<'_, M>, saved: &SavedSession) {
        self.reset(step.answer, false);
        self.next_id = self.next_id.max(saved.next_id);
        for object in &saved.objects {
            let refused = self.position(object.id).map(|_| "its id is there twice");
            let concept = object.phrase.as_deref().map(Concept::of_text);
            let is_unasked = concept.as_ref().is_some_and(|concept| !self.phrases.contains(concept));
            let is_full = self.tracks.len() >= step.config.active_objects;
            let refused = refused
                .or(is_unasked.then_some("its phrase is not asked for"))
                .or(is_full.then_some("active-objects allows no more"))
                .or(object.place().err());
            if let Some(cause) = refused {
                step.answer.notices.push(Notice::NotRestored { object_id: object.id, cause });
                continue;
            }
            let label = object.label.as_deref().map(Arc::from);
            let score = object.score.clamp(0.0, 1.0);
            let birth = Birth { concept, label, score, detection: None, time_ns: None };
            let mut track = Track::begin(object.id, birth, Outline::blank(step.side), step.config);
            track.begin_frame();
            track.place = object.place().unwrap_or_default();
            (track.is_locked, track.has_appeared) = (object.is_locked, true);
            self.next_id = self.next_id.max(object.id.saturating_add(1));
            self.tracks.push(track);
        }
    }
}

/// What the model can read of a click or box; `None`, with notices, when nothing is left.
fn usable_clicks(edit: &Edit, begins: bool, side: usize, answer: &mut Tracking) -> Option<Clicks> {
    let clicks = match edit {
        Edit::Box { box_in_frame, .. } => {
            let box_in_frame = usable_box(box_in_frame);
            if box_in_frame.is_none() {
                answer.notices.push(Notice::BoxOutside);
                return None;
            }
            Clicks { points: Vec::new(), box_in_frame }
        }
        Edit::Click { points, .. } => {
            Clicks { points: usable_points(points, side, &mut answer.notices), box_in_frame: None }
        }
        _ => return None,
    };
    let is_positive = clicks.box_in_frame.is_some() || clicks.points.iter().any(|point| point.is_positive);
    if begins && !is_positive {
        answer.notices.push(Notice::NothingPositive);
        return None;
    }
    (is_positive || !clicks.points.is_empty()).then_some(clicks)
}

/// The part of a box inside the frame, if there is one.
pub(crate) fn usable_box(given: &BoxXyxy) -> Option<BoxXyxy> {
    let is_number = [given.x0, given.y0, given.x1, given.y1].iter().all(|value| value.is_finite());
    Some(given.clipped()).filter(|clipped| is_number && clipped.area() > 0.0)
}

/// Points inside the frame; of contradicting ones in one cell the later, and not too many.
pub(crate) fn usable_points(points: &[ClickPoint], side: usize, notices: &mut Vec<Notice>) -> Vec<ClickPoint> {
    let is_inside = |point: &&ClickPoint| (0.0..=1.0).contains(&point.x) && (0.0..=1.0).contains(&point.y);
    let cell = |point: &ClickPoint| [point.x, point.y].map(|share| (share * side as f32) as usize);
    let mut usable: Vec<ClickPoint> = Vec::new();
    // A client that sends points without end costs no more than one that sends a few.
    let too_many = points.len().saturating_sub(4 * MAX_POINTS);
    let (first, last) =
        if too_many > 0 { (2 * MAX_POINTS, 2 * MAX_POINTS + too_many) } else { (points.len(), points.len()) };
    for point in points[..first].iter().chain(&points[last..]) {
        if !is_inside(&point) {
            notices.push(Notice::PointOutside { x: point.x, y: point.y });
            continue;
        }
        let is_contrary = |other: &ClickPoint| other.is_positive != point.is_positive && cell(other) == cell(point);
        if let Some(position) = usable.iter().position(is_contrary) {
            let ClickPoint { x, y, .. } = usable.remove(position);
            notices.push(Notice::Contradiction { x, y });
        }
        usable.push(*point);
    }
    let ignored = too_many + usable.len().saturating_sub(MAX_POINTS);
    if ignored > 0 {
        notices.push(Notice::TooManyPoints { ignored });
    }
    if usable.len() > MAX_POINTS {
        usable.drain(MAX_POINTS / 2..usable.len() - MAX_POINTS / 2);
    }
    usable
}

/// The nearest values of a mask of any size, as sure logits on the grid; `None` without inside.
pub(crate) fn given_mask(mask: &Mask, side: usize) -> Option<MaskLogits> {
    let (width, height, bytes) = (mask.width as usize, mask.height as usize, mask.bytes());
    if width * height == 0 || bytes.len() < width * height {
        return None;
    }
    let nearest = |cell: usize, size: usize| ((2 * cell + 1) * size / (2 * side)).min(size - 1);
    let logit = |cell: usize| {
        let value = bytes[nearest(cell / side, height) * width + nearest(cell % side, width)];
        if value >= MASK_INSIDE { GIVEN_LOGIT } else { -GIVEN_LOGIT }
    };
    let logits: Vec<f32> = (0..side * side).map(logit).collect();
    let has_inside = logits.iter().any(|&logit| logit > 0.0);
    MaskLogits::new(side, logits).filter(|_| has_inside)
}
