//! One thing on one picture by points, a box and a mask, as tracker_prompts.py runs it.

use sa3::boxes::BoxXyxy;
use sa3::masks::MaskLogits;
use sa3::model::ImageModel;
use sa3::tracker::{Clicks, TrackedMask};
use tch::{Device, Kind};

use crate::fixtures::Data;
use crate::tracker::{PromptsCase, TrackerFixtures, blobs, config_of, smooth_pixels, tracker_of, weights_of};

const POINT: ([f32; 2], bool) = ([0.35, 0.6], true);
const BOX: BoxXyxy = BoxXyxy { x0: 0.2, y0: 0.15, x1: 0.7, y1: 0.6 };

/// Points, whether there is the box, and whether there is the mask.
type Prompt = (Vec<([f32; 2], bool)>, bool, bool);

fn prompts() -> Vec<Prompt> {
    vec![
        (vec![POINT], false, false),
        (vec![POINT, ([0.8, 0.2], false)], false, false),
        (vec![], true, false),
        (vec![([0.5, 0.3], false)], true, false),
        (vec![], false, true),
        (vec![POINT], false, true),
        (vec![([0.35, 0.5], true)], true, true),
    ]
}

/// What the tracker says of each prompt; `disturbed`: a weight that is changed a little.
fn run(case: &PromptsCase, disturbed: Option<&str>) -> Vec<TrackedMask> {
    let _no_grad = tch::no_grad_guard();
    let config = config_of(&case.config);
    let mut weights = weights_of(&config, &TrackerFixtures::read().overrides);
    weights.disturbed = disturbed.map(|name| (name.to_string(), 1.05));
    let mut tracker = tracker_of(&weights, &config, Kind::Float);
    let mut model = ImageModel::load(&weights, &config, Device::Cpu, Kind::Float).unwrap();
    let vit = &config.vision_config.backbone_config;
    let pixels = smooth_pixels("input.prompted", 1, vit.image_size);
    let features = tracker.features(&model.vision_encoder.trunk(&pixels));
    let mask = MaskLogits::of_tensor(&blobs("input.prompt_mask", 1, 4 * vit.image_size / vit.patch_size)).remove(0);
    let clicks = |(points, has_box, has_mask): Prompt| Clicks {
        points,
        box_in_frame: has_box.then_some(BOX),
        previous: has_mask.then(|| mask.clone()),
    };
    prompts().into_iter().map(|prompt| tracker.segment(&features, &clicks(prompt))).collect()
}

/// Prompts whose answer differs, with what does.
fn differences(case: &PromptsCase, disturbed: Option<&str>) -> Vec<String> {
    /// Of a trunk, a neck and the mask decoder one after the other.
    const MOST: f32 = 5e-4;
    let data = Data::read(&case.data);
    let [masks, scores, ious] = ["mask", "score", "iou"].map(|name| data.numbers(name));
    let answers = run(case, disturbed);
    assert_eq!(answers.len(), scores.len());
    let cells = answers[0].mask.values().len();
    let mut found = Vec::new();
    for (index, answer) in answers.iter().enumerate() {
        let theirs = &masks[index * cells..(index + 1) * cells];
        let pairs = answer.mask.values().iter().zip(theirs);
        let of_mask = pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        let of_score = (answer.object_score_logit - scores[index]).abs();
        let of_iou = (answer.expected_iou - ious[index]).abs();
        if [of_mask, of_score, of_iou].iter().any(|difference| difference.is_nan() || *difference > MOST) {
            found.push(format!("{}, prompt {index}: mask {of_mask}, score {of_score}, iou {of_iou}", case.data));
        }
    }
    found
}

#[test]
fn every_kind_of_prompt_gives_what_the_reference_gives() {
    let cases = TrackerFixtures::read().prompts;
    assert!(cases.len() > 1);
    let found: Vec<_> = cases.iter().flat_map(|case| differences(case, None)).collect();
    assert!(found.is_empty(), "beyond tolerance:\n{}", found.join("\n"));
}

/// What single pictures alone need: the embedding in place of memories, and those of points and masks.
#[test]
fn a_disturbed_weight_of_a_prompt_is_found() {
    for case in &TrackerFixtures::read().prompts {
        for name in [
            "tracker_model.no_memory_embedding",
            "tracker_model.prompt_encoder.point_embed.weight",
            "tracker_model.prompt_encoder.not_a_point_embed.weight",
            "tracker_model.prompt_encoder.no_mask_embed.weight",
            "tracker_model.prompt_encoder.mask_embed.conv3.weight",
        ] {
            assert!(!differences(case, Some(name)).is_empty(), "{}: {name} times 1.05 goes unnoticed", case.data);
        }
    }
}
