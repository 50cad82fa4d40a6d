//! What a model is made of, read from the published config.json, and what it recommends, read from sa3.json.
//!
//! Field names, nesting and defaults are those of transformers' `Sam3Config` (`detector_config` of a
//! `Sam3VideoConfig` is accepted too), so that the released file is read as it is.

mod tracker;
mod validate;

use serde::Deserialize;

pub use tracker::{PromptEncoderConfig, TrackerConfig, TrackerMaskConfig};

use crate::error::{Error, Result};
use crate::session::Trust;

/// The image model, and the tracker of a video model: every number that is not in the weights.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default)]
#[derive(Default)]
pub struct ModelConfig {
    /// ViT trunk and neck.
    pub vision_config: VisionConfig,
    /// CLIP text encoder.
    pub text_config: TextConfig,
    /// Exemplar boxes.
    pub geometry_encoder_config: GeometryConfig,
    /// Fusion encoder.
    pub detr_encoder_config: FusionConfig,
    /// Decoder of object queries.
    pub detr_decoder_config: DecoderConfig,
    /// Mask head.
    pub mask_decoder_config: MaskConfig,
    /// What follows objects with memory: the `tracker_config` beside a `detector_config`. `None` for an image model.
    #[serde(skip)]
    pub tracker: Option<TrackerConfig>,
}

/// ViT trunk and simple feature pyramid.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default)]
pub struct VisionConfig {
    /// The trunk.
    pub backbone_config: VitConfig,
    /// Channels of every pyramid level.
    pub fpn_hidden_size: i64,
    /// Scale of each level against the trunk's grid.
    pub scale_factors: Vec<f64>,
}

/// ViT trunk with windowed and global attention.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default)]
#[allow(missing_docs, reason = "the names are the published file's own")]
pub struct VitConfig {
    pub hidden_size: i64,
    pub intermediate_size: i64,
    pub num_hidden_layers: i64,
    pub num_attention_heads: i64,
    pub num_channels: i64,
    pub image_size: i64,
    pub patch_size: i64,
    pub hidden_act: String,
    pub layer_norm_eps: f64,
    pub window_size: i64,
    pub global_attn_indexes: Vec<i64>,
    pub pretrain_image_size: i64,
    pub rope_parameters: RopeConfig,
}

/// Axial rotary positions.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default)]
#[allow(missing_docs, reason = "the names are the published file's own")]
pub struct RopeConfig {
    pub rope_theta: f64,
    pub rope_type: String,
}

/// CLIP text encoder.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default)]
#[allow(missing_docs, reason = "the names are the published file's own")]
pub struct TextConfig {
    pub vocab_size: i64,
    pub hidden_size: i64,
    pub intermediate_size: i64,
    pub projection_dim: i64,
    pub num_hidden_layers: i64,
    pub num_attention_heads: i64,
    pub max_position_embeddings: i64,
    pub hidden_act: String,
    pub layer_norm_eps: f64,
}

/// Encoder of exemplar boxes.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default)]
#[allow(missing_docs, reason = "the names are the published file's own")]
pub struct GeometryConfig {
    pub hidden_size: i64,
    pub num_layers: i64,
    pub num_attention_heads: i64,
    pub intermediate_size: i64,
    pub hidden_act: String,
    pub roi_size: i64,
}

/// Fusion (DETR) encoder.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default)]
#[allow(missing_docs, reason = "the names are the published file's own")]
pub struct FusionConfig {
    pub hidden_size: i64,
    pub num_layers: i64,
    pub num_attention_heads: i64,
    pub intermediate_size: i64,
    pub hidden_act: String,
}

/// DETR decoder.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default)]
#[allow(missing_docs, reason = "the names are the published file's own")]
pub struct DecoderConfig {
    pub hidden_size: i64,
    pub num_layers: i64,
    pub num_queries: i64,
    pub num_attention_heads: i64,
    pub intermediate_size: i64,
    pub hidden_act: String,
}

/// Mask head.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default)]
#[allow(missing_docs, reason = "the names are the published file's own")]
pub struct MaskConfig {
    pub hidden_size: i64,
    pub num_upsampling_stages: i64,
    pub num_attention_heads: i64,
}

impl Default for VisionConfig {
    fn default() -> Self {
        Self { backbone_config: VitConfig::default(), fpn_hidden_size: 256, scale_factors: vec![4.0, 2.0, 1.0, 0.5] }
    }
}

impl Default for VitConfig {
    fn default() -> Self {
        Self {
            hidden_size: 1024,
            intermediate_size: 4736,
            num_hidden_layers: 32,
            num_attention_heads: 16,
            num_channels: 3,
            image_size: 1008,
            patch_size: 14,
            hidden_act: "gelu".into(),
            layer_norm_eps: OFFICIAL_VIT_LAYER_NORM_EPS,
            window_size: 24,
            global_attn_indexes: vec![7, 15, 23, 31],
            pretrain_image_size: 336,
            rope_parameters: RopeConfig::default(),
        }
    }
}

impl Default for RopeConfig {
    fn default() -> Self {
        Self { rope_theta: 10_000.0, rope_type: "axial".into() }
    }
}

impl Default for TextConfig {
    fn default() -> Self {
        Self {
            vocab_size: 49_408,
            hidden_size: 1024,
            intermediate_size: 4096,
            projection_dim: 512,
            num_hidden_layers: 24,
            num_attention_heads: 16,
            max_position_embeddings: 32,
            hidden_act: "gelu".into(),
            layer_norm_eps: 1e-5,
        }
    }
}

impl Default for GeometryConfig {
    fn default() -> Self {
        Self {
            hidden_size: 256,
            num_layers: 3,
            num_attention_heads: 8,
            intermediate_size: 2048,
            hidden_act: "relu".into(),
            roi_size: 7,
        }
    }
}

impl Default for FusionConfig {
    fn default() -> Self {
        Self {
            hidden_size: 256,
            num_layers: 6,
            num_attention_heads: 8,
            intermediate_size: 2048,
            hidden_act: "relu".into(),
        }
    }
}

impl Default for DecoderConfig {
    fn default() -> Self {
        Self {
            hidden_size: 256,
            num_layers: 6,
            num_queries: 200,
            num_attention_heads: 8,
            intermediate_size: 2048,
            hidden_act: "relu".into(),
        }
    }
}

impl Default for MaskConfig {
    fn default() -> Self {
        Self { hidden_size: 256, num_upsampling_stages: 3, num_attention_heads: 8 }
    }
}

/// The official trunk's epsilon; transformers' config writes 1e-6, which the released weights were not trained with.
const OFFICIAL_VIT_LAYER_NORM_EPS: f64 = 1e-5;

/// Epsilon of every other layer norm and group norm: PyTorch's default, whatever the config says (as transformers).
pub const LAYER_NORM_EPS: f64 = 1e-5;

impl ModelConfig {
    /// Reads and checks the text of a config.json.
    ///
    /// # Errors
    /// [`Error::Config`] with the field, its value and the rule it breaks.
    pub fn from_json(text: &str) -> Result<Self> {
        let unreadable = |cause: serde_json::Error| Error::Config {
            field: "the file".into(),
            value: format!("unreadable ({cause})"),
            rule: "must be the published config.json of a SAM 3 model".into(),
        };
        let mut root: serde_json::Value = serde_json::from_str(text).map_err(unreadable)?;
        let tracker = root.get_mut("tracker_config").map(serde_json::Value::take);
        let detector = root.get_mut("detector_config").map(serde_json::Value::take).unwrap_or(root);
        validate::model_type(&detector)?;
        let mut config: Self = serde_json::from_value(detector).map_err(unreadable)?;
        config.tracker = serde_json::from_value(tracker.unwrap_or_default()).map_err(unreadable)?;
        let vit = &mut config.vision_config.backbone_config;
        if vit.is_released_size() {
            vit.layer_norm_eps = OFFICIAL_VIT_LAYER_NORM_EPS;
        }
        validate::model(&config)?;
        Ok(config)
    }

    /// The released video model, for a checkpoint that comes without its config.json.
    pub fn released() -> Self {
        Self { tracker: Some(TrackerConfig::default()), ..Self::default() }
    }

    /// Side of the model's own square input, in pixels.
    pub fn native_size(&self) -> i64 {
        self.vision_config.backbone_config.image_size
    }

    /// Legal input sides are multiples of this, in pixels.
    pub fn size_multiple(&self) -> i64 {
        let vit = &self.vision_config.backbone_config;
        vit.window_size * vit.patch_size
    }
}

impl VitConfig {
    fn is_released_size(&self) -> bool {
        (self.hidden_size, self.num_hidden_layers, self.image_size) == (1024, 32, 1008)
    }
}

/// What a model needs or recommends beyond config.json: the file sa3.json beside it, all fields optional.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Recommendations {
    /// False for models trained with transformers' classes, whose text prompts skip the geometry encoder.
    pub text_prompt_uses_geometry_token: bool,
    /// Score threshold, 0..1.
    pub threshold: f32,
    /// Mask overlap above which the worse of two objects goes; 0: off.
    pub mask_nms_iou: f32,
    /// Masks are cleared outside their box grown by this part of its size; 0: off.
    pub mask_clip_to_box_margin: f32,
    /// Who is believed where detector and tracker both see an object.
    pub trust: Option<Trust>,
}

impl Default for Recommendations {
    fn default() -> Self {
        Self {
            text_prompt_uses_geometry_token: true,
            threshold: 0.5,
            mask_nms_iou: 0.0,
            mask_clip_to_box_margin: 0.0,
            trust: None,
        }
    }
}

impl Recommendations {
    /// Reads and checks the text of an sa3.json.
    ///
    /// # Errors
    /// [`Error::Config`] with the field, its value and the rule it breaks.
    pub fn from_json(text: &str) -> Result<Self> {
        let read: Self = serde_json::from_str(text).map_err(|cause| Error::Config {
            field: "the file sa3.json".into(),
            value: format!("unreadable ({cause})"),
            rule: "may hold text_prompt_uses_geometry_token, threshold, mask_nms_iou, mask_clip_to_box_margin and \
                   trust (\"tracker\" or \"detector\")"
                .into(),
        })?;
        for (field, value) in [
            ("threshold", read.threshold),
            ("mask_nms_iou", read.mask_nms_iou),
            ("mask_clip_to_box_margin", read.mask_clip_to_box_margin),
        ] {
            if !(0.0..=1.0).contains(&value) {
                return Err(Error::Config {
                    field: format!("sa3.json: {field}"),
                    value: value.to_string(),
                    rule: "must be within 0..1".into(),
                });
            }
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_config_is_the_released_model() {
        let config = ModelConfig::from_json("{}").unwrap();
        assert_eq!(config, ModelConfig::default());
        assert_eq!((config.native_size(), config.size_multiple()), (1008, 336));
    }

    #[test]
    fn the_released_trunk_gets_the_official_epsilon() {
        let text = r#"{"vision_config": {"backbone_config": {"layer_norm_eps": 1e-6}}}"#;
        assert_eq!(ModelConfig::from_json(text).unwrap().vision_config.backbone_config.layer_norm_eps, 1e-5);
        let small = r#"{"vision_config": {"backbone_config": {"layer_norm_eps": 1e-6, "image_size": 672}}}"#;
        assert_eq!(ModelConfig::from_json(small).unwrap().vision_config.backbone_config.layer_norm_eps, 1e-6);
    }

    #[test]
    fn a_video_config_gives_its_detector() {
        let text = r#"{"detector_config": {"detr_decoder_config": {"num_queries": 12}}, "tracker_config": {}}"#;
        assert_eq!(ModelConfig::from_json(text).unwrap().detr_decoder_config.num_queries, 12);
    }

    #[test]
    fn lies_are_named() {
        for (text, field) in [
            (r#"{"detr_decoder_config": {"num_attention_heads": 7}}"#, "detr_decoder_config.num_attention_heads"),
            (r#"{"vision_config": {"backbone_config": {"window_size": 0}}}"#, "window_size"),
            (r#"{"vision_config": {"backbone_config": {"image_size": 1000}}}"#, "image_size"),
            (r#"{"mask_decoder_config": {"hidden_size": 128}}"#, "mask_decoder_config.hidden_size"),
            (r#"{"text_config": {"hidden_act": "quick_gelu"}}"#, "text_config.hidden_act"),
            (r#"{"model_type": "bert"}"#, "model_type"),
            (r#"{"text_config": {"vocab_size": "many"}}"#, "unreadable"),
            (r#"{"text_config": {"hidden_size": 99999999999}}"#, "text_config.hidden_size"),
        ] {
            let error = ModelConfig::from_json(text).unwrap_err().to_string();
            assert!(error.contains(field), "{text}: {error}");
        }
    }

    #[test]
    fn recommendations_are_checked() {
        assert_eq!(Recommendations::from_json("{}").unwrap(), Recommendations::default());
        assert!(Recommendations::from_json(r#"{"threshold": 2}"#).unwrap_err().to_string().contains("0..1"));
        assert!(Recommendations::from_json(r#"{"treshold": 0.4}"#).is_err());
    }
}
