//! RoIAlign as torchvision computes it with `aligned=False` and an adaptive number of samples.
//!
//! Bilinear sampling on a regular grid is separable, so pooling a box is two small matrix products:
//! rows · feature · columns. That runs on any device and needs no kernel of its own.

use tch::{Kind, Tensor};

use crate::boxes::BoxXyxy;

/// Pools `side` x `side` bins of each box.
///
/// # Shapes
/// feature: [C, H, W]; boxes in units of cells → [N, C, side, side] in the precision of the feature.
pub fn roi_align(feature: &Tensor, boxes_in_cells: &[BoxXyxy], side: i64) -> Tensor {
    let (_, height, width) = feature.size3().expect("a feature map has channels, rows and columns");
    let matrices = |of_axis: &dyn Fn(&BoxXyxy) -> (f32, f32), cells: i64| {
        let weights: Vec<f32> = boxes_in_cells
            .iter()
            .flat_map(|b| {
                let (start, end) = of_axis(b);
                bin_weights(start, end, cells as usize, side as usize)
            })
            .collect();
        Tensor::from_slice(&weights).view([boxes_in_cells.len() as i64, side, cells]).to_device(feature.device())
    };
    let rows = matrices(&|b| (b.y0, b.y1), height).unsqueeze(1); // [N, 1, side, H]
    let columns = matrices(&|b| (b.x0, b.x1), width).unsqueeze(1); // [N, 1, side, W]
    let pooled = rows.matmul(&feature.to_kind(Kind::Float).unsqueeze(0)).matmul(&columns.transpose(-2, -1));
    pooled.to_kind(feature.kind())
}

/// How much each of `cells` counts in each of `bins` between `start` and `end`, row by row.
fn bin_weights(start: f32, end: f32, cells: usize, bins: usize) -> Vec<f32> {
    let length = (end - start).max(1.0);
    let bin_length = length / bins as f32;
    let samples = (length / bins as f32).ceil() as usize;
    let mut weights = vec![0.0; bins * cells];
    for bin in 0..bins {
        let row = &mut weights[bin * cells..(bin + 1) * cells];
        for sample in 0..samples {
            let offset = (sample as f32 + 0.5) * bin_length / samples as f32;
            add_sample(row, start + bin as f32 * bin_length + offset, 1.0 / samples as f32);
        }
    }
    weights
}

/// Spreads one sample over its two neighbours; samples more than a cell outside count nothing.
fn add_sample(row: &mut [f32], position: f32, weight: f32) {
    let cells = row.len();
    if position < -1.0 || position > cells as f32 {
        return;
    }
    let position = position.max(0.0);
    let low = position as usize;
    if low + 1 >= cells {
        row[cells - 1] += weight;
        return;
    }
    let fraction = position - low as f32;
    row[low] += weight * (1.0 - fraction);
    row[low + 1] += weight * fraction;
}

#[cfg(test)]
mod tests {
    use super::*;
    use tch::Device;

    #[test]
    fn a_ramp_is_sampled_at_bin_centres() {
        let ramp = Tensor::arange(8, (Kind::Float, Device::Cpu)).view([1, 1, 8]).expand([1, 8, 8], true);
        let pooled = roi_align(&ramp, &[BoxXyxy { x0: 1.0, y0: 2.0, x1: 5.0, y1: 6.0 }], 2);
        assert_eq!(pooled.size(), [1, 1, 2, 2]);
        assert!((pooled.double_value(&[0, 0, 0, 0]) - 2.0).abs() < 1e-6);
        assert!((pooled.double_value(&[0, 0, 1, 1]) - 4.0).abs() < 1e-6);
    }

    #[test]
    fn samples_outside_the_map_count_nothing() {
        let weights = bin_weights(-9.0, -8.0, 4, 1);
        assert_eq!(weights, [0.0; 4]);
        let edge = bin_weights(3.5, 4.5, 4, 1);
        assert_eq!(edge, [0.0, 0.0, 0.0, 1.0]);
    }
}
