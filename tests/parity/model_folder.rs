//! A folder as transformers publishes a video model, of hashed weights: config.json, tokenizer.json, model.safetensors.

use std::collections::BTreeMap;
use std::path::PathBuf;

use sa3::device::{DeviceChoice, PrecisionChoice};
use sa3::engine::EngineSettings;
use sa3::weights::TensorSource;
use safetensors::Dtype;
use safetensors::tensor::TensorView;
use serde_json::{Value, json};

use crate::counter_hash::HashedWeights;
use crate::fixtures::folder;
use crate::tracker::{config_of, weights_of};

/// Gone when it is dropped.
pub struct ModelFolder(PathBuf);

impl ModelFolder {
    /// `name` tells the folders of one process apart.
    pub fn write(name: &str, config: &str, overrides: &BTreeMap<String, f32>, tokenizer: &Value) -> Self {
        let path = std::env::temp_dir().join(format!("sa3-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        std::fs::copy(folder().join(config), path.join("config.json")).unwrap();
        std::fs::write(path.join("tokenizer.json"), tokenizer.to_string()).unwrap();
        write_weights(&weights_of(&config_of(config), overrides), path.join("model.safetensors"));
        Self(path)
    }

    pub fn settings(&self, precision: PrecisionChoice) -> EngineSettings {
        EngineSettings { model: self.0.to_string_lossy().into(), device: DeviceChoice::Cpu, precision }
    }
}

impl Drop for ModelFolder {
    fn drop(&mut self) {
        // A test that failed has more to say than this.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn write_weights(weights: &HashedWeights, path: PathBuf) {
    let published = |name: &str| match name.starts_with("tracker_") {
        true => name.to_string(),
        false => format!("detector_model.{name}"),
    };
    let read = |name: &String| {
        let tensor = weights.read(name).unwrap();
        let shape: Vec<usize> = tensor.size().iter().map(|&side| side as usize).collect();
        let numbers = Vec::<f32>::try_from(tensor.reshape([-1])).unwrap();
        (published(name), shape, numbers.into_iter().flat_map(f32::to_le_bytes).collect::<Vec<u8>>())
    };
    let tensors: Vec<_> = weights.names().iter().map(read).collect();
    let views = tensors
        .iter()
        .map(|(name, shape, bytes)| (name.as_str(), TensorView::new(Dtype::F32, shape.clone(), bytes).unwrap()));
    safetensors::serialize_to_file(views, None, &path).unwrap();
}

/// The tokenizer of a few words.
pub fn small_tokenizer() -> Value {
    let path = folder().join("../fuzz/corpus/tokenizer/ok-small.json");
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// A tokenizer for these phrases alone, and texts that it turns into them: a letter for each token between the first,
/// which begins every phrase, and the last, which ends it.
pub fn tokenizer_of(phrases: &[Vec<i64>]) -> (Value, Vec<String>) {
    let (begin, end) = (phrases[0][0], phrases[0][phrases[0].len() - 1]);
    let contents = || phrases.iter().map(|phrase| &phrase[1..phrase.len() - 1]);
    let letters: BTreeMap<i64, char> =
        contents().flatten().copied().collect::<std::collections::BTreeSet<_>>().into_iter().zip('a'..='z').collect();
    let mut vocabulary: BTreeMap<String, i64> =
        letters.iter().map(|(id, letter)| (format!("{letter}</w>"), *id)).collect();
    vocabulary.extend([("<|startoftext|>".to_string(), begin), ("<|endoftext|>".to_string(), end)]);
    let mut tokenizer = small_tokenizer();
    tokenizer["model"]["vocab"] = json!(vocabulary);
    tokenizer["model"]["merges"] = json!([]);
    (tokenizer["added_tokens"][0]["id"], tokenizer["added_tokens"][1]["id"]) = (json!(begin), json!(end));
    (tokenizer["post_processor"]["cls"][1], tokenizer["post_processor"]["sep"][1]) = (json!(begin), json!(end));
    let text = |content: &[i64]| content.iter().map(|id| letters[id].to_string()).collect::<Vec<_>>().join(" ");
    (tokenizer, contents().map(text).collect())
}
