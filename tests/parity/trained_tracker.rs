//! The bundled model's tracker on a picture that moves: the same masks as transformers, as trained_tracker_cases.py has them.

use std::path::Path;

use sa3::boxes::BoxXyxy;
use sa3::config::ModelConfig;
use sa3::frame::FrameSource;
use sa3::masks::MaskLogits;
use sa3::model::ImageModel;
use sa3::tracker::{BankRules, Clicks, Giver, ObjectMemory, TrackedMask, Tracker, TrackerFeatures};
use sa3::weights::Checkpoint;
use tch::{Device, Kind, Tensor};

use crate::fixtures::Data;
use crate::tracker_sequences::{SCORE_MAX_ABS, iou, relative};
use crate::trained::picture;

const FRAMES: i64 = 8;
const MOVES: [i64; 2] = [5, 4];
const CORRECTED: (i64, usize) = (4, 2);

/// `MASK` of the generator on a grid.
fn given_mask(side: usize) -> MaskLogits {
    let [from, to] = [0.35, 0.6].map(|part| (part * side as f32).round() as usize);
    let is_inside = |cell: usize| (from..to).contains(&(cell % side)) && (from..to).contains(&(cell / side));
    MaskLogits::new(side, (0..side * side).map(|cell| if is_inside(cell) { 10.0 } else { -10.0 }).collect::<Vec<_>>())
        .unwrap()
}

fn windows(side: i64) -> Tensor {
    let scene = picture("scene_00.png");
    let frame = scene.frame().unwrap();
    let (width, height) = (i64::from(frame.width), i64::from(frame.height));
    let pixels = Tensor::from_slice(&scene.rgb).view([height, width, 3]).permute([2, 0, 1]).to_kind(Kind::Float);
    let pixels = pixels / 127.5 - 1.0;
    let [right, down] = MOVES;
    let window = |at: i64| pixels.narrow(1, down * at, side).narrow(2, right * at, side);
    Tensor::stack(&(0..FRAMES).map(window).collect::<Vec<_>>(), 0)
}

fn begin(tracker: &mut Tracker, features: &TrackerFeatures) -> (Vec<ObjectMemory>, Vec<TrackedMask>) {
    let side = 4 * 18;
    let mut objects = tracker.start_from_masks(features, &[given_mask(side)], Giver::Detector, 0);
    let place = BoxXyxy { x0: 0.55, y0: 0.1, x1: 0.9, y1: 0.45 };
    let first = [
        Clicks { box_in_frame: Some(place), ..Clicks::default() },
        Clicks { points: vec![([0.25, 0.75], true)], ..Clicks::default() },
    ];
    let mut answers = Vec::new();
    for clicks in first {
        let mut object = ObjectMemory::default();
        answers.push(tracker.click(features, &mut object, &clicks, 0));
        objects.push(object);
    }
    (objects, answers)
}

/// Everything that the tracker says of the frames, with so many recent memories, where it is told.
fn run(kind: Kind, recent_memories: Option<i64>) -> Vec<TrackedMask> {
    let _no_grad = tch::no_grad_guard();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/sa3-nano");
    let config = ModelConfig::from_json(&std::fs::read_to_string(folder.join("config.json")).unwrap()).unwrap();
    let checkpoint = Checkpoint::open(&folder.join("model.safetensors")).unwrap();
    let mut tracker = Tracker::load(&checkpoint, &config, Device::Cpu, kind).unwrap().expect("weights of a tracker");
    tracker.select_memories(false);
    if let Some(recent_memories) = recent_memories {
        tracker.use_rules(BankRules { recent_memories, ..*tracker.rules() });
    }
    let mut model = ImageModel::load(&checkpoint, &config, Device::Cpu, kind).unwrap();
    let frames = windows(config.native_size());
    let (mut objects, mut answers) = (Vec::new(), Vec::new());
    for frame in 0..FRAMES {
        let features = tracker.features(&model.vision_encoder.trunk(&frames.narrow(0, frame, 1)));
        if frame == 0 {
            (objects, answers) = begin(&mut tracker, &features);
            continue;
        }
        let mut all: Vec<&mut ObjectMemory> = objects.iter_mut().collect();
        let mut seen = tracker.propagate(&features, &mut all, frame);
        let masks: Vec<_> = seen.iter().map(|answer| answer.mask.clone()).collect();
        tracker.remember(&features, &mut all, &masks);
        if frame == CORRECTED.0 {
            let index = CORRECTED.1;
            let points = vec![([0.3, 0.6], true), ([0.8, 0.2], false)];
            let clicks = Clicks { points, previous: Some(seen[index].mask.clone()), ..Clicks::default() };
            seen[index] = tracker.click(&features, all[index], &clicks, frame);
        }
        answers.extend(seen);
    }
    answers
}

#[test]
fn a_moving_picture_is_followed_as_the_reference_does() {
    let data = Data::read("data/trained_tracker.safetensors");
    let [masks, scores, ious] = ["mask", "score", "iou"].map(|name| data.numbers(name));
    let answers = run(Kind::Float, None);
    assert_eq!(answers.len(), scores.len());
    let cells = answers[0].mask.values().len();
    let mut has_inside = 0;
    for (index, answer) in answers.iter().enumerate() {
        let theirs = &masks[index * cells..(index + 1) * cells];
        let off = (answer.object_score_logit - scores[index]).abs();
        assert!(off < 5.0 * SCORE_MAX_ABS, "answer {index}: score off by {off}");
        assert!((answer.expected_iou - ious[index]).abs() < 5e-3, "answer {index}: expected overlap");
        let overlap = iou(answer.mask.values(), theirs);
        assert!(overlap > 0.995, "answer {index}: masks overlap by {overlap}");
        let difference = relative(answer.mask.values(), theirs);
        assert!(difference < 2e-2, "answer {index}: mask logits differ by {difference}");
        has_inside += usize::from(theirs.iter().any(|logit| *logit > 0.0));
    }
    assert!(has_inside >= 12, "{has_inside} of {} masks have an inside", answers.len());
}

#[test]
fn bf16_follows_the_trained_model_alike() {
    let data = Data::read("data/trained_tracker.safetensors");
    let masks = data.numbers("mask");
    let answers = run(Kind::BFloat16, None);
    let cells = answers[0].mask.values().len();
    let overlaps = answers.iter().zip(masks.chunks_exact(cells)).map(|(own, theirs)| iou(own.mask.values(), theirs));
    let mean = overlaps.sum::<f64>() / answers.len() as f64;
    assert!(mean > 0.9, "masks overlap by {mean}");
}

#[test]
fn a_shorter_memory_is_the_same_until_there_is_more_to_remember() {
    let scores = |recent| run(Kind::Float, recent).iter().map(|answer| answer.object_score_logit).collect::<Vec<_>>();
    let (all, one) = (scores(None), scores(Some(1)));
    // Two answers at the start; three on the next frame by the start alone, and three on one that remembers that one too.
    assert_eq!(all[..8], one[..8]);
    assert!(all[8..].iter().zip(&one[8..]).all(|(all, one)| all != one), "memories fewer");
}
