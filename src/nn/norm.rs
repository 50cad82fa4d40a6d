//! Normalisation. libtorch accumulates in 32 bits whatever the precision of the input.

use tch::Tensor;

use crate::config::LAYER_NORM_EPS;
use crate::error::Result;
use crate::kernels::{self, PackedGroupNorm, PackedNorm};
use crate::weights::Loader;

/// Layer norm over the last dimension.
#[derive(Debug)]
pub struct LayerNorm {
    weight: Tensor,
    bias: Tensor,
    eps: f64,
    packed: Option<PackedNorm>,
}

impl LayerNorm {
    /// Reads `weight` and `bias` `[width]`, with PyTorch's default epsilon.
    ///
    /// # Errors
    /// As [`Loader::tensor`].
    pub fn new(loader: &Loader<'_>, width: i64) -> Result<Self> {
        Self::with_eps(loader, width, LAYER_NORM_EPS)
    }

    /// The same with its own epsilon.
    ///
    /// # Errors
    /// As [`Loader::tensor`].
    pub fn with_eps(loader: &Loader<'_>, width: i64, eps: f64) -> Result<Self> {
        let (weight, bias) = (loader.tensor("weight", &[width])?, loader.tensor("bias", &[width])?);
        let packed = kernels::apply_to(&weight).then(|| PackedNorm::new(&weight, &bias, eps));
        Ok(Self { weight, bias, eps, packed })
    }

    /// # Shapes
    /// x: [.., width] → the same, in the precision of the weights.
    pub fn forward(&self, x: &Tensor) -> Tensor {
        if let Some(packed) = &self.packed {
            return packed.forward(x);
        }
        let width = self.weight.size()[0];
        x.to_kind(self.weight.kind()).layer_norm([width], Some(&self.weight), Some(&self.bias), self.eps, false)
    }

    /// Over the channels of every pixel.
    ///
    /// # Shapes
    /// x: [B, width, H, W] → the same, in the precision of the weights.
    pub fn forward_map(&self, x: &Tensor) -> Tensor {
        self.forward(&x.permute([0, 2, 3, 1]).contiguous()).permute([0, 3, 1, 2])
    }
}

/// Group norm over channels of a map.
#[derive(Debug)]
pub struct GroupNorm {
    weight: Tensor,
    bias: Tensor,
    groups: i64,
    packed: Option<PackedGroupNorm>,
}

impl GroupNorm {
    /// Reads `weight` and `bias` `[channels]`.
    ///
    /// # Errors
    /// As [`Loader::tensor`].
    pub fn new(loader: &Loader<'_>, groups: i64, channels: i64) -> Result<Self> {
        let (weight, bias) = (loader.tensor("weight", &[channels])?, loader.tensor("bias", &[channels])?);
        let packed = kernels::apply_to(&weight).then(|| PackedGroupNorm::new(&weight, &bias, groups, LAYER_NORM_EPS));
        Ok(Self { weight, bias, groups, packed })
    }

    /// `relu(norm(x))`.
    ///
    /// # Shapes
    /// x: [B, channels, H, W] → the same.
    pub fn forward_relu(&self, x: &Tensor) -> Tensor {
        if let Some(packed) = &self.packed {
            return packed.forward_relu(x);
        }
        x.group_norm(self.groups, Some(&self.weight), Some(&self.bias), LAYER_NORM_EPS, false).relu()
    }
}
