//! Rotary positions turned in place.

use tch::Tensor;

use super::numbers::{narrow, wide, widen};
use super::{parallel, view};

/// Tokens that one task takes.
const ROWS_PER_TASK: usize = 64;

/// Turns the first `heads` heads of every token; each head holds its even channels, then its odd ones.
///
/// # Shapes
/// tokens: [B, L, width], `heads` · head width of them turned; cos, sin: [L, head width / 2] fp32.
pub(crate) fn rotate_in_place(tokens: &mut Tensor, heads: usize, cos: &[f32], sin: &[f32]) {
    let size = tokens.size();
    let (length, width) = (size[1] as usize, size[2] as usize);
    let half = cos.len() / length;
    parallel::over_chunks(view::bf16_mut(tokens), ROWS_PER_TASK * width, &|index, rows| {
        for (row, tokens) in rows.chunks_exact_mut(width).enumerate() {
            let token = (index * ROWS_PER_TASK + row) % length;
            let angles = token * half..(token + 1) * half;
            for head in tokens[..2 * half * heads].chunks_exact_mut(2 * half) {
                let (even, odd) = head.split_at_mut(half);
                turn(even, odd, &cos[angles.clone()], &sin[angles.clone()]);
            }
        }
    });
}

wide! {
    fn turn(even: &mut [u16], odd: &mut [u16], cos: &[f32], sin: &[f32]) {
        for (((even, odd), cos), sin) in even.iter_mut().zip(odd).zip(cos).zip(sin) {
            let (e, o) = (widen(*even), widen(*odd));
            *even = narrow(e * cos - o * sin);
            *odd = narrow(o * cos + e * sin);
        }
    }
}
