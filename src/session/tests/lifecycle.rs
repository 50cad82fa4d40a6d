//! How objects begin and end.

use super::stage::{FRAME_NS, Stage, events, ids, state};
use crate::engine::discs::Disc;
use crate::objects::ObjectState;
use crate::session::{Edit, FrameShape, Notice, ObjectEventKind, RemovalCause};

fn one(_: i64, _: &str) -> Vec<Disc> {
    vec![Disc::at(0, 0.3, 0.3)]
}

/// Something that is detected for two frames only, and that the tracker then believes in.
fn phantom(frame: i64, _: &str) -> Vec<Disc> {
    vec![Disc { is_detected: frame < 2, ..Disc::at(0, 0.3, 0.3) }]
}

#[test]
fn a_phantom_goes_on_its_eighth_frame_without_detection_and_is_hidden_where_it_was_held_back() {
    let mut stage = Stage::new("disc", true, phantom);
    let answers: Vec<_> = (0..12).map(|_| stage.step()).collect();
    assert_eq!(state(&answers[8], 1), ObjectState::Propagated);
    assert_eq!((ids(&answers[9]), answers[9].removed_ids.clone()), (vec![], vec![1]));
    assert_eq!(answers[9].events[0].cause, Some(RemovalCause::Unconfirmed));
    assert!(answers[10].lost_ids.is_empty() && answers[10].removed_ids.is_empty());
}

#[test]
fn without_a_tracker_a_phantom_goes_too() {
    let mut stage = Stage::new("disc", false, phantom);
    let answers: Vec<_> = (0..12).map(|_| stage.step()).collect();
    assert_eq!((answers[9].removed_ids.clone(), answers[10].lost_ids.clone()), (vec![1], vec![]));
}

#[test]
fn a_double_goes_on_its_eighth_frame() {
    // A second track begins where nothing is, and then turns out to be on the first thing.
    let scenery = |frame: i64, _: &str| {
        let x = if frame < 2 { 0.7 } else { 0.31 };
        vec![Disc::at(0, 0.3, 0.3), Disc { is_detected: frame == 1, ..Disc::at(1, x, 0.3) }]
    };
    let mut stage = Stage::new("disc", true, scenery);
    let answers: Vec<_> = (0..11).map(|_| stage.step()).collect();
    assert_eq!(ids(&answers[8]), [1, 2]);
    assert_eq!((ids(&answers[9]), answers[9].removed_ids.clone()), (vec![1], vec![2]));
    assert_eq!(answers[9].events[0].cause, Some(RemovalCause::Double));
}

#[test]
fn of_two_tracks_on_one_thing_the_more_recently_hidden_is_blanked() {
    // Both were hidden, the second later; then both follow the first thing.
    let scenery = |frame: i64, _: &str| {
        let second = if frame < 40 { 0.7 } else { 0.3 };
        vec![
            Disc { is_seen: frame != 20, ..Disc::at(0, 0.3, 0.3) },
            Disc { is_detected: frame < 40, is_seen: frame != 25, ..Disc::at(1, second, 0.3) },
        ]
    };
    let mut stage = Stage::new("disc", true, scenery);
    assert_eq!(ids(&stage.run(40)), [1, 2]);
    let answer = stage.step();
    assert_eq!((ids(&answer), answer.lost_ids.clone()), (vec![1], vec![2]));
    let mut stage = Stage::new("disc", true, scenery).with(|config| config.occlusion_iou = 0.0);
    stage.run(40);
    assert_eq!(ids(&stage.step()), [1, 2]);
}

#[test]
fn what_is_missing_too_long_is_given_up_and_its_id_is_not_used_again() {
    let scenery = |frame: i64, _: &str| {
        let is_there = !(30..200).contains(&frame);
        vec![Disc { is_detected: is_there, is_seen: is_there, ..Disc::at(0, 0.3, 0.3) }]
    };
    for follows in [true, false] {
        let mut stage = Stage::new("disc", follows, scenery).with(|config| config.max_lost_ns = 10 * FRAME_NS);
        let answers: Vec<_> = (0..60).map(|_| stage.step()).collect();
        let removal = answers.iter().position(|answer| events(answer) == [(ObjectEventKind::Removed, 1)]).unwrap();
        // Held for five frames when there is no tracker.
        assert_eq!(removal, if follows { 41 } else { 46 });
        assert_eq!(answers[removal].events[0].cause, Some(RemovalCause::LostTooLong));
        assert!(answers[removal].removed_ids.is_empty(), "it was there in earlier frames");
        assert_eq!(ids(&stage.run(150)), [2]);
    }
}

#[test]
fn locked_objects_outlive_every_rule() {
    let mut stage = Stage::new("disc", true, phantom).with(|config| {
        config.max_unmatched = 5;
        config.max_lost_ns = 1;
    });
    stage.step();
    stage.step_with(vec![Edit::Lock { object_id: 1, is_locked: true }]);
    assert_eq!(ids(&stage.run(50)), [1]);
    stage.phrases("other");
    assert_eq!(ids(&stage.step()), [1]);
    stage.step_with(vec![Edit::Lock { object_id: 1, is_locked: false }]);
    stage.phrases("disc");
    assert!(ids(&stage.run(2)).is_empty());
}

#[test]
fn objects_are_shown_after_enough_detections() {
    let mut stage = Stage::new("disc", true, one).with(|config| config.min_present = 3);
    let answers: Vec<_> = (0..4).map(|_| stage.step()).collect();
    let shown: Vec<_> = answers.iter().map(|answer| ids(answer).len()).collect();
    assert_eq!(shown, [0, 0, 1, 1]);
    assert_eq!((state(&answers[2], 1), events(&answers[2]).len()), (ObjectState::New, 1));
    assert!(answers[1].lost_ids.is_empty(), "what was never shown is not lost");
}

#[test]
fn unmatched_objects_are_hidden_when_asked_for() {
    let scenery = |frame: i64, _: &str| vec![Disc { is_detected: frame < 20, ..Disc::at(0, 0.3, 0.3) }];
    let mut stage = Stage::new("disc", true, scenery).with(|config| {
        config.hides_unmatched = true;
        config.keep_alive_initial = 3;
        config.keep_alive_max = 3;
    });
    let answers: Vec<_> = (0..25).map(|_| stage.step()).collect();
    assert_eq!((ids(&answers[21]), ids(&answers[22])), (vec![1], vec![]));
}

#[test]
fn fifty_of_three_hundred_are_followed_and_the_rest_is_told_once() {
    let scenery = |_: i64, _: &str| {
        let disc = |thing: u64| {
            let (x, y) = (0.03 + 0.05 * (thing % 20) as f32, 0.03 + 0.06 * (thing / 20) as f32);
            Disc { radius: 0.02, score: 0.8 + 0.0005 * thing as f32, ..Disc::at(thing, x, y) }
        };
        (0..300).map(disc).collect()
    };
    let mut stage = Stage::new("disc", false, scenery).with(|config| {
        config.active_objects = 50;
        config.hole_area = 0;
    });
    let answer = stage.step();
    assert_eq!(answer.objects.items.len(), 50);
    assert!(answer.objects.items.iter().all(|object| object.score > 0.924), "the best fifty");
    assert_eq!(answer.notices, [Notice::TooManyObjects { ignored: 250, allowed: 50 }]);
    let again = stage.step();
    assert!(again.notices.is_empty() && ids(&again) == ids(&answer));
}

#[test]
fn the_requests_caps_hold_for_what_begins_and_what_is_shown() {
    let scenery = |_: i64, _: &str| (0..4).map(|k| Disc::at(k, 0.2 + 0.2 * k as f32, 0.3)).collect();
    let mut stage = Stage::new("a; b", true, scenery);
    stage.segment.prompts[0].max_objects = 1;
    assert_eq!(stage.run(3).objects.items.len(), 5);
    stage.segment.max_objects = 2;
    assert_eq!(stage.step().objects.items.len(), 2);
}

#[test]
fn scene_cuts_gaps_and_other_shapes_drop_tracks_and_keep_phrases_and_ids() {
    let mut stage = Stage::new("disc", true, one);
    stage.step();
    let cut = stage.step_with(vec![Edit::SceneCut]);
    assert_eq!((ids(&cut), events(&cut)[0]), (vec![2], (ObjectEventKind::Removed, 1)));
    stage.time_ns = stage.time_ns.map(|time_ns| time_ns + 11_000_000_000);
    let gap = stage.step();
    assert!(ids(&gap) == [3] && matches!(gap.notices[..], [Notice::LongGap { .. }]));
    stage.shape = FrameShape { width: 1280, height: 720 };
    assert_eq!(ids(&stage.step()), [3], "scaling is no change");
    stage.shape = FrameShape { width: 720, height: 720 };
    let turned = stage.step();
    assert_eq!((ids(&turned), turned.notices.clone()), (vec![4], vec![Notice::ShapeChanged]));
    let reset = stage.step_with(vec![Edit::Reset { restarts_ids: false }]);
    assert_eq!(ids(&reset), [5]);
    assert_eq!(ids(&stage.step_with(vec![Edit::Reset { restarts_ids: true }])), [1], "another stream");
}

#[test]
fn frames_out_of_order_are_the_next_ones() {
    let mut stage = Stage::new("disc", true, one);
    stage.run(5);
    stage.time_ns = Some(0);
    let answer = stage.step();
    assert_eq!(answer.notices, [Notice::OutOfOrder { time_ns: FRAME_NS, previous_ns: 4 * FRAME_NS }]);
    assert_eq!(ids(&answer), [1]);
}

#[test]
fn settings_out_of_range_are_an_error_and_leave_the_session_as_it_was() {
    let mut stage = Stage::new("disc", true, one);
    stage.step();
    stage.config.match_iou = 2.0;
    assert!(stage.try_step(Vec::new()).unwrap_err().to_string().contains("match-iou"));
    stage.config.match_iou = 0.5;
    assert_eq!(ids(&stage.step()), [1]);
}
