//! Which detections belong to which tracks, and which are new.

use std::collections::BTreeMap;

use super::assignment::best_assignment;
use super::binary_mask::BinaryMask;
use super::group::{Group, compete};
use super::settings::SessionConfig;

/// A detection as this rule sees it.
#[derive(Debug, Clone, Copy)]
pub struct DetectionView<'a> {
    /// Its phrase.
    pub group: Group,
    /// Probability, 0..1.
    pub score: f32,
    /// Its inside.
    pub mask: &'a BinaryMask,
}

/// A track as this rule sees it.
#[derive(Debug, Clone, Copy)]
pub struct TrackView<'a> {
    /// Its phrase.
    pub group: Group,
    /// Its inside on this frame.
    pub mask: &'a BinaryMask,
}

/// Overlap of each detection with each track; 0 between phrases.
#[derive(Debug, Clone, PartialEq)]
pub struct Overlaps {
    tracks: usize,
    values: Vec<f32>,
}

impl Overlaps {
    /// All of them.
    pub fn of(detections: &[DetectionView<'_>], tracks: &[TrackView<'_>]) -> Self {
        let overlap = |detection: &DetectionView<'_>, track: &TrackView<'_>| {
            if compete(detection.group, track.group) { detection.mask.iou(track.mask) } else { 0.0 }
        };
        let values = detections.iter().flat_map(|detection| tracks.iter().map(move |track| overlap(detection, track)));
        Self { tracks: tracks.len(), values: values.collect() }
    }

    /// Those of one detection, a value a track.
    pub fn of_detection(&self, detection: usize) -> &[f32] {
        &self.values[detection * self.tracks..(detection + 1) * self.tracks]
    }

    /// Those of one track, a value a detection.
    pub fn of_track(&self, track: usize) -> impl Iterator<Item = f32> + '_ {
        self.values.iter().skip(track).step_by(self.tracks.max(1)).copied()
    }
}

/// The outcome; numbers are positions in what was given.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Association {
    /// Detections that open a track.
    pub new: Vec<usize>,
    /// For each track, whether a detection confirms it.
    pub is_confirmed: Vec<bool>,
    /// Tracks with a mask that no detection confirms.
    pub unmatched: Vec<usize>,
    /// Tracks without a mask; they are neither confirmed nor unmatched.
    pub empty: Vec<usize>,
    /// For each detection, the tracks that it belongs to.
    pub tracks_of: Vec<Vec<usize>>,
    /// Detections that belong to no track, new ones included.
    pub unclaimed: Vec<usize>,
    /// Tracks whose memory a detection may refresh, with that detection.
    pub refreshing: BTreeMap<usize, usize>,
}

/// Associates by the numbers in `config`. The order of `detections` decides which of several refreshes a track: the last.
pub fn associate(detections: &[DetectionView<'_>], tracks: &[TrackView<'_>], config: &SessionConfig) -> Association {
    let overlaps = Overlaps::of(detections, tracks);
    let is_confirmed = confirmed(&overlaps, (detections.len(), tracks.len()), config);
    let mut outcome = Association { is_confirmed, ..Association::default() };
    for (index, track) in tracks.iter().enumerate() {
        if track.mask.is_empty() {
            outcome.empty.push(index);
        } else if !outcome.is_confirmed[index] {
            outcome.unmatched.push(index);
        }
    }
    for (index, detection) in detections.iter().enumerate() {
        let row = overlaps.of_detection(index);
        let belongs: Vec<usize> = (0..tracks.len()).filter(|&track| belongs(row[track], config)).collect();
        if belongs.is_empty() {
            outcome.unclaimed.push(index);
        }
        let is_alone = !tracks.iter().any(|track| compete(detection.group, track.group));
        let is_new = is_alone || (belongs.is_empty() && detection.score >= config.new_object_score);
        if is_new {
            outcome.new.push(index);
        } else if let Some(track) = refreshed_track(detection.score, row, config) {
            outcome.refreshing.insert(track, index);
        }
        outcome.tracks_of.push(belongs);
    }
    outcome
}

/// An `association-iou` of 0 still asks for one common cell: tracks of other phrases and places have an overlap of 0.
fn belongs(overlap: f32, config: &SessionConfig) -> bool {
    overlap > 0.0 && overlap >= config.association_iou
}

fn confirmed(overlaps: &Overlaps, (detections, tracks): (usize, usize), config: &SessionConfig) -> Vec<bool> {
    let is_match = |overlap: f32| overlap > 0.0 && overlap >= config.match_iou;
    if !config.matches_one_to_one {
        return (0..tracks).map(|track| overlaps.of_track(track).any(is_match)).collect();
    }
    let mut is_confirmed = vec![false; tracks];
    let rows: Vec<&[f32]> = (0..detections).map(|detection| overlaps.of_detection(detection)).collect();
    for (detection, track) in best_assignment(&rows) {
        is_confirmed[track] |= is_match(rows[detection][track]);
    }
    is_confirmed
}

fn refreshed_track(score: f32, overlaps: &[f32], config: &SessionConfig) -> Option<usize> {
    let best = (0..overlaps.len()).reduce(|best, track| if overlaps[track] > overlaps[best] { track } else { best })?;
    let overlap = overlaps[best];
    (score >= config.recondition_score && overlap > 0.0 && overlap >= config.recondition_iou).then_some(best)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Cells `from` to `to` of a grid of 10 by 10.
    fn cells(from: usize, to: usize) -> BinaryMask {
        BinaryMask::from_cells(10, (0..100).map(|cell| (from..to).contains(&cell)))
    }

    type Detection = (usize, f32, BinaryMask);

    fn run_with(detections: &[Detection], tracks: &[(Group, BinaryMask)], config: &SessionConfig) -> Association {
        let detections: Vec<_> = detections
            .iter()
            .map(|(group, score, mask)| DetectionView { group: Some(*group), score: *score, mask })
            .collect();
        let tracks: Vec<_> = tracks.iter().map(|(group, mask)| TrackView { group: *group, mask }).collect();
        associate(&detections, &tracks, config)
    }

    fn run(detections: &[Detection], tracks: &[(Group, BinaryMask)]) -> Association {
        run_with(detections, tracks, &SessionConfig::default())
    }

    #[test]
    fn on_an_empty_scene_every_detection_is_new() {
        let outcome = run(&[(0, 0.51, cells(0, 10)), (0, 0.9, cells(50, 60))], &[]);
        assert_eq!((outcome.new, outcome.tracks_of), (vec![0, 1], vec![vec![], vec![]]));
    }

    #[test]
    fn later_ones_need_the_score_of_new_objects() {
        let track = [(Some(0), cells(0, 10))];
        let far = |score| run(&[(0, score, cells(50, 60))], &track).new;
        assert_eq!((far(0.69), far(0.7)), (vec![], vec![0]));
        let config = SessionConfig { new_object_score: 0.9, ..SessionConfig::default() };
        assert!(run_with(&[(0, 0.89, cells(50, 60))], &track, &config).new.is_empty());
    }

    #[test]
    fn a_phrase_without_tracks_is_an_empty_scene_of_its_own() {
        let track = [(Some(0), cells(0, 10))];
        assert_eq!(run(&[(1, 0.55, cells(0, 10))], &track).new, [0], "also where another phrase has an object");
        let of_user = [(None, cells(0, 10))];
        assert!(run(&[(1, 0.99, cells(0, 10))], &of_user).new.is_empty(), "what the user began is not begun again");
        assert!(run(&[(1, 0.69, cells(50, 60))], &of_user).new.is_empty());
    }

    #[test]
    fn belonging_begins_at_a_tenth() {
        // 10 of 100 and 9 of 100 cells in common.
        let at = |from| run(&[(0, 0.95, cells(from, 100))], &[(Some(0), cells(0, 55))]);
        assert_eq!((at(45).new, at(45).tracks_of), (vec![], vec![vec![0]]));
        assert_eq!((at(45).unclaimed, at(46).unclaimed), (vec![], vec![0]));
        assert_eq!((at(46).new, at(46).tracks_of), (vec![0], vec![vec![]]));
        let config = SessionConfig { association_iou: 0.05, ..SessionConfig::default() };
        let outcome = run_with(&[(0, 0.95, cells(46, 100))], &[(Some(0), cells(0, 55))], &config);
        assert_eq!(outcome.tracks_of, [vec![0]]);
    }

    #[test]
    fn confirming_begins_at_a_half_and_belonging_alone_leaves_a_track_unmatched() {
        let at = |to| run(&[(0, 0.9, cells(0, to))], &[(Some(0), cells(0, 40))]);
        assert_eq!((at(20).is_confirmed, at(20).unmatched), (vec![true], vec![]));
        let outcome = at(19);
        assert_eq!((outcome.is_confirmed, outcome.unmatched, outcome.tracks_of), (vec![false], vec![0], vec![vec![0]]));
        let config = SessionConfig { match_iou: 0.3, ..SessionConfig::default() };
        assert!(run_with(&[(0, 0.9, cells(0, 19))], &[(Some(0), cells(0, 40))], &config).is_confirmed[0]);
    }

    #[test]
    fn empty_tracks_are_neither() {
        let tracks = [(Some(0), cells(0, 0)), (Some(0), cells(0, 10))];
        let outcome = run(&[], &tracks);
        assert_eq!((outcome.empty, outcome.unmatched, outcome.is_confirmed), (vec![0], vec![1], vec![false, false]));
        let any_overlap = SessionConfig { match_iou: 0.0, association_iou: 0.0, ..SessionConfig::default() };
        let outcome = run_with(&[(0, 0.9, cells(50, 60))], &tracks, &any_overlap);
        assert_eq!((outcome.empty, outcome.tracks_of), (vec![0], vec![vec![]]), "an overlap of nothing is none");
    }

    #[test]
    fn one_detection_may_have_many_tracks() {
        let tracks = [(Some(0), cells(0, 40)), (Some(0), cells(0, 38)), (Some(1), cells(0, 40))];
        let outcome = run(&[(0, 0.9, cells(0, 40))], &tracks);
        assert_eq!((outcome.tracks_of, outcome.is_confirmed), (vec![vec![0, 1]], vec![true, true, false]));
    }

    #[test]
    fn one_to_one_confirms_one_track_a_detection() {
        let tracks = [(Some(0), cells(0, 40)), (Some(0), cells(0, 38))];
        let config = SessionConfig { matches_one_to_one: true, ..SessionConfig::default() };
        let outcome = run_with(&[(0, 0.9, cells(0, 40))], &tracks, &config);
        assert_eq!((outcome.is_confirmed, outcome.unmatched), (vec![true, false], vec![1]));
        assert_eq!(outcome.tracks_of, [vec![0, 1]], "belonging stays many to many");
    }

    #[test]
    fn refreshing_needs_score_and_overlap_and_the_last_detection_counts() {
        let track = [(Some(0), cells(0, 100))];
        let outcome = |score, to| run(&[(0, score, cells(0, to))], &track).refreshing;
        assert_eq!(outcome(0.8, 80), BTreeMap::from([(0, 0)]));
        assert!(outcome(0.79, 80).is_empty() && outcome(0.8, 79).is_empty());
        let both = run(&[(0, 0.9, cells(0, 100)), (0, 0.85, cells(0, 90))], &track);
        assert_eq!(both.refreshing, BTreeMap::from([(0, 1)]));
        let eager = SessionConfig { recondition_score: 0.5, recondition_iou: 0.5, ..SessionConfig::default() };
        assert_eq!(run_with(&[(0, 0.5, cells(0, 50))], &track, &eager).refreshing.len(), 1);
        assert!(run(&[(0, 0.9, cells(0, 100))], &[]).refreshing.is_empty(), "a new one refreshes nothing");
    }

    #[test]
    fn the_best_track_is_refreshed() {
        let tracks = [(Some(0), cells(0, 85)), (Some(0), cells(0, 100)), (Some(0), cells(0, 90))];
        assert_eq!(run(&[(0, 0.9, cells(0, 100))], &tracks).refreshing, BTreeMap::from([(1, 0)]));
    }
}
