//! How a query's current box steers where it looks: an additive bias from log-scaled distances to the box's sides.

use tch::{Kind, Tensor};

use crate::error::Result;
use crate::kernels::{self, PackedAxis};
use crate::nn::HeadMlp;
use crate::weights::Loader;

/// Distances are multiplied by this before the logarithm, which is then divided by log2 of it.
const LOG_SCALE: f64 = 8.0;

/// `box_rpb_embed_x` and `box_rpb_embed_y`, in 32 bits.
#[derive(Debug)]
pub(super) struct BoxBias {
    embed_x: HeadMlp,
    embed_y: HeadMlp,
    packed: Option<[PackedAxis; 2]>,
}

impl BoxBias {
    pub(super) fn new(decoder: &Loader<'_>, width: i64, heads: i64) -> Result<Self> {
        let exact = decoder.in_kind(Kind::Float);
        let embed = |axis: &str| HeadMlp::new(&exact.sub(axis), &[2, width, heads]);
        let (embed_x, embed_y) = (embed("box_rpb_embed_x")?, embed("box_rpb_embed_y")?);
        let packed = decoder.uses_kernels().then(|| [&embed_x, &embed_y].map(packed_axis));
        Ok(Self { embed_x, embed_y, packed })
    }

    /// # Shapes
    /// boxes: [B, Q, 4] cxcywh fp32 → [B, heads, 1 + Q, G·G], zeros in the presence token's row.
    pub(super) fn forward(&self, boxes: &Tensor, grid: i64) -> Tensor {
        if let Some([x, y]) = &self.packed {
            return kernels::box_bias(boxes, grid as usize, [x, y], log_scaled_number);
        }
        let sides = boxes.chunk(4, -1); // cx, cy, w, h: [B, Q, 1]
        let edges = |centre: usize, size: usize| {
            let half = &sides[size] * 0.5;
            Tensor::cat(&[&sides[centre] - &half, &sides[centre] + &half], -1)
        };
        let along = |embed: &HeadMlp, edges: Tensor| {
            let cells = Tensor::arange(grid, (Kind::Float, boxes.device())) / grid as f64;
            let distances = cells.view([1, 1, grid, 1]) - edges.unsqueeze(2); // [B, Q, G, 2]
            embed.forward(&log_scaled(&distances)).permute([0, 3, 1, 2]) // [B, heads, Q, G]
        };
        let x = along(&self.embed_x, edges(0, 2)).unsqueeze(-2);
        let y = along(&self.embed_y, edges(1, 3)).unsqueeze(-1);
        (y + x).flatten(-2, -1).constant_pad_nd([0, 0, 1, 0])
    }
}

fn packed_axis(embed: &HeadMlp) -> PackedAxis {
    let [inner, outer] = embed.layers() else { unreachable!("the perceptron was read with two layers") };
    PackedAxis::new(inner.plain_parts(), outer.plain_parts())
}

fn log_scaled(distances: &Tensor) -> Tensor {
    let scaled = distances * LOG_SCALE;
    scaled.sign() * (scaled.abs() + 1.0).log2() / LOG_SCALE.log2()
}

/// The same for one distance.
fn log_scaled_number(distance: f32) -> f32 {
    let scaled = distance * LOG_SCALE as f32;
    ((scaled.abs() + 1.0).log2() / LOG_SCALE.log2() as f32).copysign(scaled)
}
