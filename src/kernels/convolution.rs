//! 3 x 3 convolution over maps whose channels lie side by side.

use tch::Tensor;

use super::numbers::{narrow, wide};
use super::tiles::{MatrixUnit, SIDE, STEP, TileRows, pack_columns, steps_of};
use super::{parallel, view};

/// Lines that one task takes.
const LINES: usize = 4;
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
        let map = Map { pixels: view::bf16(&pixels), rows, line: columns * inputs, inputs };
        let padded_line = map.padded_line();
        let job = Job { kernel: view::bf16(&self.columns), bias: &self.bias, inputs, outputs };
        parallel::over_chunks(view::bf16_mut(&mut out), LINES * columns * outputs, &|index, out| {
            let mut padded = vec![0; 3 * padded_line];
            let mut sums = vec![0.0; PIXEL_BLOCKS * STEP];
            let unit = MatrixUnit::take();
            for (line, out) in out.chunks_exact_mut(columns * outputs).enumerate() {
                map.neighbours(index * LINES + line, &mut padded);
                job.run_line(&unit, &padded, columns, &mut sums, out);
            }
        });
        out.permute([0, 3, 1, 2])
    }
}

/// The input as the threads share it.
struct Map<'a> {
    pixels: &'a [u16],
    /// Of one map of the batch.
    rows: usize,
    /// Numbers of a line.
    line: usize,
    inputs: usize,
}

impl Map<'_> {
    /// Numbers of a line with a zero pixel before it, and zeros behind it that fill the last block of pixels.
    fn padded_line(&self) -> usize {
        (self.line / self.inputs).next_multiple_of(SIDE) * self.inputs + 2 * self.inputs
    }

    /// A line (counted through the batch) with the ones above and below it, padded.
    fn neighbours(&self, line: usize, padded: &mut [u16]) {
        for (kernel_row, out) in padded.chunks_exact_mut(self.padded_line()).enumerate() {
            let out = &mut out[self.inputs..][..self.line];
            let row = line % self.rows + kernel_row;
            if row == 0 || row > self.rows {
                out.fill(0);
            } else {
                out.copy_from_slice(&self.pixels[(line + kernel_row - 1) * self.line..][..self.line]);
            }
        }
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
    /// One line of the output from three of the padded input.
    fn run_line(&self, unit: &MatrixUnit, input: &[u16], columns: usize, sums: &mut [f32], out: &mut [u16]) {
        let (inputs, outputs) = (self.inputs, self.outputs);
        let (steps, row_length) = (steps_of(3 * inputs), input.len() / 3);
        for start in (0..columns).step_by(PIXEL_BLOCKS * SIDE) {
            let pixels = (PIXEL_BLOCKS * SIDE).min(columns - start);
            for (block, kernel) in self.kernel.chunks_exact(3 * steps * STEP).enumerate() {
                for (kernel_row, kernel) in kernel.chunks_exact(steps * STEP).enumerate() {
                    for (index, sums) in sums.chunks_exact_mut(STEP).take(pixels.div_ceil(SIDE)).enumerate() {
                        let input = &input[kernel_row * row_length + (start + index * SIDE) * inputs..];
                        unit.multiply(TileRows::apart(input, inputs), kernel, steps, sums, kernel_row > 0);
                    }
                }
                let (first, bias) = (block * SIDE, &self.bias[block * SIDE..][..SIDE]);
                for (pixel, sums) in sums.chunks_exact(SIDE).take(pixels).enumerate() {
                    let out = &mut out[(start + pixel) * outputs + first..];
                    finish(sums, bias, &mut out[..SIDE.min(outputs - first)]);
                }
            }
        }
    }
}

wide! {
    fn finish(sums: &[f32], bias: &[f32], out: &mut [u16]) {
        out.iter_mut().zip(sums).zip(bias).for_each(|((out, sum), bias)| *out = narrow(sum + bias));
    }
}
