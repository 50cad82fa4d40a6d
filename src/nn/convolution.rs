//! Convolutions over maps [B, C, H, W].

use tch::Tensor;

use super::{Linear, LinearWeights};
use crate::error::Result;
use crate::kernels::{self, PackedConv3x3};
use crate::weights::Loader;

/// A square convolution.
#[derive(Debug)]
pub struct Conv2d {
    form: Form,
}

#[derive(Debug)]
enum Form {
    Plain {
        weight: Tensor,
        bias: Tensor,
        padding: i64,
        stride: i64,
        groups: i64,
    },
    /// Side 1: a linear layer at every pixel.
    Pointwise(Linear),
    /// Side 3, padding 1.
    Packed(PackedConv3x3),
}

impl Conv2d {
    /// Reads `weight` `[out, in, side, side]` and `bias` `[out]`; stride 1, padded so that odd sides keep the size.
    ///
    /// # Errors
    /// As [`Loader::tensor`].
    pub fn same(loader: &Loader<'_>, inputs: i64, outputs: i64, side: i64) -> Result<Self> {
        Self::new(loader, [inputs, outputs, side], side / 2)
    }

    /// The same with its own padding; `shape` is `[in, out, side]`.
    ///
    /// # Errors
    /// As [`Loader::tensor`].
    pub fn new(loader: &Loader<'_>, shape: [i64; 3], padding: i64) -> Result<Self> {
        let [inputs, outputs, side] = shape;
        let weight = loader.tensor("weight", &[outputs, inputs, side, side])?;
        let bias = loader.tensor("bias", &[outputs])?;
        let form = if side == 1 && kernels::apply_to(&weight) {
            Form::Pointwise(LinearWeights::from_parts(weight.view([outputs, inputs]), bias).into())
        } else if padding == 1 && PackedConv3x3::fits(&weight) {
            Form::Packed(PackedConv3x3::new(&weight, Some(&bias)))
        } else {
            Form::Plain { weight, bias, padding, stride: 1, groups: 1 }
        };
        Ok(Self { form })
    }

    /// The same in steps of `stride` pixels; `shape` is `[in, out, side]`.
    ///
    /// # Errors
    /// As [`Loader::tensor`].
    pub fn strided(loader: &Loader<'_>, shape: [i64; 3], padding: i64, stride: i64) -> Result<Self> {
        let [inputs, outputs, side] = shape;
        let weight = loader.tensor("weight", &[outputs, inputs, side, side])?;
        let bias = loader.tensor("bias", &[outputs])?;
        Ok(Self { form: Form::Plain { weight, bias, padding, stride, groups: 1 } })
    }

    /// Each channel by itself: `weight` `[channels, 1, side, side]`, padded so that odd sides keep the size.
    ///
    /// # Errors
    /// As [`Loader::tensor`].
    pub fn depthwise(loader: &Loader<'_>, channels: i64, side: i64) -> Result<Self> {
        let weight = loader.tensor("weight", &[channels, 1, side, side])?;
        let bias = loader.tensor("bias", &[channels])?;
        Ok(Self { form: Form::Plain { weight, bias, padding: side / 2, stride: 1, groups: channels } })
    }

    /// # Shapes
    /// x: [B, in, H, W] → [B, out, H', W'].
    pub fn forward(&self, x: &Tensor) -> Tensor {
        match &self.form {
            Form::Plain { weight, bias, padding, stride, groups } => {
                let x = x.to_kind(weight.kind());
                x.conv2d(weight, Some(bias), [*stride; 2], [*padding; 2], [1, 1], *groups)
            }
            Form::Pointwise(linear) => linear.forward(&x.permute([0, 2, 3, 1])).permute([0, 3, 1, 2]),
            Form::Packed(packed) => packed.forward(x),
        }
    }
}

/// A transposed convolution that doubles height and width (side 2, stride 2).
#[derive(Debug)]
pub struct ConvTranspose2d {
    form: TransposedForm,
}

#[derive(Debug)]
enum TransposedForm {
    Plain {
        weight: Tensor,
        bias: Tensor,
    },
    /// Every pixel becomes four: one layer with the outputs of all.
    FourPixels(Linear),
}

impl ConvTranspose2d {
    /// Reads `weight` `[in, out, 2, 2]` and `bias` `[out]`.
    ///
    /// # Errors
    /// As [`Loader::tensor`].
    pub fn doubling(loader: &Loader<'_>, inputs: i64, outputs: i64) -> Result<Self> {
        let weight = loader.tensor("weight", &[inputs, outputs, 2, 2])?;
        let bias = loader.tensor("bias", &[outputs])?;
        let form = if kernels::apply_to(&weight) {
            let rows = weight.permute([2, 3, 1, 0]).reshape([4 * outputs, inputs]);
            TransposedForm::FourPixels(LinearWeights::from_parts(rows, bias.repeat([4])).into())
        } else {
            TransposedForm::Plain { weight, bias }
        };
        Ok(Self { form })
    }

    /// # Shapes
    /// x: [B, in, H, W] → [B, out, 2H, 2W].
    pub fn forward(&self, x: &Tensor) -> Tensor {
        let linear = match &self.form {
            TransposedForm::Plain { weight, bias } => {
                let x = x.to_kind(weight.kind());
                return x.conv_transpose2d(weight, Some(bias), [2, 2], [0, 0], [0, 0], 1, [1, 1]);
            }
            TransposedForm::FourPixels(linear) => linear,
        };
        let (batch, _, rows, columns) = x.size4().expect("maps have four dimensions");
        let pixels = linear.forward(&x.permute([0, 2, 3, 1])).view([batch, rows, columns, 2, 2, -1]);
        let doubled = pixels.permute([0, 1, 3, 2, 4, 5]).reshape([batch, 2 * rows, 2 * columns, -1]);
        doubled.permute([0, 3, 1, 2])
    }
}

/// A coarse map doubled to the nearest pixel, plus a fine one.
///
/// # Shapes
/// coarse: [B, C, H, W]; fine: [1 or B, C, 2H, 2W] → [B, C, 2H, 2W].
pub fn double_and_add(coarse: &Tensor, fine: &Tensor) -> Tensor {
    if kernels::apply_to(coarse) {
        return kernels::double_and_add(coarse, fine);
    }
    let (_, _, rows, columns) = fine.size4().expect("maps have four dimensions");
    coarse.upsample_nearest2d([rows, columns], None, None) + fine
}
