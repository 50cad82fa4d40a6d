"""Losses at every token, from heads that are dropped after training; they carry the first stage. Imported by
detector_train.py; no step by itself."""

import math

import torch
import torch.nn as nn
import torch.nn.functional as F

from forward import text_features
from identities import DENSE_CLASSES
from losses import dice_loss
from tags import CN


class Heads(nn.Module):
    """`here`: something of the phrase is at this token of the fusion encoder. `dense`: class, colour and box edges at
    each token of the trunk. `align`: the neck's tokens where phrases are. `teach`: `taught` features of the teacher at
    each token of the trunk, where there is one."""

    def __init__(self, trunk, width, taught=0):
        super().__init__()
        self.here = nn.Linear(width, 1)
        self.dense = nn.Linear(trunk, DENSE_CLASSES + len(CN) + 4)
        self.align = nn.Linear(width, width)
        if taught:
            self.teach = nn.Linear(trunk, taught)


def dense_loss(head, dense, trunk):
    """Class, colour and box of the thing at each token [I, tokens, C], and the accuracy on things."""
    kinds, colours, edges = head(trunk).float().split([DENSE_CLASSES, len(CN), 4], -1)
    weight = torch.where(dense.classes > 0, 1.0, 0.25)
    crossed = F.cross_entropy(kinds.flatten(0, 1), dense.classes.flatten(), reduction="none") * weight.flatten()
    coloured = F.cross_entropy(colours.flatten(0, 1), dense.colours.flatten(), ignore_index=-1, reduction="sum")
    coloured = coloured / (dense.colours >= 0).sum().clamp(min=1)
    is_thing = dense.owners > 0
    count = is_thing.sum().clamp(min=1)
    away = ((edges - dense.edges).abs().sum(-1) * is_thing).sum() / count
    accuracy = ((kinds.argmax(-1) == dense.classes) & is_thing).sum() / count
    return crossed.sum() / weight.sum() + 0.5 * coloured + 2 * away, accuracy


def align_loss(model, head, feature, alignment, owners):
    """Open-vocabulary dense alignment: the neck's tokens [I, C, h, w] against the pooled phrases of the scoring head;
    and the share of matches found less that of false ones."""
    text = text_features(model, alignment.ids, alignment.mask)
    scoring = model.dot_product_scoring
    normed = scoring.text_mlp_out_norm(scoring.text_mlp(text) + text)
    pooled = scoring.text_proj(scoring._pool_text_features(normed, alignment.mask.bool()))
    tokens = head(F.layer_norm(feature.flatten(2).transpose(1, 2), (feature.shape[1],)))
    logits = (tokens @ pooled.t()).float() * scoring.scale * 2 - 1.0
    fit = alignment.table.gather(1, owners[..., None].expand(-1, -1, alignment.table.shape[-1]))
    crossed = F.binary_cross_entropy_with_logits(logits, fit.clamp(min=0), reduction="none")
    is_thing = (owners > 0)[..., None]
    match, miss, behind = fit == 1, (fit == 0) & is_thing, (fit == 0) & ~is_thing

    def mean(values, where):
        return (values * where).sum() / where.sum().clamp(min=1)

    loss = mean(crossed, match) + 1.5 * mean(crossed, miss) + 0.7 * mean(crossed, behind)
    is_found = (logits > 0).float()
    return loss, mean(is_found, match) - mean(is_found, miss)


def here_loss(head, batch, memory):
    """Where the phrase's objects are, at each token of the fusion encoder [P, tokens, C]."""
    side = math.isqrt(memory.shape[1])
    logits = head(memory).float().squeeze(-1)
    union = batch.masks.new_zeros(len(memory), *batch.masks.shape[1:])
    union.index_add_(0, batch.valid.nonzero()[:, 0], batch.masks[batch.mask_of[batch.valid]])
    truth = F.adaptive_avg_pool2d(union, side).clamp(max=1).flatten(1)
    has = batch.valid.any(1).float()
    crossed = F.binary_cross_entropy_with_logits(logits, truth, reduction="none").mean()
    return 3 * crossed + (dice_loss(logits.sigmoid(), truth, 0.5) * has).sum() / has.sum().clamp(min=1)
