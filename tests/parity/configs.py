"""The tiny model configurations. Each is written to configs/<name>.json as transformers writes it."""

from transformers import Sam3Config, Sam3Model

import weights

# Without the first nothing is ever found (the presence score would be near 0); the second keeps boxes below full size.
OVERRIDES = {"detr_decoder.presence_head.layer3.bias": 3.0, "detr_decoder.box_head.layer3.bias": -0.5}


def tiny() -> dict:
    """The released model's proportions, small: an 8x8 grid, windows of 4, a 4x4 position table tiled twice."""
    return {
        "vision": {"hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 4, "num_attention_heads": 4,
                   "image_size": 112, "window_size": 4, "global_attn_indexes": [1, 3], "pretrain_image_size": 56,
                   "layer_norm_eps": 1e-5, "rope_parameters": {"rope_type": "axial", "rope_theta": 10000.0}},
        "text": {"hidden_size": 64, "intermediate_size": 128, "projection_dim": 32, "num_hidden_layers": 2,
                 "num_attention_heads": 4, "max_position_embeddings": 32, "layer_norm_eps": 1e-5},
        "geometry": {"num_layers": 2, "num_attention_heads": 8, "intermediate_size": 96, "roi_size": 7},
        "encoder": {"num_layers": 2, "num_attention_heads": 8, "intermediate_size": 96},
        "decoder": {"num_layers": 3, "num_queries": 12, "num_attention_heads": 8, "intermediate_size": 96},
        "mask": {"num_upsampling_stages": 3, "num_attention_heads": 8},
        "width": 128,
    }  # fmt: skip


def other_numbers() -> dict:
    """No number in common with `tiny` where another one is legal: a constant of the paper left in the code shows here.

    The 6x6 grid is no multiple of the 4x4 position table; the layer norm epsilons and the rotary base are far from
    their usual values, so that ignoring them is visible.
    """
    return {
        "vision": {"hidden_size": 96, "intermediate_size": 160, "num_hidden_layers": 5, "num_attention_heads": 3,
                   "image_size": 84, "window_size": 2, "global_attn_indexes": [2, 4], "pretrain_image_size": 56,
                   "layer_norm_eps": 1e-3, "rope_parameters": {"rope_type": "axial", "rope_theta": 500.0}},
        "text": {"hidden_size": 48, "intermediate_size": 80, "projection_dim": 24, "num_hidden_layers": 3,
                 "num_attention_heads": 3, "max_position_embeddings": 24, "layer_norm_eps": 2e-3},
        "geometry": {"num_layers": 1, "num_attention_heads": 2, "intermediate_size": 112, "roi_size": 5},
        "encoder": {"num_layers": 3, "num_attention_heads": 4, "intermediate_size": 144},
        "decoder": {"num_layers": 2, "num_queries": 16, "num_attention_heads": 2, "intermediate_size": 80},
        "mask": {"num_upsampling_stages": 2, "num_attention_heads": 4},
        "width": 64,
    }  # fmt: skip


def smallest() -> dict:
    """For a whole checkpoint as a fixture: as few weights as there can be."""
    return {
        "vision": {"hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2, "num_attention_heads": 2,
                   "image_size": 56, "window_size": 2, "global_attn_indexes": [1], "pretrain_image_size": 28,
                   "layer_norm_eps": 1e-5, "rope_parameters": {"rope_type": "axial", "rope_theta": 10000.0}},
        "text": {"hidden_size": 16, "intermediate_size": 24, "projection_dim": 8, "num_hidden_layers": 1,
                 "num_attention_heads": 2, "max_position_embeddings": 16, "layer_norm_eps": 1e-5},
        "geometry": {"num_layers": 1, "num_attention_heads": 2, "intermediate_size": 24, "roi_size": 3},
        "encoder": {"num_layers": 1, "num_attention_heads": 2, "intermediate_size": 24},
        "decoder": {"num_layers": 1, "num_queries": 4, "num_attention_heads": 2, "intermediate_size": 24},
        "mask": {"num_upsampling_stages": 2, "num_attention_heads": 2},
        "width": 16,
    }  # fmt: skip


CONFIGS = {"tiny": tiny, "other_numbers": other_numbers, "smallest": smallest}


def config(name: str, image_size: int | None = None) -> Sam3Config:
    """A configuration as transformers knows it; `image_size` replaces the input size and nothing else."""
    numbers = CONFIGS[name]()
    vision = numbers["vision"] | ({"image_size": image_size} if image_size else {})
    grid = vision["image_size"] // 14
    # Their layer_norm_eps stays at what transformers writes, 1e-6. It reads it nowhere: all layer norms outside ViT and
    # text encoder have torch's default epsilon, 1e-5, as in the released model.
    part = {"hidden_size": numbers["width"]}
    return Sam3Config(
        vision_config={
            "model_type": "sam3_vision_model",
            "backbone_config": {"model_type": "sam3_vit_model", "patch_size": 14} | vision,
            "fpn_hidden_size": numbers["width"],
            "backbone_feature_sizes": [[grid * 4, grid * 4], [grid * 2, grid * 2], [grid, grid]],
            "scale_factors": [4.0, 2.0, 1.0, 0.5],
        },
        text_config={"model_type": "clip_text_model", "vocab_size": 512, "hidden_act": "gelu", "bos_token_id": 510,
                     "eos_token_id": 511, "pad_token_id": 511} | numbers["text"],
        geometry_encoder_config=part | numbers["geometry"],
        detr_encoder_config=part | numbers["encoder"],
        detr_decoder_config=part | numbers["decoder"],
        mask_decoder_config=part | numbers["mask"],
        attn_implementation="eager",
    )  # fmt: skip


def model(name: str, image_size: int | None, overrides: dict[str, float]) -> Sam3Model:
    """The model with hashed weights, ready to run."""
    tiny_model = Sam3Model(config(name, image_size)).eval()
    weights.fill(tiny_model, overrides)
    return tiny_model
