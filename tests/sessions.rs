//! Sessions on the bundled model: a picture that moves, followed by what the model has. And on a tiny one with a
//! tracker, of hashed weights.
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

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use sa3::boxes::BoxXyxy;
use sa3::device::{DeviceChoice, PrecisionChoice};
use sa3::frame::RgbPicture;
use sa3::prompt::Prompt;
use sa3::session::{ClickPoint, Notice};
use sa3::{
    Edit, Engine, EngineSettings, ObjectState, SegmentRequest, SessionConfig, TrackRequest, TrackSession, Tracking,
};
use tch::Kind;

use large_masks::large_masks;
use model_folder::{ModelFolder, small_tokenizer};
use tracker::smooth_pixels;

fn scene() -> RgbPicture {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/parity/pictures/scene_00.png");
    let file = std::io::BufReader::new(std::fs::File::open(path).unwrap());
    let mut reader = png::Decoder::new(file).read_info().unwrap();
    let mut rgb = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut rgb).unwrap();
    RgbPicture { width: info.width, height: info.height, rgb }
}

/// The scene pushed to the right; its first column fills what is left.
fn pushed(scene: &RgbPicture, pixels: usize) -> RgbPicture {
    let stride = 3 * scene.width as usize;
    let push = |row: &[u8]| [row[..3].repeat(pixels), row[..stride - 3 * pixels].to_vec()].concat();
    let rgb = scene.rgb.chunks(stride).flat_map(push).collect();
    RgbPicture { rgb, ..*scene }
}

fn request(text: &str, edits: Vec<Edit>) -> Arc<TrackRequest> {
    let segment = SegmentRequest { prompts: Prompt::list_from_text(text), ..SegmentRequest::default() };
    Arc::new(TrackRequest { segment: Arc::new(segment), edits, ..TrackRequest::default() })
}

fn ids(tracking: &Tracking) -> BTreeSet<u64> {
    tracking.objects.items.iter().filter_map(|object| object.id).collect()
}

fn engine() -> Engine {
    let settings = EngineSettings { model: "nano".into(), device: DeviceChoice::Cpu, precision: PrecisionChoice::Fp32 };
    Engine::load(&settings, &mut |_| {}).unwrap()
}

#[test]
fn what_moves_keeps_its_id_and_phrases_come_and_go() {
    let (engine, scene) = (engine(), scene());
    let session: TrackSession = engine.open_session();
    let first = session.track(pushed(&scene, 0), request("vehicle", Vec::new())).unwrap();
    assert!(ids(&first).len() >= 2 && first.notices.is_empty() && first.is_detected);
    let mut last = first.clone();
    for frame in 1..6 {
        last = session.track(pushed(&scene, 4 * frame), request("vehicle", Vec::new())).unwrap();
        assert!(ids(&last).is_superset(&ids(&first)), "frame {frame}: {:?} {:?}", ids(&first), ids(&last));
    }
    let x = |tracking: &Tracking, id| {
        let object = tracking.objects.items.iter().find(|object| object.id == Some(id)).unwrap();
        object.box_in_frame.x1 * scene.width as f32
    };
    // The model takes the bird beside a car for one more; what it is sure of to the end moves with the picture.
    let is_tracked = |object: &&sa3::Object| object.state == Some(ObjectState::Tracked);
    let tracked: Vec<_> = last.objects.items.iter().filter(is_tracked).filter_map(|object| object.id).collect();
    assert!(tracked.len() >= 2, "{tracked:?}");
    for id in tracked {
        let moved = x(&last, id) - x(&first, id);
        assert!((moved - 20.0).abs() < 8.0, "the right edge of object {id} moved by {moved} pixels");
    }
    let both = session.track(pushed(&scene, 20), request("animal; vehicle", Vec::new())).unwrap();
    assert!(ids(&both).is_superset(&ids(&first)) && ids(&both).len() > ids(&first).len());
    let animals = session.track(pushed(&scene, 20), request("animal", Vec::new())).unwrap();
    assert!(ids(&animals).is_disjoint(&ids(&first)) && !ids(&animals).is_empty());
}

#[test]
fn edits_that_need_tracker_weights_say_so_when_there_are_none() {
    let engine = engine();
    let session = engine.open_session();
    let points = vec![ClickPoint { x: 0.5, y: 0.5, is_positive: true }];
    let click = Edit::Click { object_id: None, points, at_ns: None, label: None };
    let answer = session.track(scene(), request("vehicle", vec![click])).unwrap();
    let expected = if engine.info().follows { vec![] } else { vec![Notice::NeedsTracker { edit: "click" }] };
    assert_eq!(answer.notices, expected);
}

/// Pictures that change slowly, as large as the tiny model's input.
fn slow_pictures(count: i64) -> Vec<RgbPicture> {
    let pixels = (smooth_pixels("session.pictures", count, 112) + 1.0) * 127.5;
    let bytes = pixels.round().clamp(0.0, 255.0).to_kind(Kind::Uint8).permute([0, 2, 3, 1]).contiguous();
    let picture = |frame: i64| {
        let rgb = Vec::<u8>::try_from(bytes.get(frame).reshape([-1])).unwrap();
        RgbPicture { width: 112, height: 112, rgb }
    };
    (0..count).map(picture).collect()
}

const FRAMES: i64 = 36;
const FRAME_NS: u64 = 40_000_000;
/// Objects that may be followed; random weights find something new on every frame.
const MOST_OBJECTS: usize = 5;

/// Frame after frame of one session.
struct Run {
    session: TrackSession,
    pictures: std::vec::IntoIter<RgbPicture>,
    time_ns: u64,
}

impl Run {
    fn step(&mut self, text: &str, edits: Vec<Edit>) -> Tracking {
        let segment =
            SegmentRequest { prompts: Prompt::list_from_text(text), threshold: Some(0.3), ..SegmentRequest::default() };
        // What looks alike to random weights still begins an object each.
        let session = SessionConfig {
            active_objects: MOST_OBJECTS,
            new_object_score: 0.3,
            association_iou: 0.9,
            ..SessionConfig::default()
        };
        self.time_ns += FRAME_NS;
        let time_ns = Some(self.time_ns);
        let request = TrackRequest { segment: Arc::new(segment), session: Arc::new(session), edits, time_ns };
        self.session.track(self.pictures.next().unwrap(), Arc::new(request)).unwrap()
    }
}

fn click(object_id: Option<u64>, at_ns: Option<u64>, points: &[(f32, f32, bool)]) -> Edit {
    let points = points.iter().map(|&(x, y, is_positive)| ClickPoint { x, y, is_positive }).collect();
    Edit::Click { object_id, points, at_ns, label: None }
}

/// Bytes that an object may keep: ten memories of 8x8 tokens of 64 channels in bf16, pointers of 26 frames of 128
/// numbers, and on this side a mask of 32x32 cells with what is known of the object.
const MOST_BYTES: usize = 10 * 64 * 64 * 2 + 26 * 128 * 4 + 32 * 32 * 5 + 4096;

fn follow_on_the_tiny_model(precision: PrecisionChoice) {
    let overrides = large_masks();
    let name = format!("tiny-tracker-{precision:?}");
    let folder = ModelFolder::write(&name, "configs/tiny_video.json", &overrides, &small_tokenizer());
    let engine = Engine::load(&folder.settings(precision), &mut |_| {}).unwrap();
    assert!(engine.info().follows);
    let mut run = Run { session: engine.open_session(), pictures: slow_pictures(FRAMES).into_iter(), time_ns: 0 };

    let box_in_frame = BoxXyxy { x0: 0.2, y0: 0.2, x1: 0.7, y1: 0.6 };
    let boxed = Edit::Box { object_id: None, box_in_frame, at_ns: None, label: Some("boxed".into()) };
    let first = run.step("", vec![click(None, None, &[(0.4, 0.4, true)]), boxed]);
    assert_eq!(first.started.iter().map(|started| started.object_id).collect::<Vec<_>>(), [1, 2]);
    assert!(first.notices.is_empty() && first.kept.tracks == 2 && !first.is_detected, "{:?}", first.notices);
    let followed = run.step("", Vec::new());
    assert_eq!(followed.kept.tracks, 2);
    let known =
        |tracking: &Tracking| ids(tracking).into_iter().chain(tracking.lost_ids.clone()).collect::<BTreeSet<_>>();
    assert_eq!(known(&followed), BTreeSet::from([1, 2]));
    let is_propagated = |object: &sa3::Object| object.state == Some(ObjectState::Propagated);
    assert!(!followed.objects.items.is_empty() && followed.objects.items.iter().all(is_propagated));
    assert!(followed.times.tracker > std::time::Duration::ZERO);

    let corrected = run.step("", vec![click(Some(2), None, &[(0.5, 0.5, true), (0.9, 0.9, false)])]);
    let late = run.step("", vec![click(Some(1), Some(run.time_ns - FRAME_NS), &[(0.3, 0.3, true)])]);
    assert!(corrected.notices.is_empty() && late.notices.is_empty() && late.kept.tracks == 2);

    let (mut detected, mut most_bytes) = (0, Vec::new());
    for frame in 4..FRAMES {
        let answer = run.step("ab", Vec::new());
        assert!(answer.kept.tracks <= MOST_OBJECTS && ids(&answer).len() <= MOST_OBJECTS);
        assert!(answer.kept.bytes <= answer.kept.tracks * MOST_BYTES, "frame {frame}: {:?}", answer.kept);
        assert!(known(&answer).is_superset(&BTreeSet::from([1, 2])), "what the user began stays");
        assert!(answer.objects.items.iter().all(|object| object.score.is_finite() && object.mask.width == 32));
        detected += usize::from(ids(&answer).iter().any(|id| *id > 2));
        most_bytes.push(answer.kept.bytes / answer.kept.tracks);
    }
    assert!(detected > 3, "the phrase was found on {detected} frames");
    assert!(most_bytes[18..].iter().max() <= most_bytes[..18].iter().max(), "{most_bytes:?}");
}

#[test]
fn a_tracker_follows_what_was_clicked_boxed_and_found_in_bounded_memory() {
    follow_on_the_tiny_model(PrecisionChoice::Fp32);
}

#[test]
fn a_tracker_follows_in_half_precision_too() {
    follow_on_the_tiny_model(PrecisionChoice::Bf16);
}
