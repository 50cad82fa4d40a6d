//! Every block of the tracker on hashed inputs, as tracker_blocks.py runs it.

use std::collections::BTreeMap;

use sa3::model::ImageModel;
use sa3::tracker::mask_decoder::DecoderInput;
use sa3::tracker::memory_attention::{MemoryAttention, MemoryGroup};
use sa3::tracker::two_way::TwoWayTransformer;
use sa3::tracker::{PointLabel, PromptPoint, Tracker};
use sa3::weights;
use tch::{Device, Kind, Tensor};

use crate::counter_hash::HashedWeights;
use crate::fixtures::{Data, distance};
use crate::tracker::{BlockCase, TrackerFixtures, config_of, hashed, tracker_of, weights_of};

type Named = BTreeMap<String, Tensor>;

const CLICKS: [[(f32, f32, i64); 3]; 2] =
    [[(0.2, 0.3, 1), (0.9, 0.05, 0), (0.5, 0.55, 1)], [(0.0, 1.0, 1), (0.4, 0.41, 1), (0.7, 0.2, 0)]];
const BOX: [(f32, f32, i64); 3] = [(0.15, 0.25, 2), (0.6, 0.95, 3), (0.3, 0.4, 1)];
const GROUPS: [[i64; 3]; 2] = [[2, 3, 2], [1, 1, 1]];

pub fn points(list: &[(f32, f32, i64)]) -> Vec<PromptPoint> {
    let labels = [PointLabel::Negative, PointLabel::Positive, PointLabel::BoxTopLeft, PointLabel::BoxBottomRight];
    let point = |&(x_in_frame, y_in_frame, label): &(f32, f32, i64)| PromptPoint {
        x_in_frame,
        y_in_frame,
        label: labels[label as usize],
    };
    list.iter().map(point).collect()
}

/// Sides of one case's tensors.
#[derive(Clone, Copy)]
struct Sizes {
    grid: i64,
    width: i64,
    channels: i64,
    input: i64,
}

fn prompt_encoder(tracker: &Tracker, sizes: Sizes, out: &mut Named) {
    let encoder = &tracker.prompt_encoder;
    let masks = hashed("input.mask_prompt", &[2, 1, 4 * sizes.grid, 4 * sizes.grid], 5.0);
    let clicks: Vec<_> = CLICKS.iter().map(|one| points(one)).collect();
    for (name, tensor) in [
        ("nothing", encoder.points(&[Vec::new()], sizes.input)),
        ("no_mask", encoder.no_mask()),
        ("clicks", encoder.points(&clicks, sizes.input)),
        ("box", encoder.points(&[points(&BOX)], sizes.input)),
        ("masks", encoder.masks(&masks)),
        ("places", encoder.places(sizes.grid, Device::Cpu)),
    ] {
        out.insert(format!("prompt_encoder.{name}"), tensor);
    }
}

fn mask_decoder(tracker: &Tracker, two_way: &TwoWayTransformer, sizes: Sizes, out: &mut Named) {
    let Sizes { grid, width, .. } = sizes;
    let cells = grid * grid;
    let (picture, places) =
        (hashed("input.picture", &[2, cells, width], 2.0), hashed("input.places", &[1, cells, width], 1.0));
    let (tokens, seen) = two_way.forward(&hashed("input.tokens", &[2, 7, width], 1.0), &picture, &places);
    out.insert("two_way.tokens".into(), tokens);
    out.insert("two_way.picture".into(), seen);
    let decoder = &tracker.mask_decoder;
    let (sparse, dense) = (hashed("input.sparse", &[2, 3, width], 1.0), hashed("input.dense", &[2, cells, width], 1.0));
    let fine = [
        hashed("input.fine.0", &[1, width / 8, 4 * grid, 4 * grid], 1.0),
        hashed("input.fine.1", &[1, width / 4, 2 * grid, 2 * grid], 1.0),
    ];
    let input = DecoderInput { picture: &picture, places: &places, sparse: &sparse, dense: &dense };
    let decoded = decoder.decode(input);
    let canvas = decoder.canvas(&decoded, &fine);
    let count = decoded.ious.size()[1];
    let draw = |number: i64| canvas.draw(&Tensor::from_slice(&[number; 2]));
    let all: Vec<Tensor> = (1..count).map(draw).collect();
    out.insert("mask_decoder.multi.masks".into(), Tensor::stack(&all, 1));
    out.insert("mask_decoder.multi.ious".into(), decoded.ious.narrow(1, 1, count - 1));
    out.insert("mask_decoder.multi.tokens".into(), decoded.tokens.narrow(1, 1, count - 1));
    let single = decoder.choose(&decoded, &canvas, false);
    out.insert("mask_decoder.single.masks".into(), single.masks.unsqueeze(1));
    out.insert("mask_decoder.single.ious".into(), single.ious.unsqueeze(1));
    out.insert("mask_decoder.single.tokens".into(), single.tokens.unsqueeze(1));
    out.insert("mask_decoder.scores".into(), single.object_scores);
    let best = decoded.ious.narrow(1, 1, count - 1).argmax(1, false);
    let chosen = decoder.choose(&decoded, &canvas, true);
    for object in 0..2 {
        let number = best.int64_value(&[object]);
        assert!(chosen.masks.get(object).equal(&all[number as usize].get(object)));
        assert!(chosen.tokens.get(object).equal(&decoded.tokens.get(object).get(number + 1)));
    }
}

fn memory(tracker: &Tracker, sizes: Sizes, rope: &sa3::nn::Rope, out: &mut Named) {
    let Sizes { grid, width, channels, .. } = sizes;
    let map = hashed("input.map", &[1, width, grid, grid], 2.0);
    let masks = hashed("input.scaled_masks", &[2, 1, 16 * grid, 16 * grid], 10.0);
    out.insert("memory_encoder.mask_downsampler".into(), tracker.memory_encoder.downsample(&masks));
    out.insert("memory_encoder".into(), tracker.memory_encoder.forward(&map, &masks));
    let group = |(number, [objects, frames, pointers]): (usize, [i64; 3])| {
        let shape = [objects, frames * grid * grid + pointers * width / channels, channels];
        let part = |what: &str| hashed(&format!("input.group.{number}.{what}"), &shape, 2.0);
        MemoryGroup { tokens: part("tokens"), positions: part("positions"), frames }
    };
    let groups: Vec<_> = GROUPS.into_iter().enumerate().map(group).collect();
    // transformers has the picture's cells before the batch of one.
    let picture = hashed("input.picture_with_positions", &[grid * grid, 1, width], 2.0).transpose(0, 1);
    out.insert("memory_attention".into(), tracker.memory_attention.forward(&picture, &groups, rope));
    let is_there = Tensor::from_slice(&[true, false, true]);
    let tokens = hashed("input.mask_tokens", &[3, width], 1.0);
    out.insert("pointers".into(), tracker.pointers.forward(&tokens, &is_there));
    let distances = [vec![1, 7], vec![3, 30]];
    out.insert("pointers.positions".into(), tracker.pointers.positions(&distances, Device::Cpu));
}

/// Everything that differs by more than its tolerance, as "tensor: times the tolerance".
fn differences(fixtures: &TrackerFixtures, case: &BlockCase, weights: &HashedWeights) -> Vec<String> {
    let _no_grad = tch::no_grad_guard();
    let config = config_of(&case.config);
    let own = config.tracker.as_ref().unwrap();
    let vit = &config.vision_config.backbone_config;
    let sizes = Sizes {
        grid: vit.image_size / vit.patch_size,
        width: own.memory_attention_hidden_size,
        channels: own.memory_encoder_output_channels,
        input: vit.image_size,
    };
    let mut out = Named::new();
    let mut tracker = tracker_of(weights, &config, Kind::Float);
    let mut model = ImageModel::load(weights, &config, Device::Cpu, Kind::Float).unwrap();
    let pixels = hashed("input.pixel_values", &[1, 3, sizes.input, sizes.input], 1.0);
    let features = tracker.features(&model.vision_encoder.trunk(&pixels));
    out.insert("features.map".into(), features.map);
    let [fine, middle] = features.fine;
    out.insert("features.fine.0".into(), fine);
    out.insert("features.fine.1".into(), middle);
    prompt_encoder(&tracker, sizes, &mut out);
    let only = weights::Component::Tracker.of(weights);
    let two_way = weights::load_part(&only, Device::Cpu, Kind::Float, |loader| {
        TwoWayTransformer::new(&loader.sub("tracker_model.mask_decoder.transformer"), &own.mask_decoder_config)
    });
    mask_decoder(&tracker, &two_way.unwrap(), sizes, &mut out);
    memory(&tracker, sizes, &MemoryAttention::rope(own, sizes.grid, Device::Cpu), &mut out);
    let data = Data::read(&case.data);
    let mut found = Vec::new();
    for (name, entry) in &case.tensors {
        let ours = out.get(name).unwrap_or_else(|| panic!("{}: {name} is not compared", case.name));
        let times = distance(ours, data.get(name).unwrap(), entry, fixtures.tolerances[&entry.group], None);
        if times.is_nan() || times > 1.0 {
            found.push(format!("{}: {name}: {times:.2}", case.name));
        }
    }
    found
}

#[test]
fn every_block_of_the_tracker_is_within_tolerance() {
    let fixtures = TrackerFixtures::read();
    assert!(fixtures.blocks.len() > 1);
    let found = |case: &BlockCase| {
        let weights = weights_of(&config_of(&case.config), &fixtures.overrides);
        differences(&fixtures, case, &weights)
    };
    let found: Vec<_> = fixtures.blocks.iter().flat_map(found).collect();
    assert!(found.is_empty(), "beyond tolerance:\n{}", found.join("\n"));
}

#[test]
fn a_disturbed_weight_of_any_module_of_the_tracker_is_found() {
    let fixtures = TrackerFixtures::read();
    for case in &fixtures.blocks {
        let config = config_of(&case.config);
        for name in [
            "tracker_neck.fpn_layers.0.proj2.weight",
            "tracker_neck.fpn_layers.2.proj1.bias",
            "tracker_model.shared_image_embedding.positional_embedding",
            "tracker_model.prompt_encoder.shared_embedding.positional_embedding",
            "tracker_model.prompt_encoder.point_embed.weight",
            "tracker_model.prompt_encoder.not_a_point_embed.weight",
            "tracker_model.prompt_encoder.no_mask_embed.weight",
            "tracker_model.prompt_encoder.mask_embed.layer_norm2.weight",
            "tracker_model.mask_decoder.conv_s1.weight",
            "tracker_model.mask_decoder.iou_token.weight",
            "tracker_model.mask_decoder.transformer.layers.1.self_attn.k_proj.weight",
            "tracker_model.mask_decoder.transformer.layers.0.cross_attn_image_to_token.v_proj.weight",
            "tracker_model.mask_decoder.transformer.final_attn_token_to_image.o_proj.weight",
            "tracker_model.mask_decoder.upscale_conv2.weight",
            "tracker_model.mask_decoder.output_hypernetworks_mlps.2.layers.0.weight",
            "tracker_model.mask_decoder.pred_obj_score_head.layers.0.weight",
            "tracker_model.memory_attention.layers.1.self_attn.q_proj.weight",
            "tracker_model.memory_attention.layers.0.cross_attn_image.k_proj.weight",
            "tracker_model.memory_attention.layers.1.linear2.weight",
            "tracker_model.memory_encoder.mask_downsampler.layers.3.conv.weight",
            "tracker_model.memory_encoder.memory_fuser.layers.0.scale",
            "tracker_model.object_pointer_proj.layers.0.weight",
            "tracker_model.no_object_pointer",
            "tracker_model.temporal_positional_encoding_projection_layer.weight",
        ] {
            let mut weights = weights_of(&config, &fixtures.overrides);
            weights.disturbed = Some((name.to_string(), 1.01));
            assert!(!differences(&fixtures, case, &weights).is_empty(), "{name} times 1.01 goes unnoticed");
        }
    }
}
