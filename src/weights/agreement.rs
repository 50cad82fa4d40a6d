//! A config.json that disagrees with the tensors, told by the field instead of by hundreds of tensors.

use std::collections::BTreeSet;

use super::TensorSource;
use crate::config::{ModelConfig, TrackerConfig};
use crate::error::{Error, Result};

/// Compares every number of the configuration that a tensor repeats.
///
/// # Errors
/// [`Error::Config`] with the field, its value, and what the checkpoint says.
pub fn check(config: &ModelConfig, source: &dyn TensorSource) -> Result<()> {
    check_layers(&layer_counts(config), source)?;
    check_sides(&sides(config), source)?;
    let vit = &config.vision_config.backbone_config;
    let table = "vision_encoder.backbone.embeddings.position_embeddings";
    let grid = vit.pretrain_image_size / vit.patch_size;
    match source.shape(table) {
        Some(shape) if shape.get(1) != Some(&(grid * grid)) => refuse(
            "vision_config.backbone_config.pretrain_image_size",
            vit.pretrain_image_size,
            format!("{table} of shape {shape:?} instead of {grid} x {grid} positions"),
        ),
        _ => Ok(()),
    }
}

/// The same for the tracker.
///
/// # Errors
/// As [`check`].
pub fn check_tracker(config: &TrackerConfig, source: &dyn TensorSource) -> Result<()> {
    check_layers(&tracker_layer_counts(config), source)?;
    check_sides(&tracker_sides(config), source)
}

/// Field, value, and the list that has as many entries.
type LayerCount = (&'static str, i64, &'static str);
/// Field, value, tensor, and which of its sides has that value.
type Side = (&'static str, i64, &'static str, usize);

fn check_layers(counts: &[LayerCount], source: &dyn TensorSource) -> Result<()> {
    let names = source.names();
    for &(field, value, list) in counts {
        let found = count_of(list, &names);
        if found != 0 && found != value {
            return refuse(field, value, format!("{found} of {list}*"));
        }
    }
    Ok(())
}

fn check_sides(sides: &[Side], source: &dyn TensorSource) -> Result<()> {
    for &(field, value, tensor, dimension) in sides {
        let Some(shape) = source.shape(tensor) else { continue };
        if shape.get(dimension) != Some(&value) {
            return refuse(field, value, format!("{tensor} of shape {shape:?}"));
        }
    }
    Ok(())
}

fn refuse(field: &str, value: i64, found: String) -> Result<()> {
    Err(Error::Config {
        field: field.into(),
        value: value.to_string(),
        rule: format!("disagrees with the checkpoint, which has {found}; use the config.json published with it"),
    })
}

/// How many numbers follow `list` in the names.
fn count_of(list: &str, names: &[String]) -> i64 {
    let number = |name: &String| name.strip_prefix(list)?.split('.').next()?.parse::<u32>().ok();
    names.iter().filter_map(number).collect::<BTreeSet<_>>().len() as i64
}

fn layer_counts(config: &ModelConfig) -> [LayerCount; 5] {
    [
        (
            "vision_config.backbone_config.num_hidden_layers",
            config.vision_config.backbone_config.num_hidden_layers,
            "vision_encoder.backbone.layers.",
        ),
        (
            "text_config.num_hidden_layers",
            config.text_config.num_hidden_layers,
            "text_encoder.text_model.encoder.layers.",
        ),
        ("geometry_encoder_config.num_layers", config.geometry_encoder_config.num_layers, "geometry_encoder.layers."),
        ("detr_encoder_config.num_layers", config.detr_encoder_config.num_layers, "detr_encoder.layers."),
        ("detr_decoder_config.num_layers", config.detr_decoder_config.num_layers, "detr_decoder.layers."),
    ]
}

fn sides(config: &ModelConfig) -> Vec<Side> {
    let vit = &config.vision_config.backbone_config;
    let text = &config.text_config;
    let geometry = &config.geometry_encoder_config;
    let fusion = &config.detr_encoder_config;
    let decoder = &config.detr_decoder_config;
    let patches = "vision_encoder.backbone.embeddings.patch_embeddings.projection.weight";
    let tokens = "text_encoder.text_model.embeddings.token_embedding.weight";
    let positions = "text_encoder.text_model.embeddings.position_embedding.weight";
    let text_mlp = "text_encoder.text_model.encoder.layers.0.mlp.fc1.weight";
    vec![
        ("vision_config.backbone_config.hidden_size", vit.hidden_size, patches, 0),
        ("vision_config.backbone_config.patch_size", vit.patch_size, patches, 2),
        (
            "vision_config.backbone_config.intermediate_size",
            vit.intermediate_size,
            "vision_encoder.backbone.layers.0.mlp.fc1.weight",
            0,
        ),
        (
            "vision_config.fpn_hidden_size",
            config.vision_config.fpn_hidden_size,
            "vision_encoder.neck.fpn_layers.0.proj1.weight",
            0,
        ),
        ("text_config.vocab_size", text.vocab_size, tokens, 0),
        ("text_config.hidden_size", text.hidden_size, tokens, 1),
        ("text_config.max_position_embeddings", text.max_position_embeddings, positions, 0),
        ("text_config.intermediate_size", text.intermediate_size, text_mlp, 0),
        (
            "geometry_encoder_config.intermediate_size",
            geometry.intermediate_size,
            "geometry_encoder.layers.0.mlp.fc1.weight",
            0,
        ),
        ("geometry_encoder_config.roi_size", geometry.roi_size, "geometry_encoder.boxes_pool_project.weight", 2),
        ("detr_encoder_config.hidden_size", fusion.hidden_size, "detr_encoder.layers.0.layer_norm1.weight", 0),
        ("detr_encoder_config.intermediate_size", fusion.intermediate_size, "detr_encoder.layers.0.mlp.fc1.weight", 0),
        ("detr_decoder_config.hidden_size", decoder.hidden_size, "detr_decoder.query_embed.weight", 1),
        ("detr_decoder_config.num_queries", decoder.num_queries, "detr_decoder.query_embed.weight", 0),
        ("detr_decoder_config.intermediate_size", decoder.intermediate_size, "detr_decoder.layers.0.mlp.fc1.weight", 0),
    ]
}

fn tracker_layer_counts(config: &TrackerConfig) -> [LayerCount; 3] {
    [
        (
            "tracker_config.mask_decoder_config.num_hidden_layers",
            config.mask_decoder_config.num_hidden_layers,
            "tracker_model.mask_decoder.transformer.layers.",
        ),
        (
            "tracker_config.memory_attention_num_layers",
            config.memory_attention_num_layers,
            "tracker_model.memory_attention.layers.",
        ),
        (
            "tracker_config.memory_fuser_num_layers",
            config.memory_fuser_num_layers,
            "tracker_model.memory_encoder.memory_fuser.layers.",
        ),
    ]
}

fn tracker_sides(config: &TrackerConfig) -> Vec<Side> {
    let masks = &config.mask_decoder_config;
    let attention = "tracker_model.memory_attention.layers.0.linear1.weight";
    let perceptron = "tracker_model.mask_decoder.transformer.layers.0.mlp.proj_in.weight";
    let times = "tracker_model.memory_temporal_positional_encoding";
    vec![
        ("tracker_config.memory_attention_hidden_size", config.memory_attention_hidden_size, attention, 1),
        (
            "tracker_config.memory_attention_feed_forward_hidden_size",
            config.memory_attention_feed_forward_hidden_size,
            attention,
            0,
        ),
        ("tracker_config.mask_decoder_config.mlp_dim", masks.mlp_dim, perceptron, 0),
        ("tracker_config.num_maskmem", config.num_maskmem, times, 0),
        ("tracker_config.memory_encoder_output_channels", config.memory_encoder_output_channels, times, 3),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ImageModel;
    use crate::tracker::Tracker;
    use std::collections::BTreeMap;
    use tch::Tensor;

    const SMALLEST: &str = include_str!("../../tests/parity/configs/smallest.json");

    struct Shapes(BTreeMap<String, Vec<i64>>);

    impl TensorSource for Shapes {
        fn names(&self) -> Vec<String> {
            self.0.keys().cloned().collect()
        }

        fn shape(&self, name: &str) -> Option<Vec<i64>> {
            self.0.get(name).cloned()
        }

        fn read(&self, name: &str) -> Result<Tensor> {
            unreachable!("{name} is read before the configuration is believed")
        }
    }

    /// The configuration with one number changed, unchecked.
    fn altered(field: &str, value: i64) -> ModelConfig {
        let mut root: serde_json::Value = serde_json::from_str(SMALLEST).unwrap();
        *root.pointer_mut(&format!("/{}", field.replace('.', "/"))).unwrap() = value.into();
        serde_json::from_value(root).unwrap()
    }

    #[test]
    fn every_field_of_the_tracker_that_tensors_repeat_is_told_by_its_name() {
        let text = include_str!("../../tests/parity/configs/tiny_video.json");
        let config = ModelConfig::from_json(text).unwrap();
        let own = config.tracker.as_ref().unwrap();
        let source = Shapes(Tracker::wanted_tensors(&config).unwrap());
        check_tracker(own, &source).unwrap();
        let counts = tracker_layer_counts(own).map(|(field, value, _)| (field, value)).into_iter();
        let fields = counts.chain(tracker_sides(own).into_iter().map(|(field, value, ..)| (field, value)));
        for (field, value) in fields {
            let mut root: serde_json::Value = serde_json::from_str(text).unwrap();
            *root.pointer_mut(&format!("/{}", field.replace('.', "/"))).unwrap() = (2 * value).into();
            let wrong = ModelConfig {
                tracker: serde_json::from_value(root["tracker_config"].take()).unwrap(),
                ..config.clone()
            };
            let error = Tracker::load(&source, &wrong, tch::Device::Cpu, tch::Kind::Float).unwrap_err().to_string();
            assert!(error.contains(&format!("{field} is {}, which disagrees", 2 * value)), "{field}: {error}");
        }
    }

    #[test]
    fn every_field_that_tensors_repeat_is_told_by_its_name() {
        let config = ModelConfig::from_json(SMALLEST).unwrap();
        let source = Shapes(ImageModel::wanted_tensors(&config).unwrap());
        check(&config, &source).unwrap();
        let fields = layer_counts(&config).map(|(field, value, _)| (field, value)).into_iter();
        let fields = fields.chain(sides(&config).into_iter().map(|(field, value, ..)| (field, value)));
        let pretrain = ("vision_config.backbone_config.pretrain_image_size", 28);
        for (field, value) in fields.chain([pretrain]) {
            let wrong = 2 * value + 14;
            let loaded = ImageModel::load(&source, &altered(field, wrong), tch::Device::Cpu, tch::Kind::Float);
            let error = loaded.unwrap_err().to_string();
            assert!(error.contains(&format!("{field} is {wrong}, which disagrees")), "{field}: {error}");
        }
    }
}
