//! The ViT trunk.

use tch::{Device, Tensor};

use super::block::Block;
use super::patch_embed::PatchEmbed;
use crate::config::VitConfig;
use crate::error::Result;
use crate::nn::{LayerNorm, Rope};
use crate::weights::Loader;

/// `vision_encoder.backbone`.
#[derive(Debug)]
pub struct Backbone {
    embeddings: PatchEmbed,
    layer_norm: LayerNorm,
    blocks: Vec<Block>,
    config: VitConfig,
    window_rope: Rope,
    /// Angles over the whole grid, for the last grid seen.
    grid_rope: (i64, Rope),
}

/// Output of every stage, for comparison with the reference.
#[derive(Debug)]
pub struct BackboneStages {
    /// Patches with positions, [B, G, G, C].
    pub embedded: Tensor,
    /// After each block, [B, G, G, C].
    pub blocks: Vec<Tensor>,
}

impl Backbone {
    /// Reads `embeddings`, `layer_norm` and `layers`.
    ///
    /// # Errors
    /// As [`Loader::tensor`].
    pub fn new(loader: &Loader<'_>, config: &VitConfig) -> Result<Self> {
        let layers = loader.sub("layers");
        let block = |index| Block::new(&layers.at(index), config, config.global_attn_indexes.contains(&index));
        let grid = config.image_size / config.patch_size;
        Ok(Self {
            embeddings: PatchEmbed::new(&loader.sub("embeddings"), config)?,
            layer_norm: LayerNorm::with_eps(&loader.sub("layer_norm"), config.hidden_size, config.layer_norm_eps)?,
            blocks: (0..config.num_hidden_layers).map(block).collect::<Result<_>>()?,
            window_rope: rope(config, config.window_size, loader.device()),
            grid_rope: (grid, rope(config, grid, loader.device())),
            config: config.clone(),
        })
    }

    /// # Shapes
    /// pixels: [B, 3, S, S] → [B, G, G, C], the last block's output without a final norm.
    pub fn forward(&mut self, pixels: &Tensor) -> Tensor {
        let embedded = self.embed(pixels);
        let mut hidden = self.layer_norm.forward(&embedded);
        for block in &self.blocks {
            hidden = block.forward(&hidden, self.rope_of(block));
        }
        hidden
    }

    /// The same with every stage kept.
    pub fn stages(&mut self, pixels: &Tensor) -> BackboneStages {
        let embedded = self.embed(pixels);
        let mut hidden = self.layer_norm.forward(&embedded);
        let mut blocks = Vec::new();
        for block in &self.blocks {
            hidden = block.forward(&hidden, self.rope_of(block));
            blocks.push(hidden.shallow_clone());
        }
        BackboneStages { embedded, blocks }
    }

    fn embed(&mut self, pixels: &Tensor) -> Tensor {
        let embedded = self.embeddings.forward(pixels);
        let grid = embedded.size()[1];
        if self.grid_rope.0 != grid {
            self.grid_rope = (grid, rope(&self.config, grid, pixels.device()));
        }
        embedded
    }

    fn rope_of(&self, block: &Block) -> &Rope {
        if block.is_global() { &self.grid_rope.1 } else { &self.window_rope }
    }
}

/// Angles of a `side` x `side` field of tokens, squeezed to the range that a window spans.
fn rope(config: &VitConfig, side: i64, device: Device) -> Rope {
    let head_width = config.hidden_size / config.num_attention_heads;
    let scale = config.window_size as f64 / side as f64;
    Rope::new(side, scale, head_width, config.rope_parameters.rope_theta, device)
}
