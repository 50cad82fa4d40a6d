//! Simple feature pyramid: the same map at four, two and one times the trunk's grid.

use tch::Tensor;

use crate::config::VisionConfig;
use crate::error::Result;
use crate::nn::{Activation, Conv2d, ConvTranspose2d};
use crate::weights::Loader;

/// `neck`. The published fourth level is never consumed and therefore not computed.
#[derive(Debug)]
pub struct Neck {
    levels: [Level; 3],
}

/// `fpn_layers.N`.
#[derive(Debug)]
struct Level {
    /// Doublings, with a GELU between them.
    upsampling: Vec<ConvTranspose2d>,
    proj1: Conv2d,
    proj2: Conv2d,
}

impl Neck {
    /// Reads `fpn_layers.0` to `.2`; the tensors of unused levels are accepted and dropped.
    ///
    /// # Errors
    /// As [`Loader::tensor`].
    pub fn new(loader: &Loader<'_>, config: &VisionConfig) -> Result<Self> {
        let layers = loader.sub("fpn_layers");
        let (trunk, width) = (config.backbone_config.hidden_size, config.fpn_hidden_size);
        for index in 3..config.scale_factors.len() {
            for name in ["proj1.weight", "proj1.bias", "proj2.weight", "proj2.bias"] {
                layers.at(index as i64).ignore(name);
            }
        }
        Ok(Self {
            levels: [
                Level::new(&layers.at(0), &[trunk, trunk / 2, trunk / 4], width)?,
                Level::new(&layers.at(1), &[trunk, trunk / 2], width)?,
                Level::new(&layers.at(2), &[trunk], width)?,
            ],
        })
    }

    /// # Shapes
    /// x: [B, C, G, G] → [B, D, 4G, 4G], [B, D, 2G, 2G], [B, D, G, G].
    pub fn forward(&self, x: &Tensor) -> [Tensor; 3] {
        self.levels.each_ref().map(|level| level.forward(x))
    }
}

impl Level {
    /// `widths`: channels before, between and after the doublings.
    fn new(loader: &Loader<'_>, widths: &[i64], outputs: i64) -> Result<Self> {
        let scale_layers = loader.sub("scale_layers");
        // The GELU between two doublings has a number of its own in the checkpoint's list.
        let doubling = |(index, pair): (usize, &[i64])| {
            ConvTranspose2d::doubling(&scale_layers.at(2 * index as i64), pair[0], pair[1])
        };
        Ok(Self {
            upsampling: widths.windows(2).enumerate().map(doubling).collect::<Result<_>>()?,
            proj1: Conv2d::same(&loader.sub("proj1"), widths[widths.len() - 1], outputs, 1)?,
            proj2: Conv2d::same(&loader.sub("proj2"), outputs, outputs, 3)?,
        })
    }

    fn forward(&self, x: &Tensor) -> Tensor {
        let mut map = x.shallow_clone();
        for (index, doubling) in self.upsampling.iter().enumerate() {
            if index > 0 {
                map = Activation::Gelu.forward(&map);
            }
            map = doubling.forward(&map);
        }
        self.proj2.forward(&self.proj1.forward(&map))
    }
}
