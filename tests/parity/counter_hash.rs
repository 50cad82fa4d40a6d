//! Weights, pictures and inputs from a counter hash; the rule is written down in weights.py.

use sa3::Result;
use sa3::config::ModelConfig;
use sa3::model::ImageModel;
use sa3::tracker::Tracker;
use sa3::weights::TensorSource;
use serde::Deserialize;
use std::collections::BTreeMap;
use tch::{Device, Kind, Tensor};

#[derive(Debug, Deserialize)]
pub struct Rule {
    contains: String,
    ends_with: String,
    least_rank: usize,
    most_rank: usize,
    offset: f32,
    scale: f32,
}

fn fnv1a_64(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |seed, byte| (seed ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
}

fn hash(seed: u64, index: u64) -> u64 {
    let z = seed.wrapping_add((index + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn value(hash: u64, offset: f32, scale: f32) -> f32 {
    let unit = (hash >> 40) as f32 / (1u32 << 23) as f32 - 1.0;
    let product = unit * scale;
    if offset == 0.0 { product } else { offset + product }
}

pub fn tensor(name: &str, shape: &[i64], offset: f32, scale: f32) -> Tensor {
    let seed = fnv1a_64(name);
    let count = shape.iter().product::<i64>() as u64;
    let values: Vec<f32> = (0..count).map(|index| value(hash(seed, index), offset, scale)).collect();
    Tensor::from_slice(&values).view(shape)
}

/// A picture for the resize cases, [H, W, 3].
pub fn picture(width: usize, height: usize) -> Vec<u8> {
    let seed = fnv1a_64(&format!("picture.{width}x{height}"));
    let gradient = |position: usize, last: usize| (191 * position / last.max(1)) as u8;
    let mut rgb = Vec::with_capacity(3 * width * height);
    for y in 0..height {
        for x in 0..width {
            let base = [gradient(x, width - 1), gradient(y, height - 1), gradient(x + y, width + height - 2)];
            for (channel, level) in base.into_iter().enumerate() {
                let noise = hash(seed, ((y * width + x) * 3 + channel) as u64) >> 58;
                rgb.push(level + noise as u8);
            }
        }
    }
    rgb
}

/// Every tensor that a model asks for, made on the spot.
pub struct HashedWeights {
    rules: Vec<Rule>,
    overrides: BTreeMap<String, f32>,
    shapes: BTreeMap<String, Vec<i64>>,
    /// One tensor to multiply by a factor, to see the comparison fail.
    pub disturbed: Option<(String, f64)>,
}

impl HashedWeights {
    pub fn new(rules: Vec<Rule>, overrides: BTreeMap<String, f32>, config: &ModelConfig) -> Self {
        let mut shapes = ImageModel::wanted_tensors(config).expect("a checked configuration");
        shapes.extend(Tracker::wanted_tensors(config).expect("a checked configuration"));
        Self { rules, overrides, shapes, disturbed: None }
    }
}

impl TensorSource for HashedWeights {
    fn names(&self) -> Vec<String> {
        self.shapes.keys().cloned().collect()
    }

    fn shape(&self, name: &str) -> Option<Vec<i64>> {
        self.shapes.get(name).cloned()
    }

    fn read(&self, name: &str) -> Result<Tensor> {
        let shape = &self.shapes[name];
        if let Some(&constant) = self.overrides.get(name) {
            return Ok(Tensor::full(shape, f64::from(constant), (Kind::Float, Device::Cpu)));
        }
        let fits = |rule: &&Rule| {
            name.contains(&rule.contains)
                && name.ends_with(&rule.ends_with)
                && (rule.least_rank..=rule.most_rank).contains(&shape.len())
        };
        let rule = self.rules.iter().find(fits).expect("a rule matches every tensor");
        let made = tensor(name, shape, rule.offset, rule.scale);
        Ok(match &self.disturbed {
            Some((disturbed, factor)) if disturbed == name => made * *factor,
            _ => made,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::Fixtures;

    #[test]
    fn values_are_those_of_the_generator() {
        let fixtures = Fixtures::read();
        assert!(!fixtures.hash_checks.is_empty() && !fixtures.picture_checks.is_empty());
        for check in &fixtures.hash_checks {
            let seed = fnv1a_64(&check.name);
            assert_eq!(format!("{seed:016x}"), check.seed, "{}", check.name);
            assert_eq!(format!("{:016x}", hash(seed, check.index)), check.hash, "{}", check.name);
            let made = value(hash(seed, check.index), check.offset, check.scale);
            assert_eq!(format!("{:08x}", made.to_bits()), check.bits, "{}", check.name);
        }
        for check in &fixtures.picture_checks {
            let pixel = 3 * (check.y * check.width + check.x);
            assert_eq!(picture(check.width, check.height)[pixel..pixel + 3], check.rgb);
        }
    }
}
