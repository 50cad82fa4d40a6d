//! The numbers of following as properties: one line for each field of the engine's `SessionConfig`.

use std::ops::RangeInclusive;
use std::sync::LazyLock;

use glib::prelude::*;
use glib::{ParamSpec, Value};
use gst::prelude::GstParamSpecBuilderExt;
use sa3::session::SessionConfig;

use super::settings::{ACTIVE_OBJECTS, CLICK_FRAMES};
use crate::prompted::settings::{count, exact, number};

/// One number of the rules.
pub(super) struct Rule {
    pub(super) name: &'static str,
    nick: &'static str,
    blurb: &'static str,
    field: Field,
}

/// Where it stands in the configuration, and its range.
enum Field {
    Number(fn(&mut SessionConfig) -> &mut f32, RangeInclusive<f64>),
    Count(fn(&mut SessionConfig) -> &mut u32, RangeInclusive<u32>),
    Size(fn(&mut SessionConfig) -> &mut usize, RangeInclusive<u32>),
    Level(fn(&mut SessionConfig) -> &mut i32, RangeInclusive<i32>),
    Switch(fn(&mut SessionConfig) -> &mut bool),
}

impl Rule {
    pub(super) fn set(&self, config: &mut SessionConfig, value: &Value) {
        match &self.field {
            Field::Number(field, _) => *field(config) = value.get::<f64>().unwrap_or_default() as f32,
            Field::Count(field, _) => *field(config) = value.get().unwrap_or_default(),
            Field::Size(field, _) => *field(config) = value.get::<u32>().unwrap_or_default() as usize,
            Field::Level(field, _) => *field(config) = value.get().unwrap_or_default(),
            Field::Switch(field) => *field(config) = value.get().unwrap_or_default(),
        }
    }

    pub(super) fn get(&self, config: &SessionConfig) -> Value {
        let mut config = config.clone();
        match &self.field {
            Field::Number(field, _) => exact(*field(&mut config)).to_value(),
            Field::Count(field, _) => field(&mut config).to_value(),
            Field::Size(field, _) => (*field(&mut config) as u32).to_value(),
            Field::Level(field, _) => field(&mut config).to_value(),
            Field::Switch(field) => field(&mut config).to_value(),
        }
    }

    pub(super) fn spec(&self) -> ParamSpec {
        let Self { name, nick, blurb, field } = self;
        let default = self.get(&SessionConfig::default());
        match field {
            Field::Number(_, range) => number(name, nick, blurb, range.clone(), default.get().unwrap_or_default()),
            Field::Count(_, range) | Field::Size(_, range) => {
                count(name, nick, blurb, range.clone(), default.get().unwrap_or_default())
            }
            Field::Level(_, range) => glib::ParamSpecInt::builder(name)
                .nick(nick)
                .blurb(blurb)
                .minimum(*range.start())
                .maximum(*range.end())
                .default_value(default.get().unwrap_or_default())
                .mutable_playing()
                .controllable()
                .build(),
            Field::Switch(_) => glib::ParamSpecBoolean::builder(name)
                .nick(nick)
                .blurb(blurb)
                .default_value(default.get().unwrap_or_default())
                .mutable_playing()
                .controllable()
                .build(),
        }
    }
}

/// All of them: what users turn first, then detection, probation, memory and the rest.
pub(super) fn rules() -> &'static [Rule] {
    static RULES: LazyLock<Vec<Rule>> = LazyLock::new(|| {
        let mut rules = common();
        rules.extend(association());
        rules.extend(probation());
        rules.extend(reconditioning());
        rules.extend(memory());
        rules
    });
    &RULES
}

fn share(
    name: &'static str,
    nick: &'static str,
    blurb: &'static str,
    field: fn(&mut SessionConfig) -> &mut f32,
) -> Rule {
    Rule { name, nick, blurb, field: Field::Number(field, 0.0..=1.0) }
}

fn frames(
    name: &'static str,
    nick: &'static str,
    blurb: &'static str,
    range: RangeInclusive<u32>,
    field: fn(&mut SessionConfig) -> &mut u32,
) -> Rule {
    Rule { name, nick, blurb, field: Field::Count(field, range) }
}

fn size(
    name: &'static str,
    nick: &'static str,
    blurb: &'static str,
    range: RangeInclusive<u32>,
    field: fn(&mut SessionConfig) -> &mut usize,
) -> Rule {
    Rule { name, nick, blurb, field: Field::Size(field, range) }
}

fn switch(
    name: &'static str,
    nick: &'static str,
    blurb: &'static str,
    field: fn(&mut SessionConfig) -> &mut bool,
) -> Rule {
    Rule { name, nick, blurb, field: Field::Switch(field) }
}

fn common() -> Vec<Rule> {
    vec![
        frames(
            "detect-interval",
            "Frames for one detection",
            "Processed frames from one detection to the next; read by detect-policy=interval and on-loss",
            1..=100_000,
            |c| &mut c.detect_interval,
        ),
        size(
            "active-objects",
            "Objects followed at once",
            "Objects that are followed at most, those with the best scores; each costs time and memory",
            ACTIVE_OBJECTS,
            |c| &mut c.active_objects,
        ),
        size(
            "memory-frames",
            "Frames remembered",
            "Frames that the tracker compares with, the first one of an object included; fewer are faster",
            1..=16,
            |c| &mut c.memory.frames,
        ),
        frames(
            "probation",
            "Probation",
            "Frames with detection during which a new object that is not confirmed is removed again",
            0..=10_000,
            |c| &mut c.probation_frames,
        ),
        frames(
            "min-present",
            "Detections before it is shown",
            "Detections in a row that an object needs before it is shown. 0: it is shown at once",
            0..=1_000,
            |c| &mut c.min_present,
        ),
        share(
            "match-iou",
            "Overlap that confirms",
            "Overlap (intersection over union, 0 to 1) from which a detection confirms an object",
            |c| &mut c.match_iou,
        ),
        share(
            "scene-cut-threshold",
            "What counts as a cut",
            "Objects are dropped where the picture changes this much more suddenly than before (0 to 1 of its brightness; \
             0.1 finds the cuts of most films). 0: off",
            |c| &mut c.scene_cut_threshold,
        ),
        Rule {
            name: "max-unmatched",
            nick: "Detections that may miss a followed object",
            blurb: "Detections in a row that may miss an object that is still followed, before it is removed. 0: any number",
            field: Field::Count(|c| &mut c.max_unmatched, 0..=i32::MAX as u32),
        },
    ]
}

fn association() -> Vec<Rule> {
    vec![
        share(
            "association-iou",
            "Overlap that belongs",
            "A detection that overlaps an object at least this much (0 to 1) is not a new object",
            |c| &mut c.association_iou,
        ),
        share(
            "new-object-score",
            "Score of a new object",
            "Score (0 to 1) from which a detection begins an object while its phrase has others; the first ones need \
             threshold only",
            |c| &mut c.new_object_score,
        ),
        switch(
            "one-to-one",
            "One object for a detection",
            "Let each detection confirm one object at most, by the best assignment",
            |c| &mut c.matches_one_to_one,
        ),
        Rule {
            name: "edge-margin",
            nick: "Margin at the edge",
            blurb: "Detections centred within this part of the frame (0 to 0.5) from its edge begin no object. 0: off",
            field: Field::Number(|c| &mut c.edge_margin, 0.0..=0.5),
        },
        share(
            "occlusion-iou",
            "Overlap of doubles",
            "Of two objects of one phrase that overlap at least this much (0 to 1) the one hidden more recently is \
             blanked. 0: off",
            |c| &mut c.occlusion_iou,
        ),
        share(
            "shrink-share",
            "Area that must be left",
            "An object that keeps less of its area (0 to 1) beside the others is remembered as absent. 0: off",
            |c| &mut c.shrink_share,
        ),
        frames(
            "hole-area",
            "Holes and sprinkles",
            "Largest hole that is filled and sprinkle that is removed, in cells of the mask. 0: off",
            0..=10_000,
            |c| &mut c.hole_area,
        ),
        frames(
            "hold-detections",
            "Detections that may miss",
            "Detections in a row that may miss an object while it keeps its last mask, without tracker weights, or while the \
             tracker bridges them, with trust=detector",
            0..=10_000,
            |c| &mut c.hold_detections,
        ),
        share(
            "reacquire-distance",
            "How near is near",
            "Distance from its last place within which a lost object may come back, in parts of the frame's diagonal",
            |c| &mut c.reacquire_distance,
        ),
        frames(
            "ban-detections",
            "Length of a ban",
            "Detections after which the ban on a removed object ends, unless it is seen again",
            1..=1_000_000,
            |c| &mut c.ban_detections,
        ),
    ]
}

fn probation() -> Vec<Rule> {
    let level = |name, nick, blurb, field| Rule { name, nick, blurb, field: Field::Level(field, -10_000..=10_000) };
    vec![
        frames(
            "probation-unmatched",
            "Misses in probation",
            "Detections, all together, that may miss an object in probation before it is removed; no more than \
             probation. 0: any number",
            0..=10_000,
            |c| &mut c.probation_unmatched,
        ),
        frames(
            "probation-duplicates",
            "Doubles in probation",
            "Detections that may find an object in probation to be an older one once more before it is removed. 0: any \
             number",
            0..=10_000,
            |c| &mut c.probation_duplicates,
        ),
        level("keep-alive-initial", "Keep-alive at first", "Keep-alive counter of a new object", |c| {
            &mut c.keep_alive_initial
        }),
        level("keep-alive-max", "Highest keep-alive", "Upper end of the keep-alive counter", |c| &mut c.keep_alive_max),
        level("keep-alive-min", "Lowest keep-alive", "Lower end of the keep-alive counter", |c| &mut c.keep_alive_min),
        switch(
            "hide-unmatched",
            "Hide what is not confirmed",
            "Hide objects whose keep-alive counter is 0 or below; they are followed on",
            |c| &mut c.hides_unmatched,
        ),
        switch(
            "empty-lowers-keep-alive",
            "Absence counts",
            "Lower the keep-alive counter of objects without mask too",
            |c| &mut c.empty_lowers_keep_alive,
        ),
    ]
}

fn reconditioning() -> Vec<Rule> {
    vec![
        frames(
            "recondition-interval",
            "Frames for one refreshing",
            "Frames from one refreshing of memories by detections to the next. 0: off",
            0..=100_000,
            |c| &mut c.recondition_interval,
        ),
        share(
            "recondition-score",
            "Score that refreshes",
            "Score (0 to 1) that a detection needs to refresh a memory",
            |c| &mut c.recondition_score,
        ),
        share("recondition-iou", "Overlap that refreshes", "Overlap (0 to 1) that it needs with the object", |c| {
            &mut c.recondition_iou
        }),
        Rule {
            name: "recondition-logit",
            nick: "Tracker's score that refreshes",
            blurb: "The tracker's own score of the object must be above this; a logit, not a probability",
            field: Field::Number(|c| &mut c.recondition_logit, -100.0..=100.0),
        },
        share(
            "recondition-box-iou",
            "Overlap of boxes that refreshes",
            "Memories are refreshed at once where the boxes of object and detection overlap less (0 to 1). 0: off",
            |c| &mut c.recondition_box_iou,
        ),
        share("recondition-box-score", "Score for boxes", "Score (0 to 1) that the detection needs for that", |c| {
            &mut c.recondition_box_score
        }),
    ]
}

fn memory() -> Vec<Rule> {
    vec![
        size("memory-pointers", "Pointers remembered", "Object pointers that the tracker compares with", 1..=64, |c| {
            &mut c.memory.pointers
        }),
        size(
            "memory-conditioning-frames",
            "Sure frames remembered",
            "Frames given by a detection or the user that the tracker compares with",
            1..=16,
            |c| &mut c.memory.conditioning_frames,
        ),
        share(
            "memory-selection",
            "Worth remembering",
            "Frames on which an object is less sure (0 to 1) are not remembered. 0: the latest frames are, whatever they \
             are worth",
            |c| &mut c.memory.selection_threshold,
        ),
        frames(
            "click-window",
            "Reach of a click",
            "A click replaces what detections said of its object within so many frames",
            0..=1_000,
            |c| &mut c.memory.click_window_frames,
        ),
        size(
            "click-frames",
            "Frames kept for clicks",
            "Frames that are kept so that a click lands on the frame that the user saw",
            CLICK_FRAMES,
            |c| &mut c.click_frames,
        ),
    ]
}
