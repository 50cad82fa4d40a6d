//! Semantic maps in a line of JSON: beside the objects, where a frame carries any.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::options::{Options, SegmentationKind};
use super::soft_mask::SoftMask;
use crate::objects::{MASK_INSIDE, Mask, SemanticMap};
use crate::rle::Rle;
use crate::row_spans::RowSpans;

/// One concept's map. Without `segmentation` and `soft_map` only its presence is known.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct MapRecord {
    label: String,
    #[serde(default)]
    prompt_index: u32,
    presence: f32,
    /// The cells that are at 128 or above, on the map's own grid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    segmentation: Option<RunLengths>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    soft_map: Option<SoftMask>,
}

/// COCO's compressed run lengths.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct RunLengths {
    /// Rows and columns.
    size: [u32; 2],
    counts: String,
}

impl MapRecord {
    /// Soft maps with the option `soft_masks`, otherwise run lengths, unless masks are not written at all.
    pub(super) fn new(map: &SemanticMap, options: &Options) -> Self {
        let is_hard = !options.soft_masks && options.segmentation != SegmentationKind::None;
        Self {
            label: map.label.to_string(),
            prompt_index: map.prompt_index,
            presence: if map.presence.is_finite() { map.presence } else { 0.0 },
            segmentation: is_hard.then(|| run_lengths(&map.map)).flatten(),
            soft_map: if options.soft_masks { SoftMask::new(&map.map) } else { None },
        }
    }

    /// Rows and columns of the map; `None` where only the presence was written.
    pub(super) fn size(&self) -> Option<[u32; 2]> {
        let soft = self.soft_map.as_ref().map(|soft| soft.size);
        soft.or(self.segmentation.as_ref().map(|runs| runs.size))
    }

    /// The map; `None` where only the presence was written.
    ///
    /// # Errors
    /// What is wrong, as the end of a sentence.
    pub(super) fn map(&self) -> Result<Option<SemanticMap>, String> {
        let map = match (&self.soft_map, &self.segmentation) {
            (Some(soft), _) => soft.mask()?,
            (None, Some(RunLengths { size: [height, width], counts })) => {
                let values = Rle::from_text(*width, *height, counts)?.to_levels();
                Mask { width: *width, height: *height, values: Arc::new(values) }
            }
            (None, None) => return Ok(None),
        };
        let (label, presence) = (Arc::from(self.label.as_str()), self.presence);
        Ok(Some(SemanticMap { label, prompt_index: self.prompt_index, presence, map }))
    }
}

fn run_lengths(map: &Mask) -> Option<RunLengths> {
    if map.width == 0 || map.height == 0 {
        return None;
    }
    let mut spans = RowSpans::default();
    spans.load_grid(map, MASK_INSIDE);
    Some(RunLengths { size: [map.height, map.width], counts: spans.to_rle().to_text() })
}
