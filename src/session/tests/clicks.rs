//! Clicks, boxes and masks on a running session, and sessions that are saved and restored.

use std::sync::Arc;

use super::stage::{FRAME_NS, Stage, ids, object, state, x_of};
use crate::boxes::BoxXyxy;
use crate::engine::discs::Disc;
use crate::objects::{Mask, ObjectState};
use crate::session::{ClickPoint, Edit, MAX_POINTS, Notice, SavedSession, Started};

/// The detector knows one disc; another goes by that it never sees.
fn scenery(frame: i64, phrase: &str) -> Vec<Disc> {
    if phrase != "disc" {
        return Vec::new();
    }
    let unknown = Disc { is_detected: false, ..Disc::at(1, 0.1 + 0.01 * frame as f32, 0.7) };
    vec![Disc::at(0, 0.3, 0.2), unknown]
}

fn stage() -> Stage {
    let mut stage = Stage::new("disc", true, scenery);
    assert_eq!(ids(&stage.run(5)), [1]);
    stage
}

fn point(x: f32, y: f32, is_positive: bool) -> ClickPoint {
    ClickPoint { x, y, is_positive }
}

fn click(object_id: Option<u64>, points: &[ClickPoint]) -> Edit {
    Edit::Click { object_id, points: points.to_vec(), at_ns: None, label: Some("mine".into()) }
}

fn box_around(x: f32, y: f32) -> Edit {
    let box_in_frame = BoxXyxy { x0: x - 0.1, y0: y - 0.1, x1: x + 0.1, y1: y + 0.1 };
    Edit::Box { object_id: None, box_in_frame, at_ns: None, label: None }
}

#[test]
fn a_click_begins_an_object_that_is_followed_and_no_rule_ends() {
    let mut stage = stage();
    let answer = stage.step_with(vec![click(None, &[point(0.15, 0.7, true)])]);
    assert_eq!((ids(&answer), answer.started.clone()), (vec![1, 2], vec![Started { edit_index: 0, object_id: 2 }]));
    let begun = object(&answer, 2);
    assert_eq!((begun.score, &*begun.label, begun.prompt_index), (1.0, "mine", 1));
    assert_eq!(begun.state, Some(ObjectState::New));
    let later = stage.run(50);
    assert_eq!(ids(&later), [1, 2], "fifty frames without a detection");
    assert!((x_of(&later, 2) - x_of(&answer, 2) - 0.5).abs() < 0.03);
}

#[test]
fn a_box_begins_an_object_and_so_does_a_mask_and_other_ids_stay() {
    let mut stage = stage();
    let mask =
        Mask::new(10, 10, (0..100).map(|cell| if cell % 10 >= 8 { 255 } else { 0 }).collect::<Vec<u8>>()).unwrap();
    let edits = vec![box_around(0.15, 0.7), Edit::Mask { object_id: None, mask, label: Some("edge".into()) }];
    let answer = stage.step_with(edits);
    assert_eq!(ids(&answer), [1, 2, 3]);
    assert!((object(&answer, 3).box_in_frame.x0 - 0.8).abs() < 0.02 && &*object(&answer, 2).label == "object");
    let later = stage.run(20);
    assert_eq!((ids(&later), state(&later, 1)), (vec![1, 2, 3], ObjectState::Tracked));
}

#[test]
fn a_click_corrects_a_tracked_object_and_leaves_the_others() {
    let mut stage = stage();
    stage.step_with(vec![click(None, &[point(0.9, 0.5, true)])]);
    let before = stage.step();
    assert!((x_of(&before, 2) - 0.9).abs() < 0.02);
    let x = 0.1 + 0.01 * (stage.frame + 1) as f32;
    let corrected = stage.step_with(vec![click(Some(2), &[point(0.9, 0.5, false), point(x, 0.7, true)])]);
    assert_eq!((ids(&corrected), state(&corrected, 2)), (vec![1, 2], ObjectState::Tracked));
    assert!((x_of(&corrected, 2) - x).abs() < 0.02 && corrected.started.is_empty());
    assert_eq!(x_of(&corrected, 1), x_of(&before, 1));
    let later = stage.run(3);
    assert!((x_of(&later, 2) - x - 0.03).abs() < 0.02);
}

#[test]
fn a_corrected_object_is_the_users() {
    let mut stage =
        Stage::new("disc", true, |frame, _: &str| vec![Disc { is_detected: frame < 2, ..Disc::at(0, 0.3, 0.3) }]);
    stage.run(3);
    let answer = stage.step_with(vec![click(Some(1), &[point(0.3, 0.3, true)])]);
    assert_eq!(object(&answer, 1).score, 1.0);
    assert_eq!(ids(&stage.run(30)), [1], "eight frames without a detection end it no more");
}

#[test]
fn a_click_lands_on_the_frame_that_the_user_saw() {
    let mut stage = stage();
    stage.run(20);
    // Three frames ago the disc was where the user clicked; now it is elsewhere.
    let (then, at_ns) = (stage.frame - 3, (stage.frame - 3) as u64 * FRAME_NS);
    let (x, radius) = (0.1 + 0.01 * then as f32, 0.08);
    let points = vec![point(x - radius + 0.005, 0.7, true)];
    let click = |at_ns| Edit::Click { object_id: None, points: points.clone(), at_ns: Some(at_ns), label: None };
    let answer = stage.step_with(vec![click(at_ns)]);
    assert!(answer.notices.is_empty() && ids(&answer) == [1, 2]);
    assert!((x_of(&answer, 2) - (x + 0.04)).abs() < 0.02, "followed from there to here");
    let gone = stage.step_with(vec![click(0)]);
    assert_eq!(gone.notices, [Notice::FrameGone { at_ns: 0 }]);
    assert_eq!(gone.started.len(), 1, "and applied to this frame");
}

#[test]
fn what_the_user_began_is_not_begun_again_by_a_phrase() {
    let mut stage = Stage::new("other", true, |_, _: &str| vec![Disc::at(0, 0.3, 0.2)]);
    stage.scenery_of = vec!["disc".into()];
    stage.phrases("");
    stage.step_with(vec![click(None, &[point(0.3, 0.2, true)])]);
    stage.phrases("disc");
    assert_eq!(ids(&stage.run(5)), [1]);
}

#[test]
fn bad_clicks_are_told_and_ignored() {
    let mut stage = stage();
    let notices = |stage: &mut Stage, edit: Edit| {
        let answer = stage.step_with(vec![edit]);
        assert_eq!(ids(&answer), [1]);
        answer.notices
    };
    let unknown = notices(&mut stage, click(Some(99), &[point(0.5, 0.5, true)]));
    assert_eq!(unknown, [Notice::UnknownObject { edit: "click", object_id: 99 }]);
    let outside = notices(&mut stage, click(None, &[point(1.5, 0.5, true)]));
    assert_eq!(outside, [Notice::PointOutside { x: 1.5, y: 0.5 }, Notice::NothingPositive]);
    assert!(matches!(notices(&mut stage, click(None, &[point(f32::NAN, 0.5, true)]))[0], Notice::PointOutside { .. }));
    let negative = notices(&mut stage, click(None, &[point(0.5, 0.5, false)]));
    assert_eq!(negative, [Notice::NothingPositive]);
    let contrary = notices(&mut stage, click(None, &[point(0.5, 0.5, true), point(0.501, 0.501, false)]));
    assert_eq!(contrary, [Notice::Contradiction { x: 0.5, y: 0.5 }, Notice::NothingPositive]);
    assert_eq!(notices(&mut stage, box_around(1.5, 0.5)), [Notice::BoxOutside]);
    let empty = Edit::Mask { object_id: None, mask: Mask::new(2, 2, [127u8; 4]).unwrap(), label: None };
    assert_eq!(notices(&mut stage, empty), [Notice::EmptyMask]);
}

#[test]
fn of_points_without_end_the_first_and_last_are_read() {
    let mut stage = stage();
    let points: Vec<_> = (0..1_000_000).map(|k| point((k % 70) as f32 / 70.0, 0.9, true)).collect();
    let answer = stage.step_with(vec![click(None, &points)]);
    assert_eq!(answer.notices, [Notice::TooManyPoints { ignored: 1_000_000 - MAX_POINTS }]);
    assert_eq!(answer.started.len(), 1);
}

#[test]
fn without_tracker_clicks_are_refused_and_masks_are_held() {
    let mut stage = Stage::new("disc", false, scenery);
    stage.step();
    let answer = stage.step_with(vec![click(None, &[point(0.3, 0.7, true)]), box_around(0.3, 0.7)]);
    assert_eq!(answer.notices, [Notice::NeedsTracker { edit: "click" }, Notice::NeedsTracker { edit: "box" }]);
    let mask = Mask::new(4, 4, (0..16).map(|cell| if cell == 15 { 255 } else { 0 }).collect::<Vec<u8>>()).unwrap();
    let answer = stage.step_with(vec![Edit::Mask { object_id: None, mask, label: None }]);
    assert_eq!(ids(&answer), [1, 2]);
    assert_eq!(state(&stage.step(), 2), ObjectState::Held);
}

#[test]
fn no_more_objects_are_begun_than_are_allowed() {
    let mut stage = stage().with(|config| config.active_objects = 2);
    let edits = (0..5).map(|k| click(None, &[point(0.1 + 0.2 * k as f32, 0.9, true)])).collect();
    let answer = stage.step_with(edits);
    assert_eq!((ids(&answer), answer.started.len()), (vec![1, 2], 1));
    assert_eq!(answer.notices, vec![Notice::TooManyObjects { ignored: 1, allowed: 2 }; 4]);
}

#[test]
fn a_removed_object_cannot_be_clicked_and_a_reset_forgets_waiting_clicks() {
    let mut stage = stage();
    let edits = vec![Edit::RemoveObject { object_id: 1, bans: true }, click(Some(1), &[point(0.3, 0.2, true)])];
    let answer = stage.step_with(edits);
    assert_eq!(answer.notices, [Notice::UnknownObject { edit: "click", object_id: 1 }]);
    let answer = stage.step_with(vec![click(None, &[point(0.3, 0.9, true)]), Edit::SceneCut]);
    assert!(answer.started.is_empty());
}

#[test]
fn a_restored_object_has_its_id_name_and_lock_when_it_is_seen_again() {
    for follows in [true, false] {
        let mut stage = Stage::new("disc", follows, scenery);
        stage.run(3);
        let name: Arc<str> = "Rex".into();
        stage.step_with(vec![
            Edit::Rename { object_id: 1, label: name },
            Edit::Lock { object_id: 1, is_locked: true },
            Edit::RemoveObject { object_id: 7, bans: false },
        ]);
        let text = stage.session.save().to_json();

        let mut other = Stage::new("disc", follows, scenery);
        other.phrases("");
        other.step();
        other.phrases("disc");
        let saved = SavedSession::from_json(&text).unwrap();
        let answer = other.step_with(vec![Edit::Restore(Box::new(saved))]);
        assert_eq!((ids(&answer), &*object(&answer, 1).label), (vec![1], "Rex"), "follows: {follows}");
        assert_eq!(ids(&other.run(5)), [1]);
        assert!(other.session.save().objects[0].is_locked);
    }
}

#[test]
fn what_cannot_be_restored_is_told() {
    let mut stage = stage();
    let mut saved = stage.session.save();
    let twin = saved.objects[0].clone();
    saved.objects.push(twin.clone());
    saved.objects.push(crate::session::SavedObject { id: 8, phrase: Some("cat".into()), ..twin.clone() });
    saved.objects.push(crate::session::SavedObject { id: 9, box_in_frame: [2.0, 2.0, 3.0, 3.0], ..twin });
    let answer = stage.step_with(vec![Edit::Restore(Box::new(saved))]);
    let told: Vec<_> = answer.notices.iter().map(ToString::to_string).collect();
    assert_eq!(told.len(), 3, "{told:?}");
    assert!(told[0].contains("twice") && told[1].contains("not asked for") && told[2].contains("outside the frame"));
    assert_eq!(ids(&answer), [1]);
}
