//! 3 x 3 convolution over maps whose channels lie side by side.

use tch::Tensor;

use super::linear::{finish_row, write_row};
use super::numbers::{narrow_16, wide};
use super::tiles::{MatrixUnit, SIDE, STEP, TileRows, pack_columns, steps_of};
use super::{parallel, view};

/// Lines that one task takes at most.
const LINES: usize = 6;
/// Bytes of the lines that a task reads, when it takes several.
const LINE_BYTES_PER_TASK: usize = 400 << 10;
/// Blocks of pixels whose rows stay in the cache while the kernel goes by.
const PIXEL_BLOCKS: usize = 4;

/// A 3 x 3 convolution, stride 1, padding 1.
#[derive(Debug)]
pub(crate) struct PackedConv3x3 {
    /// [blocks of 32 outputs, 3, steps, 1024]: a row of the kernel is one product, for neighbouring pixels are
    /// neighbours in memory.
    columns: Tensor,
    /// Padded with zeros to whole blocks.
    bias: Vec<f32>,
    inputs: usize,
    outputs: usize,
}

impl PackedConv3x3 {
    /// True for the sizes that the matrix unit is good at.
    pub(crate) fn fits(weight: &Tensor) -> bool {
        let size = weight.size();
        super::apply_to(weight) && size[2..] == [3, 3] && size[0] >= 16 && size[1] % SIDE as i64 == 0
    }

    /// Packs `weight` [outputs, inputs, 3, 3] and `bias` [outputs].
    pub(crate) fn new(weight: &Tensor, bias: Option<&Tensor>) -> Self {
        let [outputs, inputs] = [weight.size()[0], weight.size()[1]].map(|size| size as usize);
        let depth = 3 * inputs;
        let (blocks, length) = (outputs.div_ceil(SIDE), steps_of(depth) * STEP);
        let ordered = weight.permute([0, 2, 3, 1]).contiguous(); // [outputs, 3, 3 · inputs]
        let source = view::bf16(&ordered);
        let mut columns = view::new_bf16(&[(blocks * 3 * length) as i64]);
        parallel::over_chunks(view::bf16_mut(&mut columns), length, &|index, block| {
            let (first, kernel_row) = (index / 3 * SIDE, index % 3);
            let column = |column: usize| source.chunks_exact(depth).nth((first + column) * 3 + kernel_row);
            pack_columns(depth, column, block);
        });
        let mut bias = bias.map(view::to_floats).unwrap_or_default();
        bias.resize(blocks * SIDE, 0.0);
        Self { columns, bias, inputs, outputs }
    }

    /// # Shapes
    /// x: [B, inputs, H, W] → [B, outputs, H, W], channels side by side in memory.
    pub(crate) fn forward(&self, x: &Tensor) -> Tensor {
        let pixels = x.to_kind(tch::Kind::BFloat16).permute([0, 2, 3, 1]).contiguous(); // [B, H, W, inputs]
        let (batch, rows, columns, _) = pixels.size4().expect("maps have four dimensions");
        let (inputs, outputs) = (self.inputs, self.outputs);
        let mut out = view::new_bf16(&[batch, rows, columns, outputs as i64]);
        let (rows, columns) = (rows as usize, columns as usize);
        let map = Map { pixels: view::bf16(&pixels), rows, columns, inputs };
        let lines = map.lines_per_task();
        let job = Job { kernel: view::bf16(&self.columns), bias: &self.bias, inputs, outputs };
        parallel::over_chunks(view::bf16_mut(&mut out), lines * columns * outputs, &|index, out| {
            let padded = map.padded(index * lines, lines);
            let mut sums = vec![0.0; PIXEL_BLOCKS * STEP];
            job.run(&padded, columns, &mut sums, out);
        });
        out.permute([0, 3, 1, 2])
    }
}

/// The input as the threads share it.
struct Map<'a> {
    pixels: &'a [u16],
    /// Of one map of the batch.
    rows: usize,
    columns: usize,
    inputs: usize,
}

impl Map<'_> {
    /// Lines that fill whole blocks of pixels better together, from one map of the batch.
    fn lines_per_task(&self) -> usize {
        let fits = |lines: usize| (lines + 2) * 2 * self.columns * self.inputs <= LINE_BYTES_PER_TASK;
        (2..=LINES).rev().find(|&lines| self.rows.is_multiple_of(lines) && fits(lines)).unwrap_or(1)
    }

    /// `lines` lines from `first` on (counted through the batch) with the one above and the one below them, each with a
    /// zero pixel before it; then zeros that the last block of pixels reads.
    fn padded(&self, first: usize, lines: usize) -> Vec<u16> {
        let (line, pitch) = (self.columns * self.inputs, (self.columns + 1) * self.inputs);
        let mut padded = vec![0; (lines + 2) * pitch + (SIDE + 1) * self.inputs];
        for (index, out) in padded.chunks_exact_mut(pitch).take(lines + 2).enumerate() {
            let row = first % self.rows + index;
            if row > 0 && row <= self.rows {
                out[self.inputs..].copy_from_slice(&self.pixels[(first + index - 1) * line..][..line]);
            }
        }
        padded
    }
}

/// The layer as the threads share it.
struct Job<'a> {
    /// [blocks of 32 outputs, 3, steps, 1024]
    kernel: &'a [u16],
    bias: &'a [f32],
    inputs: usize,
    outputs: usize,
}

impl Job<'_> {
    /// Some lines of the output from the padded input. The lines are one long line, in which the zero pixels are pixels
    /// that nobody reads.
    fn run(&self, input: &[u16], columns: usize, sums: &mut [f32], out: &mut [u16]) {
        let (inputs, outputs) = (self.inputs, self.outputs);
        let (steps, pitch) = (steps_of(3 * inputs), columns + 1);
        let pixels = out.len() / (columns * outputs) * pitch - 1;
        let unit = MatrixUnit::take();
        for start in (0..pixels).step_by(PIXEL_BLOCKS * SIDE) {
            let pixels = (PIXEL_BLOCKS * SIDE).min(pixels - start);
            for (block, kernel) in self.kernel.chunks_exact(3 * steps * STEP).enumerate() {
                for (kernel_row, kernel) in kernel.chunks_exact(steps * STEP).enumerate() {
                    for (index, sums) in sums.chunks_exact_mut(STEP).take(pixels.div_ceil(SIDE)).enumerate() {
                        let input = &input[(kernel_row * pitch + start + index * SIDE) * inputs..];
                        unit.multiply(TileRows::apart(input, inputs), kernel, steps, sums, kernel_row > 0);
                    }
                }
                let (first, bias) = (block * SIDE, &self.bias.as_chunks().0[block]);
                for (pixel, sums) in sums.as_chunks().0.iter().take(pixels).enumerate() {
                    let (line, column) = ((start + pixel) / pitch, (start + pixel) % pitch);
                    if column < columns {
                        let out = &mut out[(line * columns + column) * outputs + first..];
                        finish(sums, bias, &mut out[..SIDE.min(outputs - first)]);
                    }
                }
            }
        }
    }
}

wide! {
    /// Sums of up to 32 outputs of one pixel.
    fn finish(sums: &[f32; SIDE], bias: &[f32; SIDE], out: &mut [u16]) {
        write_row(finish_row(sums, bias, None, |x| x, |half| narrow_16(half)), out);
    }
}
