//! One block of the trunk: rotary attention within windows or over the whole grid, then a perceptron.

use tch::Tensor;

use super::window;
use crate::config::VitConfig;
use crate::error::Result;
use crate::nn::{
    Activation, FeedForward, LayerNorm, Linear, LinearWeights, Rope, attend, rotate_heads, split_pairs_in_rows,
};
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
            Some(side) => window::join(&self.attention.attend(&window::partition(&normed, side), rope), side, grid),
            None => self.attention.attend(&normed.view([batch, grid * grid, width]), rope).view_as(x),
        };
        let x = self.attention.output.forward_onto(x, &attended);
        self.mlp.forward_onto(&x, &self.layer_norm2.forward(&x))
    }
}

impl RopeAttention {
    fn new(loader: &Loader<'_>, width: i64, heads: i64) -> Result<Self> {
        let linear = |name: &str| LinearWeights::new(&loader.sub(name), width, width);
        let rows = split_pairs_in_rows(heads, width / heads, loader.device());
        let (query, key) = (linear("q_proj")?.with_rows(&rows), linear("k_proj")?.with_rows(&rows));
        Ok(Self {
            qkv: LinearWeights::fused(&[query, key, linear("v_proj")?]).into(),
            output: linear("o_proj")?.into(),
            heads,
        })
    }

    /// What each token gathers from the others, before the output projection.
    ///
    /// # Shapes
    /// x: [B, L, C] → the same.
    fn attend(&self, x: &Tensor, rope: &Rope) -> Tensor {
        let (batch, length, width) = x.size3().expect("tokens have three dimensions");
        let head_width = width / self.heads;
        let qkv = rotate_heads(self.qkv.forward(x), 2 * self.heads, head_width, rope);
        let parts = qkv.view([batch, length, 3, self.heads, head_width]).permute([2, 0, 3, 1, 4]);
        attend(&parts.get(0), &parts.get(1), &parts.get(2), None, false)
    }
}
