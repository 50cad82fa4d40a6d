//! Sine positions. Always computed in 32 bits: coarser angles are visible in the masks.

use std::f64::consts::TAU;

use tch::{Device, Kind, Tensor};

const TEMPERATURE: f64 = 10_000.0;
const NORMALISING_EPS: f64 = 1e-6;

/// The position map of a square grid: y in the first half of the channels, x in the second, (i + 1) / (G + 1e-6) · 2π.
///
/// # Shapes
/// → [1, G·G, width] fp32, row by row.
pub fn sine_position_map(grid: i64, width: i64, device: Device) -> Tensor {
    let steps = (Tensor::arange(grid, (Kind::Float, device)) + 1.0) / (grid as f64 + NORMALISING_EPS);
    let axis = sine_of_coordinates(&steps, width / 2); // [G, width / 2]
    let y = axis.unsqueeze(1).expand([grid, grid, width / 2], false);
    let x = axis.unsqueeze(0).expand([grid, grid, width / 2], false);
    Tensor::cat(&[y, x], -1).reshape([1, grid * grid, width])
}

/// Sine and cosine of 2π·`coordinates` at `features` / 2 frequencies, interleaved (even sine, odd cosine).
///
/// # Shapes
/// coordinates: [..] → [.., features] fp32.
pub fn sine_of_coordinates(coordinates: &Tensor, features: i64) -> Tensor {
    let half = features / 2;
    let exponents = Tensor::arange(half, (Kind::Float, coordinates.device())) * (2.0 / features as f64);
    let periods = Tensor::pow_scalar(TEMPERATURE, &exponents);
    let angles = (coordinates.to_kind(Kind::Float) * TAU).unsqueeze(-1) / periods; // [.., half]
    Tensor::stack(&[angles.sin(), angles.cos()], -1).flatten(-2, -1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn y_comes_before_x_and_angles_are_exact() {
        let map = sine_position_map(4, 8, Device::Cpu);
        let value = |row: i64, column: i64, channel: i64| map.double_value(&[0, row * 4 + column, channel]);
        let angle = |index: f64| TAU * (index + 1.0) / (4.0 + 1e-6);
        assert!((value(2, 1, 0) - angle(2.0).sin()).abs() < 1e-6);
        assert!((value(2, 1, 1) - angle(2.0).cos()).abs() < 1e-6);
        assert!((value(2, 1, 4) - angle(1.0).sin()).abs() < 1e-6);
        // Second frequency of four features per axis: 10000^(2/4).
        assert!((value(2, 1, 2) - (angle(2.0) / 100.0).sin()).abs() < 1e-6);
    }
}
