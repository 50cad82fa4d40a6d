//! Exemplar boxes to prompt tokens, with a class token that has looked at the picture.

use tch::{Kind, Tensor};

use super::ExemplarBox;
use crate::boxes::BoxXyxy;
use crate::config::GeometryConfig;
use crate::error::Result;
use crate::nn::{Activation, Attention, Conv2d, FeedForward, LayerNorm, Linear, roi_align, sine_of_coordinates};
use crate::vision::VisionFeatures;
use crate::weights::Loader;

/// `geometry_encoder`.
#[derive(Debug)]
pub struct GeometryEncoder {
    label_embed: Tensor,
    cls_embed: Tensor,
    boxes_direct_project: Linear,
    boxes_pool_project: Conv2d,
    boxes_pos_enc_project: Linear,
    vision_layer_norm: LayerNorm,
    final_proj: Linear,
    prompt_layer_norm: LayerNorm,
    layers: Vec<Layer>,
    output_layer_norm: LayerNorm,
    roi_size: i64,
}

/// `layers.N`: boxes look at each other, then at the picture.
#[derive(Debug)]
struct Layer {
    layer_norm1: LayerNorm,
    self_attn: Attention,
    layer_norm2: LayerNorm,
    cross_attn: Attention,
    layer_norm3: LayerNorm,
    mlp: FeedForward,
}

impl GeometryEncoder {
    /// Reads everything below `geometry_encoder`.
    ///
    /// # Errors
    /// As [`Loader::tensor`].
    pub fn new(loader: &Loader<'_>, config: &GeometryConfig) -> Result<Self> {
        let width = config.hidden_size;
        let layers = loader.sub("layers");
        Ok(Self {
            label_embed: loader.tensor("label_embed.weight", &[2, width])?,
            cls_embed: loader.tensor("cls_embed.weight", &[1, width])?,
            boxes_direct_project: Linear::new(&loader.sub("boxes_direct_project"), 4, width)?,
            boxes_pool_project: Conv2d::new(&loader.sub("boxes_pool_project"), [width, width, config.roi_size], 0)?,
            boxes_pos_enc_project: Linear::new(&loader.sub("boxes_pos_enc_project"), width + 2, width)?,
            vision_layer_norm: LayerNorm::new(&loader.sub("vision_layer_norm"), width)?,
            final_proj: Linear::new(&loader.sub("final_proj"), width, width)?,
            prompt_layer_norm: LayerNorm::new(&loader.sub("prompt_layer_norm"), width)?,
            layers: (0..config.num_layers).map(|index| Layer::new(&layers.at(index), config)).collect::<Result<_>>()?,
            output_layer_norm: LayerNorm::new(&loader.sub("output_layer_norm"), width)?,
            roi_size: config.roi_size,
        })
    }

    /// Tokens of one prompt on one picture: its boxes, then the class token.
    ///
    /// # Shapes
    /// features of one picture; N boxes → [1, N + 1, D].
    pub fn forward(&self, features: &VisionFeatures, boxes: &[ExemplarBox]) -> Tensor {
        let cls = self.cls_embed.unsqueeze(0);
        let tokens = if boxes.is_empty() {
            cls
        } else {
            Tensor::cat(&[self.encode_boxes(features, boxes).unsqueeze(0), cls], 1)
        };
        let mut hidden = self.prompt_layer_norm.forward(&self.final_proj.forward(&tokens));
        let keys = &features.tokens + &features.positions;
        for layer in &self.layers {
            hidden = layer.forward(&hidden, &keys, &features.tokens);
        }
        self.output_layer_norm.forward(&hidden)
    }

    /// Coordinates, pooled features and position of each box, plus its label.
    ///
    /// # Shapes
    /// → [N, D].
    fn encode_boxes(&self, features: &VisionFeatures, boxes: &[ExemplarBox]) -> Tensor {
        let (device, count) = (features.tokens.device(), boxes.len() as i64);
        let numbers: Vec<f32> = boxes
            .iter()
            .flat_map(|b| [b.box_in_frame.cx, b.box_in_frame.cy, b.box_in_frame.w, b.box_in_frame.h])
            .collect();
        let cxcywh = Tensor::from_slice(&numbers).view([count, 4]).to_device(device);
        let labels: Vec<i64> = boxes.iter().map(|b| i64::from(b.is_positive)).collect();
        let labels = Tensor::from_slice(&labels).to_device(device);
        self.boxes_direct_project.forward(&cxcywh)
            + self.pool(features, boxes)
            + self.boxes_pos_enc_project.forward(&self.encode_positions(&cxcywh))
            + self.label_embed.index_select(0, &labels)
    }

    /// What the picture shows inside each box.
    ///
    /// # Shapes
    /// → [N, D].
    pub fn pool(&self, features: &VisionFeatures, boxes: &[ExemplarBox]) -> Tensor {
        let map = &features.levels[2];
        let grid = map.size()[3] as f32;
        let normed = self.vision_layer_norm.forward(&map.permute([0, 2, 3, 1])).permute([0, 3, 1, 2]).get(0);
        let in_cells: Vec<BoxXyxy> = boxes
            .iter()
            .map(|b| BoxXyxy::from(b.box_in_frame))
            .map(|b| BoxXyxy { x0: b.x0 * grid, y0: b.y0 * grid, x1: b.x1 * grid, y1: b.y1 * grid })
            .collect();
        let pooled = roi_align(&normed, &in_cells, self.roi_size); // [N, D, roi, roi]
        self.boxes_pool_project.forward(&pooled).flatten(1, -1)
    }

    /// Sine of the centre (y, then x), then height and width as they are.
    ///
    /// # Shapes
    /// cxcywh: [N, 4] fp32 → [N, D + 2].
    fn encode_positions(&self, cxcywh: &Tensor) -> Tensor {
        let half = self.cls_embed.size()[1] / 2;
        let column = |index: i64| cxcywh.narrow(1, index, 1);
        let sine = |index: i64| sine_of_coordinates(&cxcywh.select(1, index), half);
        Tensor::cat(&[sine(1), sine(0), column(3), column(2)], 1).to_kind(Kind::Float)
    }
}

impl Layer {
    fn new(loader: &Loader<'_>, config: &GeometryConfig) -> Result<Self> {
        let (width, heads) = (config.hidden_size, config.num_attention_heads);
        Ok(Self {
            layer_norm1: LayerNorm::new(&loader.sub("layer_norm1"), width)?,
            self_attn: Attention::new(&loader.sub("self_attn"), width, heads)?,
            layer_norm2: LayerNorm::new(&loader.sub("layer_norm2"), width)?,
            cross_attn: Attention::new(&loader.sub("cross_attn"), width, heads)?,
            layer_norm3: LayerNorm::new(&loader.sub("layer_norm3"), width)?,
            mlp: FeedForward::new(&loader.sub("mlp"), width, config.intermediate_size, Activation::Relu)?,
        })
    }

    fn forward(&self, prompt: &Tensor, keys: &Tensor, values: &Tensor) -> Tensor {
        let normed = self.layer_norm1.forward(prompt);
        let prompt = self.self_attn.forward_onto(prompt, &normed, [&normed, &normed], None);
        let normed = self.layer_norm2.forward(&prompt);
        let prompt = self.cross_attn.forward_onto(&prompt, &normed, [keys, values], None);
        self.mlp.forward_onto(&prompt, &self.layer_norm3.forward(&prompt))
    }
}
