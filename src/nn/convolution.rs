//! Convolutions over maps [B, C, H, W].

use tch::Tensor;

use crate::error::Result;
use crate::weights::Loader;

/// A square convolution.
#[derive(Debug)]
pub struct Conv2d {
    weight: Tensor,
    bias: Option<Tensor>,
    stride: i64,
    padding: i64,
}

impl Conv2d {
    /// Reads `weight` `[out, in, side, side]` and `bias` `[out]`; stride 1, padded so that odd sides keep the size.
    ///
    /// # Errors
    /// As [`Loader::tensor`].
    pub fn same(loader: &Loader<'_>, inputs: i64, outputs: i64, side: i64) -> Result<Self> {
        Self::new(loader, [inputs, outputs, side], 1, side / 2)
    }

    /// The same with its own stride and padding; `shape` is `[in, out, side]`.
    ///
    /// # Errors
    /// As [`Loader::tensor`].
    pub fn new(loader: &Loader<'_>, shape: [i64; 3], stride: i64, padding: i64) -> Result<Self> {
        let [inputs, outputs, side] = shape;
        let weight = loader.tensor("weight", &[outputs, inputs, side, side])?;
        Ok(Self { weight, bias: Some(loader.tensor("bias", &[outputs])?), stride, padding })
    }

    /// A patch projection: stride equals side, no padding, no bias.
    ///
    /// # Errors
    /// As [`Loader::tensor`].
    pub fn patches(loader: &Loader<'_>, inputs: i64, outputs: i64, side: i64) -> Result<Self> {
        let weight = loader.tensor("weight", &[outputs, inputs, side, side])?;
        Ok(Self { weight, bias: None, stride: side, padding: 0 })
    }

    /// # Shapes
    /// x: [B, in, H, W] → [B, out, H', W'].
    pub fn forward(&self, x: &Tensor) -> Tensor {
        let (stride, padding) = ([self.stride; 2], [self.padding; 2]);
        x.to_kind(self.weight.kind()).conv2d(&self.weight, self.bias.as_ref(), stride, padding, [1, 1], 1)
    }
}

/// A transposed convolution that doubles height and width (side 2, stride 2).
#[derive(Debug)]
pub struct ConvTranspose2d {
    weight: Tensor,
    bias: Tensor,
}

impl ConvTranspose2d {
    /// Reads `weight` `[in, out, 2, 2]` and `bias` `[out]`.
    ///
    /// # Errors
    /// As [`Loader::tensor`].
    pub fn doubling(loader: &Loader<'_>, inputs: i64, outputs: i64) -> Result<Self> {
        Ok(Self {
            weight: loader.tensor("weight", &[inputs, outputs, 2, 2])?,
            bias: loader.tensor("bias", &[outputs])?,
        })
    }

    /// # Shapes
    /// x: [B, in, H, W] → [B, out, 2H, 2W].
    pub fn forward(&self, x: &Tensor) -> Tensor {
        x.to_kind(self.weight.kind()).conv_transpose2d(
            &self.weight,
            Some(&self.bias),
            [2, 2],
            [0, 0],
            [0, 0],
            1,
            [1, 1],
        )
    }
}
