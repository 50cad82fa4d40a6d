//! Each action signal on a playing element; the other objects stay as they are.

use gst::prelude::*;

use crate::stage::{Stage, ids_of};

fn edit(stage: &Stage, name: &str, values: &[&dyn ToValue]) -> bool {
    stage.element().emit_by_name(name, values)
}

/// The middle of an object, 0..1.
fn middle(stage: &mut Stage, id: u64) -> (f64, f64) {
    let objects = stage.see();
    let place = objects.items.iter().find(|object| object.id == Some(id)).unwrap().box_in_frame;
    (f64::from(place.x0 + place.x1) / 2.0, f64::from(place.y0 + place.y1) / 2.0)
}

#[test]
fn a_click_begins_an_object_and_corrects_one() {
    let mut stage = Stage::new("click", "prompt=dog");
    let ids = stage.ids();
    let (x, y) = middle(&mut stage, ids[0]);
    assert!(edit(&stage, "click", &[&0u64, &x, &y, &true]));
    let after = stage.ids();
    assert_eq!((after.len(), &after[..2]), (3, &ids[..]), "a click begins one more, where one is already, too");
    assert!(edit(&stage, "click", &[&ids[0], &x, &y, &true]));
    assert_eq!(stage.ids(), after);
    assert!(stage.rig.warnings().is_empty());
}

#[test]
fn boxes_and_masks_begin_objects() {
    let mut stage = Stage::new("box", "prompt=dog");
    let ids = stage.ids();
    assert!(edit(&stage, "draw-box", &[&0u64, &0.4, &0.4, &0.2, &0.3]));
    let with_box = stage.ids();
    assert_eq!((with_box.len(), &with_box[..2]), (3, &ids[..]));
    let caps = gst::Caps::builder("video/x-raw").field("format", "GRAY8").field("width", 8).field("height", 4);
    let caps = caps.field("framerate", gst::Fraction::new(0, 1)).build();
    let pixels: Vec<u8> = (0..32).map(|at| if at % 8 < 3 { 255 } else { 0 }).collect();
    let sample = gst::Sample::builder().buffer(&gst::Buffer::from_slice(pixels)).caps(&caps).build();
    assert!(edit(&stage, "give-mask", &[&0u64, &sample]));
    let with_mask = stage.ids();
    assert_eq!((with_mask.len(), &with_mask[..3]), (4, &with_box[..]));
    assert!(!edit(&stage, "give-mask", &[&0u64, &None::<gst::Sample>]));
    assert!(stage.rig.warnings()[0].contains("GRAY8"));
}

#[test]
fn a_removed_object_comes_back_under_another_id_and_a_banned_one_does_not() {
    let mut stage = Stage::new("remove", "prompt=dog");
    let ids = stage.ids();
    assert!(edit(&stage, "remove-object", &[&ids[0], &false]));
    let without = stage.ids_after(3);
    assert!(without.contains(&ids[1]) && !without.contains(&ids[0]) && without.len() == 2, "{without:?}");
    assert!(edit(&stage, "remove-object", &[&ids[1], &true]));
    let banned = stage.ids_after(5);
    assert!(!banned.contains(&ids[1]) && banned.len() == 2, "{banned:?}: a third one has come in");
    assert!(edit(&stage, "clear-bans", &[]));
    assert_eq!(stage.ids_after(3).len(), 3);
}

#[test]
fn locked_objects_outlive_their_phrase_and_names_are_kept() {
    let mut stage = Stage::new("lock", "prompt=\"dog; cat\"");
    let ids = stage.ids();
    assert!(edit(&stage, "lock-object", &[&ids[0], &true]));
    assert!(edit(&stage, "rename-object", &[&ids[0], &"Rex"]));
    let objects = stage.see();
    let rex = objects.items.iter().find(|object| object.id == Some(ids[0])).unwrap();
    assert_eq!(&*rex.label, "Rex");
    stage.element().set_property("prompt", "cat");
    let left = stage.see();
    assert!(ids_of(&left).contains(&ids[0]));
    assert!(left.items.iter().all(|object| object.id == Some(ids[0]) || &*object.label == "cat"));
}

#[test]
fn scene_cuts_and_resets_drop_objects_and_ids_go_on() {
    let mut stage = Stage::new("cut", "prompt=dog");
    let first = stage.ids();
    assert!(edit(&stage, "scene-cut", &[]));
    let second = stage.ids();
    assert!(second.len() == 2 && second.iter().all(|id| !first.contains(id)), "{second:?}");
    stage.element().emit_by_name::<()>("reset", &[]);
    assert_eq!(stage.element().property::<String>("prompt"), "");
    assert!(stage.ids().is_empty());
    stage.element().set_property("prompt", "dog");
    assert!(stage.ids().iter().all(|id| !first.contains(id) && !second.contains(id)));
}

#[test]
fn a_sudden_change_of_the_picture_is_a_cut_where_asked_for() {
    let mut stage = Stage::new("sudden", "prompt=dog");
    assert_eq!(stage.ids_on_grey(128), stage.ids_on_grey(10), "off unless asked for");
    stage.element().set_property("scene-cut-threshold", 0.1);
    let before = stage.ids_on_grey(128);
    assert_eq!(stage.ids_on_grey(140), before, "a little brighter");
    let after = stage.ids_on_grey(250);
    assert!(after.len() == 2 && after.iter().all(|id| !before.contains(id)), "{before:?} {after:?}");
    assert_eq!(stage.ids_on_grey(250), after);
}

#[test]
fn a_saved_session_goes_on_in_another_element() {
    let mut stage = Stage::new("save", "prompt=dog");
    let ids = stage.ids_after(3);
    let saved: Option<String> = stage.element().emit_by_name("save-session", &[]);
    let saved = saved.unwrap();
    assert!(saved.contains("\"dog\""), "{saved}");
    let mut other = Stage::new("load", "prompt=dog");
    assert!(edit(&other, "load-session", &[&saved]));
    // The smaller disc is one pixel high on frames of this size: too little to know it again by.
    assert_eq!(other.ids_after(2), [ids[0], 3], "{saved}");
    assert!(!edit(&other, "load-session", &[&"{ nonsense"]));
    assert!(other.rig.warnings().iter().any(|warning| warning.contains("session=")));
    let idle = crate::rig::element_of("sa3track", "");
    assert_eq!(idle.emit_by_name::<Option<String>>("save-session", &[]), None);
}

#[test]
fn nonsense_is_ignored_with_a_sentence_and_the_stream_goes_on() {
    let mut stage = Stage::new("nonsense", "prompt=dog");
    let ids = stage.ids();
    edit(&stage, "remove-object", &[&999u64, &false]);
    edit(&stage, "click", &[&0u64, &7.0, &0.5, &true]);
    edit(&stage, "draw-box", &[&0u64, &2.0, &2.0, &0.1, &0.1]);
    edit(&stage, "click", &[&0u64, &0.5, &0.5, &false]);
    assert_eq!(stage.ids()[..2], ids[..]);
    let warnings = stage.rig.warnings().join("\n");
    for part in ["999", "7,0.5", "box", "positive"] {
        assert!(warnings.contains(part), "{part} in {warnings}");
    }
}

#[test]
fn a_million_edits_are_bounded() {
    let mut stage = Stage::new("million", "prompt=dog");
    let ids = stage.ids();
    for _ in 0..10_000 {
        edit(&stage, "rename-object", &[&ids[0], &"again"]);
    }
    assert_eq!(stage.ids()[..2], ids[..]);
    let warnings = stage.rig.warnings().join("\n");
    assert!(warnings.contains("edits"), "{warnings}");
}
