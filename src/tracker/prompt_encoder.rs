//! Clicks, boxes and masks to what the mask decoder reads: sparse tokens, and one dense token for each place.

use std::f64::consts::TAU;

use tch::{Device, Kind, Tensor};

use crate::config::PromptEncoderConfig;
use crate::error::Result;
use crate::nn::{Activation, Conv2d, LayerNorm};
use crate::weights::Loader;

/// What a point says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PointLabel {
    /// Not on the object.
    Negative,
    /// On the object.
    Positive,
    /// A box's corner with the smallest x and y.
    BoxTopLeft,
    /// A box's corner with the largest x and y.
    BoxBottomRight,
}

/// A point of a prompt.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PromptPoint {
    /// Across the frame, 0..1.
    pub x_in_frame: f32,
    /// Down the frame, 0..1.
    pub y_in_frame: f32,
    /// What it says.
    pub label: PointLabel,
}

/// `prompt_encoder`, and `shared_image_embedding`, which is another copy of its frequencies.
#[derive(Debug)]
pub struct PromptEncoder {
    /// Random frequencies [2, D / 2]; positions stay in 32 bits.
    frequencies: Tensor,
    image_frequencies: Tensor,
    /// [4, D], a row for each [`PointLabel`].
    point_embed: Tensor,
    /// [1, D]
    not_a_point_embed: Tensor,
    /// [1, 1, D]
    no_mask_embed: Tensor,
    mask_embed: MaskEmbed,
}

/// `mask_embed`: mask logits to the token grid.
#[derive(Debug)]
struct MaskEmbed {
    conv1: Conv2d,
    layer_norm1: LayerNorm,
    conv2: Conv2d,
    layer_norm2: LayerNorm,
    conv3: Conv2d,
}

impl PromptEncoder {
    /// Reads `prompt_encoder` and `shared_image_embedding` below `loader`.
    ///
    /// # Errors
    /// As [`Loader::tensor`].
    pub fn new(loader: &Loader<'_>, config: &PromptEncoderConfig) -> Result<Self> {
        let width = config.hidden_size;
        let (own, exact) = (loader.sub("prompt_encoder"), loader.in_kind(Kind::Float));
        let shape = [2, width / 2];
        let exact_row = |name: &str| exact.sub("prompt_encoder").sub(name).tensor("weight", &[1, width]);
        Ok(Self {
            frequencies: exact.sub("prompt_encoder.shared_embedding").tensor("positional_embedding", &shape)?,
            image_frequencies: exact.sub("shared_image_embedding").tensor("positional_embedding", &shape)?,
            point_embed: exact.sub("prompt_encoder.point_embed").tensor("weight", &[4, width])?,
            not_a_point_embed: exact_row("not_a_point_embed")?,
            no_mask_embed: own.sub("no_mask_embed").tensor("weight", &[1, width])?.unsqueeze(0),
            mask_embed: MaskEmbed::new(&own.sub("mask_embed"), config)?,
        })
    }

    /// Tokens of the same number of points for each object, and one at the end that stands for "no point". Without any
    /// point there are two of these, as the model was trained.
    ///
    /// `input_size` is the side of the model's input in pixels: points are moved to the centre of their pixel.
    ///
    /// # Shapes
    /// points: N lists of P → [N, P + 1, D]; P = 0 → [N, 2, D]. In 32 bits.
    pub fn points(&self, points: &[Vec<PromptPoint>], input_size: i64) -> Tensor {
        let objects = points.len() as i64;
        let count = points.first().map_or(0, Vec::len) as i64;
        let padding = self.not_a_point_embed.unsqueeze(0).expand([objects, 1, -1], false);
        if count == 0 {
            return padding.expand([objects, 2, -1], false);
        }
        let half = 0.5 / input_size as f32;
        let flat = points.iter().flatten();
        let xy: Vec<f32> = flat.clone().flat_map(|point| [point.x_in_frame + half, point.y_in_frame + half]).collect();
        let rows: Vec<i64> = flat.map(|point| point.label as i64).collect();
        let device = self.frequencies.device();
        let xy = Tensor::from_slice(&xy).to_device(device).view([objects, count, 2]);
        let labels = self.point_embed.index_select(0, &Tensor::from_slice(&rows).to_device(device));
        let places = fourier(&xy, &self.frequencies);
        Tensor::cat(&[&(&places + labels.view_as(&places)), &padding], 1)
    }

    /// What stands for "no mask", at every place.
    ///
    /// # Shapes
    /// → [1, 1, D].
    pub fn no_mask(&self) -> Tensor {
        self.no_mask_embed.shallow_clone()
    }

    /// Tokens of masks.
    ///
    /// # Shapes
    /// mask logits: [N, 1, 4G, 4G] → [N, G·G, D].
    pub fn masks(&self, logits: &Tensor) -> Tensor {
        self.mask_embed.forward(logits).flatten(2, -1).transpose(1, 2)
    }

    /// Positions of the cells of a grid, at their centres.
    ///
    /// # Shapes
    /// → [1, G·G, D] in 32 bits.
    pub fn places(&self, grid: i64, device: Device) -> Tensor {
        let axis = (Tensor::arange(grid, (Kind::Float, device)) + 0.5) / grid as f64;
        let x = axis.unsqueeze(0).expand([grid, grid], false);
        let y = axis.unsqueeze(1).expand([grid, grid], false);
        fourier(&Tensor::stack(&[x, y], -1).view([1, grid * grid, 2]), &self.image_frequencies)
    }
}

/// # Shapes
/// xy: [.., 2] within 0..1; frequencies: [2, D / 2] → [.., D].
fn fourier(xy: &Tensor, frequencies: &Tensor) -> Tensor {
    let angles = (xy * 2.0 - 1.0).matmul(frequencies) * TAU;
    Tensor::cat(&[angles.sin(), angles.cos()], -1)
}

impl MaskEmbed {
    fn new(loader: &Loader<'_>, config: &PromptEncoderConfig) -> Result<Self> {
        let (last, eps) = (config.mask_input_channels, config.layer_norm_eps);
        let first = last / 4;
        Ok(Self {
            conv1: Conv2d::strided(&loader.sub("conv1"), [1, first, 2], 0, 2)?,
            layer_norm1: LayerNorm::with_eps(&loader.sub("layer_norm1"), first, eps)?,
            conv2: Conv2d::strided(&loader.sub("conv2"), [first, last, 2], 0, 2)?,
            layer_norm2: LayerNorm::with_eps(&loader.sub("layer_norm2"), last, eps)?,
            conv3: Conv2d::same(&loader.sub("conv3"), last, config.hidden_size, 1)?,
        })
    }

    /// # Shapes
    /// [N, 1, 4G, 4G] → [N, D, G, G].
    fn forward(&self, logits: &Tensor) -> Tensor {
        let halved = Activation::Gelu.forward(&self.layer_norm1.forward_map(&self.conv1.forward(logits)));
        let quartered = Activation::Gelu.forward(&self.layer_norm2.forward_map(&self.conv2.forward(&halved)));
        self.conv3.forward(&quartered)
    }
}
