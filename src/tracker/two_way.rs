//! Prompt and output tokens look at the picture, and the picture at them.

use tch::Tensor;

use crate::config::TrackerMaskConfig;
use crate::error::Result;
use crate::nn::{Attention, HeadMlp, LayerNorm};
use crate::weights::Loader;

/// `mask_decoder.transformer`.
#[derive(Debug)]
pub struct TwoWayTransformer {
    layers: Vec<Layer>,
    final_attn_token_to_image: Attention,
    layer_norm_final_attn: LayerNorm,
}

/// `layers.N`, post-norm.
#[derive(Debug)]
struct Layer {
    self_attn: Attention,
    layer_norm1: LayerNorm,
    cross_attn_token_to_image: Attention,
    layer_norm2: LayerNorm,
    mlp: HeadMlp,
    layer_norm3: LayerNorm,
    cross_attn_image_to_token: Attention,
    layer_norm4: LayerNorm,
    is_first: bool,
}

impl TwoWayTransformer {
    /// Reads everything below `transformer`.
    ///
    /// # Errors
    /// As [`Loader::tensor`].
    pub fn new(loader: &Loader<'_>, config: &TrackerMaskConfig) -> Result<Self> {
        let layers = loader.sub("layers");
        let layer = |index| Layer::new(&layers.at(index), config, index == 0);
        Ok(Self {
            layers: (0..config.num_hidden_layers).map(layer).collect::<Result<_>>()?,
            final_attn_token_to_image: narrow(&loader.sub("final_attn_token_to_image"), config)?,
            layer_norm_final_attn: LayerNorm::new(&loader.sub("layer_norm_final_attn"), config.hidden_size)?,
        })
    }

    /// Both sides after they have seen each other.
    ///
    /// # Shapes
    /// tokens: [N, T, D]; picture: [N, G·G, D]; places: [1, G·G, D] → [N, T, D] and [N, G·G, D].
    pub fn forward(&self, tokens: &Tensor, picture: &Tensor, places: &Tensor) -> (Tensor, Tensor) {
        let (mut hidden, mut picture) = (tokens.shallow_clone(), picture.shallow_clone());
        for layer in &self.layers {
            (hidden, picture) = layer.forward(&hidden, &picture, tokens, places);
        }
        let (placed_tokens, placed) = (&hidden + tokens, &picture + places);
        let seen = self.final_attn_token_to_image.forward_onto(&hidden, &placed_tokens, [&placed, &picture], None);
        (self.layer_norm_final_attn.forward(&seen), picture)
    }
}

/// Attention whose heads are narrower than its tokens.
fn narrow(loader: &Loader<'_>, config: &TrackerMaskConfig) -> Result<Attention> {
    let width = config.hidden_size;
    let inner = width / config.attention_downsample_rate;
    Attention::with_inner_width(loader, [width, inner], config.num_attention_heads)
}

impl Layer {
    fn new(loader: &Loader<'_>, config: &TrackerMaskConfig, is_first: bool) -> Result<Self> {
        let width = config.hidden_size;
        let norm = |name: &str| LayerNorm::new(&loader.sub(name), width);
        // The published class gives this perceptron as many layers as the transformer has.
        let depth = config.num_hidden_layers;
        Ok(Self {
            self_attn: Attention::new(&loader.sub("self_attn"), width, config.num_attention_heads)?,
            layer_norm1: norm("layer_norm1")?,
            cross_attn_token_to_image: narrow(&loader.sub("cross_attn_token_to_image"), config)?,
            layer_norm2: norm("layer_norm2")?,
            mlp: HeadMlp::in_and_out(&loader.sub("mlp"), [width, config.mlp_dim, width], depth)?,
            layer_norm3: norm("layer_norm3")?,
            cross_attn_image_to_token: narrow(&loader.sub("cross_attn_image_to_token"), config)?,
            layer_norm4: norm("layer_norm4")?,
            is_first,
        })
    }

    /// `prompt` are the tokens as they came, which serve as their positions.
    fn forward(&self, tokens: &Tensor, picture: &Tensor, prompt: &Tensor, places: &Tensor) -> (Tensor, Tensor) {
        let tokens = if self.is_first {
            // What the tokens tell each other replaces them: they are still their own positions.
            self.self_attn.forward(tokens, tokens, tokens, None)
        } else {
            let placed = tokens + prompt;
            self.self_attn.forward_onto(tokens, &placed, [&placed, tokens], None)
        };
        let tokens = self.layer_norm1.forward(&tokens);
        let placed = picture + places;
        let asking = &tokens + prompt;
        let tokens = self.cross_attn_token_to_image.forward_onto(&tokens, &asking, [&placed, picture], None);
        let tokens = self.layer_norm2.forward(&tokens);
        let tokens = self.layer_norm3.forward(&(&tokens + self.mlp.forward(&tokens)));
        let told = [&(&tokens + prompt), &tokens];
        let picture = self.cross_attn_image_to_token.forward_onto(picture, &placed, told, None);
        (tokens, self.layer_norm4.forward(&picture))
    }
}
