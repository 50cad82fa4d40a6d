//! Following by a detector that is better than its tracker: an object shows the mask that the detector sees, and the
//! tracker carries it over the frames that the detector misses or does not look at.
//!
//! Objects of phrases then have a memory only while they are carried: it begins with their last mask on the frame before,
//! and ends when the detector sees them again, when the tracker does not see them either or jumps to something else, when
//! they come to lie on what the detector sees as another object, and after `hold-detections`. What the user began is
//! followed by the tracker, as ever.

use super::binary_mask::BinaryMask;
use super::group::compete;
use super::model::{Giver, MaskLogits, Propagated, TrackingModel};
use super::session::{Session, Step};
use super::settings::{SessionConfig, Trust};
use super::track::Track;
use crate::error::Result;
use crate::objects::ObjectState;

/// Overlap (intersection over union) of an object's masks on two frames in a row from which a bridge goes on.
const LEAST_CONTINUITY: f32 = 0.5;

impl<M: TrackingModel> Session<M> {
    /// True where the tracker only bridges what the detector misses.
    pub(super) fn bridges(&self, step: &Step<'_, M>) -> bool {
        let trust = step.config.trust.or(step.model.recommended_trust()).unwrap_or_default();
        step.model.follows() && trust == Trust::Detector
    }

    /// What the detector has missed on this frame, the tracker may see.
    pub(super) fn bridge_unseen(&mut self, step: &mut Step<'_, M>) -> Result<()> {
        self.begin_bridges(step)?;
        self.propagate(step, true)
    }

    /// Begins memories, on the frame before, of what was there then and nobody has seen on this frame.
    pub(super) fn begin_bridges(&mut self, step: &mut Step<'_, M>) -> Result<()> {
        let Some(before) = self.kept.back().filter(|_| step.model.follows()) else { return Ok(()) };
        let most_missed = step.config.hold_detections;
        let needs_bridge = |track: &&mut Track<M::Memory>| {
            let was_there = track.was_seen && !track.outline.inside.is_empty();
            track.memory.is_none() && !track.is_seen() && was_there && track.missed <= most_missed
        };
        let mut waiting: Vec<_> = self.tracks.iter_mut().filter(needs_bridge).collect();
        if waiting.is_empty() {
            return Ok(());
        }
        let masks: Vec<MaskLogits> = waiting.iter().map(|track| track.outline.logits.clone()).collect();
        let begun = step.model.start_from_masks(&before.features, &masks, Giver::Detector, before.frame)?;
        for (track, memory) in waiting.iter_mut().zip(begun) {
            track.memory = Some(memory);
        }
        Ok(())
    }

    /// Ends the bridges of objects that were missed for too long, and of those that now cover another object of their
    /// phrase: what the tracker took for the one is the other.
    pub(super) fn end_bridges(&mut self, config: &SessionConfig) {
        let groups = self.groups();
        for index in 0..self.tracks.len() {
            let track = &self.tracks[index];
            if !track.is_bridged() {
                continue;
            }
            let covers = |(other, rival): (usize, &Track<M::Memory>)| {
                let is_surer = rival.now.state == ObjectState::Tracked || (rival.is_bridged() && other < index);
                other != index
                    && is_surer
                    && compete(groups[index], groups[other])
                    && config.occlusion_iou > 0.0
                    && track.outline.inside.iou(&rival.outline.inside) >= config.occlusion_iou
            };
            if track.missed > config.hold_detections || self.tracks.iter().enumerate().any(covers) {
                self.tracks[index].end_bridge(config);
            }
        }
    }
}

impl<Memory> Track<Memory> {
    /// True while only the tracker sees it, until the detector does again.
    pub(super) fn is_bridged(&self) -> bool {
        self.memory.is_some() && !self.is_users && self.now.state == ObjectState::Propagated
    }

    /// Takes what the tracker says of this frame, if it goes on from the frame before. What is gone is lost where the
    /// detector has looked too, and missed it, and held where only the tracker did. So is what has jumped: that is
    /// something else.
    pub(super) fn carry(
        &mut self,
        propagated: Propagated,
        cleaned: MaskLogits,
        has_looked: bool,
        config: &SessionConfig,
    ) {
        let inside = BinaryMask::from_logits(&cleaned);
        if inside.is_empty() && has_looked {
            self.end_bridge(config);
        } else if inside.iou(&self.outline.inside) < LEAST_CONTINUITY {
            self.memory = None;
        } else {
            self.follow(propagated, cleaned);
        }
    }

    /// It is lost where it was last.
    pub(super) fn end_bridge(&mut self, config: &SessionConfig) {
        self.memory = None;
        self.now.state = ObjectState::Lost;
        self.missed = self.missed.max(config.hold_detections.saturating_add(1));
    }
}
