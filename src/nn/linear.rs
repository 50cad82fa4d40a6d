//! Linear layers and the small perceptrons made of them.

use tch::{Kind, Tensor};

use crate::error::Result;
use crate::kernels::{self, After, PackedLinear};
use crate::weights::Loader;

/// A linear layer as the checkpoint has it; see [`Linear`].
#[derive(Debug)]
pub struct LinearWeights {
    /// `[out, in]`
    weight: Tensor,
    /// `[out]`
    bias: Tensor,
}

impl LinearWeights {
    /// Reads `weight` `[out, in]` and `bias` `[out]`.
    ///
    /// # Errors
    /// As [`Loader::tensor`].
    pub fn new(loader: &Loader<'_>, inputs: i64, outputs: i64) -> Result<Self> {
        Ok(Self { weight: loader.tensor("weight", &[outputs, inputs])?, bias: loader.tensor("bias", &[outputs])? })
    }

    /// A layer from tensors at hand: `weight` `[out, in]`, `bias` `[out]`.
    pub fn from_parts(weight: Tensor, bias: Tensor) -> Self {
        Self { weight, bias }
    }

    /// Reads a convolution of side 1 as a layer: `weight` `[out, in, 1, 1]` and `bias` `[out]`.
    ///
    /// # Errors
    /// As [`Loader::tensor`].
    pub fn pointwise(loader: &Loader<'_>, inputs: i64, outputs: i64) -> Result<Self> {
        let weight = loader.tensor("weight", &[outputs, inputs, 1, 1])?.reshape([outputs, inputs]);
        Ok(Self { weight, bias: loader.tensor("bias", &[outputs])? })
    }

    /// The layer whose outputs are the products of this one's output with each of `vectors`.
    ///
    /// # Shapes
    /// vectors: [K, out] → a layer from `in` to K.
    pub fn seen_by(&self, vectors: &Tensor) -> Self {
        let vectors = vectors.to_kind(Kind::Float);
        let exact = |weights: &Tensor| vectors.matmul(&weights.to_kind(Kind::Float)).to_kind(self.weight.kind());
        Self { weight: exact(&self.weight), bias: exact(&self.bias) }
    }

    /// This layer after `first`, as one: nothing between them is rounded.
    pub fn after(&self, first: &Self) -> Self {
        let Self { weight, bias } = first.seen_by(&self.weight);
        Self { weight, bias: (bias.to_kind(Kind::Float) + self.bias.to_kind(Kind::Float)).to_kind(self.bias.kind()) }
    }

    /// Several layers of one input side by side: one multiplication, outputs concatenated in order.
    pub fn fused(layers: &[Self]) -> Self {
        let weights: Vec<_> = layers.iter().map(|layer| &layer.weight).collect();
        let biases: Vec<_> = layers.iter().map(|layer| &layer.bias).collect();
        Self { weight: Tensor::cat(&weights, 0), bias: Tensor::cat(&biases, 0) }
    }

    /// The same layer with each output multiplied by one of `factors` `[out]`.
    pub fn scaled(&self, factors: &Tensor) -> Self {
        let factors = factors.to_kind(Kind::Float);
        let scaled =
            |exact: Tensor, factors: Tensor| (exact.to_kind(Kind::Float) * factors).to_kind(self.weight.kind());
        Self {
            weight: scaled(self.weight.shallow_clone(), factors.unsqueeze(-1)),
            bias: scaled(self.bias.shallow_clone(), factors),
        }
    }

    /// The same layer with its outputs permuted by `rows` `[out]`.
    pub fn with_rows(&self, rows: &Tensor) -> Self {
        Self { weight: self.weight.index_select(0, rows), bias: self.bias.index_select(0, rows) }
    }
}

/// `y = x Wᵀ + b`.
#[derive(Debug)]
pub struct Linear {
    form: Form,
}

#[derive(Debug)]
enum Form {
    Plain(LinearWeights),
    Packed(PackedLinear),
}

impl From<LinearWeights> for Linear {
    fn from(weights: LinearWeights) -> Self {
        let form = if PackedLinear::fits(&weights.weight) {
            Form::Packed(PackedLinear::new(&weights.weight, Some(&weights.bias)))
        } else {
            Form::Plain(weights)
        };
        Self { form }
    }
}

impl Linear {
    /// Reads `weight` `[out, in]` and `bias` `[out]`.
    ///
    /// # Errors
    /// As [`Loader::tensor`].
    pub fn new(loader: &Loader<'_>, inputs: i64, outputs: i64) -> Result<Self> {
        LinearWeights::new(loader, inputs, outputs).map(Self::from)
    }

    /// # Shapes
    /// x: [.., in] → [.., out], in the precision of the weights.
    pub fn forward(&self, x: &Tensor) -> Tensor {
        self.forward_and(x, After::default())
    }

    /// `act(y)`.
    ///
    /// # Shapes
    /// As [`Self::forward`].
    pub fn forward_activated(&self, x: &Tensor, activation: Activation) -> Tensor {
        self.forward_and(x, After { activation: Some(activation), residual: None })
    }

    /// `residual + y`.
    ///
    /// # Shapes
    /// x: [.., in]; residual: [.., out], or with a batch of one → [.., out].
    pub fn forward_onto(&self, residual: &Tensor, x: &Tensor) -> Tensor {
        self.forward_and(x, After { activation: None, residual: Some(residual) })
    }

    /// Weight `[out, in]` and bias `[out]` of a layer that is not packed.
    pub(crate) fn plain_parts(&self) -> [&Tensor; 2] {
        match &self.form {
            Form::Plain(LinearWeights { weight, bias }) => [weight, bias],
            Form::Packed(_) => unreachable!("32-bit layers are never packed"),
        }
    }

    fn forward_and(&self, x: &Tensor, after: After<'_>) -> Tensor {
        let LinearWeights { weight, bias } = match &self.form {
            Form::Plain(weights) => weights,
            Form::Packed(packed) => {
                return with_exact_residual(after.residual, |residual| packed.forward(x, After { residual, ..after }));
            }
        };
        let y = x.to_kind(weight.kind()).linear(weight, Some(bias));
        let y = after.activation.map_or(y.shallow_clone(), |activation| activation.forward(&y));
        after.residual.map_or(y.shallow_clone(), |residual| residual + y)
    }
}

/// What the kernels add is bf16: a residual in 32 bits is added afterwards, and stays so.
fn with_exact_residual(residual: Option<&Tensor>, forward: impl FnOnce(Option<&Tensor>) -> Tensor) -> Tensor {
    match residual {
        Some(residual) if residual.kind() == Kind::Float => residual + forward(None),
        residual => forward(residual),
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
        let [fc1, fc2] = ["fc1", "fc2"].map(|name| loader.sub(name));
        Ok(Self::of(LinearWeights::new(&fc1, width, inner)?, LinearWeights::new(&fc2, inner, width)?, activation))
    }

    /// A perceptron of two layers at hand.
    pub fn of(fc1: LinearWeights, fc2: LinearWeights, activation: Activation) -> Self {
        Self { fc1: fc1.into(), fc2: fc2.into(), activation }
    }

    /// # Shapes
    /// x: [.., width] → [.., width].
    pub fn forward(&self, x: &Tensor) -> Tensor {
        self.forward_and(None, x)
    }

    /// `residual + forward(x)`.
    ///
    /// # Shapes
    /// x: [.., width]; residual: the same → the same.
    pub fn forward_onto(&self, residual: &Tensor, x: &Tensor) -> Tensor {
        self.forward_and(Some(residual), x)
    }

    fn forward_and(&self, residual: Option<&Tensor>, x: &Tensor) -> Tensor {
        if let (Form::Packed(first), Form::Packed(second)) = (&self.fc1.form, &self.fc2.form) {
            return with_exact_residual(residual, |residual| {
                kernels::forward_both([first, second], self.activation, residual, x)
            });
        }
        let hidden = self.fc1.forward_activated(x, self.activation);
        self.fc2.forward_and(&hidden, After { activation: None, residual })
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

    pub(crate) fn layers(&self) -> &[Linear] {
        &self.layers
    }

    /// The same with the checkpoint's own name for the `index`th layer.
    ///
    /// # Errors
    /// As [`Loader::tensor`].
    pub fn named(loader: &Loader<'_>, widths: &[i64], name: impl Fn(usize) -> String) -> Result<Self> {
        let layer = |(index, pair): (usize, &[i64])| Linear::new(&loader.sub(&name(index)), pair[0], pair[1]);
        Ok(Self { layers: widths.windows(2).enumerate().map(layer).collect::<Result<_>>()? })
    }

    /// Reads `proj_in`, `layers.0`, … and `proj_out`, the tracker's names: `depth` layers.
    ///
    /// # Errors
    /// As [`Loader::tensor`].
    pub fn in_and_out(loader: &Loader<'_>, [inputs, inner, outputs]: [i64; 3], depth: i64) -> Result<Self> {
        let last = depth as usize - 1;
        let widths = [vec![inputs], vec![inner; last], vec![outputs]].concat();
        Self::named(loader, &widths, |index| match index {
            0 => "proj_in".into(),
            index if index == last => "proj_out".into(),
            index => format!("layers.{}", index - 1),
        })
    }

    /// # Shapes
    /// x: [.., first width] → [.., last width].
    pub fn forward(&self, x: &Tensor) -> Tensor {
        let (last, inner) = self.layers.split_last().expect("a perceptron has layers");
        let mut hidden = x.shallow_clone();
        for layer in inner {
            hidden = layer.forward_activated(&hidden, Activation::Relu);
        }
        last.forward(&hidden)
    }
}
