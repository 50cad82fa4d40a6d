//! Which mixture of the picture's components tells an object from what is around it: Fisher's linear discriminant.
//!
//! A brown ear on a dark wall has the wall's brightness but not its colour; a guided filter that looks along this mixture
//! sees its edge. Nothing of it depends on the components being Y'CbCr or R'G'B', as these are linear in each other.

use super::super::vectors::vectorized;
use super::guide::{COMPONENTS, Color};

/// Variance, of components of 0..1, that is added to what was found: no mixture rests on less.
const LEAST_VARIANCE: f64 = 1e-3;

/// Sums over cells: their number, components, and products of two components, row by row of the upper triangle.
type Sums<T> = [T; 10];

/// Collects colours inside and outside of a mask.
#[derive(Debug, Default)]
pub(super) struct Separation {
    inside: Sums<f64>,
    outside: Sums<f64>,
}

impl Separation {
    /// Takes a row of cells, each as far inside (0..1) as `insides` says.
    pub(super) fn add(&mut self, colors: &[Color], insides: &[f32]) {
        let [inside, all] = sum_row(colors, insides);
        for index in 0..inside.len() {
            self.inside[index] += f64::from(inside[index]);
            self.outside[index] += f64::from(all[index]) - f64::from(inside[index]);
        }
    }

    /// The mixture as a vector of length 1 over the components; the first component alone where nothing tells them apart.
    pub(super) fn mixture(&self) -> Color {
        let [(inside, inside_spread), (outside, outside_spread)] = [&self.inside, &self.outside].map(mean_and_spread);
        let between: [f64; COMPONENTS] = std::array::from_fn(|index| inside[index] - outside[index]);
        let within: [f64; 6] = std::array::from_fn(|index| 0.5 * (inside_spread[index] + outside_spread[index]));
        let mixture = solve(within, between);
        let length = mixture.iter().map(|part| part * part).sum::<f64>().sqrt();
        if !length.is_normal() {
            return [1.0, 0.0, 0.0, 0.0];
        }
        let [a, b, c] = mixture.map(|part| (part / length) as f32);
        [a, b, c, 0.0]
    }
}

vectorized! {
    /// Sums over what is inside, and over everything.
    fn sum_row(colors: &[Color], insides: &[f32]) -> [Sums<f32>; 2] {
        let (mut inside, mut all) = ([0.0; 10], [0.0; 10]);
        for (&[a, b, c, _], &part) in colors.iter().zip(insides) {
            let terms = [1.0, a, b, c, a * a, a * b, a * c, b * b, b * c, c * c];
            for index in 0..10 {
                inside[index] += part * terms[index];
                all[index] += terms[index];
            }
        }
        [inside, all]
    }
}

fn mean_and_spread(sums: &Sums<f64>) -> ([f64; COMPONENTS], [f64; 6]) {
    let count = sums[0].max(1e-9);
    let mean = [sums[1] / count, sums[2] / count, sums[3] / count];
    let pairs = [(0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2)];
    let spread = std::array::from_fn(|index| {
        let (a, b) = pairs[index];
        let least = if a == b { LEAST_VARIANCE } else { 0.0 };
        sums[4 + index] / count - mean[a] * mean[b] + least
    });
    (mean, spread)
}

/// Solves `matrix * x = right` for a symmetric matrix, given as its upper triangle, by Cramer's rule.
fn solve([m00, m01, m02, m11, m12, m22]: [f64; 6], [r0, r1, r2]: [f64; COMPONENTS]) -> [f64; COMPONENTS] {
    let (c00, c01, c02) = (m11 * m22 - m12 * m12, m02 * m12 - m01 * m22, m01 * m12 - m02 * m11);
    let (c11, c12, c22) = (m00 * m22 - m02 * m02, m01 * m02 - m00 * m12, m00 * m11 - m01 * m01);
    let determinant = m00 * c00 + m01 * c01 + m02 * c02;
    [c00 * r0 + c01 * r1 + c02 * r2, c01 * r0 + c11 * r1 + c12 * r2, c02 * r0 + c12 * r1 + c22 * r2]
        .map(|part| part / determinant)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_symmetric_system_is_solved() {
        let solved = solve([4.0, 1.0, 0.5, 3.0, 0.2, 2.0], [1.0, 2.0, 3.0]);
        let [x, y, z] = solved;
        let back = [4.0 * x + y + 0.5 * z, x + 3.0 * y + 0.2 * z, 0.5 * x + 0.2 * y + 2.0 * z];
        assert!(back.iter().zip([1.0, 2.0, 3.0]).all(|(back, right)| (back - right).abs() < 1e-12), "{back:?}");
    }

    #[test]
    fn the_component_that_differs_decides_whatever_the_others_do() {
        let mut separation = Separation::default();
        for step in 0..64 {
            let noise = (step * 37 % 64) as f32 / 64.0;
            separation.add(&[[noise, 0.5, 0.3, 0.0], [noise, 0.5, 0.5, 0.0]], &[1.0, 0.0]);
        }
        let mixture = separation.mixture();
        assert!(mixture[0].abs() < 0.1 && mixture[1].abs() < 0.01 && mixture[2] < -0.9, "{mixture:?}");
    }

    #[test]
    fn where_nothing_differs_brightness_is_left() {
        assert_eq!(Separation::default().mixture(), [1.0, 0.0, 0.0, 0.0]);
        let mut separation = Separation::default();
        separation.add(&[[0.5; 4]; 8], &[1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0]);
        let mixture = separation.mixture();
        assert!(mixture.iter().all(|part| part.is_finite()), "{mixture:?}");
    }
}
