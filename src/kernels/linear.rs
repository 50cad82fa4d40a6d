//! `y = x Wᵀ + b`, with what follows it.

use std::cell::RefCell;

use tch::Tensor;

use super::numbers::{gelu, narrow_16, wide, widen};
use super::tiles::{MatrixUnit, SIDE, STEP, TileRows, pack_columns, pack_rows, steps_of};
use super::{parallel, view};
use crate::nn::Activation;

/// Blocks of columns whose sums are finished together, so that lines of the output are written in long pieces.
const BLOCKS_AT_ONCE: usize = 4;
/// Steps whose rows stay in the first cache while columns go by.
const STEPS_AT_ONCE: usize = 16;
/// Bytes of rows that one task keeps in the cache while it goes through the columns.
const ROW_BYTES_PER_TASK: usize = 600 << 10;
/// The same where sums are kept as well.
const FUSED_ROW_BYTES_PER_TASK: usize = 600 << 10;
/// Blocks of columns between two layers that are kept at a time.
const HIDDEN_BLOCKS: usize = 16;
/// Numbers that are rounded at once.
const HALF: usize = SIDE / 2;
/// Multiplications below which a second thread costs more than it brings.
const WORTH_SHARING: usize = 1 << 19;

/// What is done to each output before it is rounded: the activation, then the addition.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct After<'a> {
    pub(crate) activation: Option<Activation>,
    /// The shape of the output, or with a batch of one, which is then added to every batch.
    pub(crate) residual: Option<&'a Tensor>,
}

/// A linear layer's weight in tiles.
#[derive(Debug)]
pub(crate) struct PackedLinear {
    /// [blocks of 32 outputs, steps, 1024]
    columns: Tensor,
    inputs: usize,
    outputs: usize,
    /// Padded with zeros to whole blocks.
    bias: Vec<f32>,
}

impl PackedLinear {
    /// True for the sizes that the matrix unit is good at.
    pub(crate) fn fits(weight: &Tensor) -> bool {
        let size = weight.size();
        super::apply_to(weight) && size[1] >= 16 && size[0] > 0
    }

    /// Packs `weight` [outputs, inputs] and `bias` [outputs].
    pub(crate) fn new(weight: &Tensor, bias: Option<&Tensor>) -> Self {
        let [outputs, inputs] = [weight.size()[0], weight.size()[1]].map(|size| size as usize);
        let (blocks, steps) = (outputs.div_ceil(SIDE), steps_of(inputs));
        let mut columns = view::new_bf16(&[(blocks * steps * STEP) as i64]);
        let weight = weight.contiguous();
        let source = view::bf16(&weight);
        parallel::over_chunks(view::bf16_mut(&mut columns), steps * STEP, &|index, block| {
            pack_columns(inputs, |column| source.chunks_exact(inputs).nth(index * SIDE + column), block);
        });
        let mut bias = bias.map(view::to_floats).unwrap_or_default();
        bias.resize(blocks * SIDE, 0.0);
        Self { columns, inputs, outputs, bias }
    }

    /// # Shapes
    /// x: [.., inputs] → [.., outputs].
    pub(crate) fn forward(&self, x: &Tensor, after: After<'_>) -> Tensor {
        let (inputs, outputs) = (self.inputs, self.outputs);
        let inner = Inner { columns: view::bf16(&self.columns), steps: steps_of(inputs) };
        let bias = self.bias.as_slice();
        let activation = after.activation;
        run(x, [inputs, outputs], ROW_BYTES_PER_TASK, after.residual, &|input, residual, out| {
            let finish = Finish { bias, residual, activation, outputs };
            BUFFERS.with_borrow_mut(|Buffers { rows, sums, .. }| {
                pack_all_rows(input, inputs, rows);
                sums.resize(BLOCKS_AT_ONCE * STEP, 0.0);
                inner.run_at_once(rows, sums, &finish, out);
            });
        })
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
    let inner = |layer: &PackedLinear| steps_of(layer.inputs);
    let fused = Fused {
        first: Inner { columns: view::bf16(&first.columns), steps: inner(first) },
        first_bias: &first.bias,
        activation,
        second: Inner { columns: view::bf16(&second.columns), steps: inner(second) },
    };
    let (inputs, outputs, bias) = (first.inputs, second.outputs, second.bias.as_slice());
    run(x, [inputs, outputs], FUSED_ROW_BYTES_PER_TASK, residual, &|input, residual, out| {
        let finish = Finish { bias, residual, activation: None, outputs };
        BUFFERS.with_borrow_mut(|buffers| {
            pack_all_rows(input, inputs, &mut buffers.rows);
            fused.run(buffers, &finish, out);
        });
    })
}

/// Input, what is added, and the output of some rows.
type Task<'a> = dyn Fn(&[u16], Option<Residual<'_>>, &mut [u16]) + Sync + 'a;

/// Calls `task` with the input, what is added, and the output of each part of `x`, in parallel.
fn run(
    x: &Tensor,
    [inputs, outputs]: [usize; 2],
    row_bytes_per_task: usize,
    residual: Option<&Tensor>,
    task: &Task<'_>,
) -> Tensor {
    let x = x.to_kind(tch::Kind::BFloat16).contiguous();
    let residual = residual.map(|residual| residual.to_kind(tch::Kind::BFloat16).contiguous());
    let mut shape = x.size();
    if let Some(last) = shape.last_mut() {
        *last = outputs as i64;
    }
    let mut out = view::new_bf16(&shape);
    let (input, residual) = (view::bf16(&x), residual.as_ref().map(view::bf16));
    let rows = input.len() / inputs;
    let rows_per_task = if rows * inputs * outputs < WORTH_SHARING {
        rows.next_multiple_of(SIDE)
    } else {
        rows_per_task(rows, row_bytes_per_task / (2 * inputs))
    };
    parallel::over_chunks(view::bf16_mut(&mut out), rows_per_task * outputs, &|index, out| {
        let first = index * rows_per_task;
        let input = &input[first * inputs..][..out.len() / outputs * inputs];
        task(input, residual.map(|all| Residual { all, first, width: outputs }), out);
    });
    out
}

/// Even shares for every thread, in whole blocks, and no more than `most` where that is a block.
fn rows_per_task(rows: usize, most: usize) -> usize {
    let threads = tch::get_num_threads().max(1) as usize;
    let shares = rows.div_ceil(most.max(SIDE)).next_multiple_of(threads);
    rows.div_ceil(shares).next_multiple_of(SIDE)
}

thread_local! {
    /// Each thread keeps its buffers; the longest task seen bounds them.
    static BUFFERS: RefCell<Buffers> = RefCell::default();
}

#[derive(Default)]
struct Buffers {
    /// [blocks of rows, steps, 1024]
    rows: Vec<u16>,
    /// What lies between two layers, as rows of the second: [blocks of rows, steps, 1024].
    hidden: Vec<u16>,
    /// [blocks, 32, 32]
    sums: Vec<f32>,
    /// [blocks of rows, blocks of columns, 32, 32]
    totals: Vec<f32>,
}

fn pack_all_rows(input: &[u16], inputs: usize, rows: &mut Vec<u16>) {
    let length = steps_of(inputs) * STEP;
    rows.resize(input.len().div_ceil(SIDE * inputs) * length, 0);
    for (input, rows) in input.chunks(SIDE * inputs).zip(rows.chunks_exact_mut(length)) {
        pack_rows(inputs, |row| input.chunks_exact(inputs).nth(row), rows);
    }
}

/// A layer's products without what follows them.
struct Inner<'a> {
    columns: &'a [u16],
    steps: usize,
}

impl Inner<'_> {
    /// Every product is finished while it is in the cache.
    fn run_at_once(&self, rows: &[u16], sums: &mut [f32], finish: &Finish<'_>, out: &mut [u16]) {
        let unit = MatrixUnit::take();
        let length = self.steps * STEP;
        for (group, columns) in self.columns.chunks(BLOCKS_AT_ONCE * length).enumerate() {
            for (block, rows) in rows.chunks_exact(length).enumerate() {
                for start in (0..self.steps).step_by(STEPS_AT_ONCE) {
                    let steps = STEPS_AT_ONCE.min(self.steps - start);
                    let rows = TileRows::packed(&rows[start * STEP..]);
                    for (columns, sums) in columns.chunks_exact(length).zip(sums.chunks_exact_mut(STEP)) {
                        unit.multiply(rows, &columns[start * STEP..], steps, sums, start > 0);
                    }
                }
                let sums = &sums[..columns.len() / length * STEP];
                finish.rows(sums, group * BLOCKS_AT_ONCE * SIDE, block * SIDE, out);
            }
        }
    }
}

/// Two layers, the first with an activation.
struct Fused<'a> {
    first: Inner<'a>,
    first_bias: &'a [f32],
    activation: Activation,
    second: Inner<'a>,
}

impl Fused<'_> {
    /// A part of the first layer's outputs at a time goes on into the second's sums.
    fn run(&self, buffers: &mut Buffers, finish: &Finish<'_>, out: &mut [u16]) {
        let Buffers { rows, hidden, sums, totals } = buffers;
        let lengths = [&self.first, &self.second].map(|inner| inner.steps * STEP);
        let (blocks, columns) = (rows.len() / lengths[0], self.second.columns.len() / lengths[1]);
        sums.resize(BLOCKS_AT_ONCE * STEP, 0.0);
        hidden.resize(blocks * HIDDEN_BLOCKS * STEP, 0);
        totals.resize(blocks * columns * STEP, 0.0);
        let unit = MatrixUnit::take();
        for (part, first) in self.first.columns.chunks(HIDDEN_BLOCKS * lengths[0]).enumerate() {
            let steps = first.len() / lengths[0];
            for (index, columns) in first.chunks_exact(lengths[0]).enumerate() {
                let bias = &self.first_bias[(part * HIDDEN_BLOCKS + index) * SIDE..][..SIDE];
                for (rows, hidden) in rows.chunks_exact(lengths[0]).zip(hidden.chunks_exact_mut(HIDDEN_BLOCKS * STEP)) {
                    unit.multiply(TileRows::packed(rows), columns, self.first.steps, sums, false);
                    finish_hidden(sums, bias, self.activation, &mut hidden[index * STEP..][..STEP]);
                }
            }
            for (index, second) in self.second.columns.chunks_exact(lengths[1]).enumerate() {
                let second = &second[part * HIDDEN_BLOCKS * STEP..];
                for (block, hidden) in hidden.chunks_exact(HIDDEN_BLOCKS * STEP).enumerate() {
                    let totals = &mut totals[(block * columns + index) * STEP..][..STEP];
                    unit.multiply(TileRows::packed(hidden), second, steps, totals, part > 0);
                }
            }
        }
        for (block, totals) in totals.chunks_exact(columns * STEP).enumerate() {
            finish.rows(totals, 0, block * SIDE, out);
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

impl Finish<'_> {
    /// Neighbouring blocks of sums, [blocks, 32, 32], to their places in the output: from column `first` and line
    /// `first_line` on.
    fn rows(&self, sums: &[f32], first: usize, first_line: usize, out: &mut [u16]) {
        match self.activation {
            None => finish_plain(self, sums, first, first_line, out),
            Some(Activation::Relu) => finish_relu(self, sums, first, first_line, out),
            Some(Activation::Gelu) => finish_gelu(self, sums, first, first_line, out),
        }
    }

    #[inline(always)]
    fn rows_with(
        &self,
        sums: &[f32],
        first: usize,
        first_line: usize,
        out: &mut [u16],
        activate: impl Fn(f32) -> f32 + Copy,
        round: impl Fn([f32; HALF]) -> [u16; HALF] + Copy,
    ) {
        let ((sums, _), (bias, _)) = (sums.as_chunks::<SIDE>(), self.bias.as_chunks::<SIDE>());
        for (line, out) in out.chunks_exact_mut(self.outputs).skip(first_line).take(SIDE).enumerate() {
            for (block, sums) in sums.chunks_exact(SIDE).enumerate() {
                let first = first + block * SIDE;
                let out = &mut out[first..self.outputs.min(first + SIDE)];
                let residual = self.residual.map(|residual| residual.row(first_line + line, first, out.len()));
                let row = finish_row(&sums[line], &bias[first / SIDE], residual, activate, round);
                write_row(row, out);
            }
        }
    }
}

/// Sums of 32 outputs of one row; beyond `residual` nothing is added. Every loop has constant bounds, or it is not made
/// into vectors.
#[inline(always)]
pub(super) fn finish_row(
    sums: &[f32; SIDE],
    bias: &[f32; SIDE],
    residual: Option<&[u16]>,
    activate: impl Fn(f32) -> f32 + Copy,
    round: impl Fn([f32; HALF]) -> [u16; HALF] + Copy,
) -> [u16; SIDE] {
    let mut values = [0.0f32; SIDE];
    for i in 0..SIDE {
        values[i] = activate(sums[i] + bias[i]);
    }
    if let Some(residual) = residual {
        if let Ok(residual) = <&[u16; SIDE]>::try_from(residual) {
            for i in 0..SIDE {
                values[i] += widen(residual[i]);
            }
        } else {
            values.iter_mut().zip(residual).for_each(|(value, residual)| *value += widen(*residual));
        }
    }
    let (halves, _) = values.as_chunks::<HALF>();
    let mut rounded = [0; SIDE];
    rounded.as_chunks_mut().0.iter_mut().zip(halves).for_each(|(rounded, half)| *rounded = round(*half));
    rounded
}

/// As many of a row's outputs as there are.
#[inline(always)]
pub(super) fn write_row(row: [u16; SIDE], out: &mut [u16]) {
    match <&mut [u16; SIDE]>::try_from(&mut *out) {
        Ok(whole) => *whole = row,
        Err(_) => out.copy_from_slice(&row[..out.len()]),
    }
}

wide! {
    fn finish_plain(finish: &Finish<'_>, sums: &[f32], first: usize, first_line: usize, out: &mut [u16]) {
        finish.rows_with(sums, first, first_line, out, |x| x, |half| narrow_16(half));
    }

    fn finish_relu(finish: &Finish<'_>, sums: &[f32], first: usize, first_line: usize, out: &mut [u16]) {
        finish.rows_with(sums, first, first_line, out, |x| x.max(0.0), |half| narrow_16(half));
    }

    fn finish_gelu(finish: &Finish<'_>, sums: &[f32], first: usize, first_line: usize, out: &mut [u16]) {
        finish.rows_with(sums, first, first_line, out, gelu, |half| narrow_16(half));
    }

    /// A block of sums as rows of the next layer.
    fn finish_hidden(sums: &[f32], bias: &[f32], activation: Activation, out: &mut [u16]) {
        let ((sums, _), (bias, _), (out, _)) = (sums.as_chunks(), bias.as_chunks(), out.as_chunks_mut());
        let [bias] = bias else { return };
        for (out, sums) in out.iter_mut().zip(sums) {
            *out = match activation {
                Activation::Relu => finish_row(sums, bias, None, |x| x.max(0.0), |half| narrow_16(half)),
                Activation::Gelu => finish_row(sums, bias, None, gelu, |half| narrow_16(half)),
            };
        }
    }
}
