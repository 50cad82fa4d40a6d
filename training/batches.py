"""Scenes as training batches: pixels, phrases, and what they should give. Imported by train.py; no step by itself.

A batch of the full model has I pictures with K phrases each; a batch for the trunk alone has pictures only.
"""

import math

import cv2
import numpy as np
import torch

from concepts import EMOJI_LIST
from prompts import variant
from tags import CN, SN

# Classes of the dense head: background, emoji, shapes, bar.
DENSE_CLASSES = 1 + len(EMOJI_LIST) + len(SN) + 1
# Phrases for the dense alignment in one batch.
ALIGN_PROMPTS = 48


def to_pixels(ims):
    """[I, 3, S, S] from -1 to 1."""
    return torch.from_numpy(np.stack(ims)).permute(0, 3, 1, 2).float().div_(127.5).sub_(1)


def dense_class(t):
    """The dense head's class of an instance."""
    if t["kind"] == "emoji":
        return 1 + t["emoji"]
    return 1 + len(EMOJI_LIST) + (SN.index(t["shape"]) if t["kind"] == "shape" else len(SN))


def dense_targets(ows, S):
    """For each token of each picture: class, colour (-1 none), distances to the object's box edges, owner."""
    I = len(ows)
    h = S // 14
    tc = np.zeros((I, h, h), np.int64)
    tco = np.full((I, h, h), -1, np.int64)
    tbx = np.zeros((I, h, h, 4), np.float32)
    own = np.zeros((I, h, h), np.int64)
    for i, (ow, ins) in enumerate(ows):
        o4 = np.max([ow[a : a + 14 * h : 14, c : c + 14 * h : 14] for a in (3, 10) for c in (3, 10)], 0)
        own[i] = o4
        for j in np.unique(o4):
            if not j:
                continue
            t = ins[j - 1]
            mm = o4 == j
            tc[i][mm] = dense_class(t)
            if "color" in t:
                tco[i][mm] = CN.index(t["color"])
            z = ow == j
            ys = np.flatnonzero(z.any(1))
            xs = np.flatnonzero(z.any(0))
            yy, xx = np.nonzero(mm)
            tbx[i][mm] = np.stack(
                [
                    (xx + 0.5) / h - xs[0] / S,
                    (yy + 0.5) / h - ys[0] / S,
                    (xs[-1] + 1) / S - (xx + 0.5) / h,
                    (ys[-1] + 1) / S - (yy + 0.5) / h,
                ],
                1,
            )
    return tuple(torch.from_numpy(x).flatten(1, 2) for x in (tc, tco, tbx, own))


def align_batch(scene, text, ows, T=ALIGN_PROMPTS):
    """T phrases for the pictures of a batch, with a phrase x instance table: 1 match, 0 no match, -1 ambiguous."""
    r = scene.rng
    flat = [t for _, ins in ows for t in ins if t["ok"] and t["pos"]]
    ps = set()
    if not flat:
        return None
    for _ in range(200):
        if len(ps) >= T:
            break
        t = r.choice(flat)
        p = scene.specific(t) if r.random() < 0.75 else scene.negative([t])
        if p != "UNK":
            ps.add(p)
    ps = sorted(ps)
    tab = torch.zeros(len(ows), 1 + max(len(ins) for _, ins in ows), len(ps))
    for i, (_, ins) in enumerate(ows):
        for j, t in enumerate(ins):
            tab[i, j + 1] = torch.tensor(
                [1.0 if p in t["pos"] else -1.0 if p in t["amb"] else 0.0 for p in ps]
            )
    return text.batch(ps, r) + (tab,)


def pre_batch(scene, text, S, I):
    """A batch for the trunk alone."""
    ims = []
    ows = []
    for _ in range(I):
        im, ow, ins = scene.make(S)
        ims.append(im)
        ows.append((ow, ins))
    return dict(
        px=to_pixels(ims),
        dense=dense_targets(ows, S),
        align=align_batch(scene, text, ows),
        prompts=[0] * I,
    )


class Outlines:
    """Boxes and soft masks of one picture's instances, each made once."""

    def __init__(self, ow, S):
        self.ow, self.S, self.made = ow, S, {}

    def of(self, q):
        """Box (centre and size, 0 to 1) and mask (on the mask grid) of instance q."""
        if q not in self.made:
            S, H = self.S, self.S // 14 * 4
            z = self.ow == q + 1
            ys = np.flatnonzero(z.any(1))
            xs = np.flatnonzero(z.any(0))
            x0, x1, y0, y1 = xs[0] / S, (xs[-1] + 1) / S, ys[0] / S, (ys[-1] + 1) / S
            box = ((x0 + x1) / 2, (y0 + y1) / 2, x1 - x0, y1 - y0)
            self.made[q] = box, cv2.resize(z.astype(np.float32), (H, H), interpolation=cv2.INTER_AREA)
        return self.made[q]


def exemplar(r, ins, p, g):
    """For a batch with exemplar boxes: the exemplar or None, the phrase, and the instances it means."""
    ex = r.choice(g)
    u = r.random()
    if u < 0.55:  # box only: everything of the same identity as the exemplar
        same = [
            j
            for j, t in enumerate(ins)
            if t["name"] == ins[ex]["name"] and t["kind"] == ins[ex]["kind"] and t["area"] > 0
        ]
        if all(ins[j]["ok"] for j in same):
            p, g = "UNK1", same
    elif u > 0.9:
        ex = None
    return ex, p, g


def box_tensors(boxes, masks):
    """Boxes padded to the longest list, which of them count, and the masks of each phrase."""
    P = len(boxes)
    G = max(1, max(map(len, boxes)))
    tb = torch.zeros(P, G, 4)
    tb[..., 2:] = 0.1
    tv = torch.zeros(P, G, dtype=torch.bool)
    tm = []
    for i in range(P):
        n = len(boxes[i])
        if n:
            tb[i, :n] = torch.tensor(boxes[i], dtype=torch.float32)
            tv[i, :n] = True
        tm.append(torch.from_numpy(np.stack(masks[i])) if n else None)
    return tb, tv, tm


def exemplar_tensors(r, gb):
    """Exemplar boxes, a little off, and their labels: 1, or -10 where a phrase has none."""
    gbox = torch.full((len(gb), 1, 4), 0.5)
    glab = torch.full((len(gb), 1), -10)
    for i, x in enumerate(gb):
        if x is not None:
            j = [r.gauss(0, 0.03) for _ in range(4)]
            gbox[i, 0] = torch.tensor(
                [x[0] + j[0] * x[2], x[1] + j[1] * x[3], x[2] * math.exp(j[2]), x[3] * math.exp(j[3])]
            )
            glab[i, 0] = 1
    return gbox, glab


def make_batch(scene, text, S, I, K, p_neg=0.35, p_geo=0.0):
    """A batch of the full model; a part `p_geo` of the batches has exemplar boxes."""
    r = scene.rng
    geo = r.random() < p_geo
    gb, ows, ims, prom, idx, boxes, masks = [], [], [], [], [], [], []
    for i in range(I):
        im, ow, ins = scene.make(S)
        ows.append((ow, ins))
        ims.append(im)
        outlines = Outlines(ow, S)
        for p, g in scene.prompts(ins, K, p_neg):
            ex = None
            if geo and g:
                ex, p, g = exemplar(r, ins, p, g)
            boxes.append([outlines.of(q)[0] for q in g])
            masks.append([outlines.of(q)[1] for q in g])
            gb.append(outlines.of(ex)[0] if ex is not None else None)
            prom.append(p if p == "UNK1" else variant(p, r))
            idx.append(i)
    dense = dense_targets(ows, S)
    align = align_batch(scene, text, ows)
    tb, tv, tm = box_tensors(boxes, masks)
    ids, am = text.batch(prom, r)
    return dict(
        align=align,
        dense=dense,
        gbox=exemplar_tensors(r, gb) if geo else None,
        px=to_pixels(ims),
        ids=ids,
        am=am,
        idx=torch.tensor(idx),
        boxes=tb,
        valid=tv,
        masks=tm,
        prompts=prom,
    )
