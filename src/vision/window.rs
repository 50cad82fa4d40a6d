//! A grid of tokens cut into square windows, and put together again.

use tch::Tensor;

/// # Shapes
/// x: [B, G, G, C] → [B · (G / side)², side², C]; G is a multiple of `side`.
pub(super) fn partition(x: &Tensor, side: i64) -> Tensor {
    let (batch, grid, _, width) = x.size4().expect("token grids have four dimensions");
    let windows = grid / side;
    x.view([batch, windows, side, windows, side, width]).permute([0, 1, 3, 2, 4, 5]).reshape([
        batch * windows * windows,
        side * side,
        width,
    ])
}

/// # Shapes
/// windows: [B · (G / side)², side², C] → [B, G, G, C].
pub(super) fn join(windows: &Tensor, side: i64, grid: i64) -> Tensor {
    let (count, _, width) = windows.size3().expect("windows have three dimensions");
    let per_axis = grid / side;
    let batch = count / (per_axis * per_axis);
    windows
        .view([batch, per_axis, per_axis, side, side, width])
        .permute([0, 1, 3, 2, 4, 5])
        .reshape([batch, grid, grid, width])
}

#[cfg(test)]
mod tests {
    use super::*;
    use tch::{Device, Kind};

    #[test]
    fn windows_join_to_the_same_grid() {
        let grid = Tensor::arange(2 * 6 * 6 * 3, (Kind::Float, Device::Cpu)).view([2, 6, 6, 3]);
        let windows = partition(&grid, 3);
        assert_eq!(windows.size(), [8, 9, 3]);
        assert_eq!(windows.double_value(&[1, 0, 0]), grid.double_value(&[0, 0, 3, 0]));
        assert_eq!(join(&windows, 3, 6), grid);
    }
}
