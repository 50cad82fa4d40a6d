//! The tracker's part of a video model's config.json (`tracker_config`).

use serde::Deserialize;

use super::{RopeConfig, validate};
use crate::error::Result;

/// Follows objects with memory: prompt encoder, mask decoder, memory attention, memory encoder.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default)]
#[allow(missing_docs, reason = "the names are the published file's own")]
pub struct TrackerConfig {
    pub prompt_encoder_config: PromptEncoderConfig,
    pub mask_decoder_config: TrackerMaskConfig,
    pub num_maskmem: i64,
    pub sigmoid_scale_for_mem_enc: f64,
    pub sigmoid_bias_for_mem_enc: f64,
    pub enable_occlusion_spatial_embedding: bool,
    pub multimask_output_in_sam: bool,
    pub multimask_min_pt_num: i64,
    pub multimask_max_pt_num: i64,
    pub multimask_output_for_tracking: bool,
    pub max_object_pointers_in_encoder: i64,
    pub max_cond_frame_num: i64,
    pub enable_temporal_pos_encoding_for_object_pointers: bool,
    pub memory_attention_hidden_size: i64,
    pub memory_attention_num_layers: i64,
    pub memory_attention_num_attention_heads: i64,
    pub memory_attention_downsample_rate: i64,
    pub memory_attention_feed_forward_hidden_size: i64,
    pub memory_attention_feed_forward_hidden_act: String,
    pub memory_encoder_hidden_size: i64,
    pub memory_encoder_output_channels: i64,
    /// `None` in files of early releases, which have `memory_attention_rope_theta` instead.
    pub rope_parameters: Option<RopeConfig>,
    pub memory_attention_rope_theta: Option<f64>,
    pub mask_downsampler_embed_dim: i64,
    pub mask_downsampler_kernel_size: i64,
    pub mask_downsampler_stride: i64,
    pub mask_downsampler_padding: i64,
    pub mask_downsampler_total_stride: i64,
    pub mask_downsampler_hidden_act: String,
    pub memory_fuser_num_layers: i64,
    pub memory_fuser_embed_dim: i64,
    pub memory_fuser_intermediate_dim: i64,
    pub memory_fuser_kernel_size: i64,
    pub memory_fuser_padding: i64,
    pub memory_fuser_hidden_act: String,
}

/// Encoder of clicks, boxes and masks.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default)]
#[allow(missing_docs, reason = "the names are the published file's own")]
pub struct PromptEncoderConfig {
    pub hidden_size: i64,
    pub mask_input_channels: i64,
    pub num_point_embeddings: i64,
    pub hidden_act: String,
    pub layer_norm_eps: f64,
}

/// Mask decoder of the tracker (SAM's two-way transformer), not that of the detector.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default)]
#[allow(missing_docs, reason = "the names are the published file's own")]
pub struct TrackerMaskConfig {
    pub hidden_size: i64,
    pub hidden_act: String,
    pub mlp_dim: i64,
    pub num_hidden_layers: i64,
    pub num_attention_heads: i64,
    pub attention_downsample_rate: i64,
    pub num_multimask_outputs: i64,
    pub iou_head_depth: i64,
    pub iou_head_hidden_dim: i64,
    pub dynamic_multimask_via_stability: bool,
    pub dynamic_multimask_stability_delta: f64,
    pub dynamic_multimask_stability_thresh: f64,
}

impl Default for TrackerConfig {
    fn default() -> Self {
        Self {
            prompt_encoder_config: PromptEncoderConfig::default(),
            mask_decoder_config: TrackerMaskConfig::default(),
            num_maskmem: 7,
            sigmoid_scale_for_mem_enc: 20.0,
            sigmoid_bias_for_mem_enc: -10.0,
            enable_occlusion_spatial_embedding: true,
            multimask_output_in_sam: true,
            multimask_min_pt_num: 0,
            multimask_max_pt_num: 1,
            multimask_output_for_tracking: true,
            max_object_pointers_in_encoder: 16,
            max_cond_frame_num: 4,
            enable_temporal_pos_encoding_for_object_pointers: true,
            memory_attention_hidden_size: 256,
            memory_attention_num_layers: 4,
            memory_attention_num_attention_heads: 1,
            memory_attention_downsample_rate: 1,
            memory_attention_feed_forward_hidden_size: 2048,
            memory_attention_feed_forward_hidden_act: "relu".into(),
            memory_encoder_hidden_size: 256,
            memory_encoder_output_channels: 64,
            rope_parameters: None,
            memory_attention_rope_theta: None,
            mask_downsampler_embed_dim: 256,
            mask_downsampler_kernel_size: 3,
            mask_downsampler_stride: 2,
            mask_downsampler_padding: 1,
            mask_downsampler_total_stride: 16,
            mask_downsampler_hidden_act: "gelu".into(),
            memory_fuser_num_layers: 2,
            memory_fuser_embed_dim: 256,
            memory_fuser_intermediate_dim: 1024,
            memory_fuser_kernel_size: 7,
            memory_fuser_padding: 3,
            memory_fuser_hidden_act: "gelu".into(),
        }
    }
}

impl Default for PromptEncoderConfig {
    fn default() -> Self {
        Self {
            hidden_size: 256,
            mask_input_channels: 16,
            num_point_embeddings: 4,
            hidden_act: "gelu".into(),
            layer_norm_eps: 1e-6,
        }
    }
}

impl Default for TrackerMaskConfig {
    fn default() -> Self {
        Self {
            hidden_size: 256,
            hidden_act: "gelu".into(),
            mlp_dim: 2048,
            num_hidden_layers: 2,
            num_attention_heads: 8,
            attention_downsample_rate: 2,
            num_multimask_outputs: 3,
            iou_head_depth: 3,
            iou_head_hidden_dim: 256,
            dynamic_multimask_via_stability: true,
            dynamic_multimask_stability_delta: 0.05,
            dynamic_multimask_stability_thresh: 0.98,
        }
    }
}

impl TrackerConfig {
    /// Base of the rotary frequencies of memory attention.
    pub fn rope_theta(&self) -> f64 {
        let of_parameters = self.rope_parameters.as_ref().map(|rope| rope.rope_theta);
        of_parameters.or(self.memory_attention_rope_theta).unwrap_or_else(|| RopeConfig::default().rope_theta)
    }

    /// Checks ranges, divisibility and agreement with the pyramid's `width`.
    ///
    /// # Errors
    /// [`crate::Error::Config`] with the field, its value and the rule it breaks.
    pub(super) fn validate(&self, width: i64) -> Result<()> {
        self.dimensions()?;
        self.widths(width)?;
        self.heads(width)?;
        self.what_is_built()
    }

    fn dimensions(&self) -> Result<()> {
        let masks = &self.mask_decoder_config;
        for (field, value) in [
            ("prompt_encoder_config.mask_input_channels", self.prompt_encoder_config.mask_input_channels),
            ("mask_decoder_config.mlp_dim", masks.mlp_dim),
            ("mask_decoder_config.num_multimask_outputs", masks.num_multimask_outputs),
            ("mask_decoder_config.iou_head_hidden_dim", masks.iou_head_hidden_dim),
            ("num_maskmem", self.num_maskmem),
            ("max_object_pointers_in_encoder", self.max_object_pointers_in_encoder - 1),
            ("max_cond_frame_num", self.max_cond_frame_num),
            ("memory_attention_num_layers", self.memory_attention_num_layers),
            ("memory_attention_feed_forward_hidden_size", self.memory_attention_feed_forward_hidden_size),
            ("memory_encoder_output_channels", self.memory_encoder_output_channels),
            ("memory_fuser_num_layers", self.memory_fuser_num_layers),
            ("memory_fuser_intermediate_dim", self.memory_fuser_intermediate_dim),
        ] {
            if !(1..=validate::LARGEST_DIMENSION).contains(&value) {
                let least = if field == "max_object_pointers_in_encoder" { 2 } else { 1 };
                return refuse(field, value + least - 1, &format!("must be within {least}..1048576"));
            }
        }
        for (field, value) in [
            ("mask_decoder_config.num_hidden_layers", masks.num_hidden_layers),
            ("mask_decoder_config.iou_head_depth", masks.iou_head_depth),
        ] {
            if !(2..=64).contains(&value) {
                return refuse(field, value, "must be within 2..64");
            }
        }
        if self.prompt_encoder_config.mask_input_channels % 4 != 0 {
            let value = self.prompt_encoder_config.mask_input_channels;
            return refuse("prompt_encoder_config.mask_input_channels", value, "must be a multiple of 4");
        }
        Ok(())
    }

    fn widths(&self, width: i64) -> Result<()> {
        for (field, value) in [
            ("prompt_encoder_config.hidden_size", self.prompt_encoder_config.hidden_size),
            ("mask_decoder_config.hidden_size", self.mask_decoder_config.hidden_size),
            ("memory_attention_hidden_size", self.memory_attention_hidden_size),
            ("memory_encoder_hidden_size", self.memory_encoder_hidden_size),
            ("mask_downsampler_embed_dim", self.mask_downsampler_embed_dim),
            ("memory_fuser_embed_dim", self.memory_fuser_embed_dim),
        ] {
            if value != width {
                return refuse(field, value, &format!("must equal vision_config.fpn_hidden_size {width}"));
            }
        }
        let memory = self.memory_encoder_output_channels;
        if memory % 4 != 0 || width % memory != 0 {
            let rule = format!("must be a multiple of 4 that divides memory_encoder_hidden_size {width}");
            return refuse("memory_encoder_output_channels", memory, &rule);
        }
        Ok(())
    }

    fn heads(&self, width: i64) -> Result<()> {
        let masks = &self.mask_decoder_config;
        let (rate, heads) = (masks.attention_downsample_rate, masks.num_attention_heads);
        if rate < 1 || width % rate != 0 {
            let rule = format!("must divide hidden_size {width}");
            return refuse("mask_decoder_config.attention_downsample_rate", rate, &rule);
        }
        if heads < 1 || (width / rate) % heads != 0 {
            let rule = format!("must divide hidden_size / attention_downsample_rate {}", width / rate);
            return refuse("mask_decoder_config.num_attention_heads", heads, &rule);
        }
        let (rate, heads) = (self.memory_attention_downsample_rate, self.memory_attention_num_attention_heads);
        if rate < 1 || width % rate != 0 {
            let rule = format!("must divide memory_attention_hidden_size {width}");
            return refuse("memory_attention_downsample_rate", rate, &rule);
        }
        if heads < 1 || (width / rate) % heads != 0 || (width / rate / heads) % 4 != 0 {
            let rule = format!("must divide {} into multiples of 4", width / rate);
            return refuse("memory_attention_num_attention_heads", heads, &rule);
        }
        Ok(())
    }

    /// Choices that the published models make alike, and that are not built otherwise.
    fn what_is_built(&self) -> Result<()> {
        for (field, value, wanted) in [
            ("prompt_encoder_config.num_point_embeddings", self.prompt_encoder_config.num_point_embeddings, 4),
            ("mask_downsampler_kernel_size", self.mask_downsampler_kernel_size, 3),
            ("mask_downsampler_stride", self.mask_downsampler_stride, 2),
            ("mask_downsampler_padding", self.mask_downsampler_padding, 1),
            ("mask_downsampler_total_stride", self.mask_downsampler_total_stride, 16),
            ("memory_fuser_padding", 2 * self.memory_fuser_padding, self.memory_fuser_kernel_size - 1),
        ] {
            if value != wanted {
                return match field {
                    "memory_fuser_padding" => {
                        refuse(field, self.memory_fuser_padding, "must be half of memory_fuser_kernel_size")
                    }
                    _ => refuse(field, value, &format!("must be {wanted}")),
                };
            }
        }
        for (field, value, wanted) in [
            ("prompt_encoder_config.hidden_act", &self.prompt_encoder_config.hidden_act, "gelu"),
            ("mask_decoder_config.hidden_act", &self.mask_decoder_config.hidden_act, "gelu"),
            ("memory_attention_feed_forward_hidden_act", &self.memory_attention_feed_forward_hidden_act, "relu"),
            ("mask_downsampler_hidden_act", &self.mask_downsampler_hidden_act, "gelu"),
            ("memory_fuser_hidden_act", &self.memory_fuser_hidden_act, "gelu"),
        ] {
            if value != wanted {
                return refuse(field, value, &format!("must be \"{wanted}\""));
            }
        }
        for (field, value) in [
            ("enable_occlusion_spatial_embedding", self.enable_occlusion_spatial_embedding),
            ("enable_temporal_pos_encoding_for_object_pointers", self.enable_temporal_pos_encoding_for_object_pointers),
        ] {
            if !value {
                return refuse(field, value, "must be true");
            }
        }
        match &self.rope_parameters {
            Some(rope) if rope.rope_type != "axial" => {
                refuse("rope_parameters.rope_type", &rope.rope_type, "must be \"axial\"")
            }
            _ => Ok(()),
        }
    }
}

fn refuse<T>(field: &str, value: impl ToString, rule: &str) -> Result<T> {
    validate::refuse(&format!("tracker_config.{field}"), value, rule)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::ModelConfig;

    fn video(tracker: &str) -> Result<ModelConfig> {
        ModelConfig::from_json(&format!(
            r#"{{"model_type": "sam3_video", "detector_config": {{}}, "tracker_config": {tracker}}}"#
        ))
    }

    #[test]
    fn a_video_config_has_a_tracker_and_a_detector_has_none() {
        assert_eq!(video("{}").unwrap(), ModelConfig::released());
        assert_eq!(video(r#"{"num_maskmem": 4}"#).unwrap().tracker.unwrap().num_maskmem, 4);
        assert_eq!(video("null").unwrap().tracker, None);
        assert_eq!(ModelConfig::from_json("{}").unwrap().tracker, None);
    }

    #[test]
    fn the_rotary_base_is_read_from_either_place() {
        let theta = |text| video(text).unwrap().tracker.unwrap().rope_theta();
        assert_eq!(theta("{}"), 10_000.0);
        assert_eq!(theta(r#"{"memory_attention_rope_theta": 500}"#), 500.0);
        assert_eq!(theta(r#"{"rope_parameters": {"rope_theta": 70, "rope_type": "axial"}}"#), 70.0);
    }

    #[test]
    fn lies_are_named() {
        for (text, field) in [
            (r#"{"memory_attention_hidden_size": 128}"#, "tracker_config.memory_attention_hidden_size is 128"),
            (r#"{"memory_encoder_output_channels": 60}"#, "memory_encoder_output_channels"),
            (r#"{"num_maskmem": 0}"#, "num_maskmem is 0, which must be within 1..1048576"),
            (r#"{"max_object_pointers_in_encoder": 1}"#, "max_object_pointers_in_encoder is 1, which must be within 2"),
            (r#"{"mask_decoder_config": {"num_attention_heads": 7}}"#, "mask_decoder_config.num_attention_heads"),
            (r#"{"mask_decoder_config": {"iou_head_depth": 1}}"#, "iou_head_depth"),
            (r#"{"memory_attention_num_attention_heads": 0}"#, "memory_attention_num_attention_heads"),
            (r#"{"mask_downsampler_total_stride": 8}"#, "mask_downsampler_total_stride"),
            (r#"{"memory_fuser_padding": 2}"#, "memory_fuser_padding is 2"),
            (r#"{"memory_fuser_hidden_act": "relu"}"#, "memory_fuser_hidden_act"),
            (r#"{"enable_occlusion_spatial_embedding": false}"#, "enable_occlusion_spatial_embedding"),
            (r#"{"prompt_encoder_config": {"num_point_embeddings": 5}}"#, "num_point_embeddings"),
            (r#"{"rope_parameters": {"rope_type": "default"}}"#, "rope_parameters.rope_type"),
            (r#"{"num_maskmem": "many"}"#, "unreadable"),
        ] {
            let error = video(text).unwrap_err().to_string();
            assert!(error.contains(field), "{text}: {error}");
        }
    }
}
