//! Sessions on the bundled model: a picture that moves, followed by what the model has.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use sa3::device::{DeviceChoice, PrecisionChoice};
use sa3::frame::RgbPicture;
use sa3::prompt::Prompt;
use sa3::session::{ClickPoint, Notice};
use sa3::{Edit, Engine, EngineSettings, ObjectState, SegmentRequest, TrackRequest, TrackSession, Tracking};

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
