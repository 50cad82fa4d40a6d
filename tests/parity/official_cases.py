"""A checkpoint with the names of the original release, made of transformers' weights, and the list of all its names.

The table here goes from transformers to the release; the one in src/weights/names/official.rs goes the other way and was
written apart from it, from the release's own modules.
"""

import re
from collections import OrderedDict
from pathlib import Path

import torch
from transformers import Sam3Model, Sam3VideoConfig, Sam3VideoModel

import configs
import weights

VIT = "detector.backbone.vision_backbone.trunk."
TEXT = "detector.backbone.language_backbone."
DECODER = "detector.transformer.decoder."
TWO_WAY = "tracker.sam_mask_decoder.transformer."

# The first that matches the whole name holds. Names end in a weight or a bias where `~` stands.
TABLE = [
    # trunk and necks
    (r"detector_model\.vision_encoder\.backbone\.embeddings\.position_embeddings", VIT + "pos_embed"),
    (r"detector_model\.vision_encoder\.backbone\.embeddings\.patch_embeddings\.projection~", VIT + "patch_embed.proj~"),
    (r"detector_model\.vision_encoder\.backbone\.layer_norm~", VIT + "ln_pre~"),
    (r"detector_model\.vision_encoder\.backbone\.layers\.(\d+)\.layer_norm([12])~", VIT + r"blocks.\1.norm\2~"),
    (r"detector_model\.vision_encoder\.backbone\.layers\.(\d+)\.attention\.o_proj~", VIT + r"blocks.\1.attn.proj~"),
    (r"detector_model\.vision_encoder\.backbone\.layers\.(\d+)\.attention\.qkv_proj~", VIT + r"blocks.\1.attn.qkv~"),
    (r"detector_model\.vision_encoder\.backbone\.layers\.(\d+)\.mlp\.(fc[12])~", VIT + r"blocks.\1.mlp.\2~"),
    (r"detector_model\.vision_encoder\.neck\.fpn_layers\.", "detector.backbone.vision_backbone.convs."),
    (r"tracker_neck\.fpn_layers\.", "detector.backbone.vision_backbone.sam2_convs."),
    # text
    (r"detector_model\.text_encoder\.text_projection\.weight", TEXT + "encoder.text_projection"),
    (r"detector_model\.text_encoder\.text_model\.embeddings\.token_embedding~", TEXT + "encoder.token_embedding~"),
    (r"detector_model\.text_encoder\.text_model\.embeddings\.position_embedding\.weight",
     TEXT + "encoder.positional_embedding"),
    (r"detector_model\.text_encoder\.text_model\.final_layer_norm~", TEXT + "encoder.ln_final~"),
    (r"detector_model\.text_encoder\.text_model\.encoder\.layers\.", TEXT + "encoder.transformer.resblocks."),
    (r"detector_model\.text_projection~", TEXT + "resizer~"),
    # geometry encoder, fusion encoder
    (r"detector_model\.geometry_encoder\.vision_layer_norm~", "detector.geometry_encoder.img_pre_norm~"),
    (r"detector_model\.geometry_encoder\.prompt_layer_norm~", "detector.geometry_encoder.norm~"),
    (r"detector_model\.geometry_encoder\.output_layer_norm~", "detector.geometry_encoder.encode_norm~"),
    (r"detector_model\.geometry_encoder\.layers\.", "detector.geometry_encoder.encode."),
    (r"detector_model\.geometry_encoder\.", "detector.geometry_encoder."),
    (r"detector_model\.detr_encoder\.layers\.", "detector.transformer.encoder.layers."),
    # decoder
    (r"detector_model\.detr_decoder\.output_layer_norm~", DECODER + "norm~"),
    (r"detector_model\.detr_decoder\.presence_layer_norm~", DECODER + "presence_token_out_norm~"),
    (r"detector_model\.detr_decoder\.layers\.(\d+)\.self_attn_layer_norm~", DECODER + r"layers.\1.norm2~"),
    (r"detector_model\.detr_decoder\.layers\.(\d+)\.text_cross_attn_layer_norm~", DECODER + r"layers.\1.catext_norm~"),
    (r"detector_model\.detr_decoder\.layers\.(\d+)\.vision_cross_attn_layer_norm~", DECODER + r"layers.\1.norm1~"),
    (r"detector_model\.detr_decoder\.layers\.(\d+)\.mlp_layer_norm~", DECODER + r"layers.\1.norm3~"),
    (r"detector_model\.detr_decoder\.", DECODER),
    # heads
    (r"detector_model\.mask_decoder\.mask_embedder\.", "detector.segmentation_head.mask_predictor.mask_embed."),
    (r"detector_model\.mask_decoder\.prompt_cross_attn_norm~", "detector.segmentation_head.cross_attn_norm~"),
    (r"detector_model\.mask_decoder\.prompt_cross_attn\.", "detector.segmentation_head.cross_attend_prompt."),
    (r"detector_model\.mask_decoder\.instance_projection~", "detector.segmentation_head.instance_seg_head~"),
    (r"detector_model\.mask_decoder\.semantic_projection~", "detector.segmentation_head.semantic_seg_head~"),
    (r"detector_model\.mask_decoder\.", "detector.segmentation_head."),
    (r"detector_model\.dot_product_scoring\.text_mlp_out_norm~", "detector.dot_prod_scoring.prompt_mlp.out_norm~"),
    (r"detector_model\.dot_product_scoring\.text_mlp\.", "detector.dot_prod_scoring.prompt_mlp."),
    (r"detector_model\.dot_product_scoring\.text_proj~", "detector.dot_prod_scoring.prompt_proj~"),
    (r"detector_model\.dot_product_scoring\.query_proj~", "detector.dot_prod_scoring.hs_proj~"),
    # tracker
    (r"tracker_model\.memory_temporal_positional_encoding", "tracker.maskmem_tpos_enc"),
    (r"tracker_model\.no_memory_embedding", "tracker.no_mem_embed"),
    (r"tracker_model\.no_memory_positional_encoding", "tracker.no_mem_pos_enc"),
    (r"tracker_model\.no_object_pointer", "tracker.no_obj_ptr"),
    (r"tracker_model\.occlusion_spatial_embedding_parameter", "tracker.no_obj_embed_spatial"),
    (r"tracker_model\.object_pointer_proj\.", "tracker.obj_ptr_proj."),
    (r"tracker_model\.temporal_positional_encoding_projection_layer~", "tracker.obj_ptr_tpos_proj~"),
    (r"tracker_model\.memory_attention\.layer_norm~", "tracker.transformer.encoder.norm~"),
    (r"tracker_model\.memory_attention\.", "tracker.transformer.encoder."),
    (r"tracker_model\.memory_encoder\.feature_projection~", "tracker.maskmem_backbone.pix_feat_proj~"),
    (r"tracker_model\.memory_encoder\.projection~", "tracker.maskmem_backbone.out_proj~"),
    (r"tracker_model\.memory_encoder\.memory_fuser\.", "tracker.maskmem_backbone.fuser."),
    (r"tracker_model\.memory_encoder\.mask_downsampler\.final_conv~",
     "tracker.maskmem_backbone.mask_downsampler.encoder.12~"),
    (r"tracker_model\.memory_encoder\.", "tracker.maskmem_backbone."),
    (r"tracker_model\.prompt_encoder\.shared_embedding\.positional_embedding",
     "tracker.sam_prompt_encoder.pe_layer.positional_encoding_gaussian_matrix"),
    (r"tracker_model\.prompt_encoder\.mask_embed\.conv1~", "tracker.sam_prompt_encoder.mask_downscaling.0~"),
    (r"tracker_model\.prompt_encoder\.mask_embed\.layer_norm1~", "tracker.sam_prompt_encoder.mask_downscaling.1~"),
    (r"tracker_model\.prompt_encoder\.mask_embed\.conv2~", "tracker.sam_prompt_encoder.mask_downscaling.3~"),
    (r"tracker_model\.prompt_encoder\.mask_embed\.layer_norm2~", "tracker.sam_prompt_encoder.mask_downscaling.4~"),
    (r"tracker_model\.prompt_encoder\.mask_embed\.conv3~", "tracker.sam_prompt_encoder.mask_downscaling.6~"),
    (r"tracker_model\.prompt_encoder\.", "tracker.sam_prompt_encoder."),
    (r"tracker_model\.mask_decoder\.upscale_conv1~", "tracker.sam_mask_decoder.output_upscaling.0~"),
    (r"tracker_model\.mask_decoder\.upscale_layer_norm~", "tracker.sam_mask_decoder.output_upscaling.1~"),
    (r"tracker_model\.mask_decoder\.upscale_conv2~", "tracker.sam_mask_decoder.output_upscaling.3~"),
    (r"tracker_model\.mask_decoder\.transformer\.layer_norm_final_attn~", TWO_WAY + "norm_final_attn~"),
    (r"tracker_model\.mask_decoder\.transformer\.layers\.(\d+)\.mlp\.proj_in~", TWO_WAY + r"layers.\1.mlp.lin1~"),
    (r"tracker_model\.mask_decoder\.transformer\.layers\.(\d+)\.mlp\.proj_out~", TWO_WAY + r"layers.\1.mlp.lin2~"),
    (r"tracker_model\.mask_decoder\.", "tracker.sam_mask_decoder."),
    (r"tracker_model\.", "tracker."),
]  # fmt: skip

# Applied, where they occur, to what is left of a name after its prefix.
INNER = [
    ("detector.backbone.vision_backbone.", r"convs\.1\.scale_layers\.0\.", "convs.1.dconv_2x2."),
    ("detector.backbone.vision_backbone.", r"scale_layers\.0\.", "dconv_2x2_0."),
    ("detector.backbone.vision_backbone.", r"scale_layers\.2\.", "dconv_2x2_1."),
    ("detector.backbone.vision_backbone.", r"convs\.(\d)\.proj1", r"convs.\1.conv_1x1"),
    ("detector.backbone.vision_backbone.", r"convs\.(\d)\.proj2", r"convs.\1.conv_3x3"),
    (TEXT, r"\.layer_norm([12])\.", r".ln_\1."),
    (TEXT, r"mlp\.fc1", "mlp.c_fc"),
    (TEXT, r"mlp\.fc2", "mlp.c_proj"),
    (TEXT, r"self_attn\.qkv_proj\.", "attn.in_proj_"),
    (TEXT, r"self_attn\.out_proj", "attn.out_proj"),
    (DECODER, r"text_cross_attn\.", "ca_text."),
    (DECODER, r"vision_cross_attn\.", "cross_attn."),
    (DECODER, r"box_head\.", "bbox_embed."),
    (DECODER, r"presence_head\.", "presence_token_head."),
    (DECODER, r"box_rpb_embed_", "boxRPB_embed_"),
    ("detector.geometry_encoder.encode.", r"\.cross_attn\.", ".cross_attn_image."),
    ("detector.transformer.encoder.", r"\.cross_attn\.", ".cross_attn_image."),
    ("detector.", r"\.layer_norm([123])\.", r".norm\1."),
    ("detector.", r"\.mlp\.fc([12])\.", r".linear\1."),
    ("detector.", r"qkv_proj\.", "in_proj_"),
    ("detector.", r"\.layer1\.", ".layers.0."),
    ("detector.", r"\.layer2\.", ".layers.1."),
    ("detector.", r"\.layer3\.", ".layers.2."),
    ("detector.", r"\.o_proj\.", ".out_proj."),
    ("tracker.", r"\.o_proj\.", ".out_proj."),
    ("tracker.", r"\.layer_norm([1234])\.", r".norm\1."),
    ("tracker.maskmem_backbone.fuser.", r"\.scale$", ".gamma"),
    ("tracker.maskmem_backbone.fuser.", "depthwise_conv", "dwconv"),
    ("tracker.maskmem_backbone.fuser.", "layer_norm", "norm"),
    ("tracker.maskmem_backbone.fuser.", "pointwise_conv", "pwconv"),
    ("tracker.maskmem_backbone.", r"layers\.(\d)\.conv\.", lambda m: f"encoder.{3 * int(m[1])}."),
    ("tracker.maskmem_backbone.mask_", r"layers\.(\d)\.layer_norm\.", lambda m: f"encoder.{3 * int(m[1]) + 1}."),
    ("tracker.", r"\.layers\.0\.(weight|bias)$", r".layers.1.\1"),
    ("tracker.", r"\.proj_in\.", ".layers.0."),
    ("tracker.", r"\.proj_out\.", ".layers.2."),
]  # fmt: skip
UNTOUCHED = ("detector.backbone.vision_backbone.trunk.",)


def official_name(name: str) -> str:
    """What the release calls a tensor of transformers, q, k and v taken as one (`qkv_proj`)."""
    for pattern, official in TABLE:
        tail = r"(?P<tail>\.(?:weight|bias))" if pattern.endswith("~") else ""
        found = re.match(pattern.rstrip("~") + tail + ("$" if tail else ""), name)
        if not found:
            continue
        made = found.expand(official.rstrip("~")) + (found["tail"] if tail else name[found.end() :])
        for prefix, inner, replacement in INNER:
            if made.startswith(prefix) and not made.startswith(UNTOUCHED):
                made = prefix + re.sub(inner, replacement, "." + made[len(prefix) :]).removeprefix(".")
        return made
    raise ValueError(f"no rule for {name}")


def is_fused(name: str) -> bool:
    """The tracker and the two-way transformer keep query, key and value apart."""
    return name.startswith("detector_model.") and re.search(r"\.[qkv]_proj\.", name) is not None


def official_state(state: dict[str, torch.Tensor]) -> "OrderedDict[str, torch.Tensor]":
    """The tensors of transformers' video model as the release has them."""
    made = OrderedDict()
    for name, tensor in state.items():
        if name == "tracker_model.shared_image_embedding.positional_embedding":
            continue
        if name == "tracker_model.prompt_encoder.point_embed.weight":
            for row in range(tensor.shape[0]):
                made[f"tracker.sam_prompt_encoder.point_embeddings.{row}.weight"] = tensor[row : row + 1]
            continue
        if is_fused(name):
            if ".q_proj." not in name:
                continue
            parts = [state[name.replace(".q_proj.", f".{letter}_proj.")] for letter in "qkv"]
            name, tensor = name.replace(".q_proj.", ".qkv_proj."), torch.cat(parts)
        if name.endswith("backbone.embeddings.position_embeddings"):
            # The class token's row: a value of its own, so that taking it by mistake is seen.
            tensor = torch.cat([torch.full_like(tensor[:, :1], 7.0), tensor], 1)
        if name.endswith("text_encoder.text_projection.weight"):
            tensor = tensor.T.contiguous()
        official = official_name(name)
        if official in made:
            raise ValueError(f"{official} is made twice")
        made[official] = tensor
    return made


def video_model() -> Sam3VideoModel:
    """The video model around the smallest image model, without memory for its weights."""
    detector = configs.config("smallest").to_dict()
    width = {"hidden_size": 128}
    tracker = {
        "model_type": "sam3_tracker_video", "image_size": 56, "vision_config": detector["vision_config"],
        "prompt_encoder_config": width | {"image_size": 56, "patch_size": 14, "mask_input_channels": 16},
        "mask_decoder_config": width | {"mlp_dim": 96, "num_hidden_layers": 2, "num_attention_heads": 8,
                                        "iou_head_hidden_dim": 128},
        "memory_attention_hidden_size": 128, "memory_attention_num_layers": 2,
        "memory_attention_feed_forward_hidden_size": 96, "memory_encoder_hidden_size": 128,
        "memory_encoder_output_channels": 64, "mask_downsampler_embed_dim": 128, "memory_fuser_embed_dim": 128,
        "memory_fuser_intermediate_dim": 96,
    }  # fmt: skip
    config = Sam3VideoConfig(detector_config=detector, tracker_config=tracker)
    with torch.device("meta"):
        return Sam3VideoModel(config)


def name_lists() -> dict:
    """Names and shapes of one video model as transformers and as the release have them."""
    state = {name: torch.empty(tensor.shape, device="meta") for name, tensor in video_model().state_dict().items()}
    named = {"published": state, "official": official_state(state)}
    return {which: {name: list(tensors[name].shape) for name in sorted(tensors)} for which, tensors in named.items()}


def write(path: Path) -> None:
    """The image model's hashed weights in bfloat16, below "model", beside what a loader must leave alone."""
    model = Sam3Model(configs.config("smallest"))
    weights.fill(model, {})
    state = {f"detector_model.{name}": tensor.bfloat16() for name, tensor in model.state_dict().items()}
    official = official_state(state)
    official["detector.backbone.vision_backbone.trunk.blocks.0.attn.freqs_cis"] = torch.zeros(4, dtype=torch.complex64)
    official["detector.geometry_encoder.points_direct_project.weight"] = torch.zeros(8, 2)
    official["tracker.no_obj_ptr"] = torch.zeros(1, 8)
    # As transposed and as a part of a larger storage: tensors that are not simply one storage in order.
    resizer = "detector.backbone.language_backbone.resizer.weight"
    official[resizer] = official[resizer].T.contiguous().T
    bias = "detector.backbone.language_backbone.resizer.bias"
    official[bias] = torch.cat([torch.full([3], 9.0).bfloat16(), official[bias]])[3:]
    torch.save({"model": official}, path)
