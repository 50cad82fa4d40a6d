//! Concepts with rules of their own, on the bundled model: exclusion, thresholds, caps, labels, semantic maps.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;

use sa3::device::{DeviceChoice, PrecisionChoice};
use sa3::frame::RgbPicture;
use sa3::prompt::{Prompt, prompts_from_box_text};
use sa3::{Engine, EngineSettings, Objects, SegmentRequest};

fn picture(name: &str) -> RgbPicture {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/parity/pictures").join(name);
    let file = std::io::BufReader::new(std::fs::File::open(path).unwrap());
    let mut reader = png::Decoder::new(file).read_info().unwrap();
    let mut rgb = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut rgb).unwrap();
    RgbPicture { width: info.width, height: info.height, rgb }
}

fn engine(precision: PrecisionChoice) -> Engine {
    let settings = EngineSettings { model: "nano".into(), device: DeviceChoice::Cpu, precision };
    Engine::load(&settings, &mut |_| {}).unwrap()
}

fn find(engine: &Engine, name: &str, prompts: Vec<Prompt>, change: impl FnOnce(&mut SegmentRequest)) -> Objects {
    let mut request = SegmentRequest { prompts: Prompt::joined(prompts).unwrap(), ..SegmentRequest::default() };
    change(&mut request);
    engine.segment(picture(name), request).unwrap().objects
}

fn excluded(text: &str) -> Prompt {
    Prompt { is_excluded: true, ..Prompt::from_text(text).unwrap() }
}

fn scores(objects: &Objects) -> Vec<f32> {
    objects.items.iter().map(|object| object.score).collect()
}

#[test]
fn an_excluded_concept_takes_its_objects_away_and_no_others() {
    let engine = engine(PrecisionChoice::Fp32);
    let all = find(&engine, "scene_10.png", Prompt::list_from_text("shape"), |_| {});
    let hexagons = find(&engine, "scene_10.png", Prompt::list_from_text("hexagon"), |_| {});
    assert!(all.items.len() >= 3 && hexagons.items.len() == 1, "{} {}", all.items.len(), hexagons.items.len());
    let mut prompts = vec![excluded("hexagon")];
    prompts.extend(Prompt::list_from_text("shape"));
    let rest = find(&engine, "scene_10.png", prompts, |_| {});
    let overlaps = |objects: &Objects| {
        let hexagon = hexagons.items[0].box_in_frame;
        objects.items.iter().filter(|object| object.box_in_frame.iou(&hexagon) > 0.6).count()
    };
    assert_eq!((overlaps(&all), overlaps(&rest)), (1, 0));
    assert_eq!(rest.items.len(), all.items.len() - 1);
    assert!(rest.items.iter().all(|object| &*object.label == "shape" && object.prompt_index == 0));
}

#[test]
fn each_concept_keeps_its_threshold_cap_and_label_in_one_pass() {
    let engine = engine(PrecisionChoice::Fp32);
    let alone = |text: &str, threshold: f32| {
        let found = find(&engine, "scene_00.png", Prompt::list_from_text(text), |r| r.threshold = Some(threshold));
        scores(&found)
    };
    let (vehicles, animals) = (alone("vehicle", 0.5), alone("animal", 0.35));
    assert!(vehicles.len() >= 2 && animals.len() > alone("animal", 0.5).len());
    let vehicle = Prompt { max_objects: 1, label: "wheels".into(), ..Prompt::from_text("vehicle").unwrap() };
    let animal = Prompt { threshold: Some(0.35), ..Prompt::from_text("animal").unwrap() };
    let both = find(&engine, "scene_00.png", vec![vehicle, animal], |request| request.threshold = Some(0.5));
    let of = |label: &str| {
        both.items.iter().filter(|object| &*object.label == label).map(|object| object.score).collect::<Vec<_>>()
    };
    let close = |a: &[f32], b: &[f32]| a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-4);
    assert!(close(&of("wheels"), &vehicles[..1]) && close(&of("animal"), &animals), "{both:?}");
}

#[test]
fn semantic_maps_come_on_request_and_change_no_object() {
    let engine = engine(PrecisionChoice::Fp32);
    // More concepts than go through the heads together.
    let list = (0..17).map(|number| format!("thing {number}")).collect::<Vec<_>>().join(";") + ";vehicle";
    let prompts = || Prompt::list_from_text(&list);
    let plain = find(&engine, "scene_00.png", prompts(), |_| {});
    let with_maps = find(&engine, "scene_00.png", prompts(), |request| request.semantic_maps = true);
    assert!(plain.semantic_maps.is_empty());
    let indices: Vec<_> = with_maps.semantic_maps.iter().map(|map| map.prompt_index).collect();
    assert_eq!(indices, (0..18).collect::<Vec<_>>());
    let bytes = |objects: &Objects| objects.items.iter().map(|object| object.mask.bytes().to_vec()).collect::<Vec<_>>();
    assert_eq!((scores(&plain), bytes(&plain)), (scores(&with_maps), bytes(&with_maps)));
    // The map of the vehicles covers what their masks cover.
    let map = &with_maps.semantic_maps[17].map;
    let vehicle = with_maps.items.iter().find(|object| object.prompt_index == 17).unwrap();
    let inside = vehicle.mask.bytes().iter().zip(map.bytes()).filter(|(mask, _)| **mask >= 128);
    let (total, covered) = inside.fold((0, 0), |(all, both), (_, map)| (all + 1, both + u32::from(*map >= 128)));
    assert!(f64::from(covered) > 0.7 * f64::from(total), "{covered} of {total}");
}

#[test]
fn sets_that_are_new_together_are_one_and_a_later_one_leaves_the_first_where_it_was() {
    let engine = engine(PrecisionChoice::Fp32);
    let boxes = |text: &str| prompts_from_box_text(&format!("unit=pixels; thing: {text}")).unwrap();
    let (first, second) = ("10,101,76,114", "243,294,21,31");
    let map = |name: &str, prompts: Vec<Prompt>| {
        let found = find(&engine, name, prompts, |request| request.semantic_maps = true);
        found.semantic_maps[0].map.bytes().to_vec()
    };
    let together = map("scene_05.png", boxes(&format!("{first}; {second}")));
    let apart = map("scene_05.png", [boxes(first), boxes(second)].concat());
    assert_eq!(together, apart);

    let (taken, later) = (boxes(first), boxes(second));
    map("scene_05.png", taken.clone());
    let both = map("scene_00.png", [taken, later].concat());
    let both_there = map("scene_00.png", [boxes(first), boxes(second)].concat());
    assert_ne!(both, both_there, "the first set still shows what it did on the other picture");
}

#[test]
fn half_precision_takes_exemplars_too() {
    let prompts = || prompts_from_box_text("unit=pixels; vehicle: 66,209,68,49; -83,74,40,47").unwrap();
    let full = find(&engine(PrecisionChoice::Fp32), "scene_00.png", prompts(), |_| {});
    let half = find(&engine(PrecisionChoice::Bf16), "scene_00.png", prompts(), |_| {});
    assert_eq!(full.items.len(), half.items.len());
    let worst = scores(&full).iter().zip(scores(&half)).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(worst < 0.03, "{worst}");
}
