//! Queries to masks.

mod logits;
mod pixel_decoder;
mod postprocess;

pub use logits::MaskLogits;
pub use pixel_decoder::PixelDecoder;
pub use postprocess::{Candidate, Selection, candidates, clear_outside, select};

use tch::Tensor;

use crate::config::MaskConfig;
use crate::detector::PromptTokens;
use crate::error::Result;
use crate::nn::{Attention, Conv2d, HeadMlp, LayerNorm, Linear, LinearWeights};
use crate::weights::Loader;

/// `mask_decoder`.
#[derive(Debug)]
pub struct MaskDecoder {
    prompt_cross_attn: Attention,
    prompt_cross_attn_norm: LayerNorm,
    pixel_decoder: PixelDecoder,
    instance_projection: LinearWeights,
    semantic_projection: Conv2d,
    mask_embedder: HeadMlp,
}

impl MaskDecoder {
    /// Reads everything below `mask_decoder`.
    ///
    /// # Errors
    /// As [`Loader::tensor`].
    pub fn new(loader: &Loader<'_>, config: &MaskConfig) -> Result<Self> {
        let width = config.hidden_size;
        let embedder = loader.sub("mask_embedder.layers");
        Ok(Self {
            prompt_cross_attn: Attention::new(&loader.sub("prompt_cross_attn"), width, config.num_attention_heads)?,
            prompt_cross_attn_norm: LayerNorm::new(&loader.sub("prompt_cross_attn_norm"), width)?,
            pixel_decoder: PixelDecoder::new(&loader.sub("pixel_decoder"), config)?,
            instance_projection: LinearWeights::pointwise(&loader.sub("instance_projection"), width, width)?,
            semantic_projection: Conv2d::same(&loader.sub("semantic_projection"), width, 1, 1)?,
            mask_embedder: HeadMlp::named(&embedder, &[width; 4], |index| index.to_string())?,
        })
    }

    /// Features of every pixel of the mask grid, from the fusion encoder's tokens and the pyramid.
    ///
    /// # Shapes
    /// memory: [B, G·G, D]; levels of one picture or B; prompt of B concepts → [B, D, 4G, 4G].
    pub fn embed_pixels(&self, memory: &Tensor, levels: &[Tensor; 3], prompt: &PromptTokens) -> Tensor {
        let normed = self.prompt_cross_attn_norm.forward(memory);
        let told = [&prompt.features, &prompt.features];
        let tokens = self.prompt_cross_attn.forward_onto(memory, &normed, told, prompt.padding_bias.as_ref());
        let (batch, _, width) = tokens.size3().expect("memory has three dimensions");
        let grid = levels[2].size()[3];
        let coarse = tokens.transpose(1, 2).reshape([batch, width, grid, grid]);
        self.pixel_decoder.forward(&coarse, &levels[1], &levels[0])
    }

    /// What the prompt tells each token, for comparison with the reference.
    ///
    /// # Shapes
    /// memory: [B, G·G, D] → the same.
    pub fn attend_prompt(&self, memory: &Tensor, prompt: &PromptTokens) -> Tensor {
        let normed = self.prompt_cross_attn_norm.forward(memory);
        let padding = prompt.padding_bias.as_ref();
        self.prompt_cross_attn.forward(&normed, &prompt.features, &prompt.features, padding)
    }

    /// What each query looks for among the pixels.
    ///
    /// # Shapes
    /// queries: [B, K, D] → the same.
    pub fn embed_queries(&self, queries: &Tensor) -> Tensor {
        self.mask_embedder.forward(queries)
    }

    /// Mask logits of chosen queries.
    ///
    /// # Shapes
    /// pixels: [B, D, M, M]; queries: [B, K, D] → [B, K, M, M].
    pub fn instances(&self, pixels: &Tensor, queries: &Tensor) -> Tensor {
        // q · (W p + b) = (Wᵀ q) · p + q · b: the projection is done for each query instead of every pixel.
        let queries = self.embed_queries(queries);
        let of_picture = |index: i64| {
            let layer = Linear::from(self.instance_projection.seen_by(&queries.get(index)));
            layer.forward(&pixels.get(index).permute([1, 2, 0]))
        };
        let logits: Vec<Tensor> = (0..pixels.size()[0]).map(of_picture).collect(); // [M, M, K]
        Tensor::stack(&logits, 0).permute([0, 3, 1, 2])
    }

    /// Logits of "this pixel belongs to the concept".
    ///
    /// # Shapes
    /// pixels: [B, D, M, M] → [B, 1, M, M].
    pub fn semantic(&self, pixels: &Tensor) -> Tensor {
        self.semantic_projection.forward(pixels)
    }
}
