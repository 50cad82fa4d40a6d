//! 3 x 3 convolution over maps whose channels lie side by side.

use tch::Tensor;

use super::brgemm::{Product, pack};
use super::linear::{Job, Sizes, WIDEST_PANEL, panel_width};
use super::numbers::{narrow, wide};
use super::{parallel, view};

/// Lines that one task takes.
const LINES: usize = 4;
/// Columns of one product.
const PIXELS: usize = 48;

/// A 3 x 3 convolution, stride 1, padding 1.
#[derive(Debug)]
pub(crate) struct PackedConv3x3 {
    /// [panels, 3, 3 · inputs / 2, width, 2]: a row of the kernel is one product, for neighbouring pixels are
    /// neighbours in memory.
    panels: Tensor,
    bias: Vec<f32>,
    sizes: Sizes,
}

impl PackedConv3x3 {
    /// True for the sizes that the matrix unit is good at.
    pub(crate) fn fits(weight: &Tensor) -> bool {
        let size = weight.size();
        super::apply_to(weight) && size[2..] == [3, 3] && size[0] >= 16 && size[1] >= 16 && size[1] % 2 == 0
    }

    /// Packs `weight` [outputs, inputs, 3, 3] and `bias` [outputs].
    pub(crate) fn new(weight: &Tensor, bias: Option<&Tensor>) -> Self {
        let [outputs, inputs] = [weight.size()[0], weight.size()[1]].map(|size| size as usize);
        let depth = 3 * inputs;
        let width = panel_width(outputs, depth);
        let count = outputs.div_ceil(width);
        let ordered = weight.permute([0, 2, 3, 1]).contiguous(); // [outputs, 3, 3 · inputs]
        let source = view::bf16(&ordered);
        let mut panels = view::new_bf16(&[(count * 3 * depth * width) as i64]);
        parallel::over_chunks(view::bf16_mut(&mut panels), depth * width, &|index, panel| {
            let (first, kernel_row) = (index / 3 * width, index % 3);
            let row = |column: usize| source.get(((first + column) * 3 + kernel_row) * depth..)?.get(..depth);
            pack(depth, width, row, panel);
        });
        let mut bias = bias.map(view::to_floats).unwrap_or_default();
        bias.resize(count * width, 0.0);
        Self { panels, bias, sizes: Sizes { inputs, outputs, width } }
    }

    /// # Shapes
    /// x: [B, inputs, H, W] → [B, outputs, H, W], channels side by side in memory.
    pub(crate) fn forward(&self, x: &Tensor) -> Tensor {
        let pixels = x.to_kind(tch::Kind::BFloat16).permute([0, 2, 3, 1]).contiguous(); // [B, H, W, inputs]
        let (batch, rows, columns, _) = pixels.size4().expect("maps have four dimensions");
        let Sizes { inputs, outputs, .. } = self.sizes;
        let mut out = view::new_bf16(&[batch, rows, columns, outputs as i64]);
        let (rows, columns) = (rows as usize, columns as usize);
        let map = Map { pixels: view::bf16(&pixels), rows, line: columns * inputs, inputs };
        let job = Job { panels: view::bf16(&self.panels), bias: &self.bias, sizes: self.sizes };
        parallel::over_chunks(view::bf16_mut(&mut out), LINES * columns * outputs, &|index, out| {
            let mut padded = vec![0; 3 * (columns + 2) * inputs];
            for (line, out) in out.chunks_exact_mut(columns * outputs).enumerate() {
                map.neighbours(index * LINES + line, &mut padded);
                job.run_line(&padded, columns, out);
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
    /// A line (counted through the batch) with the ones above and below it; every line of `padded` has a zero pixel
    /// at each end.
    fn neighbours(&self, line: usize, padded: &mut [u16]) {
        for (kernel_row, out) in padded.chunks_exact_mut(self.line + 2 * self.inputs).enumerate() {
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

impl Job<'_> {
    /// One line of the output from three of the padded input.
    fn run_line(&self, input: &[u16], columns: usize, out: &mut [u16]) {
        let Sizes { inputs, outputs, width } = self.sizes;
        let (depth, row_length) = (3 * inputs, (columns + 2) * inputs);
        let mut products = [0.0f32; PIXELS * WIDEST_PANEL];
        for (index, bias) in self.bias.chunks_exact(width).enumerate() {
            let first = index * width;
            let valid = width.min(outputs - first);
            for start in (0..columns).step_by(PIXELS) {
                let rows = PIXELS.min(columns - start);
                let product = Product { rows, columns: width, depth, stride_a: inputs };
                for kernel_row in 0..3 {
                    let panel = &self.panels[(index * 3 + kernel_row) * depth * width..][..depth * width];
                    let input = &input[kernel_row * row_length + start * inputs..];
                    product.multiply(input, panel, &mut products, kernel_row > 0);
                }
                for (pixel, products) in products.chunks_exact(width).take(rows).enumerate() {
                    finish(products, bias, &mut out[(start + pixel) * outputs + first..][..valid]);
                }
            }
        }
    }
}

wide! {
    fn finish(products: &[f32], bias: &[f32], out: &mut [u16]) {
        out.iter_mut().zip(products).zip(bias).for_each(|((out, product), bias)| *out = narrow(product + bias));
    }
}
