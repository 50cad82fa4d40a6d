//! Objects keep their ids, phrases come and go, events are told.

use gst::prelude::*;
use sa3::objects::ObjectState;

use crate::stage::{Stage, ids_of};

#[test]
fn objects_keep_their_ids_and_tell_since_when() {
    let mut stage = Stage::new("keep", "prompt=dog");
    let first = stage.see();
    assert!(first.items.iter().all(|object| object.state == Some(ObjectState::New)), "{first:?}");
    let ids = ids_of(&first);
    assert_eq!(ids.len(), 2, "one disc is not on the picture yet");
    for _ in 0..8 {
        let objects = stage.see();
        assert_eq!(ids_of(&objects)[..2], ids[..]);
        let old = objects.items.iter().find(|object| object.id == Some(ids[0])).unwrap();
        assert_eq!((old.state, old.first_seen_ns), (Some(ObjectState::Tracked), Some(0)));
        assert!(old.last_seen_ns > Some(0));
    }
    assert!(stage.events().starts_with(&[("appeared".into(), ids[0]), ("appeared".into(), ids[1])]));
}

#[test]
fn a_phrase_that_goes_takes_its_objects_and_no_others() {
    let mut stage = Stage::new("phrases", "prompt=dog");
    let dogs = stage.ids();
    stage.element().set_property("prompt", "dog; cat");
    let both = stage.see();
    assert_eq!(ids_of(&both)[..2], dogs[..]);
    let cats: Vec<u64> = both.items.iter().filter(|object| &*object.label == "cat").filter_map(|o| o.id).collect();
    assert_eq!(cats.len(), 2);
    stage.element().set_property("prompt", "cat");
    assert_eq!(stage.ids(), cats);
    let removed: Vec<_> =
        stage.events().into_iter().filter(|(event, _)| event == "removed").map(|(_, id)| id).collect();
    assert_eq!(removed, dogs);
    stage.element().set_property("prompt", "cat; dog");
    let again = stage.see();
    assert!(again.items.iter().all(|object| object.id.is_none_or(|id| !dogs.contains(&id))), "no id is used twice");
}

#[test]
fn without_a_detection_the_tracker_follows_alone() {
    let mut stage = Stage::new("interval", "prompt=dog detect-policy=interval detect-interval=4");
    let states = |stage: &mut Stage| stage.see().items[0].state.unwrap();
    let seen: Vec<_> = (0..9).map(|_| states(&mut stage)).collect();
    assert_eq!(seen[0], ObjectState::New);
    assert_eq!(seen.iter().filter(|state| **state == ObjectState::Propagated).count(), 6, "{seen:?}");
    assert_eq!((seen[4], seen[8]), (ObjectState::Tracked, ObjectState::Tracked));
}

#[test]
fn events_are_signals_too() {
    let mut stage = Stage::new("signals", "prompt=dog max-lost=400000000");
    let (sender, told) = std::sync::mpsc::channel();
    for name in ["object-appeared", "object-lost", "object-recovered", "object-removed"] {
        let sender = sender.clone();
        stage.element().connect(name, false, move |values| {
            let (id, structure): (u64, gst::Structure) = (values[1].get().unwrap(), values[2].get().unwrap());
            assert_eq!(structure.get::<u64>("id").unwrap(), id);
            assert_eq!(format!("object-{}", structure.get::<String>("event").unwrap()), name);
            sender.send((name, id)).unwrap();
            None
        });
    }
    // The third disc comes in, leaves, and is gone for longer than max-lost.
    (0..140).for_each(|_| drop(stage.see()));
    let told: Vec<_> = told.try_iter().collect();
    let of_third: Vec<_> = told.iter().filter(|(_, id)| *id == 3).map(|(name, _)| *name).collect();
    assert_eq!(of_third, ["object-appeared", "object-lost", "object-removed"], "{told:?}");
}

#[test]
fn without_tracker_weights_detections_keep_the_ids() {
    let mut stage = Stage::new("untracked,follow=false", "prompt=dog");
    let ids = stage.ids();
    assert_eq!(stage.ids_after(12)[..2], ids[..]);
    let told = stage.rig.messages(gst::MessageType::Info);
    let texts: Vec<_> = told.iter().filter_map(text_of_info).collect();
    assert!(texts.len() == 1 && texts[0].contains("no tracker weights"), "{texts:?}");
}

fn text_of_info(message: &gst::Message) -> Option<String> {
    match message.view() {
        gst::MessageView::Info(info) => Some(info.error().message().to_string()),
        _ => None,
    }
}

#[test]
fn a_flush_clears_tracks_and_keeps_prompts_and_ids_go_on() {
    let mut stage = Stage::new("flush", "prompt=dog");
    let before = stage.ids();
    stage.rig.harness.push_event(gst::event::FlushStart::new());
    stage.rig.harness.push_event(gst::event::FlushStop::new(true));
    let segment = gst::FormattedSegment::<gst::ClockTime>::new();
    stage.rig.harness.push_event(gst::event::Segment::new(&segment));
    let after = stage.ids();
    assert_eq!(after.len(), 2);
    assert!(after.iter().all(|id| !before.contains(id)), "{before:?}, {after:?}");
}
