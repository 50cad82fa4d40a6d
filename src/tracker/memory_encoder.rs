//! Picture and mask to the memory of one frame.

use tch::Tensor;

use super::mask_decoder::MAP_NORM_EPS;
use crate::config::TrackerConfig;
use crate::error::Result;
use crate::nn::{Activation, Conv2d, FeedForward, LayerNorm, LinearWeights};
use crate::weights::Loader;

/// `memory_encoder`.
#[derive(Debug)]
pub struct MemoryEncoder {
    /// `mask_downsampler.layers`: each halves.
    mask_downsampler: Vec<(Conv2d, LayerNorm)>,
    /// `mask_downsampler.final_conv`.
    final_conv: Conv2d,
    feature_projection: Conv2d,
    memory_fuser: Vec<FuserLayer>,
    projection: Conv2d,
}

/// `memory_fuser.layers.N`.
#[derive(Debug)]
struct FuserLayer {
    depthwise_conv: Conv2d,
    layer_norm: LayerNorm,
    /// `pointwise_conv1` and `pointwise_conv2`, the latter multiplied by `scale`.
    pointwise: FeedForward,
}

impl MemoryEncoder {
    /// Reads everything below `memory_encoder`.
    ///
    /// # Errors
    /// As [`Loader::tensor`].
    pub fn new(loader: &Loader<'_>, config: &TrackerConfig) -> Result<Self> {
        let width = config.memory_encoder_hidden_size;
        let downsampler = loader.sub("mask_downsampler");
        let steps = config.mask_downsampler_total_stride.ilog2();
        let halving = |step: u32| {
            let layer = downsampler.sub("layers").at(step.into());
            let (inputs, outputs) = (4i64.pow(step), 4i64.pow(step + 1));
            let conv = Conv2d::strided(&layer.sub("conv"), [inputs, outputs, 3], 1, 2)?;
            Ok((conv, LayerNorm::with_eps(&layer.sub("layer_norm"), outputs, MAP_NORM_EPS)?))
        };
        let fuser = loader.sub("memory_fuser.layers");
        let fuser_layer = |index| FuserLayer::new(&fuser.at(index), config);
        Ok(Self {
            mask_downsampler: (0..steps).map(halving).collect::<Result<_>>()?,
            final_conv: Conv2d::same(&downsampler.sub("final_conv"), 4i64.pow(steps), width, 1)?,
            feature_projection: Conv2d::same(&loader.sub("feature_projection"), width, width, 1)?,
            memory_fuser: (0..config.memory_fuser_num_layers).map(fuser_layer).collect::<Result<_>>()?,
            projection: Conv2d::same(&loader.sub("projection"), width, config.memory_encoder_output_channels, 1)?,
        })
    }

    /// `features` is the picture without any memory.
    ///
    /// # Shapes
    /// features: [1, D, G, G]; masks: [N, 1, 16G, 16G], scaled → [N, G·G, memory channels].
    pub fn forward(&self, features: &Tensor, masks: &Tensor) -> Tensor {
        let map = self.feature_projection.forward(features) + self.downsample(masks);
        let fused = self.memory_fuser.iter().fold(map, |map, layer| layer.forward(&map));
        self.projection.forward(&fused).flatten(2, -1).transpose(1, 2)
    }

    /// # Shapes
    /// [N, 1, 16G, 16G] → [N, D, G, G].
    pub fn downsample(&self, masks: &Tensor) -> Tensor {
        let halved = |map: Tensor, (conv, norm): &(Conv2d, LayerNorm)| {
            Activation::Gelu.forward(&norm.forward_map(&conv.forward(&map)))
        };
        self.final_conv.forward(&self.mask_downsampler.iter().fold(masks.shallow_clone(), halved))
    }
}

impl FuserLayer {
    fn new(loader: &Loader<'_>, config: &TrackerConfig) -> Result<Self> {
        let (width, inner) = (config.memory_fuser_embed_dim, config.memory_fuser_intermediate_dim);
        let scale = loader.tensor("scale", &[width])?;
        let first = LinearWeights::new(&loader.sub("pointwise_conv1"), width, inner)?;
        let second = LinearWeights::new(&loader.sub("pointwise_conv2"), inner, width)?;
        let side = config.memory_fuser_kernel_size;
        Ok(Self {
            depthwise_conv: Conv2d::depthwise(&loader.sub("depthwise_conv"), width, side)?,
            layer_norm: LayerNorm::with_eps(&loader.sub("layer_norm"), width, MAP_NORM_EPS)?,
            pointwise: FeedForward::of(first, second.scaled(&scale), Activation::Gelu),
        })
    }

    /// # Shapes
    /// map: [N, D, G, G] → the same.
    fn forward(&self, map: &Tensor) -> Tensor {
        let smoothed = self.depthwise_conv.forward(map).permute([0, 2, 3, 1]).contiguous();
        let residual = map.permute([0, 2, 3, 1]);
        self.pointwise.forward_onto(&residual, &self.layer_norm.forward(&smoothed)).permute([0, 3, 1, 2])
    }
}
