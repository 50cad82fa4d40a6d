//! `y = x Wᵀ + b`, with what follows it.

use tch::Tensor;

use super::brgemm::{Product, pack};
use super::numbers::{gelu, narrow, wide, widen};
use super::{parallel, view};
use crate::nn::Activation;

/// Outputs that are computed together; the weight lies in panels of this width.
const PANEL_WIDTHS: [usize; 5] = [64, 96, 48, 32, 16];
pub(super) const WIDEST_PANEL: usize = 96;
/// Rows of one product: 2 x 2 tiles of the matrix unit, twice.
const ROWS_PER_PRODUCT: usize = 64;
/// Bytes of input that one task keeps in the cache while it goes through the panels.
const INPUT_BYTES_PER_TASK: usize = 1 << 19;
/// Multiplications below which a second thread costs more than it brings.
const WORTH_SHARING: usize = 1 << 19;

/// The widest panels that need little or no padding.
pub(super) fn panel_width(outputs: usize) -> usize {
    let padded = outputs.next_multiple_of(16);
    PANEL_WIDTHS.into_iter().find(|width| padded % width == 0).unwrap_or(PANEL_WIDTHS[0])
}

/// What is done to each output before it is rounded: the activation, then the addition.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct After<'a> {
    pub(crate) activation: Option<Activation>,
    /// The shape of the output, or with a batch of one, which is then added to every batch.
    pub(crate) residual: Option<&'a Tensor>,
}

/// A linear layer's weight in panels.
#[derive(Debug)]
pub(crate) struct PackedLinear {
    /// [panels, inputs / 2, width, 2]
    panels: Tensor,
    sizes: Sizes,
    /// Padded with zeros to whole panels.
    bias: Vec<f32>,
}

#[derive(Debug, Clone, Copy)]
struct Sizes {
    inputs: usize,
    outputs: usize,
    /// Outputs of a panel.
    width: usize,
}

/// The layer as the threads share it.
struct Job<'a> {
    panels: &'a [u16],
    bias: &'a [f32],
    sizes: Sizes,
}

impl PackedLinear {
    /// True for the sizes that the matrix unit is good at.
    pub(crate) fn fits(weight: &Tensor) -> bool {
        let size = weight.size();
        super::apply_to(weight) && size[1] % 2 == 0 && size[1] >= 16 && size[0] > 0
    }

    /// Packs `weight` [outputs, inputs] and `bias` [outputs].
    pub(crate) fn new(weight: &Tensor, bias: Option<&Tensor>) -> Self {
        let [outputs, inputs] = [weight.size()[0], weight.size()[1]].map(|size| size as usize);
        let width = panel_width(outputs);
        let count = outputs.div_ceil(width);
        let mut panels = view::new_bf16(&[(count * width * inputs) as i64]);
        let weight = weight.contiguous();
        let source = view::bf16(&weight);
        parallel::over_chunks(view::bf16_mut(&mut panels), width * inputs, &|index, panel| {
            let row = |column: usize| source.get((index * width + column) * inputs..)?.get(..inputs);
            pack(inputs, width, row, panel);
        });
        let mut bias = bias.map(view::to_floats).unwrap_or_default();
        bias.resize(count * width, 0.0);
        Self { panels, bias, sizes: Sizes { inputs, outputs, width } }
    }

    /// # Shapes
    /// x: [.., inputs] → [.., outputs].
    pub(crate) fn forward(&self, x: &Tensor, after: After<'_>) -> Tensor {
        let x = x.to_kind(tch::Kind::BFloat16).contiguous();
        let residual = after.residual.map(|residual| residual.to_kind(tch::Kind::BFloat16).contiguous());
        let Sizes { inputs, outputs, .. } = self.sizes;
        let mut shape = x.size();
        if let Some(last) = shape.last_mut() {
            *last = outputs as i64;
        }
        let mut out = view::new_bf16(&shape);
        let (input, residual) = (view::bf16(&x), residual.as_ref().map(view::bf16));
        let rows_per_task = self.sizes.rows_per_task(input.len() / inputs);
        let job = Job { panels: view::bf16(&self.panels), bias: &self.bias, sizes: self.sizes };
        parallel::over_chunks(view::bf16_mut(&mut out), rows_per_task * outputs, &|index, out| {
            let first = index * rows_per_task;
            let input = &input[first * inputs..][..out.len() / outputs * inputs];
            job.run(input, residual.map(|all| Residual { all, first, width: outputs }), after.activation, out);
        });
        out
    }
}

impl Sizes {
    /// Even shares for every thread, in whole tiles, and no more than the cache holds.
    fn rows_per_task(self, rows: usize) -> usize {
        if rows * self.inputs * self.outputs < WORTH_SHARING {
            return rows;
        }
        let threads = tch::get_num_threads().max(1) as usize;
        let most = (INPUT_BYTES_PER_TASK / (2 * self.inputs)).max(ROWS_PER_PRODUCT);
        let shares = rows.div_ceil(most).next_multiple_of(threads);
        rows.div_ceil(shares).next_multiple_of(16)
    }
}

impl Job<'_> {
    fn run(&self, input: &[u16], residual: Option<Residual<'_>>, activation: Option<Activation>, out: &mut [u16]) {
        let Sizes { inputs, outputs, width } = self.sizes;
        let mut products = [0.0f32; ROWS_PER_PRODUCT * WIDEST_PANEL];
        for (index, panel) in self.panels.chunks_exact(width * inputs).enumerate() {
            let first = index * width;
            let valid = width.min(outputs - first);
            let bias = &self.bias[first..first + valid];
            for (block, input) in input.chunks(ROWS_PER_PRODUCT * inputs).enumerate() {
                let rows = input.len() / inputs;
                let product = Product { rows, columns: width, depth: inputs, stride_a: inputs };
                product.multiply(input, panel, &mut products, false);
                for row in 0..rows {
                    let line = block * ROWS_PER_PRODUCT + row;
                    let products = &products[row * width..][..valid];
                    let out = &mut out[line * outputs + first..][..valid];
                    let residual = residual.map(|residual| residual.row(line, first, valid));
                    finish(products, bias, residual, activation, out);
                }
            }
        }
    }
}

/// What is added to the rows of one task.
#[derive(Clone, Copy)]
struct Residual<'a> {
    all: &'a [u16],
    first: usize,
    width: usize,
}

impl<'a> Residual<'a> {
    fn row(&self, line: usize, first_column: usize, columns: usize) -> &'a [u16] {
        let row = (self.first + line) % (self.all.len() / self.width);
        &self.all[row * self.width + first_column..][..columns]
    }
}

wide! {
    /// One row of a product to its place in the output.
    fn finish(
        products: &[f32], bias: &[f32], residual: Option<&[u16]>, activation: Option<Activation>, out: &mut [u16],
    ) {
        let sums = products.iter().zip(bias).map(|(product, bias)| product + bias);
        match (activation, residual) {
            (None, None) => out.iter_mut().zip(sums).for_each(|(out, x)| *out = narrow(x)),
            (None, Some(residual)) => {
                out.iter_mut().zip(sums).zip(residual).for_each(|((out, x), r)| *out = narrow(x + widen(*r)));
            }
            (Some(Activation::Relu), None) => out.iter_mut().zip(sums).for_each(|(out, x)| *out = narrow(x.max(0.0))),
            (Some(Activation::Gelu), None) => out.iter_mut().zip(sums).for_each(|(out, x)| *out = narrow(gelu(x))),
            (Some(Activation::Relu), Some(residual)) => {
                out.iter_mut().zip(sums).zip(residual).for_each(|((out, x), r)| *out = narrow(x.max(0.0) + widen(*r)));
            }
            (Some(Activation::Gelu), Some(residual)) => {
                out.iter_mut().zip(sums).zip(residual).for_each(|((out, x), r)| *out = narrow(gelu(x) + widen(*r)));
            }
        }
    }
}
