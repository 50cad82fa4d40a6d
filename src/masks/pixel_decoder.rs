//! From the coarse grid to the mask grid: twice doubled, joined with the finer pyramid level, smoothed.

use tch::Tensor;

use crate::config::MaskConfig;
use crate::error::Result;
use crate::nn::{Conv2d, GroupNorm, double_and_add};
use crate::weights::Loader;

const NORM_GROUPS: i64 = 8;
/// Published checkpoints carry a third stage that nothing uses.
const USED_STAGES: i64 = 2;

/// `pixel_decoder`.
#[derive(Debug)]
pub struct PixelDecoder {
    stages: Vec<(Conv2d, GroupNorm)>,
}

impl PixelDecoder {
    /// Reads `conv_layers` and `norms`.
    ///
    /// # Errors
    /// As [`Loader::tensor`].
    pub fn new(loader: &Loader<'_>, config: &MaskConfig) -> Result<Self> {
        let (convs, norms, width) = (loader.sub("conv_layers"), loader.sub("norms"), config.hidden_size);
        for unused in USED_STAGES..config.num_upsampling_stages {
            for name in ["weight", "bias"] {
                convs.at(unused).ignore(name);
                norms.at(unused).ignore(name);
            }
        }
        let stage = |index| {
            Ok((
                Conv2d::same(&convs.at(index), width, width, 3)?,
                GroupNorm::new(&norms.at(index), NORM_GROUPS, width)?,
            ))
        };
        Ok(Self { stages: (0..USED_STAGES).map(stage).collect::<Result<_>>()? })
    }

    /// # Shapes
    /// coarse: [B, D, G, G]; middle: [1 or B, D, 2G, 2G]; fine: [1 or B, D, 4G, 4G] → [B, D, 4G, 4G].
    pub fn forward(&self, coarse: &Tensor, middle: &Tensor, fine: &Tensor) -> Tensor {
        let mut map = coarse.shallow_clone();
        for ((conv, norm), finer) in self.stages.iter().zip([middle, fine]) {
            map = norm.forward_relu(&conv.forward(&double_and_add(&map, finer)));
        }
        map
    }
}
