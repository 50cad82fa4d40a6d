//! Things that are pointed at on single pictures: with a tiny model that has a tracker, of hashed weights, and with the
//! bundled one.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "parity/counter_hash.rs"]
mod counter_hash;
#[path = "parity/fixtures.rs"]
#[allow(dead_code, reason = "the parity tests use the rest")]
mod fixtures;
#[path = "parity/large_masks.rs"]
mod large_masks;
#[path = "parity/model_folder.rs"]
#[allow(dead_code, reason = "the parity tests use the rest")]
mod model_folder;
#[path = "parity/tracker.rs"]
#[allow(dead_code, reason = "the parity tests use the rest")]
mod tracker;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use sa3::device::{DeviceChoice, PrecisionChoice};
use sa3::frame::RgbPicture;
use sa3::prompt::{Marks, PointedThing, Prompt, things_from_text};
use sa3::{Engine, EngineSettings, Mask, Object, SegmentRequest, Segmentation};
use tch::Kind;

use large_masks::large_masks;
use model_folder::{ModelFolder, small_tokenizer};
use tracker::smooth_pixels;

const SIDE: u32 = 112;
const SCORE_BIAS: &str = "tracker_model.mask_decoder.pred_obj_score_head.proj_out.bias";

fn picture() -> RgbPicture {
    let pixels = (smooth_pixels("pointing.picture", 1, i64::from(SIDE)) + 1.0) * 127.5;
    let bytes = pixels.round().clamp(0.0, 255.0).to_kind(Kind::Uint8).get(0).permute([1, 2, 0]).contiguous();
    RgbPicture { width: SIDE, height: SIDE, rgb: Vec::try_from(bytes.reshape([-1])).unwrap() }
}

fn with_engine<T>(name: &str, overrides: &BTreeMap<String, f32>, test: impl FnOnce(&Engine) -> T) -> T {
    let folder = ModelFolder::write(name, "configs/tiny_video.json", overrides, &small_tokenizer());
    test(&Engine::load(&folder.settings(PrecisionChoice::Fp32), &mut |_| {}).unwrap())
}

fn ask(engine: &Engine, phrases: &str, things: Vec<Arc<PointedThing>>) -> Segmentation {
    let prompts = Prompt::list_from_text(phrases);
    let request = SegmentRequest { prompts, things, threshold: Some(0.0), max_objects: 3, ..SegmentRequest::default() };
    engine.segment(picture(), request).unwrap()
}

fn objects_at(answer: &Segmentation, prompt_index: u32) -> Vec<&Object> {
    answer.objects.items.iter().filter(|object| object.prompt_index == prompt_index).collect()
}

fn bytes_of<'a>(answer: &'a Segmentation, label: &str) -> &'a [u8] {
    answer.objects.items.iter().find(|object| &*object.label == label).unwrap().mask.bytes()
}

#[test]
fn each_thing_is_one_object_and_what_phrases_find_stays_the_same() {
    with_engine("pointing", &large_masks(), |engine| {
        assert!(engine.info().follows);
        let alone = ask(engine, "ab", Vec::new());
        assert_eq!(alone.times.tracker, Duration::ZERO, "nobody points: the tracker's neck is not run");
        let text = "point: 0.3,0.4; boxed: 0.2,0.2,0.5,0.4; minus: 0.3,0.4; -0.8,0.8; unit=pixels; pixel: 33.6,44.8";
        let mut things = things_from_text(text).unwrap();
        let half = Mask::new(8, 8, (0..64).map(|cell| if cell % 8 < 4 { 255 } else { 0 }).collect::<Vec<u8>>());
        things.push(PointedThing::new("masked", Marks { mask: half, ..Marks::default() }).unwrap());
        let answer = ask(engine, "ab", things);
        assert!(answer.notices.is_empty() && answer.times.tracker > Duration::ZERO, "{:?}", answer.notices);
        for (index, label) in ["point", "boxed", "minus", "pixel", "masked"].into_iter().enumerate() {
            let found = objects_at(&answer, 1 + index as u32);
            assert!(found.len() == 1 && &*found[0].label == label && found[0].id.is_none(), "{label}: {found:?}");
            assert!(
                (0.0..=1.0).contains(&found[0].score)
                    && found[0].mask.width == 32
                    && found[0].box_in_frame.area() > 0.0
            );
        }
        let of_phrase = |answer: &Segmentation| {
            let found = objects_at(answer, 0).into_iter().map(|object| (object.score, object.mask.clone()));
            found.collect::<Vec<_>>()
        };
        assert!(!of_phrase(&alone).is_empty() && of_phrase(&alone) == of_phrase(&answer));
        assert_eq!(bytes_of(&answer, "point"), bytes_of(&answer, "pixel"), "the same place in another unit");
        for other in ["boxed", "minus", "masked"] {
            assert_ne!(bytes_of(&answer, "point"), bytes_of(&answer, other), "{other} says something else");
        }
        let without_phrases = ask(engine, "", things_from_text("point: 0.3,0.4").unwrap());
        assert_eq!(bytes_of(&without_phrases, "point"), bytes_of(&answer, "point"));
        assert_eq!(without_phrases.times.detector, Duration::ZERO, "nobody looks for phrases");
    });
}

#[test]
fn what_the_tracker_does_not_see_is_no_object() {
    let mut overrides = large_masks();
    overrides.insert(SCORE_BIAS.into(), -50.0);
    with_engine("pointing-at-nothing", &overrides, |engine| {
        let answer = ask(engine, "ab", things_from_text("0.3,0.4; : 0.2,0.2,0.5,0.4").unwrap());
        assert!(answer.notices.is_empty() && !objects_at(&answer, 0).is_empty());
        assert!(objects_at(&answer, 1).is_empty() && objects_at(&answer, 2).is_empty());
    });
}

#[test]
fn the_bundled_model_says_so_when_it_has_no_tracker() {
    let settings = EngineSettings { model: "nano".into(), device: DeviceChoice::Cpu, precision: PrecisionChoice::Fp32 };
    let engine = Engine::load(&settings, &mut |_| {}).unwrap();
    let answer = ask(&engine, "circle", things_from_text("0.3,0.4").unwrap());
    let notices: Vec<_> = answer.notices.iter().map(ToString::to_string).collect();
    assert_eq!(notices.len(), usize::from(!engine.info().follows), "{notices:?}");
    assert!(notices.iter().all(|notice| notice.contains("no tracker weights")), "{notices:?}");
}
