//! Multi-head attention with separate query, key and value inputs.

use tch::{Kind, Tensor};

use super::Linear;
use crate::error::Result;
use crate::kernels;
use crate::weights::Loader;

/// Multi-head attention.
#[derive(Debug)]
pub struct Attention {
    query: Linear,
    key: Linear,
    value: Linear,
    output: Linear,
    heads: i64,
}

impl Attention {
    /// Reads `q_proj`, `k_proj`, `v_proj` and `o_proj`.
    ///
    /// # Errors
    /// As [`Loader::tensor`].
    pub fn new(loader: &Loader<'_>, width: i64, heads: i64) -> Result<Self> {
        Self::with_output_name(loader, width, heads, "o_proj")
    }

    /// The same with the checkpoint's own name for the output projection.
    ///
    /// # Errors
    /// As [`Loader::tensor`].
    pub fn with_output_name(loader: &Loader<'_>, width: i64, heads: i64, output: &str) -> Result<Self> {
        Self::named(loader, [width, width], heads, output)
    }

    /// The same with heads that have `inner` channels together, where tokens have `width`.
    ///
    /// # Errors
    /// As [`Loader::tensor`].
    pub fn with_inner_width(loader: &Loader<'_>, [width, inner]: [i64; 2], heads: i64) -> Result<Self> {
        Self::named(loader, [width, inner], heads, "o_proj")
    }

    fn named(loader: &Loader<'_>, [width, inner]: [i64; 2], heads: i64, output: &str) -> Result<Self> {
        let linear = |name: &str| Linear::new(&loader.sub(name), width, inner);
        Ok(Self {
            query: linear("q_proj")?,
            key: linear("k_proj")?,
            value: linear("v_proj")?,
            output: Linear::new(&loader.sub(output), inner, width)?,
            heads,
        })
    }

    /// # Shapes
    /// query: [B, Lq, D]; key, value: [B or 1, Lk, D]; bias, added to the scores: broadcastable to [B, heads, Lq, Lk]
    /// → [B, Lq, D]. A batch of one on either side is shared by the other.
    pub fn forward(&self, query: &Tensor, key: &Tensor, value: &Tensor, bias: Option<&Tensor>) -> Tensor {
        self.output.forward(&self.attend(query, key, value, bias))
    }

    /// `residual + forward(…)`.
    ///
    /// # Shapes
    /// As [`Self::forward`]; residual: [B or 1, Lq, D].
    pub fn forward_onto(
        &self,
        residual: &Tensor,
        query: &Tensor,
        [key, value]: [&Tensor; 2],
        bias: Option<&Tensor>,
    ) -> Tensor {
        self.output.forward_onto(residual, &self.attend(query, key, value, bias))
    }

    fn attend(&self, query: &Tensor, key: &Tensor, value: &Tensor, bias: Option<&Tensor>) -> Tensor {
        let query = self.split(&self.query.forward(query));
        let key = self.split(&self.key.forward(key));
        let value = self.split(&self.value.forward(value));
        attend(&query, &key, &value, bias, false)
    }

    /// Self-attention in which no position sees a later one.
    ///
    /// # Shapes
    /// x: [B, L, D] → [B, L, D].
    pub fn forward_causal(&self, x: &Tensor) -> Tensor {
        let query = self.split(&self.query.forward(x));
        let key = self.split(&self.key.forward(x));
        let value = self.split(&self.value.forward(x));
        self.output.forward(&attend(&query, &key, &value, None, true))
    }

    /// [B, L, D] → [B, heads, L, D / heads]
    fn split(&self, x: &Tensor) -> Tensor {
        let (batch, length, width) = x.size3().expect("attention inputs have three dimensions");
        x.view([batch, length, self.heads, width / self.heads]).transpose(1, 2)
    }
}

/// softmax(Q Kᵀ / √W + bias) V.
///
/// # Shapes
/// query: [B or 1, heads, Lq, W]; key: [B or 1, heads, Lk, W]; value: [B or 1, heads, Lk, V]; bias: broadcastable to
/// [B, heads, Lq, Lk] → [B, Lq, heads · V]. libtorch wants V to be W, or it keeps all scores at once.
pub fn attend(query: &Tensor, key: &Tensor, value: &Tensor, bias: Option<&Tensor>, is_causal: bool) -> Tensor {
    let batch = query.size()[0].max(key.size()[0]);
    let (query, key, value) = (shared(query, batch), shared(key, batch), shared(value, batch));
    let computed = if is_causal { None } else { kernels::attend(&query, &key, &value, bias) };
    computed.unwrap_or_else(|| {
        let bias = bias.map(|bias| bias.to_kind(query.kind()));
        let attended =
            Tensor::scaled_dot_product_attention(&query, &key, &value, bias.as_ref(), 0.0, is_causal, None, false);
        attended.transpose(1, 2).flatten(2, 3)
    })
}

fn shared(x: &Tensor, batch: i64) -> Tensor {
    if x.size()[0] == batch { x.shallow_clone() } else { x.expand([batch, -1, -1, -1], false) }
}

/// A bias that hides padding: 0 where `is_valid`, minus infinity elsewhere.
///
/// # Shapes
/// is_valid: [B, L] bool → [B, 1, 1, L] fp32.
pub fn key_padding_bias(is_valid: &Tensor) -> Tensor {
    let bias = Tensor::zeros_like(&is_valid.to_kind(Kind::Float));
    bias.masked_fill(&is_valid.logical_not(), f64::NEG_INFINITY).unsqueeze(1).unsqueeze(1)
}
