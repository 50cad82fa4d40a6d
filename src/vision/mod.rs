//! Picture to features: ViT trunk, then a simple feature pyramid.
//!
//! Third stage of the flow. Its output is shared by every prompt of a frame.

mod backbone;
mod block;
mod neck;
mod patch_embed;
mod window;

pub use backbone::{Backbone, BackboneStages};
pub use neck::Neck;

use tch::Tensor;

use crate::config::VisionConfig;
use crate::error::Result;
use crate::nn::sine_position_map;
use crate::weights::Loader;

/// `vision_encoder`: trunk and neck.
#[derive(Debug)]
pub struct VisionEncoder {
    backbone: Backbone,
    neck: Neck,
    /// Positions of the last grid seen.
    positions: Option<Tensor>,
}

/// What the heads read of a picture.
#[derive(Debug)]
pub struct VisionFeatures {
    /// Pyramid maps [B, D, 4G, 4G], [B, D, 2G, 2G], [B, D, G, G].
    pub levels: [Tensor; 3],
    /// The coarsest map as tokens, [B, G·G, D].
    pub tokens: Tensor,
    /// Positions of the tokens, [1, G·G, D], in the precision of the tokens.
    pub positions: Tensor,
}

impl VisionEncoder {
    /// Reads `backbone` and `neck`.
    ///
    /// # Errors
    /// As [`Loader::tensor`].
    pub fn new(loader: &Loader<'_>, config: &VisionConfig) -> Result<Self> {
        Ok(Self {
            backbone: Backbone::new(&loader.sub("backbone"), &config.backbone_config)?,
            neck: Neck::new(&loader.sub("neck"), config)?,
            positions: None,
        })
    }

    /// # Shapes
    /// pixels: [B, 3, S, S], normalised → features of G = S / patch size.
    pub fn forward(&mut self, pixels: &Tensor) -> VisionFeatures {
        let map = self.trunk(pixels);
        self.features(&map)
    }

    /// What every neck reads: the trunk's map, once for a frame.
    ///
    /// # Shapes
    /// pixels: [B, 3, S, S], normalised → [B, C, G, G].
    pub fn trunk(&mut self, pixels: &Tensor) -> Tensor {
        self.backbone.forward(pixels).permute([0, 3, 1, 2])
    }

    /// The detector's own features of the trunk's map.
    ///
    /// # Shapes
    /// map: [B, C, G, G].
    pub fn features(&mut self, map: &Tensor) -> VisionFeatures {
        let levels = self.neck.forward(map);
        let (_, width, grid, _) = levels[2].size4().expect("pyramid levels are maps");
        let tokens = levels[2].flatten(2, -1).transpose(1, 2);
        let positions = self.positions.take().filter(|positions| positions.size()[1] == grid * grid);
        let positions =
            positions.unwrap_or_else(|| sine_position_map(grid, width, tokens.device()).to_kind(tokens.kind()));
        self.positions = Some(positions.shallow_clone());
        VisionFeatures { levels, tokens, positions }
    }

    /// The trunk alone, for comparing its stages with the reference.
    pub fn backbone(&mut self) -> &mut Backbone {
        &mut self.backbone
    }
}
