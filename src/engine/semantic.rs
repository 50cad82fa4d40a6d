//! Semantic maps: where a concept is, all instances together, from the mask decoder's own head for it.

use tch::Tensor;

use super::segmenter::{soft_masks, to_numbers};
use crate::masks::MaskDecoder;
use crate::model::Detections;
use crate::objects::{Mask, SemanticMap};
use crate::prompt::Prompt;

/// The map of each prompt that is not excluded.
///
/// # Shapes
/// pixels: [B, D, M, M] of B prompts.
pub(super) fn semantic_maps(
    decoder: &MaskDecoder,
    pixels: &Tensor,
    detections: &Detections,
    prompts: &[Prompt],
) -> Vec<SemanticMap> {
    let logits = decoder.semantic(pixels).squeeze_dim(1); // [B, M, M]
    let side = logits.size()[2] as u32;
    let presences = to_numbers(&detections.presence.sigmoid());
    let map = |((index, prompt), (values, presence)): ((usize, &Prompt), (Vec<u8>, f32))| {
        let map = Mask::new(side, side, values)?;
        Some(SemanticMap { label: prompt.label.clone(), prompt_index: index as u32, presence, map })
    };
    prompts
        .iter()
        .enumerate()
        .zip(soft_masks(&logits).into_iter().zip(presences))
        .filter(|((_, prompt), _)| !prompt.is_excluded)
        .filter_map(map)
        .collect()
}
