//! What depends on the size of the token grid alone, made once for the last size seen.

use tch::{Device, Kind, Tensor};

use super::memory_attention::MemoryAttention;
use super::prompt_encoder::PromptEncoder;
use crate::config::TrackerConfig;
use crate::nn::{Rope, sine_position_map};

/// Positions on one grid.
#[derive(Debug)]
pub(super) struct Grid {
    /// Tokens along a side.
    pub(super) side: i64,
    /// A tenth of the picture's positions, which memory attention adds, [1, G·G, D].
    pub(super) faint_positions: Tensor,
    /// Positions of a memory, [1, 1, G·G, C] fp32.
    pub(super) memory_positions: Tensor,
    /// Positions as the mask decoder knows them, [1, G·G, D].
    pub(super) places: Tensor,
    /// Angles of memory attention.
    pub(super) rope: Rope,
}

/// How much of the picture's positions memory attention adds to it.
const FAINTNESS: f64 = 0.1;

impl Grid {
    pub(super) fn new(
        side: i64,
        config: &TrackerConfig,
        prompt_encoder: &PromptEncoder,
        (device, kind): (Device, Kind),
    ) -> Self {
        let (width, memory) = (config.memory_attention_hidden_size, config.memory_encoder_output_channels);
        Self {
            side,
            faint_positions: (sine_position_map(side, width, device) * FAINTNESS).to_kind(kind),
            memory_positions: sine_position_map(side, memory, device).unsqueeze(0),
            places: prompt_encoder.places(side, device).to_kind(kind),
            rope: MemoryAttention::rope(config, side, device),
        }
    }

    /// Side of mask logits in pixels.
    pub(super) fn mask_side(&self) -> i64 {
        4 * self.side
    }

    /// Side of the masks that the memory encoder reads in pixels.
    pub(super) fn fine_mask_side(&self) -> i64 {
        16 * self.side
    }
}
