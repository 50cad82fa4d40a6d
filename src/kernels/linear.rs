//! `y = x Wᵀ + b`, with what follows it.

use std::cell::RefCell;

use tch::Tensor;

use super::brgemm::{Product, pack};
use super::numbers::{gelu, narrow, wide, widen};
use super::{parallel, view};
use crate::nn::Activation;

/// Rows of one product: two tiles of the matrix unit.
const ROWS_PER_PRODUCT: usize = 32;
/// Outputs that are computed together, at most.
pub(super) const WIDEST_PANEL: usize = 256;
/// Bytes of a panel that stay in the cache while the rows of a task go by.
const PANEL_BYTES: usize = 1 << 18;
/// Inputs that one product sums up; longer sums are added up in 32 bits.
const LONGEST_DEPTH: usize = 1024;
/// Bytes of input that one task keeps in the cache while it goes through the panels.
const INPUT_BYTES_PER_TASK: usize = 1 << 20;
/// Multiplications below which a second thread costs more than it brings.
const WORTH_SHARING: usize = 1 << 19;

/// The widest panels of whole tiles that stay in the cache and need little padding.
pub(super) fn panel_width(outputs: usize, depth: usize) -> usize {
    let padded = outputs.next_multiple_of(16);
    let widest = (PANEL_BYTES / (2 * depth)).clamp(64, WIDEST_PANEL).min(padded);
    (2..=widest / 16)
        .rev()
        .map(|tiles| 16 * tiles)
        .find(|width| padded.is_multiple_of(*width))
        .unwrap_or(widest.min(64))
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

/// Of a layer whose weight lies in panels.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sizes {
    pub(super) inputs: usize,
    pub(super) outputs: usize,
    /// Outputs of a panel.
    pub(super) width: usize,
}

/// A layer as the threads share it.
pub(super) struct Job<'a> {
    pub(super) panels: &'a [u16],
    pub(super) bias: &'a [f32],
    pub(super) sizes: Sizes,
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
        let width = panel_width(outputs, inputs.min(LONGEST_DEPTH));
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
        let job = self.job();
        parallel::over_chunks(view::bf16_mut(&mut out), rows_per_task * outputs, &|index, out| {
            let first = index * rows_per_task;
            let input = &input[first * inputs..][..out.len() / outputs * inputs];
            job.run(input, residual.map(|all| Residual { all, first, width: outputs }), after.activation, out);
        });
        out
    }

    fn job(&self) -> Job<'_> {
        Job { panels: view::bf16(&self.panels), bias: &self.bias, sizes: self.sizes }
    }
}

/// A layer with its activation, then another with the addition: `residual + second(act(first(x)))`. What lies between
/// them is as wide as the cache and never as long as the frame.
///
/// # Shapes
/// x: [.., inputs of the first] → [.., outputs of the second].
pub(crate) fn forward_both(
    [first, second]: [&PackedLinear; 2],
    activation: Activation,
    residual: Option<&Tensor>,
    x: &Tensor,
) -> Tensor {
    let x = x.to_kind(tch::Kind::BFloat16).contiguous();
    let residual = residual.map(|residual| residual.to_kind(tch::Kind::BFloat16).contiguous());
    let (inputs, inner, outputs) = (first.sizes.inputs, first.sizes.outputs, second.sizes.outputs);
    let mut shape = x.size();
    if let Some(last) = shape.last_mut() {
        *last = outputs as i64;
    }
    let mut out = view::new_bf16(&shape);
    let (input, residual) = (view::bf16(&x), residual.as_ref().map(view::bf16));
    let rows_per_task = first.sizes.rows_per_task(input.len() / inputs);
    let [first, second] = [first, second].map(PackedLinear::job);
    parallel::over_chunks(view::bf16_mut(&mut out), rows_per_task * outputs, &|index, out| {
        let (start, rows) = (index * rows_per_task, out.len() / outputs);
        HIDDEN.with_borrow_mut(|hidden| {
            hidden.resize(rows * inner, 0);
            first.run(&input[start * inputs..][..rows * inputs], None, Some(activation), hidden);
            let residual = residual.map(|all| Residual { all, first: start, width: outputs });
            second.run(hidden, residual, None, out);
        });
    });
    out
}

impl Sizes {
    /// Even shares for every thread, in whole tiles, and no more than the cache holds.
    fn rows_per_task(self, rows: usize) -> usize {
        if rows * self.inputs * self.outputs < WORTH_SHARING {
            return rows;
        }
        let threads = tch::get_num_threads().max(1) as usize;
        let most = (INPUT_BYTES_PER_TASK / (2 * self.inputs.min(LONGEST_DEPTH))).max(ROWS_PER_PRODUCT);
        let shares = rows.div_ceil(most).next_multiple_of(threads);
        rows.div_ceil(shares).next_multiple_of(16)
    }
}

thread_local! {
    /// A task's rows between two layers; the longest task seen bounds it.
    static HIDDEN: RefCell<Vec<u16>> = RefCell::default();
    /// Sums of a task's rows; the longest task seen bounds it.
    static SUMS: RefCell<Vec<f32>> = RefCell::default();
}

impl Job<'_> {
    fn run(&self, input: &[u16], residual: Option<Residual<'_>>, activation: Option<Activation>, out: &mut [u16]) {
        let after = Finish { bias: self.bias, residual, activation, outputs: self.sizes.outputs };
        SUMS.with_borrow_mut(|sums| {
            if self.sizes.inputs > LONGEST_DEPTH {
                self.run_in_parts(input, &after, sums, out);
            } else {
                self.run_at_once(input, &after, sums, out);
            }
        });
    }

    /// Every product is finished while it is in the cache.
    fn run_at_once(&self, input: &[u16], after: &Finish<'_>, sums: &mut Vec<f32>, out: &mut [u16]) {
        let Sizes { inputs, width, .. } = self.sizes;
        sums.resize(ROWS_PER_PRODUCT * width, 0.0);
        for (index, panel) in self.panels.chunks_exact(width * inputs).enumerate() {
            for (block, input) in input.chunks(ROWS_PER_PRODUCT * inputs).enumerate() {
                let rows = input.len() / inputs;
                let product = Product { rows, columns: width, depth: inputs, stride_a: inputs };
                product.multiply(input, panel, sums, false);
                finish(&sums[..rows * width], width, index * width, block * ROWS_PER_PRODUCT, after, out);
            }
        }
    }

    /// Part after part of the inputs goes through all panels, so that neither rows nor panels leave the cache between.
    fn run_in_parts(&self, input: &[u16], after: &Finish<'_>, sums: &mut Vec<f32>, out: &mut [u16]) {
        let Sizes { inputs, width, .. } = self.sizes;
        let (rows, panels) = (input.len() / inputs, self.panels.len() / (width * inputs));
        sums.resize(rows * panels * width, 0.0);
        let depth = inputs.div_ceil(inputs.div_ceil(LONGEST_DEPTH)).next_multiple_of(32);
        for start in (0..inputs).step_by(depth) {
            let depth = depth.min(inputs - start);
            for (index, sums) in sums.chunks_exact_mut(rows * width).enumerate() {
                let panel = &self.panels[(index * inputs + start) * width..][..depth * width];
                for (block, sums) in sums.chunks_mut(ROWS_PER_PRODUCT * width).enumerate() {
                    let input = &input[block * ROWS_PER_PRODUCT * inputs + start..];
                    let product = Product { rows: sums.len() / width, columns: width, depth, stride_a: inputs };
                    product.multiply(input, panel, sums, start > 0);
                }
            }
        }
        for (index, sums) in sums.chunks_exact(rows * width).enumerate() {
            finish(sums, width, index * width, 0, after, out);
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
    #[inline(always)]
    fn row(&self, line: usize, first_column: usize, columns: usize) -> &'a [u16] {
        let row = (self.first + line) % (self.all.len() / self.width);
        &self.all[row * self.width + first_column..][..columns]
    }
}

/// What becomes of sums.
struct Finish<'a> {
    bias: &'a [f32],
    residual: Option<Residual<'a>>,
    activation: Option<Activation>,
    outputs: usize,
}

wide! {
    /// Rows of sums, [rows, width], to their places in the output: from column `first` and line `first_line` on.
    fn finish(sums: &[f32], width: usize, first: usize, first_line: usize, after: &Finish<'_>, out: &mut [u16]) {
        let valid = width.min(after.outputs - first);
        let bias = &after.bias[first..first + valid];
        for (row, sums) in sums.chunks_exact(width).enumerate() {
            let line = first_line + row;
            let out = &mut out[line * after.outputs + first..][..valid];
            let residual = after.residual.map(|residual| residual.row(line, first, valid));
            match after.activation {
                None => finish_row(sums, bias, residual, out, |x| x),
                Some(Activation::Relu) => finish_row(sums, bias, residual, out, |x| x.max(0.0)),
                Some(Activation::Gelu) => finish_row(sums, bias, residual, out, gelu),
            }
        }
    }
}

#[inline(always)]
fn finish_row(sums: &[f32], bias: &[f32], residual: Option<&[u16]>, out: &mut [u16], activate: impl Fn(f32) -> f32) {
    let sums = sums.iter().zip(bias).map(|(sum, bias)| activate(sum + bias));
    match residual {
        None => out.iter_mut().zip(sums).for_each(|(out, x)| *out = narrow(x)),
        Some(residual) => {
            out.iter_mut().zip(sums).zip(residual).for_each(|((out, x), r)| *out = narrow(x + widen(*r)));
        }
    }
}
