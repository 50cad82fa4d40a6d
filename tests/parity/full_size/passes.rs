//! Our side: the same picture and prompts through the engine's modules, with what lies between kept.

use std::collections::BTreeMap;

use sa3::boxes::BoxCxcywh;
use sa3::detector::PromptTokens;
use sa3::model::ImageModel;
use sa3::prompt::ExemplarBox;
use sa3::vision::VisionFeatures;
use tch::{Kind, Tensor};

use crate::reference::Reference;

/// Outputs by the names of the reference.
pub type Named = BTreeMap<String, Tensor>;

/// Features of the reference's picture.
pub fn vision(
    model: &mut ImageModel,
    reference: &Reference,
    kind: Kind,
    out: &mut Named,
) -> Result<VisionFeatures, String> {
    let features = model.vision_encoder.forward(&reference.wanted("input.pixel_values")?.to_kind(kind));
    for (index, level) in features.levels.iter().enumerate() {
        out.insert(format!("fpn.{index}"), level.shallow_clone());
    }
    Ok(features)
}

/// Everything after the picture, for the prompts of one case.
pub fn case(
    model: &ImageModel,
    features: &VisionFeatures,
    reference: &Reference,
    name: &str,
    out: &mut Named,
) -> Result<(), String> {
    let mut put = |what: &str, tensor: Tensor| out.insert(format!("{name}/{what}"), tensor);
    let (phrases, exemplars) = (phrases(model, reference, name)?, exemplars(reference, name)?);
    put("text", Tensor::cat(&phrases, 0));
    let geometry: Vec<Tensor> =
        exemplars.iter().map(|boxes| model.geometry_encoder.forward(features, boxes).get(0)).collect();
    put("geometry", Tensor::stack(&geometry, 0));
    let concepts: Vec<Tensor> = phrases
        .iter()
        .zip(&exemplars)
        .map(|(phrase, boxes)| model.concept_tokens(features, phrase, boxes, true))
        .collect();
    let prompt = PromptTokens::pad(&concepts);
    let found = model.detect(features, &prompt);
    let pixels = model.mask_decoder.embed_pixels(&found.memory, &features.levels, &prompt);
    put("pred_masks", model.mask_decoder.instances(&pixels, &found.queries));
    put("semantic_seg", model.mask_decoder.semantic(&pixels));
    put("pred_boxes", corners(&found.boxes));
    put("pred_logits", found.logits);
    put("presence_logits", found.presence);
    put("memory", found.memory);
    put("queries", found.queries);
    put("pixels", pixels);
    Ok(())
}

/// Text features of each prompt without padding, [T, D].
fn phrases(model: &ImageModel, reference: &Reference, name: &str) -> Result<Vec<Tensor>, String> {
    let ids = reference.wanted(&format!("{name}/input.input_ids"))?;
    let valid = reference.wanted(&format!("{name}/input.attention_mask"))?;
    let text = model.text_encoder.forward(ids).projected;
    let lengths = valid.sum_dim_intlist([1i64].as_slice(), false, Kind::Int64);
    Ok((0..ids.size()[0]).map(|prompt| text.get(prompt).narrow(0, 0, lengths.int64_value(&[prompt]))).collect())
}

/// Boxes of each prompt; a case has them for all of its prompts or for none.
fn exemplars(reference: &Reference, name: &str) -> Result<Vec<Vec<ExemplarBox>>, String> {
    let prompts = reference.wanted(&format!("{name}/input.input_ids"))?.size()[0];
    let stored = |what: &str| reference.stored(&format!("{name}/input.{what}"));
    let (Some(boxes), Some(labels)) = (stored("input_boxes"), stored("input_boxes_labels")) else {
        return Ok((0..prompts).map(|_| Vec::new()).collect());
    };
    let exemplar = |prompt: i64, index: i64| {
        let number = |field: i64| boxes.double_value(&[prompt, index, field]) as f32;
        ExemplarBox {
            box_in_frame: BoxCxcywh { cx: number(0), cy: number(1), w: number(2), h: number(3) },
            is_positive: labels.int64_value(&[prompt, index]) == 1,
        }
    };
    let of_prompt = |prompt| (0..labels.size()[1]).map(|index| exemplar(prompt, index)).collect();
    Ok((0..prompts).map(of_prompt).collect())
}

/// Centre and size to x0, y0, x1, y1.
fn corners(boxes: &Tensor) -> Tensor {
    let sides = boxes.chunk(4, -1);
    let corner = |centre: usize, size: usize, sign: f64| &sides[centre] + &sides[size] * (0.5 * sign);
    Tensor::cat(&[corner(0, 2, -1.0), corner(1, 3, -1.0), corner(0, 2, 1.0), corner(1, 3, 1.0)], -1)
}
