//! Fusion (DETR) encoder: picture tokens take in the prompt.

use tch::Tensor;

use super::PromptTokens;
use crate::config::FusionConfig;
use crate::error::Result;
use crate::nn::{Activation, Attention, FeedForward, LayerNorm};
use crate::vision::VisionFeatures;
use crate::weights::Loader;

/// `detr_encoder`.
#[derive(Debug)]
pub struct FusionEncoder {
    layers: Vec<Layer>,
}

/// `layers.N`, pre-norm.
#[derive(Debug)]
struct Layer {
    layer_norm1: LayerNorm,
    self_attn: Attention,
    layer_norm2: LayerNorm,
    cross_attn: Attention,
    layer_norm3: LayerNorm,
    mlp: FeedForward,
}

impl FusionEncoder {
    /// Reads `layers`.
    ///
    /// # Errors
    /// As [`Loader::tensor`].
    pub fn new(loader: &Loader<'_>, config: &FusionConfig) -> Result<Self> {
        let layers = loader.sub("layers");
        let layer = |index| Layer::new(&layers.at(index), config);
        Ok(Self { layers: (0..config.num_layers).map(layer).collect::<Result<_>>()? })
    }

    /// The tokens that the decoder reads, without a final norm.
    ///
    /// # Shapes
    /// features of one picture or B; prompt of B concepts → [B, G·G, D].
    pub fn forward(&self, features: &VisionFeatures, prompt: &PromptTokens) -> Tensor {
        let pass = |hidden: Tensor, layer: &Layer| layer.forward(&hidden, &features.positions, prompt);
        self.layers.iter().fold(features.tokens.shallow_clone(), pass)
    }

    /// The same after each layer.
    pub fn stages(&self, features: &VisionFeatures, prompt: &PromptTokens) -> Vec<Tensor> {
        let mut hidden = features.tokens.shallow_clone();
        self.layers
            .iter()
            .map(|layer| {
                hidden = layer.forward(&hidden, &features.positions, prompt);
                hidden.shallow_clone()
            })
            .collect()
    }
}

impl Layer {
    fn new(loader: &Loader<'_>, config: &FusionConfig) -> Result<Self> {
        let (width, heads) = (config.hidden_size, config.num_attention_heads);
        Ok(Self {
            layer_norm1: LayerNorm::new(&loader.sub("layer_norm1"), width)?,
            self_attn: Attention::new(&loader.sub("self_attn"), width, heads)?,
            layer_norm2: LayerNorm::new(&loader.sub("layer_norm2"), width)?,
            cross_attn: Attention::new(&loader.sub("cross_attn"), width, heads)?,
            layer_norm3: LayerNorm::new(&loader.sub("layer_norm3"), width)?,
            mlp: FeedForward::new(&loader.sub("mlp"), width, config.intermediate_size, Activation::Relu)?,
        })
    }

    /// In the first layer `x` has a batch of one: what does not depend on the prompt is computed once for all.
    fn forward(&self, x: &Tensor, positions: &Tensor, prompt: &PromptTokens) -> Tensor {
        let normed = self.layer_norm1.forward(x);
        let placed = &normed + positions;
        let x = self.self_attn.forward_onto(x, &placed, [&placed, &normed], None);
        let normed = self.layer_norm2.forward(&x);
        let told = [&prompt.features, &prompt.features];
        let x = self.cross_attn.forward_onto(&x, &normed, told, prompt.padding_bias.as_ref());
        self.mlp.forward_onto(&x, &self.layer_norm3.forward(&x))
    }
}
