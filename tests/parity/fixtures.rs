//! cases.json and the data files, read once; how two tensors are compared.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use safetensors::SafeTensors;
use safetensors::tensor::Dtype;
use serde::Deserialize;
use tch::{Kind, Tensor};

use crate::counter_hash::Rule;

#[derive(Deserialize)]
pub struct Fixtures {
    pub weight_rules: Vec<Rule>,
    pub hash_checks: Vec<HashCheck>,
    pub picture_checks: Vec<PictureCheck>,
    pub tolerances: BTreeMap<String, Tolerance>,
    pub image: Vec<ImageCase>,
    pub resize: ResizeCases,
    pub tokens: String,
    pub trained: TrainedCases,
    pub exemplars: TrainedCases,
}

#[derive(Deserialize)]
pub struct HashCheck {
    pub name: String,
    pub index: u64,
    pub seed: String,
    pub hash: String,
    pub offset: f32,
    pub scale: f32,
    pub bits: String,
}

#[derive(Deserialize)]
pub struct PictureCheck {
    pub width: usize,
    pub height: usize,
    pub x: usize,
    pub y: usize,
    pub rgb: [u8; 3],
}

#[derive(Clone, Copy, Deserialize)]
pub struct Tolerance {
    max_abs: f64,
    relative_to: RelativeTo,
}

#[derive(Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum RelativeTo {
    Rms,
    One,
}

#[derive(Clone, Deserialize)]
pub struct ImageCase {
    pub name: String,
    pub config: String,
    pub image_size: Option<i64>,
    pub overrides: BTreeMap<String, f32>,
    pub geometry_token: bool,
    pub pixel_values_shape: Vec<i64>,
    pub data: String,
    pub tensors: BTreeMap<String, StoredTensor>,
}

#[derive(Clone, Deserialize)]
pub struct StoredTensor {
    pub shape: Vec<i64>,
    pub stride: usize,
    pub group: String,
    pub rows: Option<String>,
}

#[derive(Deserialize)]
pub struct ResizeCases {
    pub data: String,
    pub max_levels_with_avx2: i64,
    pub max_levels: i64,
    pub cases: Vec<ResizeCase>,
}

#[derive(Deserialize)]
pub struct ResizeCase {
    pub width: usize,
    pub height: usize,
    pub side: i64,
    pub key: String,
}

#[derive(Deserialize)]
pub struct TrainedCases {
    pub threshold: f32,
    pub score_max_abs: f32,
    pub box_max_abs: f32,
    pub mask_least_iou: f32,
    pub pixel_stride: usize,
    pub data: String,
    pub cases: Vec<TrainedCase>,
}

#[derive(Deserialize)]
pub struct TrainedCase {
    pub picture: String,
    pub prompt: String,
    pub key: String,
    pub detections: usize,
    /// x, y, width, height in pixels.
    #[serde(default)]
    pub boxes: Vec<[f32; 4]>,
    /// 1 for like this, 0 for not like this.
    #[serde(default)]
    pub labels: Vec<i64>,
    /// The picture that the boxes are taken from, where it is another one.
    #[serde(default)]
    pub kept_from: Option<String>,
}

pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/parity")
}

impl Fixtures {
    pub fn read() -> Self {
        serde_json::from_slice(&std::fs::read(folder().join("cases.json")).unwrap()).unwrap()
    }
}

/// The tensors of one data file.
pub struct Data(BTreeMap<String, Tensor>);

impl Data {
    pub fn read(file: &str) -> Self {
        let bytes = std::fs::read(folder().join(file)).unwrap();
        let tensors = SafeTensors::deserialize(&bytes).unwrap();
        let read = |(name, view): (String, safetensors::tensor::TensorView<'_>)| {
            let kind = match view.dtype() {
                Dtype::F32 => Kind::Float,
                Dtype::F16 => Kind::Half,
                Dtype::I64 => Kind::Int64,
                Dtype::U8 => Kind::Uint8,
                other => panic!("{name} is of type {other:?}"),
            };
            let shape: Vec<i64> = view.shape().iter().map(|&side| side as i64).collect();
            (name, Tensor::from_data_size(view.data(), &shape, kind))
        };
        Self(tensors.tensors().into_iter().map(read).collect())
    }

    pub fn get(&self, name: &str) -> Option<&Tensor> {
        self.0.get(name)
    }

    pub fn numbers(&self, name: &str) -> Vec<f32> {
        Vec::try_from(self.0[name].to_kind(Kind::Float).flatten(0, -1)).unwrap()
    }
}

/// How far `ours` is from what is stored, in units of the tolerance: 1 and less passes.
pub fn distance(
    ours: &Tensor,
    stored: &Tensor,
    entry: &StoredTensor,
    tolerance: Tolerance,
    rows: Option<&Tensor>,
) -> f64 {
    let every = |x: &Tensor| x.to_kind(Kind::Double).flatten(0, -1).slice(0, None, None, entry.stride as i64);
    let ours = every(&ours.reshape(&entry.shape));
    let stored = stored.to_kind(Kind::Double).flatten(0, -1);
    assert_eq!(ours.size(), stored.size());
    let (ours, stored) = match rows {
        None => (ours, stored),
        Some(rows) => {
            let picked = |x: &Tensor| {
                x.view([rows.numel() as i64, -1]).index_select(0, &rows.flatten(0, -1).nonzero().flatten(0, -1))
            };
            (picked(&ours), picked(&stored))
        }
    };
    let scale = match tolerance.relative_to {
        RelativeTo::One => 1.0,
        RelativeTo::Rms => stored.square().mean(Kind::Double).sqrt().double_value(&[]),
    };
    (ours - stored).abs().max().double_value(&[]) / (tolerance.max_abs * scale)
}
