//! CLIP's text encoder and the projection to the detector's width.

use tch::{Kind, Tensor};

use crate::config::TextConfig;
use crate::error::Result;
use crate::nn::{Activation, Attention, FeedForward, LayerNorm, Linear};
use crate::weights::Loader;

/// `text_encoder` and `text_projection`.
#[derive(Debug)]
pub struct TextEncoder {
    token_embedding: Tensor,
    position_embedding: Tensor,
    layers: Vec<Layer>,
    final_layer_norm: LayerNorm,
    projection: Linear,
}

/// `encoder.layers.N`.
#[derive(Debug)]
struct Layer {
    layer_norm1: LayerNorm,
    self_attn: Attention,
    layer_norm2: LayerNorm,
    mlp: FeedForward,
}

/// The two outputs that are compared with the reference.
#[derive(Debug)]
pub struct TextLayerOutputs {
    /// After the final norm, [B, T, C].
    pub last_hidden: Tensor,
    /// After the projection, [B, T, D].
    pub projected: Tensor,
}

impl TextEncoder {
    /// Reads `text_encoder.text_model` and `text_projection` below the root; CLIP's pooled projection is accepted and
    /// dropped.
    ///
    /// # Errors
    /// As [`Loader::tensor`].
    pub fn new(root: &Loader<'_>, config: &TextConfig, detector_width: i64) -> Result<Self> {
        let loader = root.sub("text_encoder.text_model");
        root.ignore("text_encoder.text_projection.weight");
        loader.ignore("embeddings.position_ids");
        let width = config.hidden_size;
        let embeddings = loader.sub("embeddings");
        let layers = loader.sub("encoder.layers");
        Ok(Self {
            token_embedding: embeddings.tensor("token_embedding.weight", &[config.vocab_size, width])?,
            position_embedding: embeddings
                .tensor("position_embedding.weight", &[config.max_position_embeddings, width])?,
            layers: (0..config.num_hidden_layers)
                .map(|index| Layer::new(&layers.at(index), config))
                .collect::<Result<_>>()?,
            final_layer_norm: LayerNorm::with_eps(&loader.sub("final_layer_norm"), width, config.layer_norm_eps)?,
            projection: Linear::new(&root.sub("text_projection"), width, detector_width)?,
        })
    }

    /// # Shapes
    /// ids: [B, T] with T up to the number of positions → both outputs. Padding on the right needs no mask here:
    /// attention is causal, so no token sees what comes after it.
    pub fn forward(&self, ids: &Tensor) -> TextLayerOutputs {
        let (_, length) = ids.size2().expect("token ids have two dimensions");
        let ids = ids.to_kind(Kind::Int64).to_device(self.token_embedding.device());
        let tokens = Tensor::embedding(&self.token_embedding, &ids, -1, false, false);
        let mut hidden = tokens + self.position_embedding.narrow(0, 0, length);
        for layer in &self.layers {
            hidden = layer.forward(&hidden);
        }
        let last_hidden = self.final_layer_norm.forward(&hidden);
        let projected = self.projection.forward(&last_hidden);
        TextLayerOutputs { last_hidden, projected }
    }
}

impl Layer {
    fn new(loader: &Loader<'_>, config: &TextConfig) -> Result<Self> {
        let (width, eps, heads) = (config.hidden_size, config.layer_norm_eps, config.num_attention_heads);
        Ok(Self {
            layer_norm1: LayerNorm::with_eps(&loader.sub("layer_norm1"), width, eps)?,
            self_attn: Attention::with_output_name(&loader.sub("self_attn"), width, heads, "out_proj")?,
            layer_norm2: LayerNorm::with_eps(&loader.sub("layer_norm2"), width, eps)?,
            mlp: FeedForward::new(&loader.sub("mlp"), width, config.intermediate_size, Activation::Gelu)?,
        })
    }

    fn forward(&self, x: &Tensor) -> Tensor {
        let x = x + self.self_attn.forward_causal(&self.layer_norm1.forward(x));
        self.mlp.forward_onto(&x, &self.layer_norm2.forward(&x))
    }
}
