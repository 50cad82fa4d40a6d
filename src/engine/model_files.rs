//! From the text of the `model` property to the files of a model.

use std::path::{Path, PathBuf};

use crate::config::{ModelConfig, Recommendations};
use crate::error::{Error, Result};
use crate::text::Tokenizer;
use crate::weights::{Checkpoint, bundled};

const BUNDLED_NAME: &str = "nano";
const CONFIG_FILE: &str = "config.json";
const WEIGHTS_FILE: &str = "model.safetensors";
const TOKENIZER_FILE: &str = "tokenizer.json";
const RECOMMENDATIONS_FILE: &str = "sa3.json";

/// Everything read but the tensors.
pub(super) struct ModelFiles {
    pub(super) config: ModelConfig,
    pub(super) recommendations: Recommendations,
    pub(super) tokenizer: Tokenizer,
    pub(super) checkpoint: Checkpoint,
}

impl ModelFiles {
    /// Opens "nano", a directory, or a checkpoint file with its companions beside it.
    pub(super) fn open(model: &str) -> Result<Self> {
        let not_found = |cause: String| Error::ModelNotFound { model: model.into(), cause };
        if model == BUNDLED_NAME || model.is_empty() {
            return Self::open_bundled(not_found);
        }
        let path = Path::new(model);
        if path.is_dir() {
            return Self::open_files(path, &path.join(WEIGHTS_FILE));
        }
        if path.is_file() {
            let is_safetensors = path.extension().is_some_and(|extension| extension == "safetensors");
            if !is_safetensors {
                return Err(Error::ModelFile {
                    path: path.into(),
                    cause: "only safetensors checkpoints can be read".into(),
                    remedy: format!("Use a {WEIGHTS_FILE} in the Hugging Face layout, or its directory"),
                });
            }
            return Self::open_files(path.parent().unwrap_or(Path::new(".")), path);
        }
        Err(not_found("there is no such file or directory".into()))
    }

    fn open_bundled(not_found: impl Fn(String) -> Error) -> Result<Self> {
        let files = bundled()
            .ok_or_else(|| not_found("this build has no bundled model (Cargo feature \"bundled\" is off)".into()))?;
        let config = ModelConfig::from_json(files.config)?;
        Ok(Self {
            tokenizer: Tokenizer::from_json(files.tokenizer, config.text_config.max_position_embeddings)?,
            config,
            recommendations: Recommendations::from_json(files.recommendations)?,
            checkpoint: Checkpoint::from_bytes("the bundled sa3-nano", files.weights)?,
        })
    }

    fn open_files(directory: &Path, weights: &Path) -> Result<Self> {
        let config = ModelConfig::from_json(&read_text(&directory.join(CONFIG_FILE))?)?;
        let tokenizer = read(&directory.join(TOKENIZER_FILE))?;
        let recommendations = directory.join(RECOMMENDATIONS_FILE);
        let recommendations = if recommendations.exists() {
            Recommendations::from_json(&read_text(&recommendations)?)?
        } else {
            Recommendations::default()
        };
        Ok(Self {
            tokenizer: Tokenizer::from_json(&tokenizer, config.text_config.max_position_embeddings)?,
            config,
            recommendations,
            checkpoint: Checkpoint::open(weights)?,
        })
    }
}

fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|cause| Error::ModelFile {
        path: PathBuf::from(path),
        cause: format!("it cannot be read: {cause}"),
        remedy: format!(
            "A model directory holds {CONFIG_FILE}, {WEIGHTS_FILE} and {TOKENIZER_FILE}; copy the one that is missing"
        ),
    })
}

fn read_text(path: &Path) -> Result<String> {
    String::from_utf8(read(path)?).map_err(|_| Error::ModelFile {
        path: PathBuf::from(path),
        cause: "it is not text".into(),
        remedy: "Copy or download it again".into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(model: &str) -> String {
        ModelFiles::open(model).map(|_| ()).unwrap_err().to_string()
    }

    #[test]
    fn unknown_paths_name_what_can_be_used() {
        let text = refusal("/no/such/model");
        assert!(text.contains("/no/such/model") && text.contains("nano") && text.contains("test"), "{text}");
    }

    #[test]
    fn companions_that_are_missing_are_named() {
        let directory = std::env::temp_dir().join(format!("sa3-model-files-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        let text = refusal(directory.to_str().unwrap());
        assert!(text.contains("config.json"), "{text}");
        std::fs::write(directory.join("weights.bin"), b"x").unwrap();
        assert!(refusal(directory.join("weights.bin").to_str().unwrap()).contains("safetensors"));
        std::fs::write(directory.join("config.json"), "{").unwrap();
        assert!(refusal(directory.to_str().unwrap()).contains("config.json"));
        std::fs::remove_dir_all(directory).unwrap();
    }
}
