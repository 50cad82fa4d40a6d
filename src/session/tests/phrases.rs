//! Phrases that come and go, exclusion and bans: other ids stay.

use super::stage::{Stage, events, ids, object};
use crate::engine::discs::Disc;
use crate::prompt::{MAX_PROMPTS, Prompt};
use crate::session::{Edit, Notice, ObjectEventKind, RemovalCause};

/// Each phrase has a disc in its own row; "thing" has those of all.
fn rows(_: i64, phrase: &str) -> Vec<Disc> {
    match phrase {
        "dog" => vec![Disc::at(0, 0.3, 0.2)],
        "cat" => vec![Disc::at(0, 0.5, 0.5)],
        "bird" => vec![Disc::at(0, 0.7, 0.8)],
        "thing" => vec![Disc::at(0, 0.3, 0.2), Disc::at(1, 0.5, 0.5), Disc::at(2, 0.7, 0.8)],
        _ => Vec::new(),
    }
}

fn stage(text: &str) -> Stage {
    let mut stage = Stage::new(text, true, rows);
    stage.scenery_of = ["dog", "cat", "bird", "thing"].map(String::from).to_vec();
    stage
}

#[test]
fn a_phrase_is_added_removed_and_replaced_and_the_others_keep_their_ids() {
    let mut stage = stage("dog; cat");
    assert_eq!(ids(&stage.run(3)), [1, 2]);
    stage.phrases("bird; dog; cat");
    let added = stage.step();
    assert_eq!((ids(&added), object(&added, 3).prompt_index, object(&added, 1).prompt_index), (vec![1, 2, 3], 0, 1));
    stage.phrases("bird; cat");
    let removed = stage.step();
    assert_eq!((ids(&removed), events(&removed)), (vec![2, 3], vec![(ObjectEventKind::Removed, 1)]));
    assert_eq!(removed.events[0].cause, Some(RemovalCause::PhraseGone));
    stage.phrases("bird; dog");
    assert_eq!(ids(&stage.step()), [3, 4], "what is asked for again is a new object");
    stage.phrases("");
    let nothing = stage.step();
    assert!(ids(&nothing).is_empty() && !nothing.is_detected);
}

#[test]
fn a_phrase_may_be_called_otherwise_without_losing_its_objects() {
    let mut stage = stage("dog");
    stage.run(3);
    stage.segment.prompts[0].label = "Rex".into();
    stage.segment.prompts[0].threshold = Some(0.95);
    let answer = stage.step();
    assert_eq!((ids(&answer), &*object(&answer, 1).label), (vec![1], "Rex"));
}

#[test]
fn two_phrases_for_one_thing_make_two_objects() {
    let mut stage = stage("dog; thing");
    assert_eq!(ids(&stage.run(3)).len(), 4);
}

#[test]
fn a_new_phrase_begins_at_once_also_between_detections() {
    let mut stage = stage("dog").with(|config| {
        config.detect_policy = crate::session::DetectPolicy::Interval;
        config.detect_interval = 50;
    });
    stage.run(3);
    stage.phrases("dog; cat");
    assert_eq!(ids(&stage.step()), [1, 2]);
}

#[test]
fn excluded_phrases_take_their_things_away_and_begin_nothing() {
    let mut stage = stage("thing");
    assert_eq!(ids(&stage.run(3)), [1, 2, 3]);
    let cat = Prompt { is_excluded: true, ..Prompt::from_text("cat").unwrap() };
    stage.segment.prompts.push(cat);
    let answer = stage.run(2);
    assert_eq!((ids(&answer), answer.lost_ids.clone()), (vec![1, 3], vec![2]));
    stage.segment.prompts.pop();
    assert_eq!(ids(&stage.step()), [1, 2, 3]);
}

#[test]
fn a_removed_object_comes_back_under_another_id_unless_it_is_banned() {
    let mut stage = stage("thing");
    stage.run(3);
    let removed = stage.step_with(vec![Edit::RemoveObject { object_id: 2, bans: false }]);
    assert_eq!((ids(&removed), removed.removed_ids.clone()), (vec![1, 3, 4], vec![2]));
    assert_eq!(removed.events[0].cause, Some(RemovalCause::User));
    stage.step_with(vec![Edit::RemoveObject { object_id: 4, bans: true }]);
    assert_eq!(ids(&stage.run(30)), [1, 3]);
    assert_eq!(ids(&stage.step_with(vec![Edit::ClearBans])), [1, 3, 5]);
    let gone = stage.step_with(vec![Edit::RemoveObject { object_id: 4, bans: true }]);
    assert_eq!(gone.notices, [Notice::UnknownObject { edit: "remove-object", object_id: 4 }]);
    assert_eq!(ids(&gone), [1, 3, 5]);
}

#[test]
fn a_million_edits_of_phrases_leave_nothing_behind() {
    let mut stage = stage("dog");
    for round in 0..2_000 {
        stage.segment.prompts = (0..500).map(|k| Prompt::from_text(&format!("{round} {k}")).unwrap()).collect();
        stage.segment.prompts[7] = Prompt::from_text("dog").unwrap();
        let answer = stage.step();
        assert_eq!((ids(&answer), answer.notices.len()), (vec![1], 1), "{:?}", answer.notices);
    }
    assert_eq!(stage.session.phrases.groups().count(), MAX_PROMPTS);
}

#[test]
fn the_newest_of_too_many_edits_are_applied() {
    let mut stage = stage("dog");
    stage.step();
    let rename = |number: usize| Edit::Rename { object_id: 1, label: number.to_string().into() };
    let answer = stage.step_with((0..100_000).map(rename).collect());
    assert_eq!(answer.notices, [Notice::TooManyEdits { ignored: 100_000 - 256 }]);
    assert_eq!(&*object(&answer, 1).label, "99999");
    let answer = stage.step_with(vec![Edit::Rename { object_id: 1, label: " ".into() }]);
    assert_eq!(&*object(&answer, 1).label, "dog");
}
