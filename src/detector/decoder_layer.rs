//! One layer of the decoder: queries look at each other, at the prompt, at the picture. Post-norm.

use tch::{Kind, Tensor};

use super::PromptTokens;
use crate::config::DecoderConfig;
use crate::error::Result;
use crate::nn::{Activation, Attention, FeedForward, LayerNorm};
use crate::weights::Loader;

/// `layers.N`.
#[derive(Debug)]
pub(super) struct DecoderLayer {
    self_attn: Attention,
    self_attn_layer_norm: LayerNorm,
    text_cross_attn: Attention,
    text_cross_attn_layer_norm: LayerNorm,
    vision_cross_attn: Attention,
    vision_cross_attn_layer_norm: LayerNorm,
    mlp: FeedForward,
    mlp_layer_norm: LayerNorm,
}

/// What every layer reads.
#[derive(Debug)]
pub(super) struct Surroundings<'a> {
    pub(super) prompt: &'a PromptTokens,
    /// [B, G·G, D]
    pub(super) memory: &'a Tensor,
    /// Memory with positions, [B, G·G, D].
    pub(super) memory_keys: &'a Tensor,
}

impl DecoderLayer {
    pub(super) fn new(loader: &Loader<'_>, config: &DecoderConfig) -> Result<Self> {
        let (width, heads) = (config.hidden_size, config.num_attention_heads);
        let attention = |name: &str| Attention::new(&loader.sub(name), width, heads);
        let norm = |name: &str| LayerNorm::new(&loader.in_kind(Kind::Float).sub(name), width);
        Ok(Self {
            self_attn: attention("self_attn")?,
            self_attn_layer_norm: norm("self_attn_layer_norm")?,
            text_cross_attn: attention("text_cross_attn")?,
            text_cross_attn_layer_norm: norm("text_cross_attn_layer_norm")?,
            vision_cross_attn: attention("vision_cross_attn")?,
            vision_cross_attn_layer_norm: norm("vision_cross_attn_layer_norm")?,
            mlp: FeedForward::new(&loader.sub("mlp"), width, config.intermediate_size, Activation::Relu)?,
            mlp_layer_norm: norm("mlp_layer_norm")?,
        })
    }

    /// # Shapes
    /// queries: [B, 1 + Q, D], presence token first; query_pos: the same; box_bias: [B, heads, 1 + Q, G·G]
    /// → [B, 1 + Q, D].
    pub(super) fn forward(
        &self,
        queries: &Tensor,
        query_pos: &Tensor,
        box_bias: &Tensor,
        around: &Surroundings<'_>,
    ) -> Tensor {
        let placed = queries + query_pos;
        let attended = self.self_attn.forward_onto(queries, &placed, [&placed, queries], None);
        let queries = self.self_attn_layer_norm.forward(&attended);

        let prompt = &around.prompt.features;
        let padding = around.prompt.padding_bias.as_ref();
        let attended = self.text_cross_attn.forward_onto(&queries, &(&queries + query_pos), [prompt, prompt], padding);
        let queries = self.text_cross_attn_layer_norm.forward(&attended);

        let placed = &queries + query_pos;
        let seen = [around.memory_keys, around.memory];
        let attended = self.vision_cross_attn.forward_onto(&queries, &placed, seen, Some(box_bias));
        let queries = self.vision_cross_attn_layer_norm.forward(&attended);

        self.mlp_layer_norm.forward(&self.mlp.forward_onto(&queries, &queries))
    }
}
