//! Prompt meets picture: fusion encoder, then a decoder of object queries with scores and boxes.

mod box_bias;
mod decoder;
mod decoder_layer;
mod fusion;
mod scoring;

pub use decoder::{Decoder, DecoderOutput, DecoderStages};
pub use fusion::FusionEncoder;
pub use scoring::DotProductScoring;

use tch::Tensor;

use crate::nn::key_padding_bias;

/// Prompt tokens of several concepts, padded to one length.
#[derive(Debug)]
pub struct PromptTokens {
    /// [B, T, D].
    pub features: Tensor,
    /// [B, T] bool; true where a token counts.
    pub is_valid: Tensor,
    /// What hides the padding, [B, 1, 1, T] fp32; `None` when there is none.
    pub padding_bias: Option<Tensor>,
}

impl PromptTokens {
    /// Pads the tokens of each concept, [T_i, D], to the longest.
    pub fn pad(concepts: &[Tensor]) -> Self {
        let lengths: Vec<i64> = concepts.iter().map(|tokens| tokens.size()[0]).collect();
        let longest = lengths.iter().copied().max().unwrap_or(0);
        let padded: Vec<Tensor> = concepts
            .iter()
            .zip(&lengths)
            .map(|(tokens, length)| tokens.constant_pad_nd([0, 0, 0, longest - length]))
            .collect();
        let features = Tensor::stack(&padded, 0);
        let steps = Tensor::arange(longest, (tch::Kind::Int64, features.device())).unsqueeze(0);
        let is_valid = steps.lt_tensor(&Tensor::from_slice(&lengths).to_device(features.device()).unsqueeze(1));
        let needs_padding = lengths.iter().any(|&length| length != longest);
        let padding_bias = needs_padding.then(|| key_padding_bias(&is_valid));
        Self { features, is_valid, padding_bias }
    }

    /// The concepts at `indices` alone.
    pub fn select(&self, indices: &Tensor) -> Self {
        Self {
            features: self.features.index_select(0, indices),
            is_valid: self.is_valid.index_select(0, indices),
            padding_bias: self.padding_bias.as_ref().map(|bias| bias.index_select(0, indices)),
        }
    }
}
