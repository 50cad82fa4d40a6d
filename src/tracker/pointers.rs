//! Object pointers: one vector that says which thing is meant, made of the chosen mask's token.

use tch::{Device, Kind, Tensor};

use crate::config::TrackerConfig;
use crate::error::Result;
use crate::nn::{HeadMlp, Linear};
use crate::weights::Loader;

const TEMPERATURE: f64 = 10_000.0;

/// `object_pointer_proj`, `no_object_pointer` and `temporal_positional_encoding_projection_layer`.
#[derive(Debug)]
pub struct ObjectPointers {
    projection: HeadMlp,
    /// [1, D]
    no_object: Tensor,
    /// Distances in time to positions; exact.
    temporal_projection: Linear,
    /// D, and the channels of a memory.
    widths: [i64; 2],
    /// Frames to which a distance of 1 corresponds.
    longest_distance: f64,
}

impl ObjectPointers {
    /// Reads the three modules below `loader`.
    ///
    /// # Errors
    /// As [`Loader::tensor`].
    pub fn new(loader: &Loader<'_>, config: &TrackerConfig) -> Result<Self> {
        let (width, memory) = (config.memory_attention_hidden_size, config.memory_encoder_output_channels);
        let temporal = loader.in_kind(Kind::Float).sub("temporal_positional_encoding_projection_layer");
        Ok(Self {
            projection: HeadMlp::in_and_out(&loader.sub("object_pointer_proj"), [width; 3], 3)?,
            no_object: loader.tensor("no_object_pointer", &[1, width])?,
            temporal_projection: Linear::new(&temporal, width, memory)?,
            widths: [width, memory],
            longest_distance: config.max_object_pointers_in_encoder as f64 - 1.0,
        })
    }

    /// Pointers of mask tokens; where there is no object, the one that says so.
    ///
    /// # Shapes
    /// tokens: [N, D]; is_there: `[N]` bool → [N, D].
    pub fn forward(&self, tokens: &Tensor, is_there: &Tensor) -> Tensor {
        self.projection.forward(tokens).where_self(&is_there.unsqueeze(-1), &self.no_object)
    }

    /// Positions of pointers by their distances in frames, repeated for each of the tokens that a pointer is cut into.
    ///
    /// # Shapes
    /// distances: N lists of P → [N, P · D / C, C] in 32 bits.
    pub fn positions(&self, distances: &[Vec<i64>], device: Device) -> Tensor {
        let [width, memory] = self.widths;
        let count = distances.first().map_or(0, Vec::len) as i64;
        let flat: Vec<f32> = distances.iter().flatten().map(|&distance| distance as f32).collect();
        let places = Tensor::from_slice(&flat).to_device(device).view([-1, count]) / self.longest_distance;
        let positions = self.temporal_projection.forward(&sine(&places, width));
        positions.repeat_interleave_self_int(width / memory, 1, None)
    }
}

/// # Shapes
/// places: [..] → [.., width], all sines before all cosines.
fn sine(places: &Tensor, width: i64) -> Tensor {
    let half = width / 2;
    let pairs = Tensor::arange(half, (Kind::Float, places.device())).divide_scalar_mode(2.0, "floor");
    let periods = Tensor::pow_scalar(TEMPERATURE, &(pairs * (2.0 / half as f64)));
    let angles = places.unsqueeze(-1) / periods;
    Tensor::cat(&[angles.sin(), angles.cos()], -1)
}
