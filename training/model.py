"""The architecture and its first weights: Hugging Face's Sam3Model with small numbers. Imported by train.py, export.py
and eval.py; no step by itself."""

import torch
from transformers import Sam3Config


def make_config(img=336, vh=192, vl=6, vi=576, fp=96, nq=48, th=128, tl=3, vocab=49408, el=3):
    """`img` pixels a side; trunk `vh` wide with `vl` layers and an MLP of `vi`; detector `fp` wide with `nq` queries and
    `el` encoder layers; text encoder `th` wide with `tl` layers and `vocab` token rows."""
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
                global_attn_indexes=[1, 3, 5],
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
            num_layers=3,
            num_queries=nq,
            num_attention_heads=4,
            intermediate_size=fp * 4,
            dropout=0.0,
        ),
        mask_decoder_config=dict(hidden_size=fp, num_upsampling_stages=3, num_attention_heads=4, dropout=0.0),
    )


def set_size(model, S):
    """Lets the trunk take pictures of S pixels a side."""
    bc = model.config.vision_config.backbone_config
    bc.image_size = S
    for layer in model.vision_encoder.backbone.layers:
        layer.position_ids = layer.precompute_positions(bc, layer.window_size)


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
