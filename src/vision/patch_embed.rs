//! Patches to tokens, with the tiled table of absolute positions.

use tch::Tensor;

use crate::config::VitConfig;
use crate::error::Result;
use crate::nn::Conv2d;
use crate::weights::Loader;

/// `embeddings`: patch projection and absolute positions.
#[derive(Debug)]
pub(super) struct PatchEmbed {
    projection: Conv2d,
    /// [1, P·P, C] for the P x P grid of the pretraining size.
    positions: Tensor,
    pretrain_grid: i64,
}

impl PatchEmbed {
    pub(super) fn new(loader: &Loader<'_>, config: &VitConfig) -> Result<Self> {
        let pretrain_grid = config.pretrain_image_size / config.patch_size;
        let (channels, width, patch) = (config.num_channels, config.hidden_size, config.patch_size);
        let projection = loader.sub("patch_embeddings").sub("projection");
        Ok(Self {
            projection: Conv2d::patches(&projection, channels, width, patch)?,
            positions: loader.tensor("position_embeddings", &[1, pretrain_grid * pretrain_grid, width])?,
            pretrain_grid,
        })
    }

    /// # Shapes
    /// pixels: [B, 3, S, S] → [B, G, G, C]. The position table is repeated, never interpolated, and cut to G.
    pub(super) fn forward(&self, pixels: &Tensor) -> Tensor {
        let patches = self.projection.forward(pixels).permute([0, 2, 3, 1]); // [B, G, G, C]
        let grid = patches.size()[1];
        let repeats = grid / self.pretrain_grid + 1;
        let table = self.positions.view([1, self.pretrain_grid, self.pretrain_grid, -1]);
        let tiled = table.repeat([1, repeats, repeats, 1]).narrow(1, 0, grid).narrow(2, 0, grid);
        patches + tiled
    }
}
