//! tracker.json and how the tracker's fixtures are read; see generate_tracker.py.

use std::collections::BTreeMap;

use sa3::config::ModelConfig;
use sa3::tracker::Tracker;
use serde::Deserialize;
use tch::{Device, Kind, Tensor};

use crate::counter_hash::{self, HashedWeights};
use crate::fixtures::{Fixtures, StoredTensor, Tolerance, folder};

#[derive(Deserialize)]
pub struct TrackerFixtures {
    pub overrides: BTreeMap<String, f32>,
    pub tolerances: BTreeMap<String, Tolerance>,
    pub blocks: Vec<BlockCase>,
    pub sequences: Vec<SequenceCase>,
    pub prompts: Vec<PromptsCase>,
}

#[derive(Deserialize)]
pub struct BlockCase {
    pub name: String,
    pub config: String,
    pub data: String,
    pub tensors: BTreeMap<String, StoredTensor>,
}

#[derive(Deserialize)]
pub struct SequenceCase {
    pub config: String,
    pub data: String,
    pub overrides: BTreeMap<String, f32>,
    pub memory_stride: i64,
}

#[derive(Deserialize)]
pub struct PromptsCase {
    pub config: String,
    pub data: String,
}

impl TrackerFixtures {
    pub fn read() -> Self {
        serde_json::from_slice(&std::fs::read(folder().join("tracker.json")).unwrap()).unwrap()
    }
}

pub fn config_of(path: &str) -> ModelConfig {
    ModelConfig::from_json(&std::fs::read_to_string(folder().join(path)).unwrap()).unwrap()
}

pub fn weights_of(config: &ModelConfig, overrides: &BTreeMap<String, f32>) -> HashedWeights {
    HashedWeights::new(Fixtures::read().weight_rules, overrides.clone(), config)
}

pub fn tracker_of(weights: &HashedWeights, config: &ModelConfig, kind: Kind) -> Tracker {
    Tracker::load(weights, config, Device::Cpu, kind).unwrap().unwrap()
}

pub fn hashed(name: &str, shape: &[i64], scale: f32) -> Tensor {
    counter_hash::tensor(name, shape, 0.0, scale)
}

/// Smooth mask logits, [count, side, side].
pub fn blobs(name: &str, count: i64, side: i64) -> Tensor {
    let coarse = hashed(name, &[count, 1, 5, 5], 4.0);
    coarse.upsample_bilinear2d([side, side], false, None, None).squeeze_dim(1)
}

/// Pictures that change slowly, [frames, 3, size, size].
pub fn smooth_pixels(name: &str, frames: i64, size: i64) -> Tensor {
    let wide = hashed(name, &[1, 3, 12, 12], 1.0).upsample_bilinear2d([2 * size, 2 * size], false, None, None);
    let shifted = |frame: i64| wide.get(0).narrow(1, 2 * frame, size).narrow(2, 3 * frame, size);
    let noise = hashed(&format!("{name}.noise"), &[frames, 3, size, size], 0.1);
    Tensor::stack(&(0..frames).map(shifted).collect::<Vec<_>>(), 0) + noise
}
