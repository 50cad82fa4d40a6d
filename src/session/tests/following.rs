//! Discs that are followed, with a tracker and without.

use super::stage::{Stage, events, ids, object, state, x_of};
use crate::engine::discs::Disc;
use crate::objects::ObjectState;
use crate::session::{DetectPolicy, Notice, ObjectEventKind, RemovalCause};

/// One disc that goes right, and one that rests.
fn two(frame: i64, _: &str) -> Vec<Disc> {
    vec![Disc::at(0, 0.1 + 0.01 * frame as f32, 0.3), Disc { score: 0.8, ..Disc::at(1, 0.5, 0.7) }]
}

#[test]
fn ids_stay_while_things_move() {
    for follows in [true, false] {
        let mut stage = Stage::new("disc", follows, two);
        let first = stage.step();
        assert_eq!(ids(&first), [1, 2]);
        assert_eq!((state(&first, 1), x_of(&first, 1) < 0.15), (ObjectState::New, true));
        assert_eq!(events(&first), [(ObjectEventKind::Appeared, 1), (ObjectEventKind::Appeared, 2)]);
        let last = stage.run(60);
        assert_eq!((ids(&last), state(&last, 1)), (vec![1, 2], ObjectState::Tracked), "follows: {follows}");
        assert!((x_of(&last, 1) - 0.7).abs() < 0.02 && last.events.is_empty() && last.notices.is_empty());
        assert_eq!(object(&last, 1).first_seen_ns, Some(0));
        assert_eq!(object(&last, 1).last_seen_ns, stage.time_ns);
        assert_eq!(object(&last, 2).score, 0.8, "that of the first detection");
    }
}

#[test]
fn between_detections_the_tracker_goes_on_and_without_it_masks_are_held() {
    let policy = |stage: Stage| {
        stage.with(|config| {
            config.detect_policy = DetectPolicy::Interval;
            config.detect_interval = 4;
        })
    };
    let mut stage = policy(Stage::new("disc", true, two));
    let answers: Vec<_> = (0..6).map(|_| stage.step()).collect();
    let detected: Vec<_> = answers.iter().map(|answer| answer.is_detected).collect();
    assert_eq!(detected, [true, false, false, false, true, false]);
    assert_eq!((state(&answers[3], 1), state(&answers[4], 1)), (ObjectState::Propagated, ObjectState::Tracked));
    assert!(x_of(&answers[3], 1) > x_of(&answers[0], 1));

    let mut stage = policy(Stage::new("disc", false, two));
    let answers: Vec<_> = (0..6).map(|_| stage.step()).collect();
    assert_eq!((state(&answers[3], 1), state(&answers[4], 1)), (ObjectState::Held, ObjectState::Tracked));
    assert_eq!(x_of(&answers[3], 1), x_of(&answers[0], 1));
    assert_eq!(object(&answers[3], 1).last_seen_ns, Some(0));
    assert_eq!(ids(&answers[5]), [1, 2]);
}

#[test]
fn the_tracker_carries_what_the_detector_misses() {
    let scenery = |frame: i64, _: &str| vec![Disc { is_detected: frame < 20, ..Disc::at(0, 0.3, 0.3) }];
    let mut stage = Stage::new("disc", true, scenery);
    let last = stage.run(60);
    assert_eq!((ids(&last), state(&last, 1)), (vec![1], ObjectState::Propagated));
    let mut stage = Stage::new("disc", true, scenery).with(|config| config.max_unmatched = 10);
    let answers: Vec<_> = (0..32).map(|_| stage.step()).collect();
    assert_eq!((ids(&answers[29]), ids(&answers[30])), (vec![1], vec![]));
    assert_eq!(answers[30].events[0].cause, Some(RemovalCause::UnmatchedTooLong));
}

#[test]
fn without_tracker_what_is_missed_is_held_then_lost_then_found_again() {
    let scenery = |frame: i64, _: &str| vec![Disc { is_detected: !(20..40).contains(&frame), ..Disc::at(0, 0.3, 0.3) }];
    let mut stage = Stage::new("disc", false, scenery);
    let answers: Vec<_> = (0..45).map(|_| stage.step()).collect();
    assert_eq!((state(&answers[20], 1), state(&answers[24], 1)), (ObjectState::Held, ObjectState::Held));
    assert_eq!(events(&answers[25]), [(ObjectEventKind::Lost, 1)]);
    assert_eq!((ids(&answers[25]), answers[39].lost_ids.clone()), (vec![], vec![1]));
    assert_eq!(events(&answers[40]), [(ObjectEventKind::Recovered, 1)]);
    assert_eq!(state(&answers[41], 1), ObjectState::Tracked);
}

#[test]
fn without_tracker_what_moved_while_it_was_away_keeps_its_id() {
    let scenery = |frame: i64, _: &str| {
        let x = if frame < 20 { 0.3 } else { 0.48 };
        vec![Disc { is_detected: !(20..30).contains(&frame), ..Disc::at(0, x, 0.3) }]
    };
    assert_eq!(ids(&Stage::new("disc", false, scenery).run(40)), [1]);
    let mut stage = Stage::new("disc", false, scenery).with(|config| config.reacquire_distance = 0.05);
    assert_eq!(ids(&stage.run(40)), [2], "too far for this setting");
}

#[test]
fn without_tracker_a_held_mask_ends_nothing_that_is_seen() {
    // The second disc comes to lie on the first, which the detector then misses.
    let scenery = |frame: i64, _: &str| {
        let x = if frame < 4 { 0.5 } else { 0.34 };
        let first = Disc { is_detected: frame < 4, score: 0.8, ..Disc::at(0, 0.3, 0.3) };
        vec![first, Disc::at(1, if frame == 3 { 0.42 } else { x }, 0.3)]
    };
    let mut stage = Stage::new("disc", false, scenery).with(|config| {
        config.hold_detections = 50;
        config.probation_unmatched = 0;
        config.probation_duplicates = 2;
    });
    let answers: Vec<_> = (0..20).map(|_| stage.step()).collect();
    assert!(answers.iter().all(|answer| answer.removed_ids.is_empty()));
    assert_eq!(ids(&answers[19]), [1, 2]);
}

/// One disc is gone from the middle; another one crosses the picture, and on a frame is exactly where the first was.
#[test]
fn without_tracker_who_passes_where_another_was_lost_keeps_its_id() {
    let crossing = |frame: i64, _: &str| match frame {
        ..=4 => vec![Disc::at(0, 0.5, 0.5)],
        _ => vec![Disc::at(1, 0.1 + 0.02 * (frame - 5) as f32, 0.5)],
    };
    let mut stage = Stage::new("thing", false, crossing);
    assert_eq!(ids(&stage.run(5)), [1]);
    stage.run(10);
    for frame in 15..40 {
        let answer = stage.step();
        assert_eq!((ids(&answer), state(&answer, 2)), (vec![2], ObjectState::Tracked), "frame {frame}");
    }
}

#[test]
fn an_object_that_the_tracker_loses_comes_back_with_its_id() {
    let scenery = |frame: i64, _: &str| {
        let is_there = !(30..60).contains(&frame);
        vec![Disc { is_detected: is_there, is_seen: is_there, ..Disc::at(0, 0.3, 0.3) }]
    };
    let mut stage = Stage::new("disc", true, scenery);
    let answers: Vec<_> = (0..62).map(|_| stage.step()).collect();
    assert_eq!((events(&answers[30]), answers[31].lost_ids.clone()), (vec![(ObjectEventKind::Lost, 1)], vec![1]));
    assert_eq!(events(&answers[60]), [(ObjectEventKind::Recovered, 1)]);
}

#[test]
fn memories_are_refreshed_every_sixteenth_frame_and_remembered_on_each() {
    let mut stage = Stage::new("disc", true, |_, _: &str| vec![Disc::at(0, 0.3, 0.3)]);
    stage.run(33);
    assert_eq!((stage.model.reconditioned, stage.model.remembered), (2, 32), "born on frame 0, refreshed on 16 and 32");
    let mut stage = Stage::new("disc", true, |_, _: &str| vec![Disc::at(0, 0.3, 0.3)])
        .with(|config| config.recondition_logit = 6.5);
    stage.run(33);
    assert_eq!(stage.model.reconditioned, 0, "the tracker's logit of 6 is not above 6.5");
}

#[test]
fn boxes_that_differ_refresh_at_once_and_show_the_detection() {
    // The detector sees the disc a little larger than the tracker does, which has no effect unless asked for.
    let scenery = |frame: i64, _: &str| {
        let seen = Disc { is_detected: false, ..Disc::at(0, 0.3, 0.3) };
        let detected = Disc { is_seen: false, radius: 0.085, score: 0.95, ..Disc::at(1, 0.3, 0.3) };
        if frame == 0 { vec![Disc { is_detected: true, ..seen }] } else { vec![seen, detected] }
    };
    let width = |stage: &mut Stage| {
        stage.step();
        let answer = stage.step();
        let place = object(&answer, 1).box_in_frame;
        (place.x1 - place.x0, stage.model.reconditioned)
    };
    let (plain, refreshed) = width(&mut Stage::new("disc", true, scenery));
    assert_eq!(refreshed, 0);
    let mut stage = Stage::new("disc", true, scenery).with(|config| config.recondition_box_iou = 0.99);
    let (shown, refreshed) = width(&mut stage);
    assert!(shown > plain && refreshed == 1, "{shown} {plain} {refreshed}");
}

#[test]
fn policies_that_need_a_tracker_say_so_once() {
    let mut stage = Stage::new("disc", false, two).with(|config| config.detect_policy = DetectPolicy::FirstOnly);
    assert_eq!(stage.step().notices, [Notice::CannotFollow]);
    let second = stage.step();
    assert!(second.is_detected && second.notices.is_empty());
    let mut stage = Stage::new("disc", true, two).with(|config| config.detect_policy = DetectPolicy::FirstOnly);
    let detected: Vec<_> = (0..3).map(|_| stage.step().is_detected).collect();
    assert_eq!(detected, [true, false, false]);
}

#[test]
fn what_is_shown_of_one_phrase_does_not_overlap() {
    let scenery = |frame: i64, _: &str| {
        let apart = if frame == 0 { 0.3 } else { 0.08 };
        vec![Disc::at(0, 0.3, 0.5), Disc { score: 0.8, ..Disc::at(1, 0.3 + apart, 0.5) }]
    };
    let mut stage = Stage::new("disc", true, scenery);
    let answer = stage.run(2);
    let [a, b] = [1, 2].map(|id| object(&answer, id).mask.bytes());
    assert!(a.iter().zip(b).all(|(a, b)| *a < 128 || *b < 128));
    let inside = |mask: &[u8]| mask.iter().filter(|value| **value >= 128).count();
    assert!(inside(b) < inside(a), "of equally sure ones the first keeps the cells");
    let place = object(&answer, 2).box_in_frame;
    assert!(place.x0 < 0.31, "the box is that of the whole mask");
}
