"""The video model: the detector with a small tracker beside it, all of transformers' own classes. The trunk is the
detector's and frozen; the tracker's neck begins as a copy of the detector's. Imported by the tracker's steps; no step
by itself.

transformers fixes the width of a memory to 64 in one place, whatever the configuration says. A memory must also divide
the neck's width. Where 64 does not, as with a neck of 96, memories have 32 channels and `lift_memory_width` mends that
place; whoever loads such a model in transformers must do the same. A neck of 64, 128 or 192 needs nothing.
"""

import json
from pathlib import Path

import torch
from safetensors.torch import load_file
from transformers import Sam3Config, Sam3TrackerVideoConfig, Sam3VideoConfig, Sam3VideoModel
from transformers.models.sam3_tracker_video import modeling_sam3_tracker_video as published

WIDTH_TRANSFORMERS_KNOWS = 64
NARROW_MEMORY = 32
# How sharply the first weights look where a prompt points, and where a thing was on remembered frames.
POINTED = 1.5
NEARNESS = 2.0
# What the first weights let through beside the one way that matters, from a remembered mask to the next one.
ASIDE = 0.3
FARTHER_ASIDE = 0.2


def lift_memory_width():
    """From now on transformers builds memory attention with memories as wide as the configuration says."""
    layer = published.Sam3TrackerVideoMemoryAttentionLayer
    if hasattr(layer, "as_published"):
        return
    layer.as_published = layer.__init__

    def init(self, config):
        self.as_published(config)
        width = config.memory_encoder_output_channels
        self.cross_attn_image = published.Sam3TrackerVideoRoPEAttention(config, kv_in_dim=width, rope_k_repeat=True)

    layer.__init__ = init


def tracker_config(detector):
    """The small tracker that fits a detector's configuration."""
    vision = detector.vision_config
    width, side = vision.fpn_hidden_size, vision.backbone_config.image_size
    memory = WIDTH_TRANSFORMERS_KNOWS if width % WIDTH_TRANSFORMERS_KNOWS == 0 else NARROW_MEMORY
    return Sam3TrackerVideoConfig(
        vision_config=vision.to_dict(),
        image_size=side,
        prompt_encoder_config=dict(hidden_size=width, image_size=side, patch_size=vision.backbone_config.patch_size),
        mask_decoder_config=dict(
            hidden_size=width, mlp_dim=2 * width, num_attention_heads=4, iou_head_hidden_dim=width
        ),
        memory_attention_hidden_size=width,
        memory_attention_num_layers=2,
        memory_attention_feed_forward_hidden_size=4 * width,
        memory_attention_dropout=0.0,
        memory_attention_rope_dropout=0.0,
        memory_encoder_hidden_size=width,
        memory_encoder_output_channels=memory,
        mask_downsampler_embed_dim=width,
        memory_fuser_embed_dim=width,
        memory_fuser_intermediate_dim=2 * width,
    )


def build(detector_folder, seed=0):
    """The video model with the detector of a model folder, and first weights for the tracker."""
    detector = Sam3Config.from_pretrained(detector_folder)
    lift_memory_width()
    torch.manual_seed(seed)
    side = detector.vision_config.backbone_config.image_size
    grid = side // detector.vision_config.backbone_config.patch_size
    config = Sam3VideoConfig(
        detector_config=detector.to_dict(),
        tracker_config=tracker_config(detector).to_dict(),
        low_res_mask_size=4 * grid,
    )
    model = Sam3VideoModel(config).float()
    weights = load_file(Path(detector_folder) / "model.safetensors")
    weights = {name.removeprefix("detector_model."): w.float() for name, w in weights.items()}
    weights = {name: w for name, w in weights.items() if not name.startswith("tracker_")}
    model.detector_model.load_state_dict(weights)
    first_weights(model)
    model.requires_grad_(False)
    for part in (model.tracker_neck, model.tracker_model):
        part.requires_grad_(True)
    # What no frame ever reads
    model.tracker_model.no_memory_positional_encoding.requires_grad_(False)
    for layer in model.tracker_neck.fpn_layers[3:]:
        layer.requires_grad_(False)
    return model


@torch.no_grad()
def first_weights(model):
    """The detector's neck for the tracker's; wide random matrices; things count as present; memories matter at once."""
    model.tracker_neck.load_state_dict(model.detector_model.vision_encoder.neck.state_dict())
    tracker, init = model.tracker_model, torch.nn.init
    for module in tracker.modules():
        if isinstance(module, torch.nn.Linear):
            init.xavier_uniform_(module.weight)
            init.zeros_(module.bias)
        elif isinstance(module, (torch.nn.Conv2d, torch.nn.ConvTranspose2d)):
            init.kaiming_uniform_(module.weight, a=1)
            init.zeros_(module.bias)
        elif isinstance(module, torch.nn.Embedding):
            init.normal_(module.weight, std=0.5)
        elif isinstance(module, published.Sam3TrackerVideoMemoryFuserCXBlock):
            module.scale.fill_(0.3)
    prompts = tracker.prompt_encoder
    for embedding in (prompts.no_mask_embed, prompts.not_a_point_embed):
        init.normal_(embedding.weight, std=0.02)
    tracker.shared_image_embedding.positional_embedding.normal_()
    prompts.shared_embedding.positional_embedding.copy_(tracker.shared_image_embedding.positional_embedding)
    for rows in (
        tracker.memory_temporal_positional_encoding,
        tracker.occlusion_spatial_embedding_parameter,
        tracker.no_object_pointer,
        tracker.no_memory_embedding,
    ):
        init.normal_(rows, std=0.1)
    # The mean of 4 x 4 pixels, as logits
    tracker.mask_downsample.weight.fill_(20 / 16)
    tracker.mask_downsample.bias.fill_(-10)
    tracker.mask_decoder.pred_obj_score_head.proj_out.bias.fill_(2.0)
    look_where_pointed(tracker.mask_decoder.transformer)
    look_where_it_was(tracker.memory_attention)
    let_masks_through(tracker)


@torch.no_grad()
def calm_neck(model, pixels):
    """Scales each level of the tracker's neck so that its values spread by 1 on some pictures [B, 3, S, S]. The
    detector's neck gives ten times as much; whether the positions of prompts, which are added, drown in it was suspected
    and not shown."""
    encoder = model.detector_model.vision_encoder
    tokens = encoder.backbone(pixels).last_hidden_state
    grid = model.tracker_model.prompt_encoder.image_embedding_size
    trunk_map = tokens.transpose(1, 2).reshape(len(pixels), -1, *grid)
    for layer in model.tracker_neck.fpn_layers[:3]:
        spread = layer(trunk_map).std()
        layer.proj2.weight /= spread
        layer.proj2.bias /= spread


def look_where_pointed(transformer):
    """Tokens and picture meet where their positions agree: queries and keys begin with the same matrix. Short runs
    without it marked everything that stands out, whatever was pointed at; longer ones were not compared."""
    attentions = [transformer.final_attn_token_to_image]
    for layer in transformer.layers:
        attentions += [layer.cross_attn_token_to_image, layer.cross_attn_image_to_token]
    for attention in attentions:
        torch.nn.init.orthogonal_(attention.q_proj.weight, gain=POINTED)
        attention.k_proj.weight.copy_(attention.q_proj.weight)


def look_where_it_was(memory_attention):
    """Every place looks at the same place of the memories first: equal biases of queries and keys, which the rotary
    positions turn into nearness. What it finds there counts more than what else a layer does."""
    for layer in memory_attention.layers:
        attention = layer.cross_attn_image
        for projection in (attention.q_proj, attention.k_proj):
            projection.bias.fill_(NEARNESS)
            projection.weight *= ASIDE
        attention.o_proj.weight *= 2
        layer.self_attn.o_proj.weight *= FARTHER_ASIDE
        layer.linear2.weight *= ASIDE


@torch.no_grad()
def let_masks_through(tracker):
    """A memory is the mask more than the picture, and what it adds to the picture reaches the masks: with this and
    `look_where_it_was` a linear map reads two thirds of a mask's variance from the decoder's tokens before any training,
    nothing without. Following from masks then takes 80 steps to a mean IoU of 0.7, where 140 steps led to 0.28."""
    tracker.memory_encoder.feature_projection.weight *= ASIDE
    decoder = tracker.mask_decoder
    for projection in (decoder.conv_s0, decoder.conv_s1):
        projection.weight *= ASIDE
    for layer in decoder.transformer.layers:
        layer.cross_attn_image_to_token.o_proj.weight *= FARTHER_ASIDE


def tracker_weights(model):
    """The tensors that training makes, by their names in layout B."""
    return {name: w for name, w in model.state_dict().items() if name.startswith("tracker_")}


def load_tracker(model, weights):
    """Puts back what `tracker_weights` gave."""
    report = model.load_state_dict(weights, strict=False)
    forgotten = [name for name in report.missing_keys if name.startswith("tracker_")]
    if forgotten or report.unexpected_keys:
        raise SystemExit(f"not weights of this tracker: lacks {forgotten}, knows no {report.unexpected_keys}")


def megabytes(model):
    """Size of the weights at two bytes each."""
    return sum(w.numel() for w in model.state_dict().values()) * 2 / 1e6


def saved_config(model):
    """The configuration as config.json holds it."""
    return json.loads(model.config.to_json_string(use_diff=False))
