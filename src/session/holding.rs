//! Following without tracker weights: a track takes the mask of the detection that it overlaps most, keeps its last one
//! while detections miss it for a while, and is then lost. So it is where the detector is trusted, but for what the tracker
//! bridges.

use super::assignment::greedy_assignment;
use super::association::Association;
use super::group::{Group, compete};
use super::looking::Sighting;
use super::model::TrackingModel;
use super::session::Session;
use super::settings::SessionConfig;
use crate::objects::ObjectState;

impl<M: TrackingModel> Session<M> {
    /// Gives each track at most one detection and each detection at most one track, best overlap first; tracks that the
    /// detections before missed take what is left, or a thing would lose its id where another was last. A track that got
    /// one is confirmed by it, however much both moved; the others are unmatched. A detection then belongs to its track
    /// alone: a mask that is only held doubles nothing.
    pub(super) fn take_masks_of_detections(
        &mut self,
        sightings: &[Sighting],
        outcome: &mut Association,
        groups: &[Group],
        config: &SessionConfig,
    ) {
        let (mut pairs, mut pairs_of_missed) = (Vec::new(), Vec::new());
        for (detection, tracks) in outcome.tracks_of.iter().enumerate() {
            for &track in tracks {
                let overlap = sightings[detection].inside.iou(&self.tracks[track].outline.inside);
                debug_assert!(compete(groups[track], Some(sightings[detection].group)));
                if self.tracks[track].is_followed_for_user() {
                    continue;
                }
                let was_missed = self.tracks[track].missed > 0;
                if was_missed { &mut pairs_of_missed } else { &mut pairs }.push((detection, track, overlap));
            }
        }
        for (is_confirmed, track) in outcome.is_confirmed.iter_mut().zip(&self.tracks) {
            *is_confirmed &= track.is_followed_for_user();
        }
        outcome.tracks_of.iter_mut().for_each(Vec::clear);
        let mut assigned = greedy_assignment(pairs, config.association_iou);
        pairs_of_missed.retain(|(detection, ..)| assigned.iter().all(|(taken, _)| taken != detection));
        assigned.extend(greedy_assignment(pairs_of_missed, config.association_iou));
        for (detection, track) in assigned {
            self.tracks[track].see(&sightings[detection], config);
            self.tracks[track].memory = None;
            outcome.is_confirmed[track] = true;
            outcome.tracks_of[detection].push(track);
        }
        let is_unmatched = |&track: &usize| !outcome.is_confirmed[track] && !outcome.empty.contains(&track);
        outcome.unmatched = (0..self.tracks.len()).filter(is_unmatched).collect();
    }

    /// Tracks that nobody saw on this frame keep their masks, or are lost when detections missed them too often.
    pub(super) fn hold(&mut self, config: &SessionConfig) {
        for track in self.tracks.iter_mut().filter(|track| !track.is_seen()) {
            let is_restored = track.outline.inside.is_empty();
            let is_held = !is_restored && track.missed <= config.hold_detections;
            track.now.state = if is_held { ObjectState::Held } else { ObjectState::Lost };
        }
    }
}
