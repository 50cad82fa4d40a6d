//! The image model: every module of the checkpoint, in the order of the flow.

use std::collections::BTreeMap;

use tch::{Device, Kind, Tensor};

use crate::config::ModelConfig;
use crate::detector::{Decoder, DotProductScoring, FusionEncoder, PromptTokens};
use crate::error::Result;
use crate::masks::MaskDecoder;
use crate::prompt::{ExemplarBox, GeometryEncoder};
use crate::text::TextEncoder;
use crate::vision::{VisionEncoder, VisionFeatures};
use crate::weights::{self, Loader, TensorSource};

/// `Sam3Model`: picture and prompts to scores, boxes and masks.
#[derive(Debug)]
pub struct ImageModel {
    /// `vision_encoder`.
    pub vision_encoder: VisionEncoder,
    /// `text_encoder` and `text_projection`.
    pub text_encoder: TextEncoder,
    /// `geometry_encoder`.
    pub geometry_encoder: GeometryEncoder,
    /// `detr_encoder`.
    pub detr_encoder: FusionEncoder,
    /// `detr_decoder`.
    pub detr_decoder: Decoder,
    /// `dot_product_scoring`.
    pub dot_product_scoring: DotProductScoring,
    /// `mask_decoder`.
    pub mask_decoder: MaskDecoder,
}

/// What the detector says of every query of every prompt.
#[derive(Debug)]
pub struct Detections {
    /// Fusion encoder's tokens, [B, G·G, D].
    pub memory: Tensor,
    /// Normed queries, [B, Q, D] fp32.
    pub queries: Tensor,
    /// Boxes, cxcywh normalised, [B, Q, 4] fp32.
    pub boxes: Tensor,
    /// Logits of each query, [B, Q] fp32.
    pub logits: Tensor,
    /// Logit of the prompt's presence, [B, 1] fp32.
    pub presence: Tensor,
}

impl ImageModel {
    /// Loads strictly from `source`, which may hold a tracker too.
    ///
    /// # Errors
    /// [`crate::Error::Config`] naming a field that the tensors contradict, [`crate::Error::Weights`] naming everything
    /// that does not fit, [`crate::Error::ModelFile`] naming a tensor that cannot be used.
    pub fn load(source: &dyn TensorSource, config: &ModelConfig, device: Device, kind: Kind) -> Result<Self> {
        let source = weights::Component::Detector.of(source);
        weights::agreement::check(config, &source)?;
        weights::load(&source, device, kind, |loader| Self::new(loader, config))
    }

    /// Every tensor a checkpoint of this configuration must have, with its shape.
    ///
    /// # Errors
    /// None in practice; the signature is that of loading.
    pub fn wanted_tensors(config: &ModelConfig) -> Result<BTreeMap<String, Vec<i64>>> {
        weights::wanted(|loader| Self::new(loader, config))
    }

    fn new(loader: &Loader<'_>, config: &ModelConfig) -> Result<Self> {
        let width = config.detr_encoder_config.hidden_size;
        let decoder = &config.detr_decoder_config;
        Ok(Self {
            vision_encoder: VisionEncoder::new(&loader.sub("vision_encoder"), &config.vision_config)?,
            text_encoder: TextEncoder::new(loader, &config.text_config, width)?,
            geometry_encoder: GeometryEncoder::new(&loader.sub("geometry_encoder"), &config.geometry_encoder_config)?,
            detr_encoder: FusionEncoder::new(&loader.sub("detr_encoder"), &config.detr_encoder_config)?,
            detr_decoder: Decoder::new(&loader.sub("detr_decoder"), decoder)?,
            dot_product_scoring: DotProductScoring::new(&loader.sub("dot_product_scoring"), decoder)?,
            mask_decoder: MaskDecoder::new(&loader.sub("mask_decoder"), &config.mask_decoder_config)?,
        })
    }

    /// Tokens of one concept: its phrase, then its exemplars and class token.
    ///
    /// # Shapes
    /// phrase: [T, D]; features of one picture → [T + N + 1, D], or [T, D] without boxes when `uses_geometry_token`
    /// is false.
    pub fn concept_tokens(
        &self,
        features: &VisionFeatures,
        phrase: &Tensor,
        boxes: &[ExemplarBox],
        uses_geometry_token: bool,
    ) -> Tensor {
        if boxes.is_empty() && !uses_geometry_token {
            return phrase.shallow_clone();
        }
        Tensor::cat(&[phrase, &self.geometry_encoder.forward(features, boxes).get(0)], 0)
    }

    /// Everything but the masks, for B concepts on one picture.
    pub fn detect(&self, features: &VisionFeatures, prompt: &PromptTokens) -> Detections {
        let memory = self.detr_encoder.forward(features, prompt);
        let decoded = self.detr_decoder.forward(&memory, &features.positions, prompt);
        let logits = self.dot_product_scoring.forward(&decoded.queries, prompt);
        Detections { memory, queries: decoded.queries, boxes: decoded.boxes, logits, presence: decoded.presence }
    }
}
