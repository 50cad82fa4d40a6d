//! A config.json that lies is found here, before anything is allocated.

use super::{ModelConfig, VitConfig};
use crate::error::{Error, Result};

/// No dimension of any SAM 3 model comes near this; a larger one is a damaged file.
pub(super) const LARGEST_DIMENSION: i64 = 1 << 20;

/// Refuses files that describe some other kind of model.
pub(super) fn model_type(root: &serde_json::Value) -> Result<()> {
    match root.get("model_type").and_then(serde_json::Value::as_str) {
        None | Some("sam3" | "sam3_video") => Ok(()),
        Some(other) => refuse("model_type", other, "is not a SAM 3 model (\"sam3\" or \"sam3_video\")"),
    }
}

/// Checks ranges, divisibility and agreement between the parts.
pub(super) fn model(config: &ModelConfig) -> Result<()> {
    dimensions(config)?;
    activations(config)?;
    heads(config)?;
    widths_agree(config)?;
    grid(&config.vision_config.backbone_config)?;
    let scales = &config.vision_config.scale_factors;
    if scales.len() < 3 || scales[..3] != [4.0, 2.0, 1.0] {
        return refuse("vision_config.scale_factors", format!("{scales:?}"), "must begin with 4, 2, 1");
    }
    let stages = config.mask_decoder_config.num_upsampling_stages;
    if stages < 2 {
        return refuse("mask_decoder_config.num_upsampling_stages", stages, "must be at least 2");
    }
    config.tracker.as_ref().map_or(Ok(()), |tracker| tracker.validate(config.vision_config.fpn_hidden_size))
}

pub(super) fn refuse<T>(field: &str, value: impl ToString, rule: &str) -> Result<T> {
    Err(Error::Config { field: field.into(), value: value.to_string(), rule: rule.into() })
}

fn dimensions(config: &ModelConfig) -> Result<()> {
    let vit = &config.vision_config.backbone_config;
    let text = &config.text_config;
    let geometry = &config.geometry_encoder_config;
    let fusion = &config.detr_encoder_config;
    let decoder = &config.detr_decoder_config;
    for (field, value) in [
        ("vision_config.backbone_config.hidden_size", vit.hidden_size),
        ("vision_config.backbone_config.intermediate_size", vit.intermediate_size),
        ("vision_config.backbone_config.num_hidden_layers", vit.num_hidden_layers),
        ("vision_config.backbone_config.image_size", vit.image_size),
        ("vision_config.backbone_config.patch_size", vit.patch_size),
        ("vision_config.backbone_config.window_size", vit.window_size),
        ("vision_config.backbone_config.pretrain_image_size", vit.pretrain_image_size),
        ("vision_config.fpn_hidden_size", config.vision_config.fpn_hidden_size),
        ("text_config.vocab_size", text.vocab_size),
        ("text_config.hidden_size", text.hidden_size),
        ("text_config.intermediate_size", text.intermediate_size),
        ("text_config.projection_dim", text.projection_dim),
        ("text_config.num_hidden_layers", text.num_hidden_layers),
        ("text_config.max_position_embeddings", text.max_position_embeddings),
        ("geometry_encoder_config.hidden_size", geometry.hidden_size),
        ("geometry_encoder_config.num_layers", geometry.num_layers),
        ("geometry_encoder_config.intermediate_size", geometry.intermediate_size),
        ("geometry_encoder_config.roi_size", geometry.roi_size),
        ("detr_encoder_config.num_layers", fusion.num_layers),
        ("detr_encoder_config.intermediate_size", fusion.intermediate_size),
        ("detr_decoder_config.num_layers", decoder.num_layers),
        ("detr_decoder_config.num_queries", decoder.num_queries),
        ("detr_decoder_config.intermediate_size", decoder.intermediate_size),
    ] {
        if !(1..=LARGEST_DIMENSION).contains(&value) {
            return refuse(field, value, "must be within 1..1048576");
        }
    }
    if vit.num_channels != 3 {
        return refuse("vision_config.backbone_config.num_channels", vit.num_channels, "must be 3 (RGB)");
    }
    if text.max_position_embeddings < 3 {
        return refuse(
            "text_config.max_position_embeddings",
            text.max_position_embeddings,
            "must leave room for a start token, a word and an end token",
        );
    }
    Ok(())
}

fn activations(config: &ModelConfig) -> Result<()> {
    for (field, value, wanted) in [
        ("vision_config.backbone_config.hidden_act", &config.vision_config.backbone_config.hidden_act, "gelu"),
        ("text_config.hidden_act", &config.text_config.hidden_act, "gelu"),
        ("geometry_encoder_config.hidden_act", &config.geometry_encoder_config.hidden_act, "relu"),
        ("detr_encoder_config.hidden_act", &config.detr_encoder_config.hidden_act, "relu"),
        ("detr_decoder_config.hidden_act", &config.detr_decoder_config.hidden_act, "relu"),
    ] {
        if value != wanted {
            return refuse(field, value, &format!("must be \"{wanted}\""));
        }
    }
    let rope = &config.vision_config.backbone_config.rope_parameters.rope_type;
    if rope != "axial" {
        return refuse("vision_config.backbone_config.rope_parameters.rope_type", rope, "must be \"axial\"");
    }
    Ok(())
}

fn heads(config: &ModelConfig) -> Result<()> {
    let vit = &config.vision_config.backbone_config;
    let text = &config.text_config;
    let geometry = &config.geometry_encoder_config;
    let fusion = &config.detr_encoder_config;
    let decoder = &config.detr_decoder_config;
    let masks = &config.mask_decoder_config;
    for (part, heads, width, multiple) in [
        ("vision_config.backbone_config", vit.num_attention_heads, vit.hidden_size, 4),
        ("text_config", text.num_attention_heads, text.hidden_size, 1),
        ("geometry_encoder_config", geometry.num_attention_heads, geometry.hidden_size, 1),
        ("detr_encoder_config", fusion.num_attention_heads, fusion.hidden_size, 1),
        ("detr_decoder_config", decoder.num_attention_heads, decoder.hidden_size, 1),
        ("mask_decoder_config", masks.num_attention_heads, masks.hidden_size, 1),
    ] {
        if heads < 1 || width % heads != 0 || (width / heads) % multiple != 0 {
            let rule = format!("must divide hidden_size {width} into multiples of {multiple}");
            return refuse(&format!("{part}.num_attention_heads"), heads, &rule);
        }
    }
    Ok(())
}

fn widths_agree(config: &ModelConfig) -> Result<()> {
    let width = config.vision_config.fpn_hidden_size;
    for (field, value) in [
        ("geometry_encoder_config.hidden_size", config.geometry_encoder_config.hidden_size),
        ("detr_encoder_config.hidden_size", config.detr_encoder_config.hidden_size),
        ("detr_decoder_config.hidden_size", config.detr_decoder_config.hidden_size),
        ("mask_decoder_config.hidden_size", config.mask_decoder_config.hidden_size),
    ] {
        if value != width {
            return refuse(field, value, &format!("must equal vision_config.fpn_hidden_size {width}"));
        }
    }
    if width % 8 != 0 {
        return refuse("vision_config.fpn_hidden_size", width, "must be a multiple of 8 (group norm)");
    }
    Ok(())
}

fn grid(vit: &VitConfig) -> Result<()> {
    let multiple = vit.patch_size * vit.window_size;
    if vit.image_size % multiple != 0 {
        let rule = format!("must be a multiple of patch_size x window_size = {multiple}");
        return refuse("vision_config.backbone_config.image_size", vit.image_size, &rule);
    }
    if vit.pretrain_image_size % vit.patch_size != 0 {
        let rule = format!("must be a multiple of patch_size {}", vit.patch_size);
        return refuse("vision_config.backbone_config.pretrain_image_size", vit.pretrain_image_size, &rule);
    }
    if vit.hidden_size % 4 != 0 {
        return refuse("vision_config.backbone_config.hidden_size", vit.hidden_size, "must be a multiple of 4");
    }
    match vit.global_attn_indexes.iter().find(|index| !(0..vit.num_hidden_layers).contains(*index)) {
        Some(index) => refuse(
            "vision_config.backbone_config.global_attn_indexes",
            index,
            &format!("is not a layer (0..{})", vit.num_hidden_layers - 1),
        ),
        None => Ok(()),
    }
}
