//! What is pointed at: points, boxes and masks of one thing, beside what phrases find, and their mistakes.

use gst::prelude::*;
use gstsa3::meta::MaskMeta;
use sa3::{Object, Objects};

use crate::rig::{Rig, init};

fn objects(buffer: &gst::BufferRef) -> Objects {
    MaskMeta::read(buffer).map(|read| read.objects).unwrap_or_default()
}

fn labels(buffer: &gst::BufferRef) -> Vec<String> {
    let mut labels: Vec<_> = objects(buffer).items.iter().map(|object| object.label.to_string()).collect();
    labels.sort();
    labels
}

fn named(buffer: &gst::BufferRef, label: &str) -> Object {
    let found = objects(buffer).items;
    found.into_iter().find(|object| &*object.label == label).unwrap_or_else(|| panic!("no {label}"))
}

/// Where the cell is that is most surely inside, and how many cells are, in percent of the frame.
fn place(object: &Object) -> (u32, u32, usize) {
    let inside = |cell: &usize| object.mask.bytes()[*cell] >= sa3::objects::MASK_INSIDE;
    let (width, cells) = (object.mask.width as usize, object.mask.bytes().len());
    let inside: Vec<usize> = (0..cells).filter(inside).collect();
    let mean = |of: fn(usize, usize) -> usize| {
        (inside.iter().map(|cell| of(*cell, width)).sum::<usize>() * 100 / inside.len() / width) as u32
    };
    (mean(|cell, width| cell % width), mean(|cell, width| cell / width), 100 * inside.len() / cells)
}

/// The one warning, which must name all of `parts`.
fn assert_warned(rig: &Rig, parts: &[&str]) {
    let warnings = rig.warnings();
    assert!(warnings.len() == 1 && parts.iter().all(|part| warnings[0].contains(part)), "{parts:?} in {warnings:?}");
}

fn click(rig: &Rig, id: u64, x: f64, y: f64, is_positive: bool) -> u32 {
    rig.element.emit_by_name("click", &[&id, &x, &y, &is_positive])
}

fn draw_box(rig: &Rig, id: u64, [x, y, width, height]: [f64; 4]) -> u32 {
    rig.element.emit_by_name("draw-box", &[&id, &x, &y, &width, &height])
}

/// A mask of 8x4 cells whose columns from `first` on are inside, with rows as GStreamer has them.
fn mask_from_column(first: usize) -> gst::Sample {
    let values: Vec<u8> = (0..32).map(|cell| if cell % 8 >= first { 255 } else { 0 }).collect();
    let caps = gst::Caps::builder("video/x-raw").field("format", "GRAY8").field("width", 8).field("height", 4);
    let caps = caps.field("framerate", gst::Fraction::new(0, 1)).build();
    gst::Sample::builder().buffer(&gst::Buffer::from_slice(values)).caps(&caps).build()
}

fn give_mask(rig: &Rig, id: u64, sample: Option<gst::Sample>) -> u32 {
    rig.element.emit_by_name("give-mask", &[&id, &sample])
}

#[test]
fn a_launch_line_points_at_things_and_nothing_else_is_looked_for() {
    init();
    let bin = gst::parse::bin_from_description(
        "sa3segment name=s model=test points=\"dog: 0.4,0.5; -0.6,0.2; unit=pixels; cat: 4,4,8,8\"",
        false,
    );
    assert!(bin.unwrap().by_name("s").unwrap().property::<String>("points").starts_with("dog: 0.4"));
    let mut rig = Rig::new("model=test points=\"mine: 0.7,0.7\"");
    let found = named(&rig.through(0), "mine");
    let (x, y, share) = place(&found);
    assert!(x.abs_diff(70) < 3 && y.abs_diff(70) < 3 && share == 0, "a small thing of its own: {:?}", (x, y, share));
    assert_eq!((found.prompt_index, found.id, found.score), (0, None, 0.97));
    assert!(rig.warnings().is_empty());
}

#[test]
fn points_box_and_minus_say_which_thing_is_meant() {
    // Frames have 32x16 pixels; the artificial engine's first disc begins at 0.2,0.25 and the second at 0.2,0.5.
    let text = "on: 0.25,0.28; off: 0.25,0.28; -0.2,0.2; unit=pixels; boxed: 20,10,8,4";
    let mut rig = Rig::new(&format!("model=test:name=pointed-at prompt=\"a; b\" points=\"{text}\""));
    let frame = rig.through(0);
    assert_eq!(labels(&frame), ["a", "b", "boxed", "off", "on"]);
    let (a, on, off) = (named(&frame, "a"), named(&frame, "on"), named(&frame, "off"));
    assert_eq!(place(&on), place(&a), "the disc under the point");
    assert!(place(&off).2 < place(&on).2, "not that disc: {:?}", place(&off));
    let (x, y, _) = place(&named(&frame, "boxed"));
    assert!(x.abs_diff(75) < 3 && y.abs_diff(75) < 3, "pixels of the frame: {x}, {y}");
    assert_eq!([on.prompt_index, off.prompt_index], [2, 3], "they count on behind the phrases");
}

#[test]
fn edits_take_effect_at_the_next_frame_and_leave_other_objects_alone() {
    let mut rig = Rig::new("model=test prompt=dog inference-interval=100");
    assert_eq!(labels(&rig.through(0)), ["dog"]);
    let first = click(&rig, 0, 0.8, 0.8, true);
    let second = draw_box(&rig, 0, [0.1, 0.7, 0.2, 0.2]);
    assert!(first > 0 && second > first);
    let frame = rig.through(40);
    assert_eq!(labels(&frame), ["dog", "object", "object"], "no interval holds them up");
    let dog = named(&frame, "dog");
    assert_eq!((dog.id, dog.prompt_index), (Some(1), 0));
    assert!(rig.element.emit_by_name::<bool>("rename-object", &[&u64::from(first), &"mine"]));
    assert_eq!(click(&rig, first.into(), 0.6, 0.8, true), first, "the later point is the one that counts here");
    let frame = rig.through(80);
    assert_eq!(
        (labels(&frame), place(&named(&frame, "mine")).0),
        (vec!["dog".into(), "mine".into(), "object".into()], 59)
    );
    assert!(rig.element.emit_by_name::<bool>("remove-prompt", &[&second]));
    assert_eq!(labels(&rig.through(120)), ["dog", "mine"]);
    rig.element.set_property("points", "typed: 0.5,0.9");
    assert_eq!(labels(&rig.through(160)), ["dog", "mine", "typed"]);
    rig.element.emit_by_name::<()>("clear-points", &[]);
    assert_eq!(rig.element.property::<String>("points"), "");
    assert_eq!(labels(&rig.through(200)), ["dog"]);
    assert!(click(&rig, 0, 0.8, 0.8, true) > second, "ids are not used again");
    assert!(rig.warnings().is_empty());
    rig.element.emit_by_name::<()>("reset", &[]);
    assert!(MaskMeta::read(&rig.through(240)).is_none());
    let told: Vec<_> = rig
        .messages(gst::MessageType::Element)
        .iter()
        .map(|message| message.structure().unwrap().get::<String>("points").unwrap())
        .collect();
    assert_eq!(told, ["", "object; object", "mine; object", "mine", "typed; mine", "", ""]);
}

#[test]
fn a_mask_is_a_prompt_and_gives_way_to_clicks() {
    let mut rig = Rig::new("model=test");
    let id = give_mask(&rig, 0, Some(mask_from_column(6)));
    let (x, _, share) = place(&named(&rig.through(0), "object"));
    assert!(id > 0 && x.abs_diff(87) < 3 && share == 25, "a quarter on the right: {x}, {share}");
    assert_eq!(click(&rig, id.into(), 0.5, 0.5, false), id, "a negative point may follow");
    assert_eq!(click(&rig, id.into(), 0.9, 0.2, true), id);
    assert!(place(&named(&rig.through(40), "object")).2 < 5);
    assert_eq!(give_mask(&rig, 0, Some(mask_from_column(8))), 0, "nothing is inside");
    assert_warned(&rig, &["give-mask", "128", "id 0 begins"]);
    assert_eq!(give_mask(&rig, 0, None), 0);
    assert_warned(&rig, &["give-mask", "GRAY8"]);
    assert_eq!(labels(&rig.through(80)).len(), 1);
}

#[test]
fn mistakes_are_warnings_and_what_was_pointed_at_before_stays() {
    let mut rig = Rig::new("model=test points=\"dog: 40,40\"");
    rig.through(0);
    let warnings = rig.warnings();
    assert!(
        warnings.len() == 2 && warnings[0].contains("unit=pixels") && warnings[1].contains("no prompt"),
        "{warnings:?}"
    );
    rig.element.set_property("points", "dog: 0.5,0.5");
    for wrong in ["dog", "dog: 0.1,0.2,0.3", "dog: -0.5,0.5", "unit=cm; 1,1", "0.5,0.5; unit=pixels; 4,4"] {
        rig.element.set_property("points", wrong);
        assert_warned(&rig, &[&format!("points=\"{wrong}\""), "x,y,width,height", "stay in use"]);
    }
    assert_eq!(click(&rig, 0, 1.5, 0.5, true), 0);
    assert_warned(&rig, &["click=\"1.5,0.5\"", "from 0 to 1", "id 0 begins"]);
    assert_eq!(click(&rig, 0, f64::NAN, 0.5, true), 0);
    assert_warned(&rig, &["click=\"NaN,0.5\""]);
    assert_eq!(click(&rig, 0, 0.5, 0.5, false), 0);
    assert_warned(&rig, &["without a minus"]);
    assert_eq!(click(&rig, 77, 0.5, 0.5, true), 0);
    assert_warned(&rig, &["id 77", "click, draw-box and give-mask"]);
    assert_eq!(draw_box(&rig, 0, [0.5, 0.5, 0.0, 0.2]), 0);
    assert_warned(&rig, &["draw-box=\"0.5,0.5,0,0.2\"", "above 0"]);
    assert!(!rig.element.emit_by_name::<bool>("rename-object", &[&77u64, &"cat"]));
    assert_warned(&rig, &["rename-object", "id 77"]);
    assert_eq!(labels(&rig.through(40)), ["dog"]);
    assert!(rig.errors().is_empty());
}

#[test]
fn a_point_beyond_the_frame_is_told_once_and_the_rest_goes_on() {
    let mut rig = Rig::new("model=test prompt=dog points=\"unit=pixels; far: 100,8; near: 8,8; 8,99\"");
    for number in 0..3 {
        assert_eq!(labels(&rig.through(40 * number)), ["dog", "near"]);
        rig.element.set_property("threshold", 0.1 * number as f64);
    }
    let warnings = rig.warnings();
    assert_eq!(warnings.len(), 3, "{warnings:?}");
    assert!(warnings.iter().all(|warning| warning.contains("ignored")), "{warnings:?}");
    assert!(warnings[0].contains("\"far\"") && warnings[1].contains("\"far\"") && warnings[2].contains("\"near\""));
    rig.harness.set_src_caps_str("video/x-raw,format=GRAY8,width=128,height=128,framerate=25/1");
    let mut larger = gst::Buffer::from_mut_slice(vec![128u8; 128 * 128]);
    larger.get_mut().unwrap().set_pts(gst::ClockTime::from_mseconds(200));
    let frame = rig.harness.push_and_pull(larger).unwrap();
    assert_eq!(labels(&frame), ["dog", "far", "near"], "a larger frame has the place");
}

#[test]
fn without_a_tracker_one_warning_says_so_and_phrases_are_found() {
    let mut rig = Rig::new("model=test:follow=false prompt=dog points=\"0.5,0.5\"");
    for number in 0..3 {
        assert_eq!(labels(&rig.through(40 * number)), ["dog"]);
    }
    assert_warned(&rig, &["points ignored", "no tracker weights", "exemplar boxes"]);
    assert!(click(&rig, 0, 0.8, 0.8, true) > 0, "it is kept for a model that can");
    assert_eq!(labels(&rig.through(120)), ["dog"]);
    assert_warned(&rig, &["no tracker weights"]);
}

#[test]
fn clicks_without_end_are_refused_and_leave_nothing_behind() {
    let mut rig = Rig::new("model=test");
    let first = click(&rig, 0, 0.5, 0.5, true);
    for _ in 0..5000 {
        click(&rig, first.into(), 0.5, 0.5, true);
    }
    let begun = (0..5000).filter(|_| click(&rig, 0, 0.5, 0.5, true) > 0).count();
    assert_eq!((begun, labels(&rig.through(0)).len()), (63, 64));
    let warnings = rig.warnings();
    assert_eq!(warnings.len(), 5000 - 15 + 5000 - 63);
    assert!(warnings[0].contains("16 are possible") && warnings[9000].contains("64 are possible"), "{}", warnings[0]);
}
