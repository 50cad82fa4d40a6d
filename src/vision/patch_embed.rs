//! Patches to tokens, with the tiled table of absolute positions.

use tch::Tensor;

use crate::config::VitConfig;
use crate::error::Result;
use crate::nn::{Linear, LinearWeights};
use crate::weights::Loader;

/// `embeddings`: patch projection and absolute positions.
#[derive(Debug)]
pub(super) struct PatchEmbed {
    /// From the numbers of a patch, channel by channel.
    projection: Linear,
    /// [1, P·P, C] for the P x P grid of the pretraining size.
    positions: Tensor,
    pretrain_grid: i64,
    patch: i64,
    /// The table repeated over the last grid seen, [1, G, G, C].
    tiled: Option<Tensor>,
}

impl PatchEmbed {
    pub(super) fn new(loader: &Loader<'_>, config: &VitConfig) -> Result<Self> {
        let pretrain_grid = config.pretrain_image_size / config.patch_size;
        let (channels, width, patch) = (config.num_channels, config.hidden_size, config.patch_size);
        let projection = loader.sub("patch_embeddings").sub("projection");
        let weight = projection.tensor("weight", &[width, channels, patch, patch])?.reshape([width, -1]);
        let no_bias = Tensor::zeros([width], (weight.kind(), weight.device()));
        Ok(Self {
            projection: LinearWeights::from_parts(weight, no_bias).into(),
            patch,
            tiled: None,
            positions: loader.tensor("position_embeddings", &[1, pretrain_grid * pretrain_grid, width])?,
            pretrain_grid,
        })
    }

    /// # Shapes
    /// pixels: [B, 3, S, S] → [B, G, G, C]. The position table is repeated, never interpolated, and cut to G.
    pub(super) fn forward(&mut self, pixels: &Tensor) -> Tensor {
        let (batch, channels, size, _) = pixels.size4().expect("pictures have four dimensions");
        let (grid, patch) = (size / self.patch, self.patch);
        let patches = pixels
            .view([batch, channels, grid, patch, grid, patch])
            .permute([0, 2, 4, 1, 3, 5])
            .reshape([batch, grid, grid, -1]);
        let tiled = self.tiled.take().filter(|tiled| tiled.size()[1] == grid).unwrap_or_else(|| self.tile(grid));
        let embedded = self.projection.forward_onto(&tiled, &patches);
        self.tiled = Some(tiled);
        embedded
    }

    fn tile(&self, grid: i64) -> Tensor {
        let repeats = grid / self.pretrain_grid + 1;
        let table = self.positions.view([1, self.pretrain_grid, self.pretrain_grid, -1]);
        table.repeat([1, repeats, repeats, 1]).narrow(1, 0, grid).narrow(2, 0, grid).contiguous()
    }
}
