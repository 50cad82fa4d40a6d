//! The bias that steers a query to the surroundings of its box, from the perceptrons' weights to bf16 scores.

use tch::Tensor;

use super::numbers::{narrow, wide};
use super::{parallel, view};

/// Queries that one task takes.
const QUERIES_PER_TASK: usize = 8;

/// A perceptron from two distances to one number for each head.
#[derive(Debug)]
pub(crate) struct PackedAxis {
    /// Of the two distances, and the bias: [width] each.
    inner: [Vec<f32>; 3],
    /// [width, heads]
    outer: Vec<f32>,
    outer_bias: Vec<f32>,
}

impl PackedAxis {
    /// inner: [width, 2] and [width]; outer: [heads, width] and [heads].
    pub(crate) fn new(inner: [&Tensor; 2], outer: [&Tensor; 2]) -> Self {
        let column = |index: i64| view::to_floats(&inner[0].select(1, index));
        Self {
            inner: [column(0), column(1), view::to_floats(inner[1])],
            outer: view::to_floats(&outer[0].transpose(0, 1)),
            outer_bias: view::to_floats(outer[1]),
        }
    }

    /// # Shapes
    /// near, far: [G], log-scaled distances to both edges → out: [heads, G].
    fn forward(&self, near: &[f32], far: &[f32], hidden: &mut [f32], out: &mut [f32]) {
        let grid = near.len();
        for (out, bias) in out.chunks_exact_mut(grid).zip(&self.outer_bias) {
            out.fill(*bias);
        }
        let heads = self.outer_bias.len();
        for (unit, of_heads) in self.outer.chunks_exact(heads).enumerate() {
            let [a, b, bias] = [0, 1, 2].map(|part| self.inner[part][unit]);
            add_unit(near, far, [a, b, bias], of_heads, hidden, out);
        }
    }
}

wide! {
    /// One hidden unit's part of the output.
    fn add_unit(
        near: &[f32], far: &[f32], weights: [f32; 3], of_heads: &[f32], hidden: &mut [f32], out: &mut [f32],
    ) {
        for ((hidden, near), far) in hidden.iter_mut().zip(near).zip(far) {
            *hidden = near.mul_add(weights[0], far.mul_add(weights[1], weights[2])).max(0.0);
        }
        for (out, weight) in out.chunks_exact_mut(near.len()).zip(of_heads) {
            out.iter_mut().zip(hidden.iter()).for_each(|(out, hidden)| *out = hidden.mul_add(*weight, *out));
        }
    }

    /// One query's row of one head: y down, x along.
    fn cross(x: &[f32], y: &[f32], out: &mut [u16]) {
        for (out, y) in out.chunks_exact_mut(x.len()).zip(y) {
            out.iter_mut().zip(x).for_each(|(out, x)| *out = narrow(x + y));
        }
    }
}

/// # Shapes
/// boxes: [B, Q, 4] cxcywh fp32; `log_scaled` is applied to distances → [B, heads, 1 + Q, grid · grid], the first row of
/// zeros.
pub(crate) fn box_bias(boxes: &Tensor, grid: usize, axes: [&PackedAxis; 2], log_scaled: fn(f32) -> f32) -> Tensor {
    let (batch, queries) = (boxes.size()[0] as usize, boxes.size()[1] as usize);
    let heads = axes[0].outer_bias.len();
    let numbers = view::to_floats(boxes);
    // Both axes of every query: [B · Q, 2, heads, grid].
    let mut sides = vec![0.0f32; batch * queries * 2 * heads * grid];
    parallel::over_chunks(&mut sides, QUERIES_PER_TASK * 2 * heads * grid, &|task, sides| {
        let mut scratch = vec![0.0; 3 * grid];
        let (near, rest) = scratch.split_at_mut(grid);
        let (far, hidden) = rest.split_at_mut(grid);
        for (index, out) in sides.chunks_exact_mut(heads * grid).enumerate() {
            let (query, axis) = (task * QUERIES_PER_TASK + index / 2, index % 2);
            let (centre, half) = (numbers[query * 4 + axis], numbers[query * 4 + 2 + axis] * 0.5);
            for cell in 0..grid {
                let position = cell as f32 / grid as f32;
                near[cell] = log_scaled(position - (centre - half));
                far[cell] = log_scaled(position - (centre + half));
            }
            axes[axis].forward(near, far, hidden, out);
        }
    });
    let cells = grid * grid;
    let mut out = view::new_bf16(&[batch as i64, heads as i64, 1 + queries as i64, cells as i64]);
    parallel::over_chunks(view::bf16_mut(&mut out), (1 + queries) * cells, &|index, out| {
        let (batch, head) = (index / heads, index % heads);
        let (none, rows) = out.split_at_mut(cells);
        none.fill(0);
        for (query, row) in rows.chunks_exact_mut(cells).enumerate() {
            let of_axis =
                |axis: usize| &sides[(((batch * queries + query) * 2 + axis) * heads + head) * grid..][..grid];
            cross(of_axis(0), of_axis(1), row);
        }
    });
    out
}
