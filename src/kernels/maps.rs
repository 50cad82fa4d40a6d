//! Maps whose channels lie side by side: doubled and joined, normalised by groups.

use tch::Tensor;

use super::numbers::{narrow, wide, widen};
use super::{parallel, view};

/// Pixels that one task takes.
const PIXELS_PER_TASK: usize = 1024;

/// A coarse map doubled to the nearest pixel, plus a fine one.
///
/// # Shapes
/// coarse: [B, C, H, W]; fine: [1 or B, C, 2H, 2W] → [B, C, 2H, 2W]; bf16 on the CPU.
pub(crate) fn double_and_add(coarse: &Tensor, fine: &Tensor) -> Tensor {
    let (coarse, fine) = (in_pixels(coarse), in_pixels(fine));
    let (batch, rows, columns, channels) = coarse.size4().expect("maps have four dimensions");
    let mut out = view::new_bf16(&[batch, 2 * rows, 2 * columns, channels]);
    let (rows, line) = (rows as usize, (columns * channels) as usize);
    let (coarse, fine, channels) = (view::bf16(&coarse), view::bf16(&fine), channels as usize);
    parallel::over_chunks(view::bf16_mut(&mut out), 2 * line, &|index, out| {
        // `index` counts fine lines through the batch; half of it counts coarse ones.
        let coarse = &coarse[index / (2 * rows) * rows * line + index % (2 * rows) / 2 * line..][..line];
        let fine = &fine[index * 2 * line % fine.len()..][..2 * line];
        for (pixel, out) in out.chunks_exact_mut(channels).enumerate() {
            add(&coarse[pixel / 2 * channels..][..channels], &fine[pixel * channels..][..channels], out);
        }
    });
    out.permute([0, 3, 1, 2])
}

/// Group norm, then ReLU.
#[derive(Debug)]
pub(crate) struct PackedGroupNorm {
    weight: Vec<f32>,
    bias: Vec<f32>,
    groups: usize,
    eps: f64,
}

impl PackedGroupNorm {
    /// `weight`, `bias`: [C].
    pub(crate) fn new(weight: &Tensor, bias: &Tensor, groups: i64, eps: f64) -> Self {
        Self { weight: view::to_floats(weight), bias: view::to_floats(bias), groups: groups as usize, eps }
    }

    /// # Shapes
    /// x: [B, C, H, W] → the same, channels side by side in memory.
    pub(crate) fn forward_relu(&self, x: &Tensor) -> Tensor {
        let x = in_pixels(x);
        let mut out = view::new_bf16(&x.size());
        let (input, channels) = (view::bf16(&x), self.weight.len());
        let map = input.len() / x.size()[0] as usize;
        let scales: Vec<_> = input.chunks_exact(map).map(|map| self.scale_and_shift(map)).collect();
        let chunk = PIXELS_PER_TASK.min(map / channels) * channels;
        parallel::over_chunks(view::bf16_mut(&mut out), chunk, &|index, out| {
            let first = index * chunk;
            for (pixel, out) in out.chunks_exact_mut(channels).enumerate() {
                let start = first + pixel * channels;
                let (scale, shift) = &scales[start / map];
                rescale(&input[start..start + channels], scale, shift, out);
            }
        });
        out.permute([0, 3, 1, 2])
    }

    /// What one map's norm does to each channel.
    fn scale_and_shift(&self, map: &[u16]) -> (Vec<f32>, Vec<f32>) {
        let channels = self.weight.len();
        let chunk = PIXELS_PER_TASK * channels;
        let mut sums = vec![0.0f32; map.len().div_ceil(chunk) * 2 * channels];
        parallel::over_chunks(&mut sums, 2 * channels, &|index, sums| {
            let (sums, squares) = sums.split_at_mut(channels);
            let first = index * chunk;
            for pixel in map[first..(first + chunk).min(map.len())].chunks_exact(channels) {
                accumulate(pixel, sums, squares);
            }
        });
        let per_group = channels / self.groups;
        let count = (map.len() / self.groups) as f64;
        let (mut scale, mut shift) = (vec![0.0; channels], vec![0.0; channels]);
        for group in 0..self.groups {
            let of_group = group * per_group..(group + 1) * per_group;
            let total = |offset: usize| -> f64 {
                let parts = sums.chunks_exact(channels).skip(offset).step_by(2);
                parts.flat_map(|part| &part[of_group.clone()]).map(|x| f64::from(*x)).sum()
            };
            let mean = total(0) / count;
            let deviation = (total(1) / count - mean * mean).max(0.0) + self.eps;
            for channel in of_group.clone() {
                scale[channel] = self.weight[channel] * deviation.sqrt().recip() as f32;
                shift[channel] = self.bias[channel] - mean as f32 * scale[channel];
            }
        }
        (scale, shift)
    }
}

/// [B, C, H, W] → [B, H, W, C], dense.
fn in_pixels(map: &Tensor) -> Tensor {
    map.to_kind(tch::Kind::BFloat16).permute([0, 2, 3, 1]).contiguous()
}

wide! {
    fn add(a: &[u16], b: &[u16], out: &mut [u16]) {
        out.iter_mut().zip(a).zip(b).for_each(|((out, a), b)| *out = narrow(widen(*a) + widen(*b)));
    }

    fn accumulate(pixel: &[u16], sums: &mut [f32], squares: &mut [f32]) {
        for ((bits, sum), square) in pixel.iter().zip(sums).zip(squares) {
            let x = widen(*bits);
            *sum += x;
            *square = x.mul_add(x, *square);
        }
    }

    fn rescale(pixel: &[u16], scale: &[f32], shift: &[f32], out: &mut [u16]) {
        for (((out, bits), scale), shift) in out.iter_mut().zip(pixel).zip(scale).zip(shift) {
            *out = narrow(widen(*bits).mul_add(*scale, *shift).max(0.0));
        }
    }
}
