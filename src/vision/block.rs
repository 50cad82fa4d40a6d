//! One block of the trunk: rotary attention within windows or over the whole grid, then a perceptron.

use tch::Tensor;

use super::window;
use crate::config::VitConfig;
use crate::error::Result;
use crate::nn::{Activation, FeedForward, LayerNorm, Linear, Rope, rotate, split_pairs_in_rows};
use crate::weights::Loader;

/// `layers.N`.
#[derive(Debug)]
pub(super) struct Block {
    layer_norm1: LayerNorm,
    attention: RopeAttention,
    layer_norm2: LayerNorm,
    mlp: FeedForward,
    /// Side of the windows in tokens; `None` attends to the whole grid.
    window: Option<i64>,
}

/// `attention`: query, key and value in one projection.
#[derive(Debug)]
struct RopeAttention {
    qkv: Linear,
    output: Linear,
    heads: i64,
}

impl Block {
    pub(super) fn new(loader: &Loader<'_>, config: &VitConfig, is_global: bool) -> Result<Self> {
        let (width, eps) = (config.hidden_size, config.layer_norm_eps);
        Ok(Self {
            layer_norm1: LayerNorm::with_eps(&loader.sub("layer_norm1"), width, eps)?,
            attention: RopeAttention::new(&loader.sub("attention"), width, config.num_attention_heads)?,
            layer_norm2: LayerNorm::with_eps(&loader.sub("layer_norm2"), width, eps)?,
            mlp: FeedForward::new(&loader.sub("mlp"), width, config.intermediate_size, Activation::Gelu)?,
            window: (!is_global).then_some(config.window_size),
        })
    }

    pub(super) fn is_global(&self) -> bool {
        self.window.is_none()
    }

    /// # Shapes
    /// x: [B, G, G, C] → the same; `rope` covers a window or the grid.
    pub(super) fn forward(&self, x: &Tensor, rope: &Rope) -> Tensor {
        let (batch, grid, _, width) = x.size4().expect("token grids have four dimensions");
        let normed = self.layer_norm1.forward(x);
        let attended = match self.window {
            Some(side) => window::join(&self.attention.forward(&window::partition(&normed, side), rope), side, grid),
            None => self.attention.forward(&normed.view([batch, grid * grid, width]), rope).view_as(x),
        };
        let x = x + attended;
        &x + self.mlp.forward(&self.layer_norm2.forward(&x))
    }
}

impl RopeAttention {
    fn new(loader: &Loader<'_>, width: i64, heads: i64) -> Result<Self> {
        let linear = |name: &str| Linear::new(&loader.sub(name), width, width);
        let rows = split_pairs_in_rows(heads, width / heads, loader.device());
        let (query, key) = (linear("q_proj")?.with_rows(&rows), linear("k_proj")?.with_rows(&rows));
        Ok(Self { qkv: Linear::fused(&[&query, &key, &linear("v_proj")?]), output: linear("o_proj")?, heads })
    }

    /// # Shapes
    /// x: [B, L, C] → the same.
    fn forward(&self, x: &Tensor, rope: &Rope) -> Tensor {
        let (batch, length, width) = x.size3().expect("tokens have three dimensions");
        let head_width = width / self.heads;
        let qkv = self.qkv.forward(x).view([batch, length, 3 * self.heads, head_width]).transpose(1, 2);
        let turned = rotate(&qkv.narrow(1, 0, 2 * self.heads), rope); // queries and keys at once
        let (query, key) = (turned.narrow(1, 0, self.heads), turned.narrow(1, self.heads, self.heads));
        let value = qkv.narrow(1, 2 * self.heads, self.heads); // [B, heads, L, C / heads]
        let attended =
            Tensor::scaled_dot_product_attention(&query, &key, &value, None::<Tensor>, 0.0, false, None, false);
        self.output.forward(&attended.transpose(1, 2).reshape([batch, length, width]))
    }
}
