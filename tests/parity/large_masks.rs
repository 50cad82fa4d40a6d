//! Hashed weights that see large things everywhere.

use std::collections::BTreeMap;

use crate::tracker::TrackerFixtures;

/// Constants for the tensors that decide how large masks are and whether objects are there.
pub fn large_masks() -> BTreeMap<String, f32> {
    let decoder = "tracker_model.mask_decoder";
    let mut overrides = TrackerFixtures::read().overrides;
    overrides.extend((0..4).map(|k| (format!("{decoder}.output_hypernetworks_mlps.{k}.proj_out.bias"), 0.2)));
    overrides.insert("mask_decoder.mask_embedder.layers.2.bias".into(), 0.05);
    overrides.insert("mask_decoder.instance_projection.bias".into(), 0.05);
    overrides.insert(format!("{decoder}.upscale_conv2.bias"), 0.7);
    overrides.insert(format!("{decoder}.pred_obj_score_head.proj_out.bias"), 5.0);
    overrides
}
