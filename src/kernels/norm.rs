//! Layer norm over rows.

use tch::Tensor;

use super::numbers::{narrow, sum, wide, widen};
use super::{parallel, view};

/// Rows that one task takes.
const ROWS_PER_TASK: usize = 128;

/// Scale and shift of a layer norm in 32 bits.
#[derive(Debug)]
pub(crate) struct PackedNorm {
    weight: Vec<f32>,
    bias: Vec<f32>,
    eps: f32,
}

impl PackedNorm {
    /// `weight`, `bias`: [width].
    pub(crate) fn new(weight: &Tensor, bias: &Tensor, eps: f64) -> Self {
        Self { weight: view::to_floats(weight), bias: view::to_floats(bias), eps: eps as f32 }
    }

    /// # Shapes
    /// x: [.., width] → the same.
    pub(crate) fn forward(&self, x: &Tensor) -> Tensor {
        let x = x.to_kind(tch::Kind::BFloat16).contiguous();
        let mut out = view::new_bf16(&x.size());
        let (input, width) = (view::bf16(&x), self.weight.len());
        parallel::over_chunks(view::bf16_mut(&mut out), ROWS_PER_TASK * width, &|index, out| {
            let input = &input[index * ROWS_PER_TASK * width..][..out.len()];
            let mut row = vec![0.0f32; width];
            for (input, out) in input.chunks_exact(width).zip(out.chunks_exact_mut(width)) {
                normalise(input, &self.weight, &self.bias, self.eps, &mut row, out);
            }
        });
        out
    }
}

wide! {
    fn normalise(input: &[u16], weight: &[f32], bias: &[f32], eps: f32, row: &mut [f32], out: &mut [u16]) {
        row.iter_mut().zip(input).for_each(|(x, bits)| *x = widen(*bits));
        let count = row.len() as f32;
        let mean = sum(row, |x| x) / count;
        row.iter_mut().for_each(|x| *x -= mean);
        let scale = (sum(row, |x| x * x) / count + eps).sqrt().recip();
        for (((out, x), weight), bias) in out.iter_mut().zip(row.iter()).zip(weight).zip(bias) {
            *out = narrow((x * scale).mul_add(*weight, *bias));
        }
    }
}
