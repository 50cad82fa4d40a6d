"""Losses at every token, from heads that are dropped after training; they carry the first stages. Imported by train.py;
no step by itself."""

import math

import torch
import torch.nn.functional as F


def dense_loss(head, b, o):
    """Class, colour and box of the object at each token of the trunk, and the accuracy on objects."""
    z = head(o["vit"]).float()
    tc, tco, tb = b["dense"][:3]
    NC = z.shape[-1] - 17
    w = torch.where(tc > 0, 1.0, 0.25)
    ce = F.cross_entropy(z[..., :NC].flatten(0, 1), tc.flatten(), reduction="none") * w.flatten()
    l = ce.sum() / w.sum()
    lc = F.cross_entropy(
        z[..., NC : NC + 13].flatten(0, 1), tco.flatten(), ignore_index=-1, reduction="sum"
    ) / (tco >= 0).sum().clamp(min=1)
    ob = tc > 0
    lb = ((z[..., NC + 13 :] - tb).abs().sum(-1) * ob).sum() / ob.sum().clamp(min=1)
    acc = ((z[..., :NC].argmax(-1) == tc) & ob).sum() / ob.sum().clamp(min=1)
    return l + 0.5 * lc + 2 * lb, acc


def align_loss(m, head, f2, al, own):
    """open-vocabulary dense alignment: FPN token features against the pooled prompt features of the scoring head."""
    ids, am, tab = al
    tx = m.text_projection(m.text_encoder(input_ids=ids, attention_mask=am).last_hidden_state)
    d = m.dot_product_scoring
    x = d.text_mlp_out_norm(d.text_mlp(tx) + tx)
    pt = d.text_proj(d._pool_text_features(x, am.bool()))
    v = head(F.layer_norm(f2.flatten(2).transpose(1, 2), (f2.shape[1],)))
    z = (v @ pt.t()).float() * d.scale * 2 - 1.0
    t = tab.gather(1, own[..., None].expand(-1, -1, tab.shape[-1]))
    ob = (own > 0)[..., None].expand_as(t)
    l = F.binary_cross_entropy_with_logits(z, t.clamp(min=0), reduction="none")
    pos = t == 1
    neg = (t == 0) & ob
    bg = ~ob

    def f(w, k):
        return (l * w).sum() / w.sum().clamp(min=1) * k

    acc = (((z > 0) == pos) & (pos)).sum() / pos.sum().clamp(min=1) - ((z > 0) & neg).sum() / neg.sum().clamp(
        min=1
    )
    return f(pos, 1.0) + f(neg, 1.5) + f(bg, 0.7), acc


def aux_loss(head, b, o):
    """Where the phrase's objects are, at each token of the fusion encoder."""
    e = o["enc"]
    P = e.shape[0]
    h = int(math.isqrt(e.shape[1]))
    z = head(e).float().squeeze(-1)
    t = torch.zeros(P, h, h)
    for i, x in enumerate(b["masks"]):
        if x is not None:
            t[i] = F.avg_pool2d(x.sum(0, keepdim=True)[None], 4)[0, 0].clamp(max=1)
    t = t.flatten(1)
    p = z.sigmoid()
    has = b["valid"].any(1).float()
    bce = F.binary_cross_entropy_with_logits(z, t, reduction="none").mean(1).mean() * 3
    dice = ((1 - (2 * (p * t).sum(1) + 0.5) / (p.sum(1) + t.sum(1) + 0.5)) * has).sum() / has.sum().clamp(
        min=1
    )
    return bce + dice
