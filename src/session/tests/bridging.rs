//! Discs that are followed by a detector that is trusted more than the tracker.

use super::stage::{Stage, events, ids, object, state, x_of};
use crate::engine::discs::Disc;
use crate::objects::ObjectState;
use crate::session::{ClickPoint, DetectPolicy, Edit, ObjectEventKind, RemovalCause, Trust};

fn trusting(scenery: impl Fn(i64, &str) -> Vec<Disc> + Send + 'static) -> Stage {
    Stage::new("disc", true, scenery).with(|config| config.trust = Some(Trust::Detector))
}

/// A disc that goes right, and that the detector misses on some frames.
fn missed(is_missed: impl Fn(i64) -> bool) -> impl Fn(i64, &str) -> Vec<Disc> {
    move |frame, _| vec![Disc { is_detected: !is_missed(frame), ..Disc::at(0, 0.2 + 0.01 * frame as f32, 0.3) }]
}

#[test]
fn what_the_detector_sees_costs_the_tracker_nothing() {
    let mut stage = trusting(missed(|_| false));
    let last = stage.run(40);
    assert_eq!((ids(&last), state(&last, 1)), (vec![1], ObjectState::Tracked));
    assert_eq!((stage.model.reconditioned, stage.model.remembered), (0, 0));
}

#[test]
fn the_tracker_bridges_a_few_frames_and_then_the_object_is_lost_where_it_was() {
    let mut stage = trusting(missed(|frame| (20..23).contains(&frame) || (30..40).contains(&frame)));
    let answers = stage.answers(45);
    assert_eq!(state(&answers[22], 1), ObjectState::Propagated);
    assert!((x_of(&answers[22], 1) - 0.42).abs() < 0.02, "it moves on: {}", x_of(&answers[22], 1));
    assert_eq!(state(&answers[23], 1), ObjectState::Tracked);
    assert_eq!(state(&answers[34], 1), ObjectState::Propagated);
    assert_eq!(events(&answers[35]), [(ObjectEventKind::Lost, 1)]);
    assert_eq!(events(&answers[40]), [(ObjectEventKind::Recovered, 1)], "near enough to be the same");
    assert!(answers.iter().all(|answer| answer.kept.frames <= 4));
}

#[test]
fn what_the_tracker_does_not_see_either_is_lost_at_once() {
    let scenery = |frame: i64, _: &str| {
        let is_there = !(20..24).contains(&frame);
        vec![Disc { is_detected: is_there, is_seen: is_there, ..Disc::at(0, 0.3, 0.3) }]
    };
    let answers = trusting(scenery).answers(26);
    assert_eq!(events(&answers[20]), [(ObjectEventKind::Lost, 1)]);
    assert_eq!((events(&answers[24]), ids(&answers[25])), (vec![(ObjectEventKind::Recovered, 1)], vec![1]));
}

#[test]
fn what_only_the_tracker_does_not_see_is_held_until_the_detector_looks() {
    let scenery =
        |frame: i64, _: &str| vec![Disc { is_seen: frame != 5, ..Disc::at(0, 0.2 + 0.01 * frame as f32, 0.3) }];
    let mut stage = trusting(scenery).with(|config| {
        config.detect_policy = DetectPolicy::Interval;
        config.detect_interval = 4;
    });
    let answers = stage.answers(10);
    let states: Vec<_> = answers[4..].iter().map(|answer| state(answer, 1)).collect();
    let (carried, held, seen) = (ObjectState::Propagated, ObjectState::Held, ObjectState::Tracked);
    assert_eq!(states, [seen, held, held, held, seen, carried]);
    assert_eq!(x_of(&answers[7], 1), x_of(&answers[4], 1));
}

#[test]
fn what_the_tracker_takes_for_it_elsewhere_is_not_believed() {
    let scenery = |frame: i64, _: &str| {
        let x = if frame < 20 { 0.3 } else { 0.6 };
        vec![Disc { is_detected: frame < 20, ..Disc::at(0, x, 0.3) }]
    };
    let answers = trusting(scenery).answers(26);
    assert_eq!(state(&answers[20], 1), ObjectState::Held);
    assert!((x_of(&answers[24], 1) - 0.3).abs() < 0.02, "{}", x_of(&answers[24], 1));
    assert_eq!(events(&answers[25]), [(ObjectEventKind::Lost, 1)]);
}

#[test]
fn between_detections_masks_move() {
    let mut stage = trusting(missed(|_| false)).with(|config| {
        config.detect_policy = DetectPolicy::Interval;
        config.detect_interval = 4;
    });
    let answers = stage.answers(9);
    let states: Vec<_> = answers[1..].iter().map(|answer| state(answer, 1)).collect();
    let (carried, seen) = (ObjectState::Propagated, ObjectState::Tracked);
    assert_eq!(states, [carried, carried, carried, seen, carried, carried, carried, seen]);
    assert!((x_of(&answers[7], 1) - 0.27).abs() < 0.02);
}

#[test]
fn a_bridge_ends_on_what_the_detector_sees_as_another() {
    // The first disc is no longer detected, and the second one comes to lie on it.
    let scenery = |frame: i64, _: &str| {
        let first = Disc { is_detected: frame < 8, ..Disc::at(0, 0.3, 0.3) };
        let x = (0.7 - 0.04 * frame as f32).max(0.3);
        vec![first, Disc { score: 0.8, ..Disc::at(1, x, 0.3) }]
    };
    let answers = trusting(scenery).answers(14);
    assert_eq!(ids(&answers[9]), [1, 2]);
    assert_eq!((ids(&answers[10]), events(&answers[10])), (vec![2], vec![(ObjectEventKind::Lost, 1)]));
}

#[test]
fn what_the_user_began_is_the_trackers() {
    let scenery = |frame: i64, _: &str| {
        let unknown = Disc { is_detected: false, ..Disc::at(1, 0.1 + 0.01 * frame as f32, 0.7) };
        vec![Disc::at(0, 0.3, 0.2), unknown]
    };
    let mut stage = trusting(scenery);
    stage.run(5);
    let points = vec![ClickPoint { x: 0.15, y: 0.7, is_positive: true }];
    let answer = stage.step_with(vec![Edit::Click { object_id: None, points, at_ns: None, label: None }]);
    assert_eq!(ids(&answer), [1, 2]);
    let later = stage.run(50);
    assert_eq!((ids(&later), state(&later, 2)), (vec![1, 2], ObjectState::Propagated), "no rule ends it");
    assert!((x_of(&later, 2) - x_of(&answer, 2) - 0.5).abs() < 0.03);
}

#[test]
fn trust_changes_while_objects_are_followed() {
    let mut stage = trusting(missed(|frame| frame >= 20));
    stage.run(15);
    stage.config.trust = Some(Trust::Tracker);
    let last = stage.run(20);
    assert_eq!((ids(&last), state(&last, 1)), (vec![1], ObjectState::Propagated), "the tracker goes on for long");
    assert!((x_of(&last, 1) - 0.54).abs() < 0.02 && object(&last, 1).score > 0.0);
    stage.config.trust = Some(Trust::Detector);
    let answers = stage.answers(1);
    assert_eq!(answers[0].lost_ids, [1], "it was missed for too long");
}

#[test]
fn a_scene_that_was_cut_leaves_nothing_to_begin_with() {
    let mut stage = trusting(missed(|frame| frame >= 10));
    stage.run(10);
    let answer = stage.step_with(vec![Edit::SceneCut]);
    assert_eq!(answer.events[0].cause, Some(RemovalCause::Cleared));
    assert_eq!(ids(&stage.run(5)), [] as [u64; 0]);
}
