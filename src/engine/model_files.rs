//! From the text of the `model` property to the files of a model.

use std::path::{Path, PathBuf};

use super::hub_cache::{self, Environment};
use crate::config::{ModelConfig, Recommendations};
use crate::error::{Error, Result};
use crate::text::Tokenizer;
use crate::weights::names::Layout;
use crate::weights::{Checkpoint, bundled};

const BUNDLED_NAME: &str = "nano";
const CONFIG_FILE: &str = "config.json";
const TOKENIZER_FILE: &str = "tokenizer.json";
const RECOMMENDATIONS_FILE: &str = "sa3.json";
/// What a model directory may hold, the preferred first. The last is there to be refused by what it is.
const WEIGHTS_FILES: [&str; 4] =
    ["model.safetensors", "model.safetensors.index.json", "sam3.pt", "sam3.1_multiplex.pt"];
const REMEDY: &str = "A model directory holds config.json, tokenizer.json and either model.safetensors or its shards \
                      with model.safetensors.index.json; or sam3.pt, which needs no other file";

/// Where a model's weights lie; what belongs to them stands beside them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// In the program.
    Bundled,
    /// In this file, or in the shards that it names.
    File(PathBuf),
}

impl Place {
    /// Of "nano", a directory, a checkpoint file with its companions beside it, or a model in the Hugging Face cache.
    pub(super) fn find(model: &str) -> Result<Self> {
        Self::find_in(model, &|variable| std::env::var_os(variable))
    }

    fn find_in(model: &str, environment: Environment<'_>) -> Result<Self> {
        if model == BUNDLED_NAME || model.is_empty() {
            return Ok(Self::Bundled);
        }
        let path = Path::new(model);
        if path.is_dir() {
            return Self::in_directory(path);
        }
        if path.is_file() {
            return Ok(Self::File(path.into()));
        }
        if hub_cache::is_repository(model) {
            return Self::in_directory(&hub_cache::snapshot(model, environment)?);
        }
        Err(Error::ModelNotFound { model: model.into(), cause: "there is no such file or directory".into() })
    }

    fn in_directory(directory: &Path) -> Result<Self> {
        let weights = WEIGHTS_FILES.iter().map(|name| directory.join(name)).find(|path| path.is_file());
        weights.map(Self::File).ok_or_else(|| Error::ModelFile {
            path: directory.into(),
            cause: format!("it holds none of {}", WEIGHTS_FILES[..3].join(", ")),
            remedy: REMEDY.into(),
        })
    }
}

/// Everything read but the tensors.
pub(super) struct ModelFiles {
    pub(super) config: ModelConfig,
    pub(super) recommendations: Recommendations,
    pub(super) tokenizer: Tokenizer,
    pub(super) checkpoint: Checkpoint,
}

impl ModelFiles {
    /// Opens what [`Place::find`] finds.
    pub(super) fn open(model: &str) -> Result<Self> {
        Self::open_in(model, &|variable| std::env::var_os(variable))
    }

    fn open_in(model: &str, environment: Environment<'_>) -> Result<Self> {
        match Place::find_in(model, environment)? {
            Place::Bundled => Self::open_bundled(model),
            Place::File(weights) => Self::open_files(&weights),
        }
    }

    fn open_bundled(model: &str) -> Result<Self> {
        let files = bundled().ok_or_else(|| Error::ModelNotFound {
            model: model.into(),
            cause: "this build has no bundled model (Cargo feature \"bundled\" is off)".into(),
        })?;
        let config = ModelConfig::from_json(files.config)?;
        Ok(Self {
            tokenizer: Tokenizer::from_json(files.tokenizer, config.text_config.max_position_embeddings)?,
            config,
            recommendations: Recommendations::from_json(files.recommendations)?,
            checkpoint: Checkpoint::from_bytes("the bundled sa3-nano", files.weights)?,
        })
    }

    /// The original release is one file; what stands beside the others is known for it.
    fn open_files(weights: &Path) -> Result<Self> {
        let directory = weights.parent().unwrap_or(Path::new(""));
        let checkpoint = Checkpoint::open(weights)?;
        let is_optional = checkpoint.layout() == Layout::Official;
        let config = match read_text(&directory.join(CONFIG_FILE), is_optional)? {
            Some(text) => ModelConfig::from_json(&text)?,
            None => ModelConfig::released(),
        };
        let recommendations = match read_text(&directory.join(RECOMMENDATIONS_FILE), true)? {
            Some(text) => Recommendations::from_json(&text)?,
            None => Recommendations::default(),
        };
        let path = directory.join(TOKENIZER_FILE);
        let tokenizer = match (read(&path, is_optional)?, bundled()) {
            (Some(json), _) => tokenizer(&json, &path, &config)?,
            (None, Some(bundled)) => tokenizer(bundled.tokenizer, &path, &config)?,
            // Read again for its error.
            (None, None) => tokenizer(&read(&path, false)?.unwrap_or_default(), &path, &config)?,
        };
        Ok(Self { config, recommendations, tokenizer, checkpoint })
    }
}

fn tokenizer(json: &[u8], path: &Path, config: &ModelConfig) -> Result<Tokenizer> {
    let tokenizer = Tokenizer::from_json(json, config.text_config.max_position_embeddings)?;
    let (tokens, rows) = (tokenizer.vocabulary_size(), config.text_config.vocab_size);
    if i64::try_from(tokens).is_ok_and(|tokens| tokens <= rows) {
        return Ok(tokenizer);
    }
    Err(Error::ModelFile {
        path: path.into(),
        cause: format!("it has {tokens} tokens and the model knows {rows} (config.json: text_config.vocab_size)"),
        remedy: "Copy the tokenizer.json that belongs to the model".into(),
    })
}

/// `None` for a file that may be missing and is.
fn read(path: &Path, is_optional: bool) -> Result<Option<Vec<u8>>> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(cause) if is_optional && cause.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(cause) => Err(Error::ModelFile {
            path: PathBuf::from(path),
            cause: format!("it cannot be read: {cause}"),
            remedy: REMEDY.into(),
        }),
    }
}

fn read_text(path: &Path, is_optional: bool) -> Result<Option<String>> {
    let text = read(path, is_optional)?.map(String::from_utf8).transpose();
    text.map_err(|_| Error::ModelFile {
        path: PathBuf::from(path),
        cause: "it is not text".into(),
        remedy: "Copy or download it again".into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARITY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/parity");
    const NANO: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/models/sa3-nano");

    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let folder = std::env::temp_dir().join(format!("sa3-model-files-{}-{name}", std::process::id()));
            std::fs::create_dir_all(&folder).unwrap();
            Self(folder)
        }

        fn put(&self, name: &str, from: &str) -> &Self {
            std::fs::copy(from, self.0.join(name)).unwrap();
            self
        }

        fn write(&self, name: &str, text: &str) -> &Self {
            std::fs::write(self.0.join(name), text).unwrap();
            self
        }

        fn refusal(&self) -> String {
            refusal(self.0.to_str().unwrap())
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            std::fs::remove_dir_all(&self.0).unwrap();
        }
    }

    fn refusal(model: &str) -> String {
        ModelFiles::open_in(model, &|_| None).map(|_| ()).unwrap_err().to_string()
    }

    #[test]
    fn unknown_paths_name_what_can_be_used() {
        let text = refusal("/no/such/model");
        assert!(text.contains("/no/such/model") && text.contains("nano") && text.contains("test"), "{text}");
        let text = refusal("owner/name");
        assert!(text.contains("cargo xtask fetch owner/name") && text.contains("no such file"), "{text}");
    }

    #[test]
    fn companions_that_are_missing_are_named() {
        let folder = Folder::new("companions");
        assert!(folder.refusal().contains("config.json") && folder.refusal().contains("sam3.pt"));
        folder.write("model.safetensors", "x");
        assert!(folder.refusal().contains("not a complete safetensors file"), "{}", folder.refusal());
        folder.put("model.safetensors", &format!("{NANO}/model.safetensors"));
        assert!(folder.refusal().contains("config.json: it cannot be read"), "{}", folder.refusal());
        folder.write("config.json", "{");
        assert!(folder.refusal().contains("config.json: the file is unreadable"), "{}", folder.refusal());
        folder.put("config.json", &format!("{NANO}/config.json"));
        assert!(folder.refusal().contains("tokenizer.json: it cannot be read"), "{}", folder.refusal());
    }

    #[test]
    fn the_original_release_needs_no_companion_and_uses_those_it_has() {
        let folder = Folder::new("official");
        folder.put("sam3.pt", &format!("{PARITY}/data/official.pt"));
        let files = ModelFiles::open(folder.0.to_str().unwrap()).unwrap();
        assert_eq!(files.config, ModelConfig::released());
        assert_eq!(files.tokenizer.encode("visual").unwrap().ids, [49406, 7195, 49407]);
        let alone = ModelFiles::open(folder.0.join("sam3.pt").to_str().unwrap()).unwrap();
        assert_eq!(alone.config, ModelConfig::released());
        folder.put("config.json", &format!("{PARITY}/configs/smallest.json"));
        let text = folder.refusal();
        assert!(text.contains("49408 tokens") && text.contains("text_config.vocab_size"), "{text}");
    }

    #[test]
    fn a_directory_with_sam_3_1_is_refused_by_what_it_is() {
        let folder = Folder::new("multiplex");
        let data = [0u8; 4];
        let view = safetensors::tensor::TensorView::new(safetensors::Dtype::F32, vec![1], &data).unwrap();
        let bytes = safetensors::serialize([("tracker.model.x", view)], None).unwrap();
        std::fs::write(folder.0.join("sam3.1_multiplex.pt"), bytes).unwrap();
        assert!(folder.refusal().contains("SAM 3.1"), "{}", folder.refusal());
    }

    #[test]
    fn a_model_in_the_cache_opens_by_its_name() {
        let folder = Folder::new("cache");
        let place = folder.0.join("models--owner--small");
        std::fs::create_dir_all(place.join("refs")).unwrap();
        std::fs::create_dir_all(place.join("snapshots")).unwrap();
        std::fs::write(place.join("refs/main"), "1a2b").unwrap();
        std::os::unix::fs::symlink(NANO, place.join("snapshots/1a2b")).unwrap();
        let environment = |name: &str| (name == "HF_HUB_CACHE").then(|| folder.0.clone().into_os_string());
        let files = ModelFiles::open_in("owner/small", &environment).unwrap();
        assert_eq!(files.checkpoint.layout(), Layout::HfVideo);
    }
}
