//! Every block on hashed weights: the same tensors in, the same tensors out.

use std::collections::BTreeMap;

use sa3::boxes::BoxCxcywh;
use sa3::config::ModelConfig;
use sa3::detector::PromptTokens;
use sa3::model::ImageModel;
use sa3::prompt::ExemplarBox;
use sa3::vision::VisionFeatures;
use tch::{Device, Kind, Tensor};

use crate::counter_hash::{self, HashedWeights};
use crate::fixtures::{Data, Fixtures, ImageCase, distance, folder};

const PADDING_LABEL: i64 = -10;

type Named = BTreeMap<String, Tensor>;

fn config_of(case: &ImageCase) -> ModelConfig {
    let text = std::fs::read_to_string(folder().join(&case.config)).unwrap();
    let mut config = ModelConfig::from_json(&text).unwrap();
    if let Some(size) = case.image_size {
        config.vision_config.backbone_config.image_size = size;
    }
    config
}

/// The vision features of picture `index` alone, or of the one there is.
fn of_picture(features: &VisionFeatures, index: i64) -> VisionFeatures {
    let index = index.min(features.tokens.size()[0] - 1);
    let one = |x: &Tensor| x.narrow(0, index, 1);
    VisionFeatures {
        levels: features.levels.each_ref().map(one),
        tokens: one(&features.tokens),
        positions: features.positions.shallow_clone(),
    }
}

fn vision(model: &mut ImageModel, pixels: &Tensor, out: &mut Named) -> VisionFeatures {
    let stages = model.vision_encoder.backbone().stages(pixels);
    out.insert("vision_encoder.backbone.embeddings".into(), stages.embedded);
    for (index, block) in stages.blocks.into_iter().enumerate() {
        out.insert(format!("vision_encoder.backbone.layers.{index}"), block);
    }
    let features = model.vision_encoder.forward(pixels);
    for (index, level) in features.levels.iter().enumerate() {
        out.insert(format!("vision_encoder.neck.fpn_layers.{index}"), level.shallow_clone());
    }
    let map = features.positions.transpose(1, 2).contiguous();
    out.insert("vision_encoder.neck.position_encoding.2".into(), map);
    features
}

/// The exemplars of one prompt; what its labels mark as padding is left out.
fn boxes(data: &Data, prompt: i64) -> Vec<ExemplarBox> {
    let (Some(boxes), Some(labels)) = (data.get("input.boxes"), data.get("input.box_labels")) else {
        return Vec::new();
    };
    (0..labels.size()[1])
        .filter(|&index| labels.int64_value(&[prompt, index]) != PADDING_LABEL)
        .map(|index| {
            let number = |field: i64| boxes.double_value(&[prompt, index, field]) as f32;
            ExemplarBox {
                box_in_frame: BoxCxcywh { cx: number(0), cy: number(1), w: number(2), h: number(3) },
                is_positive: labels.int64_value(&[prompt, index]) == 1,
            }
        })
        .collect()
}

/// Prompt tokens of every text, with the blocks that make them.
fn prompt(
    model: &ImageModel,
    features: &VisionFeatures,
    case: &ImageCase,
    data: &Data,
    out: &mut Named,
) -> PromptTokens {
    let ids = data.get("input.input_ids").unwrap();
    let text = model.text_encoder.forward(ids);
    let lengths = data.get("input.attention_mask").unwrap().sum_dim_intlist([1i64].as_slice(), false, Kind::Int64);
    let (mut concepts, mut geometry, mut pooled) = (Vec::new(), Vec::new(), Vec::new());
    for index in 0..ids.size()[0] {
        let (features, boxes) = (of_picture(features, index), boxes(data, index));
        let phrase = text.projected.get(index).narrow(0, 0, lengths.int64_value(&[index]));
        concepts.push(model.concept_tokens(&features, &phrase, &boxes, case.geometry_token));
        geometry.push(model.geometry_encoder.forward(&features, &boxes).get(0));
        if !boxes.is_empty() {
            pooled.push(model.geometry_encoder.pool(&features, &boxes));
        }
    }
    out.insert("text_encoder.last_hidden_state".into(), text.last_hidden);
    out.insert("text_projection".into(), text.projected);
    out.insert("geometry_encoder".into(), padded(&geometry, case, "geometry_encoder"));
    if !pooled.is_empty() {
        out.insert(
            "geometry_encoder.boxes_pool_project".into(),
            padded(&pooled, case, "geometry_encoder.boxes_pool_project"),
        );
    }
    PromptTokens::pad(&concepts)
}

/// Rows of several prompts at the places where the reference has them: [B, longest, D].
fn padded(rows: &[Tensor], case: &ImageCase, name: &str) -> Tensor {
    let width = rows[0].size()[1];
    let longest = case
        .tensors
        .get(name)
        .map_or(rows[0].size()[0], |entry| entry.shape.iter().product::<i64>() / width / rows.len() as i64);
    let fill = |x: &Tensor| x.constant_pad_nd([0, 0, 0, longest - x.size()[0]]);
    Tensor::stack(&rows.iter().map(fill).collect::<Vec<_>>(), 0)
}

fn detector(model: &ImageModel, features: &VisionFeatures, prompt: &PromptTokens, out: &mut Named) {
    let fused = model.detr_encoder.stages(features, prompt);
    let memory = fused.last().unwrap().shallow_clone();
    for (index, layer) in fused.into_iter().enumerate() {
        out.insert(format!("detr_encoder.layers.{index}"), layer);
    }
    let (decoded, stages) = model.detr_decoder.stages(&memory, &features.positions, prompt);
    for (index, layer) in stages.hidden.into_iter().enumerate() {
        out.insert(format!("detr_decoder.layers.{index}"), layer);
    }
    out.insert("detr_decoder.box_rpb.1".into(), stages.box_biases[1].shallow_clone());
    out.insert("detr_decoder.reference_boxes".into(), Tensor::stack(&stages.reference_boxes, 0));
    out.insert("detr_decoder.presence_logits".into(), Tensor::stack(&stages.presence, 0));
    let scores: Vec<Tensor> =
        stages.queries.iter().map(|queries| model.dot_product_scoring.forward(queries, prompt)).collect();
    out.insert("dot_product_scoring".into(), Tensor::stack(&scores, 0));
    out.insert("detr_decoder.intermediate_hidden_states".into(), Tensor::stack(&stages.queries, 0));
    masks(model, features, &memory, &decoded.queries, prompt, out);

    let detections = model.detect(features, prompt);
    let sides = detections.boxes.chunk(4, -1);
    let corner = |centre: usize, size: usize, sign: f64| &sides[centre] + &sides[size] * (0.5 * sign);
    let xyxy = Tensor::cat(&[corner(0, 2, -1.0), corner(1, 3, -1.0), corner(0, 2, 1.0), corner(1, 3, 1.0)], -1);
    out.insert("pred_boxes".into(), xyxy);
    out.insert("pred_logits".into(), detections.logits);
    out.insert("presence_logits".into(), detections.presence);
}

fn masks(
    model: &ImageModel,
    features: &VisionFeatures,
    memory: &Tensor,
    queries: &Tensor,
    prompt: &PromptTokens,
    out: &mut Named,
) {
    let decoder = &model.mask_decoder;
    let pixels = decoder.embed_pixels(memory, &features.levels, prompt);
    out.insert("mask_decoder.prompt_cross_attn".into(), decoder.attend_prompt(memory, prompt));
    out.insert("mask_decoder.mask_embedder".into(), decoder.embed_queries(queries));
    out.insert("pred_masks".into(), decoder.instances(&pixels, queries));
    out.insert("semantic_seg".into(), decoder.semantic(&pixels));
    out.insert("mask_decoder.pixel_decoder".into(), pixels);
}

/// Everything that differs by more than its tolerance, as "tensor: times the tolerance".
fn differences(fixtures: &Fixtures, case: &ImageCase, weights: &HashedWeights) -> Vec<String> {
    let _no_grad = tch::no_grad_guard();
    let data = Data::read(&case.data);
    let mut model = ImageModel::load(weights, &config_of(case), Device::Cpu, Kind::Float).unwrap();
    let mut out = Named::new();
    let pixels = counter_hash::tensor("input.pixel_values", &case.pixel_values_shape, 0.0, 1.0);
    let features = vision(&mut model, &pixels, &mut out);
    let prompt = prompt(&model, &features, case, &data, &mut out);
    detector(&model, &features, &prompt, &mut out);
    let mut found = Vec::new();
    for (name, entry) in &case.tensors {
        let ours = out.get(name).unwrap_or_else(|| panic!("{}: {name} is not compared", case.name));
        let rows = entry.rows.as_deref().map(|rows| rows_that_count(&data, rows));
        let stored = data.get(name).unwrap();
        let times = distance(ours, stored, entry, fixtures.tolerances[&entry.group], rows.as_ref());
        if times.is_nan() || times > 1.0 {
            found.push(format!("{}: {name}: {times:.2}", case.name));
        }
    }
    found
}

fn rows_that_count(data: &Data, rows: &str) -> Tensor {
    match rows {
        "box_labels" => data.get("input.box_labels").unwrap().not_equal(PADDING_LABEL),
        "attention_mask" => data.get("input.attention_mask").unwrap().not_equal(0),
        other => data.get(other).unwrap().not_equal(0),
    }
}

fn hashed(fixtures: &Fixtures, case: &ImageCase) -> HashedWeights {
    // The rules are read again because each source owns its own.
    let rules = Fixtures::read().weight_rules;
    assert_eq!(rules.len(), fixtures.weight_rules.len());
    HashedWeights::new(rules, case.overrides.clone(), &config_of(case))
}

#[test]
fn every_block_of_every_case_equals_the_reference() {
    let fixtures = Fixtures::read();
    assert!(fixtures.image.len() >= 11);
    let found: Vec<_> =
        fixtures.image.iter().flat_map(|case| differences(&fixtures, case, &hashed(&fixtures, case))).collect();
    assert!(found.is_empty(), "beyond tolerance:\n{}", found.join("\n"));
}

#[test]
fn a_disturbed_weight_of_any_module_is_found() {
    let fixtures = Fixtures::read();
    let case = fixtures.image.iter().find(|case| case.name == "boxes").unwrap();
    let with_vision = fixtures.image.iter().find(|case| case.name == "text").unwrap();
    for name in [
        "vision_encoder.backbone.embeddings.position_embeddings",
        "vision_encoder.backbone.layers.1.attention.k_proj.weight",
        "vision_encoder.neck.fpn_layers.0.proj2.weight",
        "text_encoder.text_model.encoder.layers.1.mlp.fc1.weight",
        "geometry_encoder.cls_embed.weight",
        "geometry_encoder.label_embed.weight",
        "geometry_encoder.boxes_pool_project.weight",
        "detr_encoder.layers.1.cross_attn.v_proj.weight",
        "detr_decoder.box_rpb_embed_y.layer2.weight",
        "detr_decoder.presence_head.layer3.weight",
        "dot_product_scoring.text_proj.weight",
        "mask_decoder.pixel_decoder.norms.1.weight",
        "mask_decoder.semantic_projection.weight",
    ] {
        let case = if name.starts_with("vision") { with_vision } else { case };
        let mut weights = hashed(&fixtures, case);
        weights.disturbed = Some((name.to_string(), 1.01));
        assert!(!differences(&fixtures, case, &weights).is_empty(), "{name} times 1.01 goes unnoticed");
    }
}
