//! Linear layers and the small perceptrons made of them.

use tch::Tensor;

use crate::error::Result;
use crate::weights::Loader;

/// `y = x Wᵀ + b`.
#[derive(Debug)]
pub struct Linear {
    weight: Tensor,
    bias: Option<Tensor>,
}

impl Linear {
    /// Reads `weight` `[out, in]` and `bias` `[out]`.
    ///
    /// # Errors
    /// As [`Loader::tensor`].
    pub fn new(loader: &Loader<'_>, inputs: i64, outputs: i64) -> Result<Self> {
        Ok(Self {
            weight: loader.tensor("weight", &[outputs, inputs])?,
            bias: Some(loader.tensor("bias", &[outputs])?),
        })
    }

    /// A layer from tensors at hand: `weight` `[out, in]`, `bias` `[out]`.
    pub fn from_parts(weight: Tensor, bias: Tensor) -> Self {
        Self { weight, bias: Some(bias) }
    }

    /// Several layers of one input side by side: one multiplication, outputs concatenated in order.
    pub fn fused(layers: &[&Self]) -> Self {
        let weights: Vec<_> = layers.iter().map(|layer| &layer.weight).collect();
        let biases: Vec<_> = layers.iter().filter_map(|layer| layer.bias.as_ref()).collect();
        Self { weight: Tensor::cat(&weights, 0), bias: Some(Tensor::cat(&biases, 0)) }
    }

    /// The same layer with its outputs permuted by `rows` `[out]`.
    pub fn with_rows(&self, rows: &Tensor) -> Self {
        Self {
            weight: self.weight.index_select(0, rows),
            bias: self.bias.as_ref().map(|bias| bias.index_select(0, rows)),
        }
    }

    /// # Shapes
    /// x: [.., in] → [.., out], in the precision of the weights.
    pub fn forward(&self, x: &Tensor) -> Tensor {
        x.to_kind(self.weight.kind()).linear(&self.weight, self.bias.as_ref())
    }
}

/// Activation between the layers of a perceptron.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activation {
    /// Exact (erf) GELU.
    Gelu,
    /// ReLU.
    Relu,
}

impl Activation {
    /// Elementwise.
    pub fn forward(self, x: &Tensor) -> Tensor {
        match self {
            Self::Gelu => x.gelu("none"),
            Self::Relu => x.relu(),
        }
    }
}

/// `fc2(act(fc1(x)))`, the feed-forward part of a transformer layer.
#[derive(Debug)]
pub struct FeedForward {
    fc1: Linear,
    fc2: Linear,
    activation: Activation,
}

impl FeedForward {
    /// Reads `fc1` and `fc2`.
    ///
    /// # Errors
    /// As [`Loader::tensor`].
    pub fn new(loader: &Loader<'_>, width: i64, inner: i64, activation: Activation) -> Result<Self> {
        Ok(Self {
            fc1: Linear::new(&loader.sub("fc1"), width, inner)?,
            fc2: Linear::new(&loader.sub("fc2"), inner, width)?,
            activation,
        })
    }

    /// # Shapes
    /// x: [.., width] → [.., width].
    pub fn forward(&self, x: &Tensor) -> Tensor {
        self.fc2.forward(&self.activation.forward(&self.fc1.forward(x)))
    }
}

/// Linear layers with ReLU between them, named `layer1`, `layer2`, … in the checkpoint.
#[derive(Debug)]
pub struct HeadMlp {
    layers: Vec<Linear>,
}

impl HeadMlp {
    /// Reads one layer for each step of `widths`.
    ///
    /// # Errors
    /// As [`Loader::tensor`].
    pub fn new(loader: &Loader<'_>, widths: &[i64]) -> Result<Self> {
        Self::named(loader, widths, |index| format!("layer{}", index + 1))
    }

    /// The same with the checkpoint's own name for the `index`th layer.
    ///
    /// # Errors
    /// As [`Loader::tensor`].
    pub fn named(loader: &Loader<'_>, widths: &[i64], name: impl Fn(usize) -> String) -> Result<Self> {
        let layer = |(index, pair): (usize, &[i64])| Linear::new(&loader.sub(&name(index)), pair[0], pair[1]);
        Ok(Self { layers: widths.windows(2).enumerate().map(layer).collect::<Result<_>>()? })
    }

    /// # Shapes
    /// x: [.., first width] → [.., last width].
    pub fn forward(&self, x: &Tensor) -> Tensor {
        let mut hidden = self.layers[0].forward(x);
        for layer in &self.layers[1..] {
            hidden = layer.forward(&hidden.relu());
        }
        hidden
    }
}
