"""The architecture and its first weights: Hugging Face's Sam3Model with small numbers. Imported by detector_train.py,
export.py and the evaluations; no step by itself."""

import json
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file
from transformers import Sam3Config, Sam3Model


@dataclass(frozen=True)
class Shape:
    """The numbers of the architecture. `width` is the neck's and the detector's; with 128 (or 64, 192) a tracker has
    memories of 64 channels, as transformers wants them."""

    side: int = 252
    width: int = 96
    queries: int = 48
    encoder_layers: int = 3
    decoder_layers: int = 3
    trunk_width: int = 192
    trunk_layers: int = 6
    trunk_mlp: int = 576
    text_width: int = 128
    text_layers: int = 3


def make_config(shape=Shape(), vocab=49408):
    """The configuration of these numbers, with `vocab` token rows."""
    img, vh, vl, vi = shape.side, shape.trunk_width, shape.trunk_layers, shape.trunk_mlp
    fp, nq, el, dl = shape.width, shape.queries, shape.encoder_layers, shape.decoder_layers
    th, tl = shape.text_width, shape.text_layers
    return Sam3Config(
        vision_config=dict(
            fpn_hidden_size=fp,
            backbone_feature_sizes=[[img // 14 * 4] * 2, [img // 14 * 2] * 2, [img // 14] * 2],
            scale_factors=[4.0, 2.0, 1.0, 0.5],
            backbone_config=dict(
                model_type="sam3_vit_model",
                hidden_size=vh,
                intermediate_size=vi,
                num_hidden_layers=vl,
                num_attention_heads=vh // 32,
                image_size=img,
                patch_size=14,
                window_size=6,
                global_attn_indexes=list(range(1, vl, 2)),
                pretrain_image_size=84,
            ),
        ),
        text_config=dict(
            model_type="clip_text_model",
            vocab_size=vocab,
            hidden_size=th,
            intermediate_size=th * 4,
            projection_dim=th,
            num_hidden_layers=tl,
            num_attention_heads=4,
            max_position_embeddings=32,
            hidden_act="gelu",
            bos_token_id=49406 if vocab >= 49408 else None,
            eos_token_id=49407 if vocab >= 49408 else 2,
            pad_token_id=49407 if vocab >= 49408 else None,
        ),
        geometry_encoder_config=dict(
            hidden_size=fp,
            num_layers=1,
            num_attention_heads=4,
            intermediate_size=fp * 4,
            dropout=0.0,
            roi_size=7,
        ),
        detr_encoder_config=dict(
            hidden_size=fp, num_layers=el, num_attention_heads=4, intermediate_size=fp * 4, dropout=0.0
        ),
        detr_decoder_config=dict(
            hidden_size=fp,
            num_layers=dl,
            num_queries=nq,
            num_attention_heads=4,
            intermediate_size=fp * 4,
            dropout=0.0,
        ),
        mask_decoder_config=dict(hidden_size=fp, num_upsampling_stages=3, num_attention_heads=4, dropout=0.0),
    )


def build(shape, rows, seed, attention):
    """A model with `rows` token rows and its first weights."""
    config = make_config(shape, rows)
    config._attn_implementation = attention
    torch.manual_seed(seed)
    model = Sam3Model._from_config(config, attn_implementation=attention)
    init(model, seed)
    look_inside_the_box(model.detr_decoder)
    set_size(model, shape.side)
    return model


def shape_of(config):
    """The numbers of a configuration that this recipe made."""
    vision, trunk = config.vision_config, config.vision_config.backbone_config
    return Shape(
        side=trunk.image_size,
        width=vision.fpn_hidden_size,
        queries=config.detr_decoder_config.num_queries,
        encoder_layers=config.detr_encoder_config.num_layers,
        decoder_layers=config.detr_decoder_config.num_layers,
        trunk_width=trunk.hidden_size,
        trunk_layers=trunk.num_hidden_layers,
        trunk_mlp=trunk.intermediate_size,
        text_width=config.text_config.hidden_size,
        text_layers=config.text_config.num_hidden_layers,
    )


# The name of the token table among a model's weights.
TOKEN_TABLE = "text_encoder.text_model.embeddings.token_embedding.weight"


def read_folder(folder):
    """Weights by name (float32) and configuration of a model folder: a detector, or the detector of a video model."""
    config = json.loads((Path(folder) / "config.json").read_text())
    weights = load_file(Path(folder) / "model.safetensors")
    if "detector_config" in config:
        config = config["detector_config"]
        weights = {k.removeprefix("detector_model."): w for k, w in weights.items() if k.startswith("detector_model.")}
    return {name: w.float() for name, w in weights.items()}, Sam3Config(**config)


def set_size(model, side):
    """Lets the trunk take pictures of `side` pixels a side."""
    trunk = model.config.vision_config.backbone_config
    if trunk.image_size == side and getattr(model, "side_of_positions", None) == side:
        return
    trunk.image_size = model.side_of_positions = side
    for layer in model.vision_encoder.backbone.layers:
        layer.position_ids = layer.precompute_positions(trunk, layer.window_size).to(layer.position_ids.device)


def init(model, seed=0):
    """First weights. Residual branches start small, reference boxes on two grids, the presence head at one half."""
    torch.manual_seed(seed)
    n = torch.nn
    for name, m in model.named_modules():
        if isinstance(m, n.Linear):
            n.init.xavier_uniform_(m.weight)
            if m.bias is not None:
                n.init.zeros_(m.bias)
        elif isinstance(m, (n.Conv2d, n.ConvTranspose2d)):
            n.init.kaiming_uniform_(m.weight, a=5**0.5 if "fpn" in name else 1)
            if m.bias is not None:
                n.init.zeros_(m.bias)
    pe = model.vision_encoder.backbone.embeddings.patch_embeddings.projection.weight
    n.init.xavier_uniform_(pe.view(pe.shape[0], -1))
    for layer in list(model.vision_encoder.backbone.layers):  # residual branches start small
        layer.attention.o_proj.weight.data *= 0.5
        layer.mlp.fc2.weight.data *= 0.5
    d = model.detr_decoder
    n.init.zeros_(d.box_head.layer3.weight)
    n.init.zeros_(d.box_head.layer3.bias)
    n.init.normal_(d.query_embed.weight, std=0.5)
    n.init.normal_(d.presence_token.weight, std=0.5)
    init_reference_boxes(d)
    n.init.normal_(model.text_encoder.get_input_embeddings().weight, std=0.05)
    n.init.normal_(model.text_encoder.text_model.embeddings.position_embedding.weight, std=0.02)
    model.vision_encoder.backbone.embeddings.position_embeddings.data.normal_(std=0.02)
    n.init.zeros_(d.presence_head.layer3.weight)
    n.init.zeros_(d.presence_head.layer3.bias)


def init_reference_boxes(decoder):
    """6 x 6 small boxes, 3 x 3 large ones, then three that fill most of the picture."""
    pts = []
    for k, wh in ((6, 0.22), (3, 0.45)):
        for y in range(k):
            for x in range(k):
                pts.append(((x + 0.5) / k, (y + 0.5) / k, wh, wh))
    pts += [(0.5, 0.5, 0.8, 0.8), (0.35, 0.5, 0.5, 0.8), (0.65, 0.5, 0.5, 0.8)]
    p = torch.tensor(pts)[: decoder.reference_points.weight.shape[0]]
    decoder.reference_points.weight.data = torch.log(p / (1 - p))


@torch.no_grad()
def look_inside_the_box(decoder):
    """First weights of the decoder's box bias: attend inside the reference box."""
    for embed in (decoder.box_rpb_embed_x, decoder.box_rpb_embed_y):
        embed.layer1.weight[0] = torch.tensor([-1.0, 0.0])
        embed.layer1.weight[1] = torch.tensor([0.0, 1.0])
        embed.layer1.bias[:2] = 0.0
        sharpness = torch.tensor([1.0, 5.0, 10.0, 18.0])
        embed.layer2.weight[:, 0] = -sharpness
        embed.layer2.weight[:, 1] = -sharpness
