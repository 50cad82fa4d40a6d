//! What a model is made of, without loading it.

use std::path::PathBuf;

use super::model_files::{ModelFiles, Place};
use crate::error::Result;
use crate::weights::TensorSource;
use crate::weights::names::Layout;

/// A look into a model's files.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelSummary {
    /// The file with the weights, or the index of its shards; `None` for the bundled model.
    pub weights: Option<PathBuf>,
    /// How the file names its tensors.
    pub layout: Layout,
    /// Tensors of the image model.
    pub tensors: usize,
    /// Numbers in them.
    pub parameters: u64,
    /// Whether the geometry encoder's token is part of a prompt of words alone.
    pub text_prompt_uses_geometry_token: bool,
    /// Epsilon of the trunk's layer norms.
    pub vision_layer_norm_eps: f64,
}

impl ModelSummary {
    /// Looks at what `model` names, in the words of the property of that name. Reads no tensor.
    ///
    /// # Errors
    /// As loading it, as far as no tensor is needed to find out.
    pub fn read(model: &str) -> Result<Self> {
        let weights = match Place::find(model)? {
            Place::Bundled => None,
            Place::File(weights) => Some(weights),
        };
        let files = ModelFiles::open(model)?;
        let names = files.checkpoint.names();
        let shapes = names.iter().filter_map(|name| files.checkpoint.shape(name));
        Ok(Self {
            weights,
            layout: files.checkpoint.layout(),
            tensors: names.len(),
            parameters: shapes.map(|shape| shape.iter().product::<i64>().unsigned_abs()).sum(),
            text_prompt_uses_geometry_token: files.recommendations.text_prompt_uses_geometry_token,
            vision_layer_norm_eps: files.config.vision_config.backbone_config.layer_norm_eps,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bundled_model_and_its_files_are_the_same_model() {
        let bundled = ModelSummary::read("nano").unwrap();
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/models/sa3-nano");
        let files = ModelSummary::read(folder).unwrap();
        assert_eq!(files.weights, Some(format!("{folder}/model.safetensors").into()));
        assert_eq!(bundled, ModelSummary { weights: None, ..files });
        assert!(bundled.tensors > 300 && (10_000_000..15_000_000).contains(&bundled.parameters), "{bundled:?}");
    }
}
