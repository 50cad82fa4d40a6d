//! The session itself, and the order of its steps on a frame.

use std::collections::VecDeque;
use std::sync::Arc;

use super::bans::Bans;
use super::binary_mask::BinaryMask;
use super::cadence::Cadence;
use super::edits::MAX_EDITS;
use super::group::Group;
use super::interaction::Correction;
use super::looking::Sighting;
use super::model::TrackingModel;
use super::notices::Notice;
use super::phrases::{Concept, Phrases};
use super::scene_cut::{Glance, SceneCuts};
use super::settings::{DetectPolicy, SessionConfig};
use super::track::Track;
use super::tracking::{FrameShape, Kept, ObjectEvent, ObjectEventKind, RemovalCause, TrackRequest, Tracking};
use crate::error::Result;
use crate::objects::ObjectState;
use crate::prompt::MAX_PROMPTS;

/// First id of a stream.
const FIRST_ID: u64 = 1;
/// Frames may be scaled while they are followed, but not stretched more than by this part.
const LARGEST_STRETCH: f64 = 0.02;

/// Everything kept of one stream.
pub struct Session<M: TrackingModel> {
    pub(super) tracks: Vec<Track<M::Memory>>,
    pub(super) next_id: u64,
    pub(super) phrases: Phrases,
    pub(super) bans: Bans<Concept>,
    /// Where excluded phrases were when the detector looked last.
    pub(super) excluded: Option<BinaryMask>,
    /// Frames that a late click may be meant for, and the one before, the newest last.
    pub(super) kept: VecDeque<KeptFrame<M::Features>>,
    /// Number of the frame at hand.
    pub(super) frame: i64,
    /// Number of the latest frame with detection, counted over those alone.
    pub(super) detection: i64,
    cadence: Cadence,
    clock_ns: Option<u64>,
    grid: Option<Grid>,
    scene_cuts: SceneCuts,
    checked: Option<Arc<SessionConfig>>,
    refused_objects: usize,
    has_told_cannot_follow: bool,
}

/// A frame that a late click may be meant for, or on which a bridge may begin.
pub(super) struct KeptFrame<Features> {
    pub(super) time_ns: Option<u64>,
    pub(super) frame: i64,
    pub(super) features: Features,
}

/// What tracks can be carried over to the next frame.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Grid {
    side: usize,
    shape: FrameShape,
}

/// What the steps of one frame share.
pub(super) struct Step<'a, M: TrackingModel> {
    pub(super) model: &'a mut M,
    pub(super) features: &'a M::Features,
    pub(super) request: &'a TrackRequest,
    pub(super) config: &'a SessionConfig,
    pub(super) shape: FrameShape,
    pub(super) side: usize,
    pub(super) answer: &'a mut Tracking,
}

impl<M: TrackingModel> Default for Session<M> {
    fn default() -> Self {
        Self {
            tracks: Vec::new(),
            next_id: FIRST_ID,
            phrases: Phrases::default(),
            bans: Bans::default(),
            excluded: None,
            kept: VecDeque::new(),
            frame: -1,
            detection: -1,
            cadence: Cadence::default(),
            clock_ns: None,
            grid: None,
            scene_cuts: SceneCuts::default(),
            checked: None,
            refused_objects: 0,
            has_told_cannot_follow: false,
        }
    }
}

impl<M: TrackingModel> Session<M> {
    /// Follows everything to the next frame. On an error the frame is as if it had not been seen, except that its edits
    /// are used up and what the model did before it failed stays done.
    ///
    /// # Errors
    /// [`Error::Setting`](crate::Error::Setting) for a number out of range, and those of the model.
    pub fn step(
        &mut self,
        model: &mut M,
        features: M::Features,
        shape: FrameShape,
        request: &TrackRequest,
    ) -> Result<Tracking> {
        self.check(&request.session)?;
        self.frame += 1;
        let mut answer = Tracking::default();
        let side = model.mask_side(&features);
        let mut step =
            Step { model, features: &features, request, config: &request.session, shape, side, answer: &mut answer };
        self.look_and_follow(&mut step)?;
        let bridges = self.bridges(&step);
        self.keep_frame(model, features, request, bridges);
        answer.kept = self.kept(model);
        Ok(answer)
    }

    /// Shows the next frame to the search for scene cuts, which needs it when
    /// [`SessionConfig::scene_cut_threshold`] is above 0.
    pub fn show_glance(&mut self, glance: Glance) {
        self.scene_cuts.show(glance);
    }

    fn kept(&self, model: &M) -> Kept {
        let bytes = |track: &Track<M::Memory>| {
            track.host_bytes() + track.memory.as_ref().map_or(0, |memory| model.memory_bytes(memory))
        };
        Kept {
            tracks: self.tracks.len(),
            counters: self.tracks.iter().map(|track| track.probation.counter_count()).sum(),
            bans: self.bans.len(),
            frames: self.kept.len(),
            bytes: self.tracks.iter().map(bytes).sum(),
        }
    }

    /// Number of the frame that comes next.
    pub fn next_frame(&self) -> i64 {
        self.frame + 1
    }

    /// The reference's order, with the edits before it. That the detector looks after the tracker changes nothing: neither
    /// reads what the other says.
    fn look_and_follow(&mut self, step: &mut Step<'_, M>) -> Result<()> {
        self.keep_time(step);
        self.keep_grid(step);
        self.keep_scene(step);
        self.keep_phrases(step);
        self.tracks.iter_mut().for_each(Track::begin_frame);
        let corrections = self.apply_edits(step)?;
        let is_looking = self.is_looking(step);
        if !(self.bridges(step) && is_looking) {
            self.begin_bridges(step)?;
        }
        self.propagate(step, false)?;
        self.correct(step, corrections)?;
        if is_looking {
            let sightings = self.look(step)?;
            self.associate(step, sightings)?;
        } else {
            self.settle(step, &[])?;
        }
        self.retire(step);
        self.show(step);
        Ok(())
    }

    fn check(&mut self, config: &Arc<SessionConfig>) -> Result<()> {
        if !self.checked.as_ref().is_some_and(|known| Arc::ptr_eq(known, config)) {
            config.validate()?;
            self.checked = Some(config.clone());
        }
        Ok(())
    }

    fn keep_time(&mut self, step: &mut Step<'_, M>) {
        let Some(time_ns) = step.request.time_ns else { return };
        if let Some(previous_ns) = self.clock_ns {
            let gap_ns = time_ns.saturating_sub(previous_ns);
            if time_ns < previous_ns {
                step.answer.notices.push(Notice::OutOfOrder { time_ns, previous_ns });
            } else if step.config.max_gap_ns > 0 && gap_ns > step.config.max_gap_ns && !self.tracks.is_empty() {
                step.answer.notices.push(Notice::LongGap { gap_ns });
                self.clear_tracks(step.answer, RemovalCause::Cleared);
            }
        }
        self.clock_ns = Some(self.clock_ns.map_or(time_ns, |previous| previous.max(time_ns)));
    }

    /// Time of the frame at hand, which never goes back; `None` where frames have no times.
    pub(super) fn now_ns(&self, step: &Step<'_, M>) -> Option<u64> {
        step.request.time_ns.and(self.clock_ns)
    }

    fn keep_grid(&mut self, step: &mut Step<'_, M>) {
        let grid = Grid { side: step.side, shape: step.shape };
        if self.grid.is_some_and(|known| !known.is_like(&grid)) {
            step.answer.notices.push(Notice::ShapeChanged);
            self.clear_tracks(step.answer, RemovalCause::Cleared);
            self.bans.clear();
        }
        self.grid = Some(grid);
    }

    fn keep_scene(&mut self, step: &mut Step<'_, M>) {
        if self.scene_cuts.is_cut(step.config.scene_cut_threshold) {
            self.clear_tracks(step.answer, RemovalCause::Cleared);
        }
    }

    /// Drops the tracks of phrases that are gone, and looks at once for those that are new.
    fn keep_phrases(&mut self, step: &mut Step<'_, M>) {
        let prompts = &step.request.segment.prompts;
        let phrases = Phrases::of(prompts);
        if phrases == self.phrases {
            return;
        }
        if prompts.len() > MAX_PROMPTS {
            step.answer.notices.push(Notice::TooManyPrompts { ignored: prompts.len() - MAX_PROMPTS });
        }
        self.phrases = phrases;
        self.excluded = None;
        self.cadence.ask();
        let phrases = &self.phrases;
        self.bans.retain(|concept| phrases.contains(concept));
        let is_gone = |track: &Track<M::Memory>| {
            !track.is_locked && track.concept.as_ref().is_some_and(|concept| !phrases.contains(concept))
        };
        let gone: Vec<_> = self.tracks.iter().filter(|track| is_gone(track)).map(|track| track.id).collect();
        self.remove(&gone, RemovalCause::PhraseGone, step.answer);
    }

    /// The edits of the request, the newest ones when there are too many, with their positions.
    pub(super) fn edits<'a>(&self, step: &mut Step<'a, M>) -> impl Iterator<Item = (usize, &'a super::edits::Edit)> {
        let edits = &step.request.edits;
        let ignored = edits.len().saturating_sub(MAX_EDITS);
        if ignored > 0 {
            step.answer.notices.push(Notice::TooManyEdits { ignored });
        }
        edits.iter().enumerate().skip(ignored)
    }

    fn look(&mut self, step: &mut Step<'_, M>) -> Result<Vec<Sighting>> {
        let sightings = self.detect(step)?;
        self.detection += 1;
        step.answer.is_detected = true;
        Ok(sightings)
    }

    /// True when this is a frame for the detector.
    fn is_looking(&mut self, step: &mut Step<'_, M>) -> bool {
        if self.phrases.is_empty() {
            return false;
        }
        let needs_tracker = matches!(step.config.detect_policy, DetectPolicy::FirstOnly | DetectPolicy::OnLoss);
        if needs_tracker && !step.model.follows() {
            if !std::mem::replace(&mut self.has_told_cannot_follow, true) {
                step.answer.notices.push(Notice::CannotFollow);
            }
            return true;
        }
        self.cadence.is_due(self.frame, self.is_something_missing(), step.config)
    }

    /// True when a phrase has no object, or an object was not shown on the frame before.
    fn is_something_missing(&self) -> bool {
        let mut groups = self.phrases.groups();
        let has_object = |group: usize| self.tracks.iter().any(|track| track.group(&self.phrases) == Some(group));
        self.tracks.iter().any(|track| !track.was_shown) || !groups.all(has_object)
    }

    /// True when the detections of this frame refresh memories.
    pub(super) fn refreshes_memories(&self, config: &SessionConfig) -> bool {
        self.cadence.refreshes(self.frame, config)
    }

    /// Ends a frame with detection.
    pub(super) fn record_detection(&mut self, is_found: bool) {
        self.cadence.record(self.frame, is_found);
    }

    /// Says once, until there is room again, that things are not followed.
    pub(super) fn record_refused(&mut self, ignored: usize, allowed: usize, answer: &mut Tracking) {
        if ignored > 0 && self.refused_objects == 0 {
            answer.notices.push(Notice::TooManyObjects { ignored, allowed });
        }
        self.refused_objects = ignored;
    }

    /// The next object's id.
    pub(super) fn take_id(&mut self) -> u64 {
        self.next_id = self.next_id.saturating_add(1);
        self.next_id - 1
    }

    pub(super) fn position(&self, object_id: u64) -> Option<usize> {
        self.tracks.iter().position(|track| track.id == object_id)
    }

    pub(super) fn groups(&self) -> Vec<Group> {
        self.tracks.iter().map(|track| track.group(&self.phrases)).collect()
    }

    /// Drops all tracks; phrases, bans and ids stay.
    pub(super) fn clear_tracks(&mut self, answer: &mut Tracking, cause: RemovalCause) {
        let all: Vec<_> = self.tracks.iter().map(|track| track.id).collect();
        self.remove(&all, cause, answer);
        self.kept.clear();
        self.excluded = None;
        self.cadence.ask();
    }

    /// Begins anew: only the phrases stay.
    pub(super) fn reset(&mut self, answer: &mut Tracking, restarts_ids: bool) {
        self.clear_tracks(answer, RemovalCause::Cleared);
        self.bans.clear();
        if restarts_ids {
            self.next_id = FIRST_ID;
        }
    }

    pub(super) fn remove(&mut self, ids: &[u64], cause: RemovalCause, answer: &mut Tracking) {
        let never_was = matches!(cause, RemovalCause::Unconfirmed | RemovalCause::Double | RemovalCause::User);
        self.tracks.retain(|track| {
            if !ids.contains(&track.id) {
                return true;
            }
            if track.has_appeared {
                let (object_id, label) = (track.id, track.label.clone());
                let kind = ObjectEventKind::Removed;
                answer.events.push(ObjectEvent { kind, object_id, label, cause: Some(cause) });
            }
            if never_was {
                answer.removed_ids.push(track.id);
            }
            false
        });
    }

    /// Ends what has been missing for too long.
    fn retire(&mut self, step: &mut Step<'_, M>) {
        let now_ns = self.now_ns(step);
        let (mut lost, mut unmatched) = (Vec::new(), Vec::new());
        for track in &mut self.tracks {
            let is_there = track.now.state != ObjectState::Lost && !track.outline.inside.is_empty();
            track.absence.record(is_there, now_ns);
            if is_there && track.is_seen() {
                track.last_seen_ns = now_ns.or(track.last_seen_ns);
            }
            if track.is_locked {
                continue;
            }
            let limit = step.config.max_unmatched;
            if track.absence.is_too_long(now_ns, step.config) {
                lost.push(track.id);
            } else if track.memory.is_some() && track.is_on_trial() && limit > 0 && track.missed > limit {
                unmatched.push(track.id);
            }
        }
        self.remove(&lost, RemovalCause::LostTooLong, step.answer);
        self.remove(&unmatched, RemovalCause::UnmatchedTooLong, step.answer);
    }

    fn keep_frame(&mut self, model: &M, features: M::Features, request: &TrackRequest, bridges: bool) {
        let for_clicks = if request.time_ns.is_some() && model.follows() { request.session.click_frames } else { 0 };
        let wanted = for_clicks.max(usize::from(bridges));
        if wanted > 0 {
            let features = model.kept_for_clicks(features);
            self.kept.push_back(KeptFrame { time_ns: request.time_ns, frame: self.frame, features });
        }
        while self.kept.len() > wanted {
            self.kept.pop_front();
        }
    }

    /// Corrections wait for the masks of the frame.
    fn correct(&mut self, step: &mut Step<'_, M>, corrections: Vec<Correction>) -> Result<()> {
        corrections.into_iter().try_for_each(|correction| self.correct_one(step, correction))
    }
}

impl Grid {
    fn is_like(&self, other: &Self) -> bool {
        let ratio = |grid: &Self| f64::from(grid.shape.width) / f64::from(grid.shape.height.max(1));
        self.side == other.side && (ratio(self) / ratio(other) - 1.0).abs() <= LARGEST_STRETCH
    }
}
