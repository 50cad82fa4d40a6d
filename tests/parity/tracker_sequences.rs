//! Twelve frames with three objects, as tracker_sequences.py follows them.

use sa3::boxes::BoxXyxy;
use sa3::masks::MaskLogits;
use sa3::model::ImageModel;
use sa3::tracker::{Clicks, Giver, ObjectMemory, TrackedMask, Tracker, TrackerFeatures};
use tch::{Device, Kind, Tensor};

use crate::fixtures::Data;
use crate::tracker::{SequenceCase, TrackerFixtures, blobs, config_of, smooth_pixels, tracker_of, weights_of};

const FRAMES: i64 = 12;
const CORRECTED: (i64, usize) = (5, 2);
const RECONDITIONED: (i64, usize) = (8, 0);

/// What one frame of one object gave; the first two objects have no answer on the frame of their birth.
struct Row {
    answer: Option<TrackedMask>,
    pointer: Tensor,
    memory: Tensor,
}

fn first_clicks() -> Clicks {
    let whole = BoxXyxy { x0: 0.2, y0: 0.15, x1: 0.7, y1: 0.6 };
    Clicks { box_in_frame: Some(whole), ..Clicks::default() }
}

fn correction(previous: &TrackedMask) -> Clicks {
    let points = vec![([0.45, 0.4], true), ([0.8, 0.9], false)];
    Clicks { points, previous: Some(previous.mask.clone()), ..Clicks::default() }
}

fn run(case: &SequenceCase, kind: Kind) -> Vec<Row> {
    let _no_grad = tch::no_grad_guard();
    let config = config_of(&case.config);
    let weights = weights_of(&config, &case.overrides);
    let mut tracker = tracker_of(&weights, &config, kind);
    tracker.select_memories(false);
    let mut model = ImageModel::load(&weights, &config, Device::Cpu, kind).unwrap();
    let vit = &config.vision_config.backbone_config;
    let frames = smooth_pixels("input.frames", FRAMES, vit.image_size);
    let given = MaskLogits::of_tensor(&blobs("input.given_masks", 3, 4 * vit.image_size / vit.patch_size));
    let (mut objects, mut rows) = (Vec::new(), Vec::new());
    for frame in 0..FRAMES {
        let features = tracker.features(&model.vision_encoder.trunk(&frames.narrow(0, frame, 1)));
        let answers = if frame == 0 {
            objects = tracker.start_from_masks(&features, &given[..2], Giver::Detector, 0);
            objects.push(ObjectMemory::default());
            vec![None, None, Some(tracker.click(&features, &mut objects[2], &first_clicks(), 0))]
        } else {
            follow(&mut tracker, &features, &mut objects, &given[2], frame)
        };
        for (object, answer) in objects.iter().zip(answers) {
            let kept = object.bank().iter().find(|remembered| remembered.frame == frame).unwrap();
            let (pointer, memory) = (kept.pointer.shallow_clone(), kept.memory.as_ref().unwrap().shallow_clone());
            rows.push(Row { answer, pointer, memory });
        }
    }
    rows
}

fn follow(
    tracker: &mut Tracker,
    features: &TrackerFeatures,
    objects: &mut [ObjectMemory],
    given: &MaskLogits,
    frame: i64,
) -> Vec<Option<TrackedMask>> {
    let mut all: Vec<&mut ObjectMemory> = objects.iter_mut().collect();
    let mut answers = tracker.propagate(features, &mut all, frame);
    if frame == RECONDITIONED.0 {
        let index = RECONDITIONED.1;
        tracker.recondition(features, &mut all[index..=index], std::slice::from_ref(given), Giver::Detector, frame);
    }
    let masks: Vec<_> = answers.iter().map(|answer| answer.mask.clone()).collect();
    tracker.remember(features, &mut all, &masks);
    if frame == CORRECTED.0 {
        let index = CORRECTED.1;
        answers[index] = tracker.click(features, all[index], &correction(&answers[index]), frame);
    }
    answers.into_iter().map(Some).collect()
}

/// Logits of the reference so near 0 that rounding decides; memories are rounded to bf16, whose last digit may differ.
pub const UNDECIDED: f32 = 2e-3;
/// How far object score logits may be off.
pub const SCORE_MAX_ABS: f32 = 2e-3;

/// Share of the pixels inside either mask that are inside both, but for those that are undecided.
pub fn iou(ours: &[f32], theirs: &[f32]) -> f64 {
    let decided = || ours.iter().zip(theirs).filter(|(_, theirs)| theirs.abs() > UNDECIDED);
    let pairs = || decided().map(|(a, b)| (*a > 0.0, *b > 0.0));
    let (both, either) = (pairs().filter(|(a, b)| *a && *b).count(), pairs().filter(|(a, b)| *a || *b).count());
    if either == 0 { 1.0 } else { both as f64 / either as f64 }
}

fn numbers(tensor: &Tensor) -> Vec<f32> {
    Vec::try_from(tensor.to_kind(Kind::Float).contiguous().view(-1)).unwrap()
}

/// Largest difference in parts of the root mean square of `theirs`.
pub fn relative(ours: &[f32], theirs: &[f32]) -> f64 {
    assert_eq!(ours.len(), theirs.len());
    let square: f64 = theirs.iter().map(|x| f64::from(*x).powi(2)).sum();
    let largest = ours.iter().zip(theirs).map(|(a, b)| f64::from((a - b).abs())).fold(0.0, f64::max);
    largest / (square / theirs.len() as f64).sqrt()
}

#[test]
fn twelve_frames_are_followed_as_the_reference_does() {
    let fixtures = TrackerFixtures::read();
    assert!(fixtures.sequences.len() > 1);
    for case in &fixtures.sequences {
        let rows = run(case, Kind::Float);
        let data = Data::read(&case.data);
        let [masks, scores, ious] = ["mask", "score", "iou"].map(|name| data.numbers(name));
        let [pointers, memories] = ["pointer", "memory"].map(|name| data.numbers(name));
        let answers: Vec<_> = rows.iter().filter_map(|row| row.answer.as_ref()).collect();
        assert_eq!(answers.len(), scores.len());
        let side = answers[0].mask.values().len();
        for (index, answer) in answers.iter().enumerate() {
            let what = format!("{}, answer {index}", case.data);
            let theirs = &masks[index * side..(index + 1) * side];
            assert!((answer.object_score_logit - scores[index]).abs() < SCORE_MAX_ABS, "{what}: score");
            assert!((answer.expected_iou - ious[index]).abs() < 1e-3, "{what}: expected overlap");
            let overlap = iou(answer.mask.values(), theirs);
            assert!(overlap > 0.999, "{what}: masks overlap by {overlap}");
            let difference = relative(answer.mask.values(), theirs);
            assert!(difference < 5e-3, "{what}: mask logits differ by {difference}");
        }
        let width = pointers.len() / rows.len();
        let length = memories.len() / rows.len();
        for (index, row) in rows.iter().enumerate() {
            let what = format!("{}, row {index}", case.data);
            let difference = relative(&numbers(&row.pointer), &pointers[index * width..(index + 1) * width]);
            assert!(difference < 2e-3, "{what}: pointers differ by {difference}");
            let ours = numbers(&row.memory.view(-1).slice(0, None, None, case.memory_stride));
            let difference = relative(&ours, &memories[index * length..(index + 1) * length]);
            // One unit in the last place of bf16, of values up to four times the root mean square.
            assert!(difference < 0.04, "{what}: memories differ by {difference}");
        }
    }
}

/// In bf16 the masks of random weights, many of whose logits are near 0, still overlap with those of fp32.
#[test]
fn bf16_follows_alike() {
    let fixtures = TrackerFixtures::read();
    let case = &fixtures.sequences[1];
    let data = Data::read(&case.data);
    let masks = data.numbers("mask");
    let rows = run(case, Kind::BFloat16);
    let answers: Vec<_> = rows.iter().filter_map(|row| row.answer.as_ref()).collect();
    let side = answers[0].mask.values().len();
    let overlaps = answers.iter().zip(masks.chunks_exact(side)).map(|(own, theirs)| iou(own.mask.values(), theirs));
    let mean = overlaps.sum::<f64>() / answers.len() as f64;
    assert!(mean > 0.97, "masks overlap by {mean}");
    assert!(rows.iter().all(|row| row.memory.kind() == Kind::BFloat16));
}
