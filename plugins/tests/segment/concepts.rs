//! What is asked for beyond a phrase: exemplar boxes, exclusion, lists, files and action signals, and their mistakes.

use gst::prelude::*;
use gstsa3::meta::MaskMeta;
use sa3::Objects;

use crate::rig::{Rig, init};

fn objects(buffer: &gst::BufferRef) -> Objects {
    MaskMeta::read(buffer).map(|read| read.objects).unwrap_or_default()
}

fn labels(buffer: &gst::BufferRef) -> Vec<String> {
    objects(buffer).items.iter().map(|object| object.label.to_string()).collect()
}

/// Centre of the first object in percent of the frame.
fn centre(buffer: &gst::BufferRef) -> (i32, i32) {
    let b = objects(buffer).items[0].box_in_frame;
    ((50.0 * (b.x0 + b.x1)).round() as i32, (50.0 * (b.y0 + b.y1)).round() as i32)
}

/// The one warning, which must name all of `parts`.
fn assert_warned(rig: &Rig, parts: &[&str]) {
    let warnings = rig.warnings();
    assert!(warnings.len() == 1 && parts.iter().all(|part| warnings[0].contains(part)), "{parts:?} in {warnings:?}");
}

fn structure(text: &str) -> gst::Structure {
    text.parse().unwrap_or_else(|_| panic!("{text}"))
}

#[test]
fn a_launch_line_takes_boxes_lists_and_exclusion() {
    init();
    let bin = gst::parse::bin_from_description(
        "sa3segment name=s model=test prompt=\"dog\" boxes=\"red car: 0.1,0.2,0.3,0.4; -0.5,0.5,0.1,0.1; unit=pixels; \
         dog: 4,4,8,8\" exclude=\"toy; crowd\" semantic-map=true \
         prompts=<cat,[p,text=bird,threshold=0.3,max-objects=2,boxes=<0.1,0.2,0.3,0.4>]>",
        false,
    );
    let element = bin.unwrap().by_name("s").unwrap();
    assert_eq!(element.property::<gst::Array>("prompts").len(), 2);
    assert_eq!(element.property::<String>("exclude"), "toy; crowd");
    assert!(element.property::<String>("boxes").starts_with("red car: 0.1"));
}

#[test]
fn a_mistake_in_a_launch_line_is_told_once_there_is_a_bus() {
    let mut rig = Rig::new("model=test prompt=dog boxes=\"dog: 40,40,10,10\"");
    assert_eq!(labels(&rig.through(0)), ["dog"]);
    assert_warned(&rig, &["boxes=\"dog: 40,40,10,10\"", "unit=pixels"]);
}

#[test]
fn boxes_take_effect_at_the_next_frame_in_the_frames_own_pixels() {
    // Frames have 32x16 pixels; the artificial engine puts a disc where the first positive box is.
    let mut rig = Rig::new("model=test boxes=\"unit=pixels; -0,0,2,2; 8,6,16,4\"");
    let first = rig.through(0);
    assert_eq!((labels(&first), centre(&first)), (vec!["visual".to_string()], (50, 50)));
    rig.element.set_property("boxes", "red car: 0.5,0.25,0.25,0.25");
    let second = rig.through(40);
    assert_eq!((labels(&second), centre(&second)), (vec!["red car".to_string()], (63, 38)));
    rig.element.set_property("prompt", "red car; dog");
    assert_eq!(labels(&rig.through(80)), ["red car", "dog"], "the boxes belong to the phrase");
    rig.element.set_property("boxes", None::<String>);
    assert_ne!(centre(&rig.through(120)), (63, 38));
    let told: Vec<_> = rig
        .messages(gst::MessageType::Element)
        .iter()
        .map(|message| {
            let fields = message.structure().unwrap();
            (fields.get::<String>("prompt").unwrap(), fields.get::<gst::ClockTime>("first-pts").unwrap().mseconds())
        })
        .collect();
    let expected = [("visual", 0), ("red car", 40), ("red car; dog", 80), ("red car; dog", 120)];
    assert_eq!(told, expected.map(|(text, pts)| (text.to_string(), pts)));
}

#[test]
fn setting_boxes_again_is_news_and_interrupts_an_interval() {
    let mut rig = Rig::new("model=test inference-interval=5 boxes=\"dog: 0,0,0.5,0.5\"");
    let age = |rig: &mut Rig, pts| MaskMeta::read(&rig.through(pts)).unwrap().age_in_frames;
    assert_eq!([age(&mut rig, 0), age(&mut rig, 40)], [0, 1]);
    rig.element.set_property("boxes", "dog: 0,0,0.5,0.5");
    assert_eq!([age(&mut rig, 80), age(&mut rig, 120)], [0, 1]);
    assert_eq!(rig.messages(gst::MessageType::Element).len(), 2);
}

#[test]
fn exemplars_are_taken_anew_after_a_restart() {
    let mut rig = Rig::new("model=test boxes=\"dog: 0,0,0.5,0.5\" prompt=cat");
    rig.through(0);
    rig.through(40);
    assert_eq!(rig.messages(gst::MessageType::Element).len(), 1);
    rig.element.set_state(gst::State::Ready).unwrap();
    rig.element.set_state(gst::State::Playing).unwrap();
    rig.harness.set_src_caps_str(crate::rig::CAPS);
    rig.through(80);
    assert_eq!(rig.messages(gst::MessageType::Element).len(), 1, "the boxes are other ones");
}

#[test]
fn mistakes_are_warnings_with_the_grammar_and_the_prompts_before_stay() {
    let mut rig = Rig::new("model=test prompt=dog boxes=\"dog: 0.5,0.5,0.25,0.25\"");
    let before = centre(&rig.through(0));
    for wrong in ["dog 0.1", "dog: 100,100,50,50", "0.1,0.1,0.1,0.1; unit=cm", "-0.1,0.1,0.1,0.1"] {
        rig.element.set_property("boxes", wrong);
        assert_warned(&rig, &[&format!("boxes=\"{wrong}\""), "x,y,width,height", "stay in use"]);
    }
    let wrong = gst::Array::new([structure("p, text=dog, treshold=0.3")]);
    rig.element.set_property("prompts", wrong);
    assert_warned(&rig, &["prompts=\"entry 1\"", "treshold", "threshold (0 to 1)", "stay in use"]);
    let many = (0..65).map(|number| number.to_string()).collect::<Vec<_>>().join(";");
    rig.element.set_property("prompt", many);
    assert_warned(&rig, &["prompt=", "64 are possible"]);
    let after = rig.through(40);
    assert_eq!((labels(&after), centre(&after)), (vec!["dog".to_string()], before));
    assert_eq!(rig.element.property::<String>("prompt"), "dog");
    assert!(rig.errors().is_empty());
}

#[test]
fn a_box_outside_the_frame_is_left_out_with_one_warning() {
    let mut rig = Rig::new("model=test prompt=\"dog; cat\" boxes=\"unit=pixels; dog: 100,100,50,50; : 200,0,9,9\"");
    for number in 0..3 {
        assert_eq!(labels(&rig.through(number)), ["dog", "cat"]);
    }
    let warnings = rig.warnings();
    assert!(warnings.len() == 2 && warnings.iter().all(|text| text.contains("32x16")), "{warnings:?}");
}

#[test]
fn what_excluded_objects_cover_is_taken_away() {
    // The artificial engine's fourth disc lies on the first one.
    let mut rig = Rig::new("model=test prompt=\"a; b; c\" exclude=d");
    let out = rig.through(0);
    assert_eq!(labels(&out), ["b", "c"]);
    assert_eq!(objects(&out).items[0].prompt_index, 1);
    rig.element.set_property("max-objects", 1u32);
    assert_eq!(labels(&rig.through(40)), ["b"], "the cap counts what is left");
    rig.element.set_property("exclude", "");
    assert_eq!(labels(&rig.through(80)), ["a"]);
    rig.element.set_property("exclude", "d");
    rig.element.set_property("prompt", "");
    assert!(MaskMeta::read(&rig.through(120)).is_none(), "exclusion alone asks for nothing");
}

#[test]
fn thresholds_labels_and_caps_are_each_concepts_own() {
    let mut rig = Rig::new("model=test prompt=a threshold=0.945");
    let list = ["p, text=b, threshold=0.1, label=bee", "p, text=c", "p, text=d, threshold=0.99"];
    rig.element.set_property("prompts", gst::Array::new(list.map(structure)));
    assert_eq!(labels(&rig.through(0)), ["a", "bee"]);
}

#[test]
fn a_prompts_file_is_read_when_it_changes_and_a_bad_one_is_told() {
    let path = std::env::temp_dir().join(format!("sa3-segment-prompts-{}", std::process::id()));
    std::fs::write(&path, "# list\ndog\n").unwrap();
    let mut rig = Rig::new(&format!("model=test prompts-file={}", path.display()));
    assert_eq!(labels(&rig.through(0)), ["dog"]);
    let wait_for = |rig: &mut Rig, wanted: &[&str]| {
        for number in 1..1000 {
            if labels(&rig.through(number)) == wanted {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        panic!("{wanted:?} did not come: {:?}", rig.warnings());
    };
    std::fs::write(&path, "dog\n{\"text\": \"red car\", \"label\": \"car\"}\n").unwrap();
    wait_for(&mut rig, &["dog", "car"]);
    std::fs::write(&path, "dog\n{\"text\": \"red car\", \"labl\": \"car\"}\n").unwrap();
    rig.element.set_property("prompts-file", path.to_str().unwrap());
    assert_eq!(labels(&rig.through(0)), ["dog", "car"], "set again, it is read at once");
    assert_warned(&rig, &["prompts-file=", "line 2", "labl", "JSON object", "stay in use"]);
    std::fs::remove_file(&path).unwrap();
    rig.element.set_property("prompts-file", path.to_str().unwrap());
    assert_eq!(labels(&rig.through(0)), ["dog", "car"]);
    assert_warned(&rig, &["cannot be read"]);
    rig.element.set_property("prompts-file", "");
    assert!(labels(&rig.through(0)).is_empty());
}

#[test]
fn action_signals_add_and_take_away() {
    let mut rig = Rig::new("model=test prompt=dog");
    let element = rig.element.clone();
    let add_text =
        |text: &str, options: Option<gst::Structure>| element.emit_by_name::<u32>("add-text", &[&text, &options]);
    let add_box = |fields: &str| element.emit_by_name::<u32>("add-box", &[&structure(fields)]);
    let car = add_text("red car", Some(structure("p, label=car")));
    assert_eq!(labels(&rig.through(0)), ["dog", "car"]);
    assert_eq!(add_box(&format!("b, x=0.5, y=0.5, width=0.5, height=0.5, id=(uint){car}")), car);
    let wordless = add_box("b, x=4, y=4, width=8, height=8, unit=pixels");
    assert_eq!(labels(&rig.through(40)), ["dog", "car", "visual"]);
    assert_eq!(centre(&rig.through(40)).1, 25, "the boxes are those of others");
    assert!(add_box("b, x=0.25, y=0.75, width=0.25, height=0.25, text=dog") > wordless);
    assert_eq!(centre(&rig.through(80)), (38, 88));
    assert!(element.emit_by_name::<bool>("remove-prompt", &[&car]));
    assert!(!element.emit_by_name::<bool>("remove-prompt", &[&car]));
    assert_eq!(labels(&rig.through(120)), ["dog", "visual"]);
    for (refused, cause) in [("b, x=1, y=2", "width"), ("b, x=0, y=0, width=1, height=1, id=(uint)99", "id 99")] {
        assert_eq!(add_box(refused), 0);
        assert_warned(&rig, &[cause]);
    }
    assert_eq!(add_text(" ", None), 0);
    assert_warned(&rig, &["neither text nor boxes"]);
    element.emit_by_name::<()>("reset", &[]);
    assert!(MaskMeta::read(&rig.through(160)).is_none());
    assert_eq!(element.property::<String>("prompt"), "");
}

#[test]
fn semantic_maps_come_when_asked_for() {
    let mut rig = Rig::new("model=test prompt=\"a; b\" exclude=c");
    assert!(objects(&rig.through(0)).semantic_maps.is_empty());
    rig.element.set_property("semantic-map", true);
    let maps = objects(&rig.through(40)).semantic_maps;
    assert_eq!(maps.iter().map(|map| &*map.label).collect::<Vec<_>>(), ["a", "b"]);
    assert!(maps[1].presence > 0.5 && maps[1].map.bytes().iter().any(|&value| value >= 128));
}
