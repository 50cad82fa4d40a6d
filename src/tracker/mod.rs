//! Following things with memory: SAM 3's tracker, without any idea of phrases, detections or ids.
//!
//! On each frame the caller asks in this order:
//!
//! 1. [`Tracker::features`]: what the tracker reads of a frame, from the trunk's map, once for all objects
//! 2. [`Tracker::propagate`]: where each object is now, by its memories
//! 3. [`Tracker::recondition`], for objects that a detection confirms: this frame becomes one that is always looked at
//! 4. [`Tracker::remember`]: the masks as they shall be remembered, which may differ from those of 2
//! 5. [`Tracker::start_from_masks`], [`Tracker::click`]: new objects, and corrections
//!
//! Objects do not know each other: each has its own [`ObjectMemory`]. The official code keeps objects that were born
//! on one frame in one batch, and some of its rules spread over the batch. Here they are each object's own: memory
//! selection judges a frame by this object alone instead of by the mean of the batch, and a reconditioned object does
//! not make its batch mates' frame a conditioning one. Masks of objects born together still give way to each other.
//!
//! Letters in shapes, beyond those of the crate: C channels of a memory, F remembered frames, K masks of an object, N
//! objects, P points or pointers.

mod grid;
pub mod mask_decoder;
pub mod memory_attention;
pub mod memory_bank;
pub mod memory_encoder;
mod object_memory;
pub mod pointers;
pub mod prompt_encoder;
mod prompts;
mod propagate;
mod resample;
pub mod two_way;

pub use memory_bank::{BankRules, Giver};
pub use object_memory::{ObjectMemory, TrackedMask};
pub use prompt_encoder::{PointLabel, PromptPoint};
pub use prompts::Clicks;

use std::collections::BTreeMap;

use tch::{Device, Kind, Tensor};

use crate::config::{ModelConfig, TrackerConfig};
use crate::error::{Error, Result};
use crate::nn::Conv2d;
use crate::vision::Neck;
use crate::weights::{self, Loader, TensorSource};
use grid::Grid;
use mask_decoder::TrackerMaskDecoder;
use memory_attention::MemoryAttention;
use memory_encoder::MemoryEncoder;
use pointers::ObjectPointers;
use prompt_encoder::PromptEncoder;

/// `tracker_neck` and `tracker_model`.
#[derive(Debug)]
pub struct Tracker {
    /// `tracker_neck`.
    pub neck: Neck,
    /// `tracker_model.prompt_encoder`.
    pub prompt_encoder: PromptEncoder,
    /// `tracker_model.mask_decoder`.
    pub mask_decoder: TrackerMaskDecoder,
    /// `tracker_model.memory_attention`.
    pub memory_attention: MemoryAttention,
    /// `tracker_model.memory_encoder`.
    pub memory_encoder: MemoryEncoder,
    /// `tracker_model.object_pointer_proj` and what belongs to it.
    pub pointers: ObjectPointers,
    /// Mask prompts to what the prompt encoder reads.
    mask_downsample: Conv2d,
    /// Added to the picture where there is no memory, [1, 1, D].
    no_memory_embedding: Tensor,
    /// How long ago a memory is, [F + 1, C] fp32; the last row is for conditioning frames.
    temporal_positions: Tensor,
    /// Added to a memory without its object, [1, 1, C].
    absent_embedding: Tensor,
    config: TrackerConfig,
    rules: BankRules,
    /// Pixels along a side of one token.
    patch_size: i64,
    grid: Grid,
}

/// What the tracker reads of one frame; may be kept for clicks that come late.
#[derive(Debug)]
pub struct TrackerFeatures {
    /// The coarsest level of the tracker's pyramid, [1, D, G, G].
    pub map: Tensor,
    /// The same as tokens, [1, G·G, D].
    pub tokens: Tensor,
    /// What the mask decoder reads of the finer levels, [1, D / 8, 4G, 4G] and [1, D / 4, 2G, 2G].
    pub fine: [Tensor; 2],
}

impl TrackerFeatures {
    /// Tokens along a side.
    pub fn grid(&self) -> i64 {
        self.map.size()[3]
    }

    /// Bytes of all tensors.
    pub fn bytes(&self) -> usize {
        let of = |tensor: &Tensor| tensor.numel() * tensor.kind().elt_size_in_bytes();
        of(&self.map) + self.fine.iter().map(of).sum::<usize>()
    }
}

impl Tracker {
    /// Loads strictly from `source`; `None` when the configuration or the checkpoint has no tracker. A checkpoint with
    /// the tracker's neck alone, as the release's detector has it, has no tracker.
    ///
    /// # Errors
    /// [`Error::Config`] naming a field that the tensors contradict, [`Error::Weights`] naming everything
    /// that is missing or does not fit when neck or tracker are there in part, or the neck is missing.
    pub fn load(source: &dyn TensorSource, config: &ModelConfig, device: Device, kind: Kind) -> Result<Option<Self>> {
        let Some(own) = &config.tracker else { return Ok(None) };
        let source = weights::Component::Tracker.of(source);
        let names = source.names();
        let has_model = names.iter().any(|name| !name.starts_with(NECK));
        let loaded = if has_model {
            weights::agreement::check_tracker(own, &source)?;
            weights::load(&source, device, kind, |loader| Self::new(loader, config, own, kind)).map(Some)
        } else if names.is_empty() {
            Ok(None)
        } else {
            weights::load(&source, device, kind, |loader| Neck::new(&loader.sub(NECK), &config.vision_config))
                .map(|_| None)
        };
        loaded.map_err(|error| match error {
            Error::Weights { report } => {
                Error::Weights { report: format!("its tracker must be complete or absent; {report}") }
            }
            other => other,
        })
    }

    /// Every tensor that a checkpoint of this configuration must have for its tracker; none without a tracker.
    ///
    /// # Errors
    /// None in practice; the signature is that of loading.
    pub fn wanted_tensors(config: &ModelConfig) -> Result<BTreeMap<String, Vec<i64>>> {
        let Some(own) = &config.tracker else { return Ok(BTreeMap::new()) };
        weights::wanted(|loader| Self::new(loader, config, own, Kind::Float))
    }

    fn new(loader: &Loader<'_>, config: &ModelConfig, own: &TrackerConfig, kind: Kind) -> Result<Self> {
        let model = loader.sub("tracker_model");
        let exact = model.in_kind(Kind::Float);
        let (width, memory) = (own.memory_attention_hidden_size, own.memory_encoder_output_channels);
        let temporal = exact.tensor("memory_temporal_positional_encoding", &[own.num_maskmem, 1, 1, memory])?;
        // Of frames without any memory that are attended to, which no model does.
        model.ignore("no_memory_positional_encoding");
        let prompt_encoder = PromptEncoder::new(&model, &own.prompt_encoder_config)?;
        let vit = &config.vision_config.backbone_config;
        let side = vit.image_size / vit.patch_size;
        Ok(Self {
            neck: Neck::new(&loader.sub(NECK), &config.vision_config)?,
            mask_decoder: TrackerMaskDecoder::new(&model.sub("mask_decoder"), &own.mask_decoder_config)?,
            memory_attention: MemoryAttention::new(&model.sub("memory_attention"), own)?,
            memory_encoder: MemoryEncoder::new(&model.sub("memory_encoder"), own)?,
            pointers: ObjectPointers::new(&model, own)?,
            mask_downsample: Conv2d::strided(&exact.sub("mask_downsample"), [1, 1, 4], 0, 4)?,
            no_memory_embedding: model.tensor("no_memory_embedding", &[1, 1, width])?,
            temporal_positions: temporal.view([own.num_maskmem, memory]),
            absent_embedding: model.tensor("occlusion_spatial_embedding_parameter", &[1, memory])?.unsqueeze(0),
            rules: BankRules::new(own, true),
            patch_size: vit.patch_size,
            grid: Grid::new(side, own, &prompt_encoder, (loader.device(), kind)),
            prompt_encoder,
            config: own.clone(),
        })
    }

    /// Turns the official memory selection on, as it is from the start, or off. Off, memories are those of the frames
    /// just before, whether the object was seen on them or not.
    pub fn select_memories(&mut self, selects: bool) {
        self.rules = BankRules::new(&self.config, selects);
    }

    /// Keeps and looks at as much as `rules` say, but no more frames than the model knows positions for.
    pub fn use_rules(&mut self, rules: BankRules) {
        self.rules = BankRules { recent_memories: rules.recent_memories.min(self.config.num_maskmem - 1), ..rules };
    }

    /// What is kept and looked at.
    pub fn rules(&self) -> &BankRules {
        &self.rules
    }

    /// What the tracker reads of a frame.
    ///
    /// # Shapes
    /// trunk_map: [1, C, G, G], as [`crate::vision::VisionEncoder::trunk`] gives it.
    pub fn features(&mut self, trunk_map: &Tensor) -> TrackerFeatures {
        let [fine, middle, coarse] = self.neck.forward(trunk_map);
        let tokens = coarse.flatten(2, -1).transpose(1, 2).contiguous();
        TrackerFeatures { tokens, fine: self.mask_decoder.fine([&fine, &middle]), map: coarse }
    }

    /// Makes positions for the grid of these features, unless they are those of the last ones.
    fn use_grid_of(&mut self, features: &TrackerFeatures) {
        let side = features.grid();
        if self.grid.side != side {
            let (device, kind) = (features.tokens.device(), features.tokens.kind());
            self.grid = Grid::new(side, &self.config, &self.prompt_encoder, (device, kind));
        }
    }
}

/// Where the neck stands in a checkpoint.
const NECK: &str = "tracker_neck";
