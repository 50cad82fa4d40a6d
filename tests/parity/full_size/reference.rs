//! What `full_size_reference.py` wrote for one input size.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;

use safetensors::SafeTensors;
use safetensors::tensor::Dtype;
use serde::Deserialize;
use tch::{Kind, Tensor};

/// Inputs and outputs of transformers, and how far it is from itself.
pub struct Reference {
    pub size: i64,
    pub description: Description,
    stored: BTreeMap<String, Tensor>,
}

#[derive(Deserialize)]
pub struct Description {
    /// Queries above it count where masks are compared as masks.
    pub threshold: f64,
    /// By case: transformers in bfloat16 against itself in float32.
    pub bf16: BTreeMap<String, Agreement>,
    /// By `<case>/<tensor>`, or `<tensor>` for what no prompt changes.
    pub tensors: BTreeMap<String, Entry>,
}

#[derive(Clone, Copy, Deserialize)]
pub struct Agreement {
    /// Differences of scores.
    pub score_mean: f64,
    pub score_most: f64,
    pub iou_mean: f64,
    pub iou_least: f64,
}

#[derive(Deserialize)]
pub struct Entry {
    pub shape: Vec<i64>,
    /// Elements 0, stride, 2·stride, … are stored.
    pub stride: i64,
    pub group: Group,
    pub rms: f64,
    /// Largest difference between eager and sdpa attention.
    pub sdpa: f64,
    /// Largest difference between float32 and bfloat16.
    pub bf16: f64,
    pub bf16_cosine: f64,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Group {
    Vision,
    Text,
    Prompt,
    Queries,
    Pixels,
    Scores,
    Masks,
}

impl Entry {
    /// What rounding in float32 may make of it. Between the stages relative to the values, at the end absolute.
    pub fn tolerance(&self) -> f64 {
        match self.group {
            Group::Vision => 2e-5 * self.rms,
            Group::Text | Group::Prompt | Group::Queries | Group::Pixels => 1e-5 * self.rms,
            Group::Scores => 1e-5,
            Group::Masks => 1e-4,
        }
    }
}

impl Reference {
    pub fn read(folder: &Path, size: i64) -> Result<Self, Box<dyn Error>> {
        let of = |extension: &str| {
            let path = folder.join(format!("reference-{size}.{extension}"));
            std::fs::read(&path)
                .map_err(|cause| format!("{}: {cause}; tests/parity/full_size_reference.py makes it", path.display()))
        };
        let bytes = of("safetensors")?;
        let mut stored = BTreeMap::new();
        for (name, view) in SafeTensors::deserialize(&bytes)?.tensors() {
            let kind = match view.dtype() {
                Dtype::F32 => Kind::Float,
                Dtype::I64 => Kind::Int64,
                other => return Err(format!("{name} is of type {other:?}").into()),
            };
            let shape: Vec<i64> = view.shape().iter().map(|&side| side as i64).collect();
            stored.insert(name, Tensor::from_data_size(view.data(), &shape, kind));
        }
        Ok(Self { size, description: serde_json::from_slice(&of("json")?)?, stored })
    }

    /// Names of the cases.
    pub fn cases(&self) -> impl Iterator<Item = &str> {
        self.description.bf16.keys().map(String::as_str)
    }

    /// A stored tensor: an input as it is, an output as flat elements.
    pub fn stored(&self, name: &str) -> Option<&Tensor> {
        self.stored.get(name)
    }

    /// The same where the file must have it.
    pub fn wanted(&self, name: &str) -> Result<&Tensor, String> {
        self.stored(name).ok_or_else(|| format!("the reference for {} px has no {name}; make it again", self.size))
    }
}
