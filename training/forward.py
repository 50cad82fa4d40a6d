"""transformers' modules put together for training: more outputs than Sam3Model.forward, and the trunk run once for all
phrases of a picture. Imported by train.py and losses.py; no step by itself."""

import torch
from transformers.models.sam3 import modeling_sam3 as MS


def forward(m, b):
    """Sam3Model.forward with vision features shared by the prompts of an image and with all decoder layers' outputs."""
    vo = m.vision_encoder(b["px"])
    fpn = vo.fpn_hidden_states
    pos = vo.fpn_position_encoding
    idx = b["idx"]
    tx = m.text_projection(m.text_encoder(input_ids=b["ids"], attention_mask=b["am"]).last_hidden_state)
    tmask = b["am"].bool()
    K = len(idx) // len(b["px"])

    def ex(t):
        return t[:, None].expand(-1, K, -1, -1, -1).reshape(-1, *t.shape[1:])

    f2 = ex(fpn[2])
    p2 = ex(pos[2])
    if b.get("gbox"):
        bxs, lab = b["gbox"]
        with torch.autocast("cpu", enabled=False):
            g = m.geometry_encoder(
                box_embeddings=bxs,
                box_mask=lab != -10,
                box_labels=torch.where(lab == -10, 0, lab),
                img_feats=(f2.float(),),
                img_pos_embeds=(p2.float(),),
            )
        tx = torch.cat([tx, g.last_hidden_state.to(tx.dtype)], 1)
        tmask = torch.cat([tmask, g.attention_mask.bool()], 1)
    enc = m.detr_encoder(vision_features=[f2], text_features=tx, vision_pos_embeds=[p2], text_mask=tmask)
    dec = m.detr_decoder(
        vision_features=enc.last_hidden_state,
        text_features=enc.text_features,
        vision_pos_encoding=enc.pos_embeds_flattened,
        text_mask=tmask,
        spatial_shapes=enc.spatial_shapes,
    )
    hs = dec.intermediate_hidden_states
    boxes = (MS.inverse_sigmoid(dec.reference_boxes) + m.detr_decoder.box_head(hs).float()).sigmoid()
    logits = (
        m.dot_product_scoring(decoder_hidden_states=hs, text_features=enc.text_features, text_mask=tmask)
        .squeeze(-1)
        .float()
    )
    return dict(
        vit=vo.last_hidden_state,
        fpn=fpn,
        tx=tx,
        tmask=tmask,
        enc=enc.last_hidden_state,
        hs=hs,
        boxes=boxes,
        logits=logits,
        pres=dec.presence_logits.float().squeeze(-1),
        idx=idx,
    )


def mask_branch(m, o, sel):
    """Instance and semantic pixel features of the phrases `sel`: Sam3MaskDecoder.forward up to its last product."""
    md = m.mask_decoder
    e = o["enc"].index_select(0, sel)
    tx = o["tx"].index_select(0, sel)
    tm = o["tmask"].index_select(0, sel)
    im = o["idx"].index_select(0, sel)
    n = md.prompt_cross_attn_norm(e)
    am = torch.zeros(tm.shape, dtype=n.dtype).masked_fill(~tm, torch.finfo(n.dtype).min)[:, None, None]
    e = e + md.prompt_cross_attn(query=n, key=tx, value=tx, attention_mask=am)[0]
    px = md._embed_pixels(
        backbone_features=[
            o["fpn"][0].index_select(0, im),
            o["fpn"][1].index_select(0, im),
            o["fpn"][2].index_select(0, im),
        ],
        encoder_hidden_states=e,
    )
    return md.instance_projection(px), md.semantic_projection(px)


# The swap (x0, x1) -> (-x1, x0) as a matrix; made at the first use.
_P = None


def fast_rope(q, k, cos, sin):
    """transformers' rotary embedding with its pairwise swap as a product of matrices, which is faster on a CPU."""
    global _P
    if _P is None:
        n = q.shape[-1]
        _P = torch.zeros(n, n, dtype=torch.bfloat16)
        i = torch.arange(0, n, 2)
        _P[i + 1, i] = -1
        _P[i, i + 1] = 1
    c = cos.to(q.dtype)
    s = sin.to(q.dtype)

    def f(x):
        return torch.addcmul(x * c, torch.matmul(x, _P.to(x.dtype)), s)

    return f(q), f(k)
