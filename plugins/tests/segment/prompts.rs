//! What is asked for: prompts, thresholds, intervals, and when they take effect.

use gst::prelude::*;
use gstsa3::meta::MaskMeta;

use crate::rig::{BusyEngine, Rig, element, frame, init};

fn labels(buffer: &gst::BufferRef) -> Vec<String> {
    let read = MaskMeta::read(buffer);
    read.map(|read| read.objects.items.iter().map(|object| object.label.to_string()).collect()).unwrap_or_default()
}

#[test]
fn a_launch_line_takes_several_concepts_and_every_property() {
    init();
    let bin = gst::parse::bin_from_description(
        "sa3segment name=s model=test device=cpu precision=fp32 prompt=\"red car; dog\" threshold=0.25 \
         mask-threshold=0.75 max-objects=7 inference-interval=3 inference-size=168 mask-nms-iou=0.5 \
         mask-clip-to-box=0.1",
        false,
    );
    let element = bin.unwrap().by_name("s").unwrap();
    assert_eq!(element.property::<String>("prompt"), "red car; dog");
    assert_eq!(element.property::<f64>("threshold"), 0.25);
    assert_eq!(element.property::<f64>("mask-clip-to-box"), 0.1);
    assert_eq!(element.property::<u32>("inference-size"), 168);
    let precision: glib::Value = element.property_value("precision");
    assert_eq!(precision.get::<gstsa3::Precision>().unwrap(), gstsa3::Precision::Fp32);
}

#[test]
fn what_tunes_may_change_while_playing_and_numbers_can_be_controlled() {
    let element = element("");
    let of_the_engine = ["model", "device", "precision"];
    for spec in element.list_properties().iter().filter(|spec| spec.owner_type() == element.type_()) {
        let (name, flags) = (spec.name(), spec.flags());
        assert_ne!(spec.nick(), name, "{name} has a nick");
        assert!(spec.blurb().is_some_and(|blurb| blurb.len() > 30 && blurb != spec.nick()), "{name} is explained");
        if !flags.contains(glib::ParamFlags::WRITABLE) {
            continue;
        }
        let is_fixed = of_the_engine.contains(&name) || name == "load-mode";
        assert_eq!(flags.contains(gst::PARAM_FLAG_MUTABLE_PLAYING), !is_fixed, "{name}");
        let is_prompt = ["prompt", "prompts", "boxes", "exclude", "prompts-file", "points"].contains(&name);
        let is_choice = ["sync-mode", "late-policy", "until-loaded"].contains(&name);
        assert_eq!(flags.contains(gst::PARAM_FLAG_CONTROLLABLE), !is_fixed && !is_prompt && !is_choice, "{name}");
    }
}

#[test]
fn a_new_prompt_takes_effect_at_the_next_frame_and_is_told() {
    let mut rig = Rig::new("model=test prompt=\"red car; dog\"");
    assert_eq!(labels(&rig.through(0)), ["red car", "dog"]);
    assert_eq!(labels(&rig.through(40)), ["red car", "dog"]);
    rig.element.set_property("prompt", "cat");
    assert_eq!(labels(&rig.through(80)), ["cat"]);
    rig.element.set_property("prompt", "");
    assert!(MaskMeta::read(&rig.through(120)).is_none());
    let told: Vec<_> = rig
        .messages(gst::MessageType::Element)
        .iter()
        .map(|message| {
            let fields = message.structure().unwrap();
            assert_eq!(fields.name(), "sa3-prompt");
            let pts = fields.get::<Option<gst::ClockTime>>("first-pts").unwrap();
            (fields.get::<String>("prompt").unwrap(), pts.unwrap().mseconds())
        })
        .collect();
    assert_eq!(told, [("red car; dog".into(), 0), ("cat".into(), 80), (String::new(), 120)]);
}

#[test]
fn without_a_prompt_frames_pass_at_once_and_one_warning_says_so() {
    let mut rig = Rig::new("model=test:load-ms=100000,name=never");
    for number in 0..3 {
        assert!(MaskMeta::read(&rig.through(number)).is_none(), "and the model is still being loaded");
    }
    let warnings = rig.warnings();
    assert!(warnings.len() == 1 && warnings[0].contains("set prompt="), "{warnings:?}");
}

#[test]
fn thresholds_and_limits_hold_from_the_next_frame() {
    let mut rig = Rig::new("model=test prompt=\"a; b; c\"");
    assert_eq!(labels(&rig.through(0)).len(), 3);
    rig.element.set_property("threshold", 0.935);
    assert_eq!(labels(&rig.through(40)), ["a", "b"]);
    rig.element.set_property("max-objects", 1u32);
    assert_eq!(labels(&rig.through(80)), ["a"]);
    rig.element.set_property("threshold", -1.0);
    rig.element.set_property("max-objects", 0u32);
    rig.element.set_property("mask-threshold", 0.2);
    let objects = MaskMeta::read(&rig.through(120)).unwrap().objects;
    assert_eq!((objects.items.len(), objects.inside_level), (3, 51));
}

#[test]
fn nothing_found_is_a_meta_without_objects() {
    let mut rig = Rig::new("model=test prompt=dog threshold=1");
    assert!(MaskMeta::read(&rig.through(0)).unwrap().objects.items.is_empty());
}

#[test]
fn frames_between_carry_the_last_objects_with_their_age() {
    let mut rig = Rig::new("model=test prompt=dog inference-interval=3");
    let ages: Vec<_> = (0..5)
        .map(|number| {
            let read = MaskMeta::read(&rig.through(40 * number)).unwrap();
            (read.age_in_frames, read.source_pts.unwrap().mseconds())
        })
        .collect();
    assert_eq!(ages, [(0, 0), (1, 0), (2, 0), (0, 120), (1, 120)]);
    assert_eq!(rig.stat::<u64>("inferred"), 2);
    rig.element.set_property("prompt", "cat");
    let read = MaskMeta::read(&rig.through(200)).unwrap();
    assert_eq!((read.age_in_frames, &*read.objects.items[0].label), (0, "cat"), "a new prompt does not wait");
}

#[test]
fn what_the_model_misreads_is_told_once_for_each_phrase() {
    let mut rig = Rig::new("model=test prompt=\"собака; dog\"");
    rig.through(0);
    rig.element.set_property("threshold", 0.1);
    rig.through(40);
    rig.element.set_property("prompt", "кошка");
    rig.through(80);
    rig.element.set_property("prompt", "собака");
    rig.through(120);
    let warnings = rig.warnings();
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    assert!(warnings[0].contains("собака") && warnings[1].contains("кошка"));
}

#[test]
fn a_size_the_model_cannot_take_is_told_and_its_own_is_used() {
    let mut rig = Rig::new("model=test prompt=dog inference-size=100");
    for number in 0..3 {
        assert_eq!(labels(&rig.through(number)), ["dog"]);
    }
    let warnings = rig.warnings();
    assert!(warnings.len() == 1 && warnings[0].contains("multiples of 84"), "{warnings:?}");
    rig.element.set_property("inference-size", 168u32);
    assert_eq!(labels(&rig.through(40)), ["dog"]);
    assert!(rig.warnings().is_empty());
}

#[test]
fn a_property_is_set_at_once_while_the_engine_works() {
    let engine = BusyEngine::of("test:name=set-while-busy");
    let mut rig = Rig::new("model=test:name=set-while-busy prompt=dog");
    rig.harness.push(frame(0)).unwrap();
    rig.wait_until("the frame is in work", |rig| rig.stat::<u32>("queue-level") == 0);
    rig.element.set_property("prompt", "cat");
    rig.element.set_property("threshold", 0.7);
    assert_eq!(rig.element.property::<String>("prompt"), "cat");
    assert!(engine.is_busy(), "a property waited for the engine");
}
