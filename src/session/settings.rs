//! Every number of the video rules, with its default, unit, range and source.
//!
//! "Reference" is the official video predictor, whose names stand in brackets. "Ours" marks what an endless stream
//! needs and the reference, made for files, lacks. Each field may change between two frames.

use std::fmt::Display;
use std::ops::RangeInclusive;

use serde::Deserialize;

use crate::error::{Error, Result};

/// Objects that a session can be allowed to follow; the reference's cap.
pub const MAX_ACTIVE_OBJECTS: usize = 10_000;
/// Frames whose features can be kept for late clicks.
pub const MAX_CLICK_FRAMES: usize = 32;

const SECOND_IN_NS: u64 = 1_000_000_000;

/// On which frames the detector looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DetectPolicy {
    /// Each one.
    #[default]
    EveryFrame,
    /// Each one of [`SessionConfig::detect_interval`].
    Interval,
    /// When a phrase has no object on the frame or an object is missing, at most once in `detect_interval` frames.
    OnLoss,
    /// Until something was found; again when the phrases change, and after a reset or a scene cut.
    FirstOnly,
}

/// Which missing objects may give their id to a new detection near where they were.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Reacquire {
    /// None.
    Off,
    /// Those that no memory follows: all of them without tracker weights, and those of a loaded session.
    #[default]
    Auto,
    /// All that are missing, also those that the tracker may find again by itself.
    Nearby,
}

/// Who is believed where detector and tracker both say where an object is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Trust {
    /// The tracker: detections confirm objects and refresh their memories, as in the reference.
    #[default]
    Tracker,
    /// The detector: objects have its masks, and the tracker bridges what it misses.
    Detector,
}

/// What the tracker keeps of each object. The session hands this to the model and uses none of it itself.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MemorySettings {
    /// Frames that are attended to, the conditioning one included; 1 to 16, 7 (`num_maskmem`). The main knob of speed.
    pub frames: usize,
    /// Object pointers that are attended to; 1 to 64, 16 (`max_obj_ptrs_in_encoder`).
    pub pointers: usize,
    /// Conditioning frames that are attended to; 1 to 16, 4 (`max_cond_frames_in_attn`).
    pub conditioning_frames: usize,
    /// Frames with a worse product of presence and predicted overlap are not remembered; 0 to 1, 0.01
    /// (`mf_threshold`); 0 takes the latest frames whatever they are worth.
    pub selection_threshold: f32,
    /// What the user says of an object makes conditioning frames of it that detections made, so many frames before and
    /// after, like any other; 0 to 1,000, 16 (`refinement_detector_cond_frame_removal_window`).
    pub click_window_frames: u32,
}

impl Default for MemorySettings {
    fn default() -> Self {
        Self { frames: 7, pointers: 16, conditioning_frames: 4, selection_threshold: 0.01, click_window_frames: 16 }
    }
}

/// The video rules' numbers. The detector's own threshold is that of the request
/// (`SegmentRequest::threshold`; reference 0.5, `score_threshold_detection`).
#[derive(Debug, Clone, PartialEq)]
pub struct SessionConfig {
    /// Of two detections of one phrase whose masks overlap more, the better stays; 0 to 1, 0: off; `None`: the model's
    /// recommendation, otherwise 0.1 as in the reference (`det_nms_thresh`).
    pub detection_nms_iou: Option<f32>,
    /// A detection belongs to the tracks that it overlaps at least this much and is then not new; 0 to 1, 0.1
    /// (`assoc_iou_thresh`).
    pub association_iou: f32,
    /// A track is confirmed by a detection that it overlaps at least this much; 0 to 1, 0.5 (`trk_assoc_iou_thresh`).
    pub match_iou: f32,
    /// Score from which a detection opens a track while its phrase has tracks; 0 to 1, 0.7 (`new_det_thresh`). The first
    /// ones of a phrase need the detector's threshold only.
    pub new_object_score: f32,
    /// True to let each detection confirm one track at most, by best assignment (`o2o_matching_masklets`, off).
    pub matches_one_to_one: bool,
    /// Detections whose box is centred within this part of the frame from its edge open no track; 0 to 0.5, 0: off
    /// (`suppress_det_close_to_boundary`, off; 0.025 when on).
    pub edge_margin: f32,
    /// Probation of a new object in frames with detection; 0 to 10,000, 15 (`hotstart_delay`). The reference delays its
    /// output by as much; here the delay is the caller's choice and the rules run without looking ahead.
    pub probation_frames: u32,
    /// Frames without a detection, all together, that end an object in probation; 0 to `probation_frames`, 0: off; 8
    /// (`hotstart_unmatch_thresh`).
    pub probation_unmatched: u32,
    /// Frames as the double of an older object that end an object in probation; 0 to `probation_frames`, 0: off; 8
    /// (`hotstart_dup_thresh`).
    pub probation_duplicates: u32,
    /// Keep-alive counter of a new object; -10,000 to 10,000, 30 (`init_trk_keep_alive`).
    pub keep_alive_initial: i32,
    /// The counter's upper end; -10,000 to 10,000, 30 (`max_trk_keep_alive`).
    pub keep_alive_max: i32,
    /// The counter's lower end; -10,000 to 10,000, -1 (`min_trk_keep_alive`).
    pub keep_alive_min: i32,
    /// True to hide objects whose counter is 0 or below (`suppress_unmatched_only_within_hotstart`, which says the
    /// opposite and is true: nothing is hidden).
    pub hides_unmatched: bool,
    /// True to lower the counter of objects without mask too (`decrease_trk_keep_alive_for_empty_masklets`, off).
    pub empty_lowers_keep_alive: bool,
    /// Two tracks of one phrase with masks that overlap at least this much are one thing: the more recently hidden one is
    /// blanked; 0 to 1, 0: off; 0.7 (`suppress_overlapping_based_on_recent_occlusion_threshold`).
    pub occlusion_iou: f32,
    /// An object that keeps less than this part of its area beside the others is remembered as absent; 0 to 1, 0: off;
    /// 0.3 (`shrink_threshold`).
    pub shrink_share: f32,
    /// Largest hole that is filled and sprinkle that is removed, in cells of the mask grid; 0 to 10,000, 0: off; 16
    /// (`fill_hole_area`).
    pub hole_area: u32,
    /// Frames from one refreshing of memories by detections to the next; 0 to 100,000, 0: off; 16
    /// (`recondition_every_nth_frame`). Without detection on that very frame, the next detection counts.
    pub recondition_interval: u32,
    /// Score that a detection needs to refresh a memory; 0 to 1, 0.8 (`HIGH_CONF_THRESH`).
    pub recondition_score: f32,
    /// Overlap that it needs with the track; 0 to 1, 0.8 (`HIGH_IOU_THRESH`).
    pub recondition_iou: f32,
    /// The tracker's own object score must be above this, a logit and no probability; -100 to 100, 0.8
    /// (`HIGH_CONF_THRESH` once more).
    pub recondition_logit: f32,
    /// Memories are refreshed at once, and the detection's mask shown, where the boxes of track and detection overlap
    /// less; 0 to 1, 0: off (`reconstruction_bbox_iou_thresh`, off).
    pub recondition_box_iou: f32,
    /// Score that the detection needs for that; 0 to 1, 0.8 (`reconstruction_bbox_det_score`, off).
    pub recondition_box_score: f32,
    /// Detections in a row before an object is shown; 0 to 1,000, 0 and 1: at once (`masklet_confirmation`, off; 3 when
    /// on).
    pub min_present: u32,
    /// Objects that are followed at most; more are not begun, best scores first; 1 to 10,000, 64 (`max_num_objects`,
    /// 10,000, which would take 67 GB of the released model's memories).
    pub active_objects: usize,
    /// What the tracker keeps of each object.
    pub memory: MemorySettings,
    /// Ours. An object without mask for longer is dropped; nanoseconds, 0: never; 5 s. Counts where frames have times.
    pub max_lost_ns: u64,
    /// Ours. The same in frames, 0: never; 150. Counts where frames have no times.
    pub max_lost_frames: u64,
    /// Ours. Detections in a row that may miss an object that the tracker still follows before it is dropped; 0: never;
    /// 300. The reference follows for ever.
    pub max_unmatched: u32,
    /// Ours. Whom to believe; `None`: the model's recommendation, otherwise the tracker as in the reference.
    pub trust: Option<Trust>,
    /// Ours. Detections in a row that may miss an object of a phrase while it keeps its last mask, without tracker weights,
    /// or while the tracker bridges them, where the detector is trusted; 0 to 10,000, 5. Frames without detection do not
    /// count.
    pub hold_detections: u32,
    /// Ours. Which missing objects a new detection may bring back.
    pub reacquire: Reacquire,
    /// Ours. How far from its last place an object may be brought back: distance of centres in parts of the frame's
    /// diagonal; 0 to 1, 0.15.
    pub reacquire_distance: f32,
    /// Ours. On which frames the detector looks.
    pub detect_policy: DetectPolicy,
    /// Ours. Frames from one detection to the next; 1 to 100,000, 5. Read by the policies that say so.
    pub detect_interval: u32,
    /// Ours. A longer time between two frames counts as a scene cut; nanoseconds, 0: never; 10 s.
    pub max_gap_ns: u64,
    /// Ours. How much more suddenly than before the picture must change, in parts of its whole brightness, to count as a
    /// scene cut; 0 to 1, 0: off.
    pub scene_cut_threshold: f32,
    /// Ours. Frames whose features are kept so that a click lands on the frame that the user saw; 0 to 32, 4.
    pub click_frames: usize,
    /// Ours. Detections after which a ban on a removed object ends unless the object is seen again; 1 to 1,000,000, 150.
    pub ban_detections: u32,
}

impl Default for SessionConfig {
    fn default() -> Self {
        Self {
            detection_nms_iou: None,
            association_iou: 0.1,
            match_iou: 0.5,
            new_object_score: 0.7,
            matches_one_to_one: false,
            edge_margin: 0.0,
            probation_frames: 15,
            probation_unmatched: 8,
            probation_duplicates: 8,
            keep_alive_initial: 30,
            keep_alive_max: 30,
            keep_alive_min: -1,
            hides_unmatched: false,
            empty_lowers_keep_alive: false,
            occlusion_iou: 0.7,
            shrink_share: 0.3,
            hole_area: 16,
            recondition_interval: 16,
            recondition_score: 0.8,
            recondition_iou: 0.8,
            recondition_logit: 0.8,
            recondition_box_iou: 0.0,
            recondition_box_score: 0.8,
            min_present: 0,
            active_objects: 64,
            memory: MemorySettings::default(),
            max_lost_ns: 5 * SECOND_IN_NS,
            max_lost_frames: 150,
            max_unmatched: 300,
            trust: None,
            hold_detections: 5,
            reacquire: Reacquire::Auto,
            reacquire_distance: 0.15,
            detect_policy: DetectPolicy::EveryFrame,
            detect_interval: 5,
            max_gap_ns: 10 * SECOND_IN_NS,
            scene_cut_threshold: 0.0,
            click_frames: 4,
            ban_detections: 150,
        }
    }
}

impl SessionConfig {
    /// Checks every range.
    ///
    /// # Errors
    /// [`Error::Setting`] naming the first property that is out of its range, with the range.
    pub fn validate(&self) -> Result<()> {
        self.check_shares()?;
        self.check_counts()?;
        self.check_memory()
    }

    fn check_shares(&self) -> Result<()> {
        let shares = [
            ("detection-nms-iou", self.detection_nms_iou.unwrap_or_default()),
            ("association-iou", self.association_iou),
            ("match-iou", self.match_iou),
            ("new-object-score", self.new_object_score),
            ("occlusion-iou", self.occlusion_iou),
            ("shrink-share", self.shrink_share),
            ("recondition-score", self.recondition_score),
            ("recondition-iou", self.recondition_iou),
            ("recondition-box-iou", self.recondition_box_iou),
            ("recondition-box-score", self.recondition_box_score),
            ("reacquire-distance", self.reacquire_distance),
            ("scene-cut-threshold", self.scene_cut_threshold),
        ];
        shares.into_iter().try_for_each(|(property, value)| within(property, value, 0.0..=1.0))?;
        within("edge-margin", self.edge_margin, 0.0..=0.5)?;
        within("recondition-logit", self.recondition_logit, -100.0..=100.0)
    }

    fn check_counts(&self) -> Result<()> {
        within("probation", self.probation_frames, 0..=10_000)?;
        within("probation-unmatched", self.probation_unmatched, 0..=self.probation_frames)?;
        within("probation-duplicates", self.probation_duplicates, 0..=self.probation_frames)?;
        within("keep-alive-initial", self.keep_alive_initial, -10_000..=10_000)?;
        within("keep-alive-max", self.keep_alive_max, -10_000..=10_000)?;
        within("keep-alive-min", self.keep_alive_min, -10_000..=self.keep_alive_max)?;
        within("hole-area", self.hole_area, 0..=10_000)?;
        within("recondition-interval", self.recondition_interval, 0..=100_000)?;
        within("min-present", self.min_present, 0..=1_000)?;
        within("active-objects", self.active_objects, 1..=MAX_ACTIVE_OBJECTS)?;
        within("hold-detections", self.hold_detections, 0..=10_000)?;
        within("detect-interval", self.detect_interval, 1..=100_000)?;
        within("click-frames", self.click_frames, 0..=MAX_CLICK_FRAMES)?;
        within("ban-detections", self.ban_detections, 1..=1_000_000)
    }

    fn check_memory(&self) -> Result<()> {
        let memory = self.memory;
        within("memory-frames", memory.frames, 1..=16)?;
        within("memory-pointers", memory.pointers, 1..=64)?;
        within("memory-conditioning-frames", memory.conditioning_frames, 1..=16)?;
        within("memory-selection", memory.selection_threshold, 0.0..=1.0)?;
        within("click-window", memory.click_window_frames, 0..=1_000)
    }
}

/// NaN is within no range.
fn within<T: PartialOrd + Display>(property: &'static str, value: T, range: RangeInclusive<T>) -> Result<()> {
    if range.contains(&value) {
        return Ok(());
    }
    Err(Error::Setting {
        property,
        value: value.to_string(),
        cause: format!("it goes from {} to {}", range.start(), range.end()),
        remedy: "Choose a value in that range".into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_the_references() {
        let config = SessionConfig::default();
        config.validate().unwrap();
        assert_eq!((config.association_iou, config.match_iou, config.new_object_score), (0.1, 0.5, 0.7));
        assert_eq!((config.probation_frames, config.probation_unmatched, config.probation_duplicates), (15, 8, 8));
        assert_eq!((config.keep_alive_initial, config.keep_alive_max, config.keep_alive_min), (30, 30, -1));
        assert_eq!((config.hides_unmatched, config.empty_lowers_keep_alive), (false, false));
        assert_eq!((config.occlusion_iou, config.shrink_share, config.hole_area), (0.7, 0.3, 16));
        assert_eq!((config.recondition_interval, config.recondition_score, config.recondition_iou), (16, 0.8, 0.8));
        assert_eq!((config.recondition_logit, config.recondition_box_iou), (0.8, 0.0));
        assert_eq!((config.min_present, config.edge_margin, config.matches_one_to_one), (0, 0.0, false));
        let memory = config.memory;
        assert_eq!((memory.frames, memory.pointers, memory.conditioning_frames), (7, 16, 4));
        assert_eq!((memory.selection_threshold, memory.click_window_frames), (0.01, 16));
    }

    #[test]
    fn what_is_out_of_range_is_named_with_the_range() {
        let message = |change: fn(&mut SessionConfig)| {
            let mut config = SessionConfig::default();
            change(&mut config);
            config.validate().unwrap_err().to_string()
        };
        let expect = |text: String, parts: [&str; 2]| assert!(parts.iter().all(|part| text.contains(part)), "{text}");
        expect(message(|c| c.match_iou = 1.5), ["match-iou=\"1.5\"", "0 to 1"]);
        expect(message(|c| c.association_iou = f32::NAN), ["association-iou", "0 to 1"]);
        expect(message(|c| c.probation_unmatched = 16), ["probation-unmatched=\"16\"", "0 to 15"]);
        expect(message(|c| c.active_objects = 0), ["active-objects", "1 to 10000"]);
        expect(message(|c| c.detect_interval = 0), ["detect-interval", "1 to 100000"]);
        expect(message(|c| c.keep_alive_min = 31), ["keep-alive-min", "-10000 to 30"]);
        expect(message(|c| c.memory.frames = 0), ["memory-frames", "1 to 16"]);
        expect(message(|c| c.edge_margin = 0.6), ["edge-margin", "0 to 0.5"]);
    }
}
