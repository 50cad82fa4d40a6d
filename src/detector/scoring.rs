//! How well each query fits the prompt: a dot product with the prompt's mean token.

use tch::{Kind, Tensor};

use super::PromptTokens;
use crate::config::DecoderConfig;
use crate::error::Result;
use crate::nn::{HeadMlp, LayerNorm, Linear};
use crate::weights::Loader;

/// Logits beyond this say nothing more.
const LOGIT_LIMIT: f64 = 12.0;

/// `dot_product_scoring`, in 32 bits.
#[derive(Debug)]
pub struct DotProductScoring {
    text_mlp: HeadMlp,
    text_mlp_out_norm: LayerNorm,
    text_proj: Linear,
    query_proj: Linear,
    scale: f64,
}

impl DotProductScoring {
    /// Reads everything below `dot_product_scoring`.
    ///
    /// # Errors
    /// As [`Loader::tensor`].
    pub fn new(loader: &Loader<'_>, config: &DecoderConfig) -> Result<Self> {
        let (width, inner) = (config.hidden_size, config.intermediate_size);
        let loader = loader.in_kind(Kind::Float);
        Ok(Self {
            text_mlp: HeadMlp::new(&loader.sub("text_mlp"), &[width, inner, width])?,
            text_mlp_out_norm: LayerNorm::new(&loader.sub("text_mlp_out_norm"), width)?,
            text_proj: Linear::new(&loader.sub("text_proj"), width, width)?,
            query_proj: Linear::new(&loader.sub("query_proj"), width, width)?,
            scale: (width as f64).sqrt().recip(),
        })
    }

    /// # Shapes
    /// queries: [B, Q, D], normed; prompt of B concepts → logits [B, Q] fp32.
    pub fn forward(&self, queries: &Tensor, prompt: &PromptTokens) -> Tensor {
        let tokens = self.text_mlp_out_norm.forward(&(&prompt.features + self.text_mlp.forward(&prompt.features)));
        let counts = prompt.is_valid.to_kind(Kind::Float).unsqueeze(-1); // [B, T, 1]
        let total = (tokens * &counts).sum_dim_intlist([1i64].as_slice(), false, None::<Kind>);
        let mean = total / counts.sum_dim_intlist([1i64].as_slice(), false, None::<Kind>).clamp_min(1.0); // [B, D]
        let text = self.text_proj.forward(&mean).unsqueeze(-1);
        let logits = self.query_proj.forward(queries).matmul(&text).squeeze_dim(-1);
        (logits * self.scale).clamp(-LOGIT_LIMIT, LOGIT_LIMIT)
    }
}
