//! The one table from the names of the original release (`sam3.pt`, layout A) to those of transformers' video model
//! (layout B). Checked tensor by tensor against transformers 5.17 by a fixture of `tests/parity/official_cases.py`.
//!
//! Names are read segment by segment between their dots: `*` is any number, `~` at the end is whatever is left, and
//! both stand for the same in the other column. Where the release fuses query, key and value, `?` is each of `q`, `k`,
//! `v`, and the tensor is cut in three.

use crate::weights::stored::Cut;

/// Below two prefixes: names there, names here.
struct Group {
    official: &'static str,
    published: &'static str,
    rows: &'static [(&'static str, &'static str)],
}

/// `in_proj_weight` and `in_proj_bias` of torch's attention are read as `in_proj.weight` and `in_proj.bias`.
const GROUPS: &[Group] = &[
    Group {
        official: "detector.backbone.vision_backbone.trunk",
        published: "detector_model.vision_encoder.backbone",
        rows: &[
            ("patch_embed.proj.~", "embeddings.patch_embeddings.projection.~"),
            ("ln_pre.~", "layer_norm.~"),
            ("blocks.*.norm1.~", "layers.*.layer_norm1.~"),
            ("blocks.*.norm2.~", "layers.*.layer_norm2.~"),
            ("blocks.*.attn.qkv.~", "layers.*.attention.?_proj.~"),
            ("blocks.*.attn.proj.~", "layers.*.attention.o_proj.~"),
            ("blocks.*.mlp.~", "layers.*.mlp.~"),
        ],
    },
    Group {
        official: "detector.backbone.vision_backbone.convs",
        published: "detector_model.vision_encoder.neck.fpn_layers",
        rows: NECK,
    },
    Group {
        official: "detector.backbone.vision_backbone.sam2_convs",
        published: "tracker_neck.fpn_layers",
        rows: NECK,
    },
    Group {
        official: "detector.backbone.language_backbone.encoder",
        published: "detector_model.text_encoder.text_model",
        rows: &[
            ("token_embedding.~", "embeddings.token_embedding.~"),
            ("positional_embedding", "embeddings.position_embedding.weight"),
            ("ln_final.~", "final_layer_norm.~"),
            ("transformer.resblocks.*.attn.in_proj.~", "encoder.layers.*.self_attn.?_proj.~"),
            ("transformer.resblocks.*.attn.out_proj.~", "encoder.layers.*.self_attn.out_proj.~"),
            ("transformer.resblocks.*.ln_1.~", "encoder.layers.*.layer_norm1.~"),
            ("transformer.resblocks.*.ln_2.~", "encoder.layers.*.layer_norm2.~"),
            ("transformer.resblocks.*.mlp.c_fc.~", "encoder.layers.*.mlp.fc1.~"),
            ("transformer.resblocks.*.mlp.c_proj.~", "encoder.layers.*.mlp.fc2.~"),
        ],
    },
    Group {
        official: "detector",
        published: "detector_model",
        rows: &[
            ("backbone.language_backbone.resizer.~", "text_projection.~"),
            ("geometry_encoder.label_embed.~", "geometry_encoder.label_embed.~"),
            ("geometry_encoder.cls_embed.~", "geometry_encoder.cls_embed.~"),
            ("geometry_encoder.boxes_direct_project.~", "geometry_encoder.boxes_direct_project.~"),
            ("geometry_encoder.boxes_pool_project.~", "geometry_encoder.boxes_pool_project.~"),
            ("geometry_encoder.boxes_pos_enc_project.~", "geometry_encoder.boxes_pos_enc_project.~"),
            ("geometry_encoder.final_proj.~", "geometry_encoder.final_proj.~"),
            ("geometry_encoder.img_pre_norm.~", "geometry_encoder.vision_layer_norm.~"),
            ("geometry_encoder.norm.~", "geometry_encoder.prompt_layer_norm.~"),
            ("geometry_encoder.encode_norm.~", "geometry_encoder.output_layer_norm.~"),
            ("dot_prod_scoring.prompt_mlp.layers.0.~", "dot_product_scoring.text_mlp.layer1.~"),
            ("dot_prod_scoring.prompt_mlp.layers.1.~", "dot_product_scoring.text_mlp.layer2.~"),
            ("dot_prod_scoring.prompt_mlp.out_norm.~", "dot_product_scoring.text_mlp_out_norm.~"),
            ("dot_prod_scoring.prompt_proj.~", "dot_product_scoring.text_proj.~"),
            ("dot_prod_scoring.hs_proj.~", "dot_product_scoring.query_proj.~"),
        ],
    },
    Group {
        official: "detector.geometry_encoder.encode",
        published: "detector_model.geometry_encoder.layers",
        rows: FUSION_LAYER,
    },
    Group {
        official: "detector.transformer.encoder.layers",
        published: "detector_model.detr_encoder.layers",
        rows: FUSION_LAYER,
    },
    Group {
        official: "detector.transformer.decoder",
        published: "detector_model.detr_decoder",
        rows: &[
            ("query_embed.~", "query_embed.~"),
            ("reference_points.~", "reference_points.~"),
            ("presence_token.~", "presence_token.~"),
            ("presence_token_head.layers.0.~", "presence_head.layer1.~"),
            ("presence_token_head.layers.1.~", "presence_head.layer2.~"),
            ("presence_token_head.layers.2.~", "presence_head.layer3.~"),
            ("presence_token_out_norm.~", "presence_layer_norm.~"),
            ("norm.~", "output_layer_norm.~"),
            ("bbox_embed.layers.0.~", "box_head.layer1.~"),
            ("bbox_embed.layers.1.~", "box_head.layer2.~"),
            ("bbox_embed.layers.2.~", "box_head.layer3.~"),
            ("ref_point_head.layers.0.~", "ref_point_head.layer1.~"),
            ("ref_point_head.layers.1.~", "ref_point_head.layer2.~"),
            ("boxRPB_embed_x.layers.0.~", "box_rpb_embed_x.layer1.~"),
            ("boxRPB_embed_x.layers.1.~", "box_rpb_embed_x.layer2.~"),
            ("boxRPB_embed_y.layers.0.~", "box_rpb_embed_y.layer1.~"),
            ("boxRPB_embed_y.layers.1.~", "box_rpb_embed_y.layer2.~"),
            ("layers.*.self_attn.in_proj.~", "layers.*.self_attn.?_proj.~"),
            ("layers.*.self_attn.out_proj.~", "layers.*.self_attn.o_proj.~"),
            ("layers.*.ca_text.in_proj.~", "layers.*.text_cross_attn.?_proj.~"),
            ("layers.*.ca_text.out_proj.~", "layers.*.text_cross_attn.o_proj.~"),
            ("layers.*.cross_attn.in_proj.~", "layers.*.vision_cross_attn.?_proj.~"),
            ("layers.*.cross_attn.out_proj.~", "layers.*.vision_cross_attn.o_proj.~"),
            ("layers.*.linear1.~", "layers.*.mlp.fc1.~"),
            ("layers.*.linear2.~", "layers.*.mlp.fc2.~"),
            // The numbers are not in the order of use: the first belongs to the picture, the second to the queries.
            ("layers.*.norm1.~", "layers.*.vision_cross_attn_layer_norm.~"),
            ("layers.*.norm2.~", "layers.*.self_attn_layer_norm.~"),
            ("layers.*.catext_norm.~", "layers.*.text_cross_attn_layer_norm.~"),
            ("layers.*.norm3.~", "layers.*.mlp_layer_norm.~"),
        ],
    },
    Group {
        official: "detector.segmentation_head",
        published: "detector_model.mask_decoder",
        rows: &[
            ("pixel_decoder.~", "pixel_decoder.~"),
            ("mask_predictor.mask_embed.~", "mask_embedder.~"),
            ("cross_attend_prompt.in_proj.~", "prompt_cross_attn.?_proj.~"),
            ("cross_attend_prompt.out_proj.~", "prompt_cross_attn.o_proj.~"),
            ("cross_attn_norm.~", "prompt_cross_attn_norm.~"),
            ("instance_seg_head.~", "instance_projection.~"),
            ("semantic_seg_head.~", "semantic_projection.~"),
        ],
    },
    Group {
        official: "tracker",
        published: "tracker_model",
        rows: &[
            ("maskmem_tpos_enc", "memory_temporal_positional_encoding"),
            ("no_mem_embed", "no_memory_embedding"),
            ("no_mem_pos_enc", "no_memory_positional_encoding"),
            ("no_obj_ptr", "no_object_pointer"),
            ("no_obj_embed_spatial", "occlusion_spatial_embedding_parameter"),
            ("mask_downsample.~", "mask_downsample.~"),
            ("obj_ptr_proj.layers.0.~", "object_pointer_proj.proj_in.~"),
            ("obj_ptr_proj.layers.1.~", "object_pointer_proj.layers.0.~"),
            ("obj_ptr_proj.layers.2.~", "object_pointer_proj.proj_out.~"),
            ("obj_ptr_tpos_proj.~", "temporal_positional_encoding_projection_layer.~"),
        ],
    },
    Group {
        official: "tracker.transformer.encoder",
        published: "tracker_model.memory_attention",
        rows: &[
            ("layers.*.self_attn.out_proj.~", "layers.*.self_attn.o_proj.~"),
            ("layers.*.self_attn.q_proj.~", "layers.*.self_attn.q_proj.~"),
            ("layers.*.self_attn.k_proj.~", "layers.*.self_attn.k_proj.~"),
            ("layers.*.self_attn.v_proj.~", "layers.*.self_attn.v_proj.~"),
            ("layers.*.cross_attn_image.out_proj.~", "layers.*.cross_attn_image.o_proj.~"),
            ("layers.*.cross_attn_image.q_proj.~", "layers.*.cross_attn_image.q_proj.~"),
            ("layers.*.cross_attn_image.k_proj.~", "layers.*.cross_attn_image.k_proj.~"),
            ("layers.*.cross_attn_image.v_proj.~", "layers.*.cross_attn_image.v_proj.~"),
            ("layers.*.linear1.~", "layers.*.linear1.~"),
            ("layers.*.linear2.~", "layers.*.linear2.~"),
            ("layers.*.norm1.~", "layers.*.layer_norm1.~"),
            ("layers.*.norm2.~", "layers.*.layer_norm2.~"),
            ("layers.*.norm3.~", "layers.*.layer_norm3.~"),
            ("norm.~", "layer_norm.~"),
        ],
    },
    Group {
        official: "tracker.maskmem_backbone",
        published: "tracker_model.memory_encoder",
        rows: &[
            ("mask_downsampler.encoder.0.~", "mask_downsampler.layers.0.conv.~"),
            ("mask_downsampler.encoder.1.~", "mask_downsampler.layers.0.layer_norm.~"),
            ("mask_downsampler.encoder.3.~", "mask_downsampler.layers.1.conv.~"),
            ("mask_downsampler.encoder.4.~", "mask_downsampler.layers.1.layer_norm.~"),
            ("mask_downsampler.encoder.6.~", "mask_downsampler.layers.2.conv.~"),
            ("mask_downsampler.encoder.7.~", "mask_downsampler.layers.2.layer_norm.~"),
            ("mask_downsampler.encoder.9.~", "mask_downsampler.layers.3.conv.~"),
            ("mask_downsampler.encoder.10.~", "mask_downsampler.layers.3.layer_norm.~"),
            ("mask_downsampler.encoder.12.~", "mask_downsampler.final_conv.~"),
            ("pix_feat_proj.~", "feature_projection.~"),
            ("out_proj.~", "projection.~"),
            ("fuser.layers.*.gamma", "memory_fuser.layers.*.scale"),
            ("fuser.layers.*.dwconv.~", "memory_fuser.layers.*.depthwise_conv.~"),
            ("fuser.layers.*.norm.~", "memory_fuser.layers.*.layer_norm.~"),
            ("fuser.layers.*.pwconv1.~", "memory_fuser.layers.*.pointwise_conv1.~"),
            ("fuser.layers.*.pwconv2.~", "memory_fuser.layers.*.pointwise_conv2.~"),
        ],
    },
    Group {
        official: "tracker.sam_prompt_encoder",
        published: "tracker_model.prompt_encoder",
        rows: &[
            ("pe_layer.positional_encoding_gaussian_matrix", "shared_embedding.positional_embedding"),
            ("not_a_point_embed.~", "not_a_point_embed.~"),
            ("no_mask_embed.~", "no_mask_embed.~"),
            ("mask_downscaling.0.~", "mask_embed.conv1.~"),
            ("mask_downscaling.1.~", "mask_embed.layer_norm1.~"),
            ("mask_downscaling.3.~", "mask_embed.conv2.~"),
            ("mask_downscaling.4.~", "mask_embed.layer_norm2.~"),
            ("mask_downscaling.6.~", "mask_embed.conv3.~"),
        ],
    },
    Group {
        official: "tracker.sam_mask_decoder",
        published: "tracker_model.mask_decoder",
        rows: &[
            ("iou_token.~", "iou_token.~"),
            ("mask_tokens.~", "mask_tokens.~"),
            ("obj_score_token.~", "obj_score_token.~"),
            ("conv_s0.~", "conv_s0.~"),
            ("conv_s1.~", "conv_s1.~"),
            ("output_upscaling.0.~", "upscale_conv1.~"),
            ("output_upscaling.1.~", "upscale_layer_norm.~"),
            ("output_upscaling.3.~", "upscale_conv2.~"),
            ("output_hypernetworks_mlps.*.layers.0.~", "output_hypernetworks_mlps.*.proj_in.~"),
            ("output_hypernetworks_mlps.*.layers.1.~", "output_hypernetworks_mlps.*.layers.0.~"),
            ("output_hypernetworks_mlps.*.layers.2.~", "output_hypernetworks_mlps.*.proj_out.~"),
            ("iou_prediction_head.layers.0.~", "iou_prediction_head.proj_in.~"),
            ("iou_prediction_head.layers.1.~", "iou_prediction_head.layers.0.~"),
            ("iou_prediction_head.layers.2.~", "iou_prediction_head.proj_out.~"),
            ("pred_obj_score_head.layers.0.~", "pred_obj_score_head.proj_in.~"),
            ("pred_obj_score_head.layers.1.~", "pred_obj_score_head.layers.0.~"),
            ("pred_obj_score_head.layers.2.~", "pred_obj_score_head.proj_out.~"),
            ("transformer.norm_final_attn.~", "transformer.layer_norm_final_attn.~"),
            ("transformer.layers.*.norm1.~", "transformer.layers.*.layer_norm1.~"),
            ("transformer.layers.*.norm2.~", "transformer.layers.*.layer_norm2.~"),
            ("transformer.layers.*.norm3.~", "transformer.layers.*.layer_norm3.~"),
            ("transformer.layers.*.norm4.~", "transformer.layers.*.layer_norm4.~"),
            ("transformer.layers.*.mlp.lin1.~", "transformer.layers.*.mlp.proj_in.~"),
            ("transformer.layers.*.mlp.lin2.~", "transformer.layers.*.mlp.proj_out.~"),
        ],
    },
    Group {
        official: "tracker.sam_mask_decoder.transformer.final_attn_token_to_image",
        published: "tracker_model.mask_decoder.transformer.final_attn_token_to_image",
        rows: TWO_WAY_ATTENTION,
    },
    Group {
        official: "tracker.sam_mask_decoder.transformer.layers.*.self_attn",
        published: "tracker_model.mask_decoder.transformer.layers.*.self_attn",
        rows: TWO_WAY_ATTENTION,
    },
    Group {
        official: "tracker.sam_mask_decoder.transformer.layers.*.cross_attn_token_to_image",
        published: "tracker_model.mask_decoder.transformer.layers.*.cross_attn_token_to_image",
        rows: TWO_WAY_ATTENTION,
    },
    Group {
        official: "tracker.sam_mask_decoder.transformer.layers.*.cross_attn_image_to_token",
        published: "tracker_model.mask_decoder.transformer.layers.*.cross_attn_image_to_token",
        rows: TWO_WAY_ATTENTION,
    },
];

const NECK: &[(&str, &str)] = &[
    ("*.dconv_2x2_0.~", "*.scale_layers.0.~"),
    ("*.dconv_2x2_1.~", "*.scale_layers.2.~"),
    ("*.dconv_2x2.~", "*.scale_layers.0.~"),
    ("*.conv_1x1.~", "*.proj1.~"),
    ("*.conv_3x3.~", "*.proj2.~"),
];

const FUSION_LAYER: &[(&str, &str)] = &[
    ("*.self_attn.in_proj.~", "*.self_attn.?_proj.~"),
    ("*.self_attn.out_proj.~", "*.self_attn.o_proj.~"),
    ("*.cross_attn_image.in_proj.~", "*.cross_attn.?_proj.~"),
    ("*.cross_attn_image.out_proj.~", "*.cross_attn.o_proj.~"),
    ("*.linear1.~", "*.mlp.fc1.~"),
    ("*.linear2.~", "*.mlp.fc2.~"),
    ("*.norm1.~", "*.layer_norm1.~"),
    ("*.norm2.~", "*.layer_norm2.~"),
    ("*.norm3.~", "*.layer_norm3.~"),
];

const TWO_WAY_ATTENTION: &[(&str, &str)] =
    &[("q_proj.~", "q_proj.~"), ("k_proj.~", "k_proj.~"), ("v_proj.~", "v_proj.~"), ("out_proj.~", "o_proj.~")];

/// Tensors that are not taken as they are, and the second place of the one that has two.
const CUTS: &[(&str, &str, Cut)] = &[
    (
        "detector.backbone.vision_backbone.trunk.pos_embed",
        "detector_model.vision_encoder.backbone.embeddings.position_embeddings",
        Cut::WithoutFirst,
    ),
    (
        "detector.backbone.language_backbone.encoder.text_projection",
        "detector_model.text_encoder.text_projection.weight",
        Cut::Transposed,
    ),
    (
        "tracker.sam_prompt_encoder.pe_layer.positional_encoding_gaussian_matrix",
        "tracker_model.shared_image_embedding.positional_embedding",
        Cut::Whole,
    ),
    ("tracker.sam_prompt_encoder.point_embeddings.0.weight", POINT_EMBED, Cut::Row(0)),
    ("tracker.sam_prompt_encoder.point_embeddings.1.weight", POINT_EMBED, Cut::Row(1)),
    ("tracker.sam_prompt_encoder.point_embeddings.2.weight", POINT_EMBED, Cut::Row(2)),
    ("tracker.sam_prompt_encoder.point_embeddings.3.weight", POINT_EMBED, Cut::Row(3)),
];

const POINT_EMBED: &str = "tracker_model.prompt_encoder.point_embed.weight";

/// Computed instead of read: rotary tables. Not built: points as exemplars of the detector, which transformers lacks too.
const DROPPED: &[&str] = &[
    "detector.backbone.vision_backbone.trunk.blocks.*.attn.freqs_cis",
    "detector.geometry_encoder.points_direct_project.~",
    "detector.geometry_encoder.points_pool_project.~",
    "detector.geometry_encoder.points_pos_enc_project.~",
];

/// What a tensor of the release is called by transformers, and which part of it; nothing for what is dropped. A tensor
/// that the release does not have keeps its name, so that a strict load can tell it.
pub(super) fn published(name: &str) -> Vec<(String, Cut)> {
    let read_as = name.replace(".in_proj_", ".in_proj.");
    let segments: Vec<&str> = read_as.split('.').collect();
    if DROPPED.iter().any(|pattern| captures(pattern, &segments).is_some()) {
        return Vec::new();
    }
    let mut found: Vec<_> = GROUPS.iter().flat_map(|group| group.published(&segments)).collect();
    let cuts = CUTS.iter().filter(|(official, ..)| *official == name);
    found.extend(cuts.map(|(_, published, cut)| (published.to_string(), *cut)));
    if found.is_empty() { vec![(name.to_string(), Cut::Whole)] } else { found }
}

impl Group {
    fn published(&self, segments: &[&str]) -> Vec<(String, Cut)> {
        // Most names are not below most prefixes, and this tells at once.
        let prefix_length = self.official.split('.').count();
        if prefix_length >= segments.len() || captures(self.official, &segments[..prefix_length]).is_none() {
            return Vec::new();
        }
        let named = |(official, published): &(&str, &str)| {
            let captured = captures(&format!("{}.{official}", self.official), segments)?;
            Some(fill(&format!("{}.{published}", self.published), captured))
        };
        self.rows.iter().filter_map(named).flatten().collect()
    }
}

/// What stands in place of `*` and `~`, in order; `None` when the pattern is another.
fn captures<'n>(pattern: &str, segments: &[&'n str]) -> Option<Vec<Vec<&'n str>>> {
    let mut captured = Vec::new();
    let mut rest = segments;
    for part in pattern.split('.') {
        let (&first, others) = rest.split_first()?;
        match part {
            "~" => {
                captured.push(rest.to_vec());
                return Some(captured);
            }
            "*" if first.bytes().all(|byte| byte.is_ascii_digit()) => captured.push(vec![first]),
            part if part == first => {}
            _ => return None,
        }
        rest = others;
    }
    rest.is_empty().then_some(captured)
}

fn fill(pattern: &str, captured: Vec<Vec<&str>>) -> Vec<(String, Cut)> {
    let mut captured = captured.into_iter();
    let parts: Vec<String> = pattern
        .split('.')
        .map(|part| match part {
            "*" | "~" => captured.next().unwrap_or_default().join("."),
            part => part.to_string(),
        })
        .collect();
    let name = parts.join(".");
    if !name.contains('?') {
        return vec![(name, Cut::Whole)];
    }
    ["q", "k", "v"].iter().zip(0..).map(|(letter, third)| (name.replace('?', letter), Cut::Third(third))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::weights::stored::{Element, Stored};
    use std::collections::BTreeMap;

    #[test]
    fn names_are_read_by_segment() {
        let whole = |name: &str| vec![(name.to_string(), Cut::Whole)];
        assert_eq!(
            published("detector.transformer.decoder.layers.12.norm1.bias"),
            whole("detector_model.detr_decoder.layers.12.vision_cross_attn_layer_norm.bias")
        );
        assert_eq!(
            published("detector.geometry_encoder.encode.0.cross_attn_image.in_proj_bias")[1],
            ("detector_model.geometry_encoder.layers.0.cross_attn.k_proj.bias".to_string(), Cut::Third(1))
        );
        assert_eq!(
            published("detector.transformer.decoder.normal.bias"),
            whole("detector.transformer.decoder.normal.bias")
        );
        assert_eq!(published("detector.backbone.vision_backbone.trunk.blocks.3.attn.freqs_cis"), []);
        assert_eq!(published("tracker.sam_prompt_encoder.pe_layer.positional_encoding_gaussian_matrix").len(), 2);
    }

    #[derive(serde::Deserialize)]
    struct Names {
        published: BTreeMap<String, Vec<i64>>,
        official: BTreeMap<String, Vec<i64>>,
    }

    /// Shapes of what the table makes of a tensor of `shape`.
    fn shapes(name: &str, shape: &[i64]) -> Vec<(String, Cut, Vec<i64>)> {
        let bytes = 4 * shape.iter().product::<i64>() as usize;
        let stored = Stored::row_major(0, Element::F32, shape.to_vec(), 0..bytes).unwrap();
        published(name).into_iter().map(|(ours, cut)| (ours, cut, stored.cut(cut).unwrap().shape)).collect()
    }

    #[test]
    fn every_tensor_of_the_release_becomes_the_published_one() {
        let names: Names =
            serde_json::from_str(include_str!("../../../tests/parity/data/official_names.json")).unwrap();
        let mut made: BTreeMap<String, Vec<i64>> = BTreeMap::new();
        for (name, shape) in &names.official {
            for (ours, cut, shape) in shapes(name, shape) {
                let known = made.entry(ours.clone()).or_insert_with(|| vec![0; shape.len()]);
                assert!(known[0] == 0 || matches!(cut, Cut::Row(_)), "{ours} is made twice");
                *known = [&[known[0] + shape[0]], &shape[1..]].concat();
            }
        }
        assert!(names.published.len() > 500);
        assert_eq!(made, names.published);
    }
}
