//! Masks between the grids that tracker and memory encoder use. Always in 32 bits.

use tch::{Kind, Tensor};

/// Bilinear; for larger grids.
///
/// # Shapes
/// masks: [N, 1, H, W] → [N, 1, side, side].
pub(super) fn enlarge(masks: &Tensor, side: i64) -> Tensor {
    masks.to_kind(Kind::Float).upsample_bilinear2d([side, side], false, None, None)
}

/// Bilinear over every pixel that a smaller grid's pixel covers; the same for larger grids.
///
/// # Shapes
/// masks: [N, 1, H, W] → [N, 1, side, side].
pub(super) fn resize_antialiased(masks: &Tensor, side: i64) -> Tensor {
    masks.to_kind(Kind::Float).internal_upsample_bilinear2d_aa([side, side], false, None, None)
}

/// Whether any pixel is inside.
///
/// # Shapes
/// masks: [N, 1, H, W] → `[N]` bool.
pub(super) fn has_inside(masks: &Tensor) -> Tensor {
    masks.flatten(1, -1).gt(0.0).any_dim(1, false)
}
