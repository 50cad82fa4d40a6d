//! Axial rotary positions of the ViT and of memory attention.
//!
//! The reference rotates neighbouring channels (2j, 2j + 1) by angle j. Attention scores do not change when queries
//! and keys are permuted alike, so the rows of both projections are reordered once at load (first all even channels,
//! then all odd ones) and the rotation becomes two halves, which vectorises.

use tch::{Device, Kind, Tensor};

use crate::kernels;

/// Cosine and sine of every token's angles.
#[derive(Debug)]
pub struct Rope {
    cos: Tensor,
    sin: Tensor,
    /// The same as numbers, for the kernels.
    numbers: [Vec<f32>; 2],
}

impl Rope {
    /// Angles of a `side` x `side` grid for heads of `head_width`: x in the first half of the angles, y in the second,
    /// both counted from 0 and multiplied by `scale`.
    pub fn new(side: i64, scale: f64, head_width: i64, theta: f64, device: Device) -> Self {
        let per_axis = head_width / 4;
        let exponents = Tensor::arange(per_axis, (Kind::Float, device)) * (2.0 / (head_width / 2) as f64);
        let frequencies = Tensor::pow_scalar(theta, &exponents).reciprocal(); // [per_axis]
        let steps = Tensor::arange(side, (Kind::Float, device)) * scale;
        let axis = steps.unsqueeze(-1) * frequencies; // [side, per_axis]
        let x = axis.unsqueeze(0).expand([side, side, per_axis], false);
        let y = axis.unsqueeze(1).expand([side, side, per_axis], false);
        let angles = Tensor::cat(&[x, y], -1).reshape([side * side, 2 * per_axis]);
        let (cos, sin) = (angles.cos(), angles.sin());
        let numbers = [&cos, &sin]
            .map(|angles| Vec::try_from(angles.to_device(Device::Cpu).view(-1)).expect("angles are 32-bit numbers"));
        Self { cos, sin, numbers }
    }
}

/// Rotates heads whose channels are split by [`split_pairs_in_rows`].
///
/// # Shapes
/// x: [B, heads, L, head width] → the same, computed in fp32.
pub fn rotate(x: &Tensor, rope: &Rope) -> Tensor {
    let halves = x.to_kind(Kind::Float).chunk(2, -1);
    let (even, odd) = (&halves[0], &halves[1]);
    let rotated = [even * &rope.cos - odd * &rope.sin, odd * &rope.cos + even * &rope.sin];
    Tensor::cat(&rotated, -1).to_kind(x.kind())
}

/// Order of a projection's rows that brings the even channels of each head before the odd ones.
///
/// # Shapes
/// → [heads · head width] indices.
pub fn split_pairs_in_rows(heads: i64, head_width: i64, device: Device) -> Tensor {
    Tensor::arange(heads * head_width, (Kind::Int64, device))
        .view([heads, head_width / 2, 2])
        .transpose(1, 2)
        .reshape([heads * head_width])
}

/// Turns the first heads of tokens that hold queries, keys and values side by side, in place where that is possible.
///
/// # Shapes
/// tokens: [B, L, N · W] → the same, its first `heads` heads of width W turned.
pub fn rotate_heads(mut tokens: Tensor, heads: i64, head_width: i64, rope: &Rope) -> Tensor {
    let (batch, length, width) = tokens.size3().expect("tokens have three dimensions");
    if kernels::apply_to(&tokens) && tokens.is_contiguous() {
        kernels::rotate_in_place(&mut tokens, heads as usize, &rope.numbers[0], &rope.numbers[1]);
        return tokens;
    }
    let by_head = tokens.view([batch, length, width / head_width, head_width]).transpose(1, 2);
    let turned = rotate(&by_head.narrow(1, 0, heads), rope);
    let rest = by_head.narrow(1, heads, width / head_width - heads);
    Tensor::cat(&[turned, rest], 1).transpose(1, 2).reshape([batch, length, width])
}

/// Turns every head of tokens that are `fields` grids one after another, each by the angles of its cells; the tokens
/// behind them stay. In place where that is possible.
///
/// # Shapes
/// tokens: [B, fields · cells + rest, heads · W] → the same.
pub fn rotate_fields(tokens: Tensor, fields: i64, head_width: i64, rope: &Rope) -> Tensor {
    let (batch, length, width) = tokens.size3().expect("tokens have three dimensions");
    let (cells, heads) = (rope.cos.size()[0], width / head_width);
    let turned = fields * cells;
    if kernels::apply_to(&tokens) && tokens.is_contiguous() {
        for index in 0..batch {
            let mut own = tokens.get(index).narrow(0, 0, turned).view([fields, cells, width]);
            kernels::rotate_in_place(&mut own, heads as usize, &rope.numbers[0], &rope.numbers[1]);
        }
        return tokens;
    }
    let grids = tokens.narrow(1, 0, turned).reshape([batch * fields, cells, width]);
    let grids = rotate_heads(grids, heads, head_width, rope).view([batch, turned, width]);
    Tensor::cat(&[grids, tokens.narrow(1, turned, length - turned)], 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_token_stays_and_the_next_turns_by_one_step_in_x() {
        let rope = Rope::new(2, 0.5, 4, 10_000.0, Device::Cpu);
        // One head of four channels, split order: x pair and y pair contribute (even: x, y), (odd: x, y).
        let x = Tensor::from_slice(&[1.0f32, 1.0, 0.0, 0.0]).view([1, 1, 1, 4]).expand([1, 1, 4, 4], false);
        let turned = rotate(&x, &rope);
        let value = |token: i64, channel: i64| turned.double_value(&[0, 0, token, channel]);
        assert!((value(0, 0) - 1.0).abs() < 1e-6 && value(0, 2).abs() < 1e-6);
        assert!((value(1, 0) - 0.5f64.cos()).abs() < 1e-6, "x turns");
        assert!((value(1, 1) - 1.0).abs() < 1e-6, "y does not");
        assert!((value(2, 3) - 0.5f64.sin()).abs() < 1e-6, "y turns one row down");
    }

    #[test]
    fn every_field_turns_alike_and_what_follows_stays() {
        let rope = Rope::new(2, 1.0, 8, 100.0, Device::Cpu);
        let tokens = Tensor::arange(2 * 11 * 8, (Kind::Float, Device::Cpu)).view([2, 11, 8]) / 100.0;
        let turned = rotate_fields(tokens.copy(), 2, 8, &rope);
        for (batch, field) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
            let part = |x: &Tensor| x.get(batch).narrow(0, 4 * field, 4).unsqueeze(0);
            assert!(part(&turned).allclose(&rotate_heads(part(&tokens), 1, 8, &rope), 1e-6, 1e-6, false));
        }
        assert!(turned.narrow(1, 8, 3).equal(&tokens.narrow(1, 8, 3)));
    }

    #[test]
    fn rows_bring_even_channels_first() {
        let rows: Vec<i64> = Vec::try_from(split_pairs_in_rows(2, 4, Device::Cpu)).unwrap();
        assert_eq!(rows, [0, 2, 1, 3, 4, 6, 5, 7]);
    }
}
