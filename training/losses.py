"""Losses of the detector and the mask decoder. Imported by train.py; no step by itself.

Shapes: L decoder layers, P phrases, Q queries, G objects of the phrase with the most.
"""

import torch
import torch.nn.functional as F
from scipy.optimize import linear_sum_assignment

from forward import mask_branch

# Weights of the losses, those of dense_losses.py first.
W = dict(dense=0.7, align=1.0, aux=1.0, cls=3.0, pres=1.5, l1=5.0, giou=2.0, mask=2.0, dice=2.5, sem=1.0)
# The part of the phrases with objects whose masks are learned in one step.
MFRAC = 0.5


def xyxy(b):
    """Corners from centre and size."""
    return torch.cat([b[..., :2] - b[..., 2:] / 2, b[..., :2] + b[..., 2:] / 2], -1)


def giou(a, b):
    """Generalised intersection over union of corner boxes."""
    lt = torch.maximum(a[..., :2], b[..., :2])
    rb = torch.minimum(a[..., 2:], b[..., 2:])
    wh = (rb - lt).clamp(min=0)
    it = wh[..., 0] * wh[..., 1]
    aa = (a[..., 2] - a[..., 0]) * (a[..., 3] - a[..., 1])
    bb = (b[..., 2] - b[..., 0]) * (b[..., 3] - b[..., 1])
    un = aa + bb - it
    c = (torch.maximum(a[..., 2:], b[..., 2:]) - torch.minimum(a[..., :2], b[..., :2])).clamp(min=0)
    c = c[..., 0] * c[..., 1]
    return it / un.clamp(min=1e-7) - (c - un) / c.clamp(min=1e-7)


class Assignment:
    """Static and one to one: every object belongs to the nearest reference box (learned anchors), the same on all layers.
    A query can decide by itself whether it is the owner, so duplicates disappear without long training."""

    def __init__(self, m, b, o):
        bx, lg = o["boxes"], o["logits"]
        L, P, Q = lg.shape
        cost = self._cost(m, b, bx)
        self.counts = b["valid"].sum(1).tolist()
        # 1 where a query owns an object
        self.tgt = torch.zeros(L, P, Q)
        # (phrase, queries, their objects)
        self.pairs = []
        li, pi, qi, gi, wt = [], [], [], [], []
        for p in range(P):
            n = self.counts[p]
            if not n:
                continue
            q, g = linear_sum_assignment(cost[p, :, :n])
            self.pairs.append((p, q, g))
            self.tgt[:, p, q] = 1.0
            for layer in range(L):
                li += [layer] * len(q)
                pi += [p] * len(q)
                qi += q.tolist()
                gi += g.tolist()
                wt += [1.0 if layer else 0.7] * len(q)
        self.index = tuple(map(torch.tensor, (li, pi, qi, gi)))
        self.weight = torch.tensor(wt)

    @staticmethod
    def _cost(m, b, bx):
        """[P, Q, G]: mostly the distance from the reference box, a little the predicted box."""
        tb = b["boxes"]
        an = m.detr_decoder.reference_points.weight.detach().float().sigmoid()
        d = (an[None, :, None] - tb[:, None]).abs()
        return (
            5 * (d[..., 0] + d[..., 1])
            + 2 * (d[..., 2] + d[..., 3])
            + 0.15 * (1 - giou(xyxy(bx[-1])[:, :, None], xyxy(tb)[:, None]))
        ).numpy()


def class_losses(b, o, tgt):
    """Focal loss on every query, and whether the phrase is present at all."""
    lg, pr = o["logits"], o["pres"]
    L = len(lg)
    has = b["valid"].any(1)
    ng = b["valid"].sum().clamp(min=1).float()
    pt = torch.where(tgt > 0, torch.sigmoid(lg), 1 - torch.sigmoid(lg))
    al = torch.where(tgt > 0, 0.65, 0.35)
    fo = al * (1 - pt).pow(0.5) * F.binary_cross_entropy_with_logits(lg, tgt, reduction="none")
    lw = torch.tensor([0.7] * (L - 1) + [1.0])
    wneg = torch.where(has, 1.0, 0.5)[None, :, None]
    lcls = ((fo * wneg).sum((1, 2)) * lw).sum() / ng
    lpres = (
        F.binary_cross_entropy_with_logits(pr, has.float()[None].expand(L, -1), reduction="none").mean(1)
        * torch.tensor([0.3] * (L - 1) + [1.0])
    ).sum()
    return lcls, lpres


def box_losses(b, o, assignment):
    """L1 and GIoU on all layers."""
    li, pi, qi, gi = assignment.index
    ng = b["valid"].sum().clamp(min=1).float()
    pb = o["boxes"][li, pi, qi]
    gb = b["boxes"][pi, gi]
    l1 = ((pb - gb).abs().sum(-1) * assignment.weight).sum() / ng / 2.0
    lgi = ((1 - giou(xyxy(pb), xyxy(gb))) * assignment.weight).sum() / ng / 2.0
    return l1, lgi


def instance_mask_losses(m, b, o, pairs, inst):
    """Cross entropy and Dice of the owners' masks."""
    me = m.mask_decoder.mask_embedder(o["hs"][-1])
    tm = torch.cat([b["masks"][p][torch.from_numpy(g)] for p, _, g in pairs]).flatten(1)
    pp = [p for p, q, _ in pairs for _ in q]
    qq = [i for _, q, _ in pairs for i in q.tolist()]
    em = me[torch.tensor(pp), torch.tensor(qq)]
    outs = []
    s = 0
    for k, (_, q, _) in enumerate(pairs):
        outs.append(em[s : s + len(q)] @ inst[k].flatten(1))
        s += len(q)
    pm = torch.cat(outs).float()
    ps = pm.sigmoid()
    nm = float(len(pp))
    lmask = F.binary_cross_entropy_with_logits(pm, tm, reduction="none").mean(1)
    # The cross entropy of small objects counts a little more
    ar = tm.mean(1)
    lmask = (lmask / (ar.clamp(min=0.004).sqrt() * 2 + 0.1)).sum() / nm
    ldice = (1 - (2 * (ps * tm).sum(1) + 1) / (ps.sum(1) + tm.sum(1) + 1)).sum() / nm
    return lmask, ldice


def semantic_loss(b, pairs, sem):
    """The union of a phrase's objects; phrases without objects follow those of `pairs`."""
    st = torch.zeros(len(sem), sem.shape[-1] ** 2)
    for k, (p, _, _) in enumerate(pairs):
        st[k] = b["masks"][p].sum(0).clamp(max=1).flatten()
    sl = sem.flatten(1).float()
    ss = sl.sigmoid()
    return (
        F.binary_cross_entropy_with_logits(sl, st, reduction="none").mean(1).mean() * 3
        + (1 - (2 * (ss * st).sum(1) + 1) / (ss.sum(1) + st.sum(1) + 1))[: len(pairs)].mean()
    )


def losses(m, b, o, rng):
    """All losses of a step, not yet weighted. Masks are learned for a part of the phrases."""
    with torch.no_grad():
        assignment = Assignment(m, b, o)
    lcls, lpres = class_losses(b, o, assignment.tgt)
    if not assignment.pairs:
        z = o["logits"].sum() * 0
        return dict(cls=lcls, pres=lpres, l1=z, giou=z, mask=z, dice=z, sem=z)
    l1, lgi = box_losses(b, o, assignment)
    neg = [i for i, n in enumerate(assignment.counts) if not n]
    rng.shuffle(neg)
    seln = neg[: max(1, len(neg) // 5)]
    pairs = assignment.pairs
    rng.shuffle(pairs)
    pairs = pairs[: max(2, int(len(pairs) * MFRAC + 0.5))]
    inst, sem = mask_branch(m, o, torch.tensor([p for p, _, _ in pairs] + seln))
    lmask, ldice = instance_mask_losses(m, b, o, pairs, inst)
    return dict(
        cls=lcls, pres=lpres, l1=l1, giou=lgi, mask=lmask, dice=ldice, sem=semantic_loss(b, pairs, sem)
    )
