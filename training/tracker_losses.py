"""What the tracker is taught by: SAM 2's losses. Imported by tracker_train.py; no step by itself."""

import torch
import torch.nn.functional as F

WEIGHTS = dict(focal=20.0, dice=1.0, iou=1.0, score=1.0)
FOCAL_ALPHA, FOCAL_GAMMA = 0.25, 2.0


def focal(logits, truth):
    """Mean over the pixels of each mask. logits, truth: [N, M, H, W], truth from 0 to 1 → [N, M]."""
    error = F.binary_cross_entropy_with_logits(logits, truth, reduction="none")
    p = logits.sigmoid()
    right = p * truth + (1 - p) * (1 - truth)
    balance = FOCAL_ALPHA * truth + (1 - FOCAL_ALPHA) * (1 - truth)
    return (balance * error * (1 - right) ** FOCAL_GAMMA).mean((-2, -1))


def dice(logits, truth):
    """[N, M, H, W] each → [N, M]."""
    p = logits.sigmoid()
    common = (p * truth).sum((-2, -1))
    return 1 - (2 * common + 1) / ((p + truth).sum((-2, -1)) + 1)


def iou(logits, truth):
    """Overlap of masks and truths as they are, [N, M, H, W] each → [N, M]; 1 where both are empty."""
    mask, is_inside = logits > 0, truth > 0.5
    common = (mask & is_inside).sum((-2, -1)).float()
    union = (mask | is_inside).sum((-2, -1)).float()
    return torch.where(union > 0, common / union.clamp(min=1), 1.0)


def of_answer(seen, truth):
    """Losses of one answer, means over the objects. The best of several masks is taught; expected IoUs are taught for
    all; where the object is absent, the score alone is. truth: [N, S, S] bool."""
    side = seen.masks.shape[-1]
    target = F.adaptive_avg_pool2d(truth.float(), side)[:, None].expand_as(seen.masks)
    is_there = truth.flatten(1).any(1).float()
    by_kind = dict(focal=focal(seen.masks, target), dice=dice(seen.masks, target))
    price = sum(WEIGHTS[kind] * value for kind, value in by_kind.items())
    best = price.detach().argmin(1, keepdim=True)
    losses = {kind: (value.gather(1, best)[:, 0] * is_there).mean() for kind, value in by_kind.items()}
    expected = (seen.ious - iou(seen.masks.detach(), target)).abs().mean(1)
    losses["iou"] = (expected * is_there).mean()
    losses["score"] = F.binary_cross_entropy_with_logits(seen.scores, is_there)
    return losses


def of_answers(answers, masks):
    """Losses of all answers of a roll, by kind; means over the answers. masks: [N, T, S, S] bool."""
    each = [of_answer(seen, masks[:, at]) for at, seen in answers]
    return {kind: torch.stack([losses[kind] for losses in each]).mean() for kind in WEIGHTS}


def total(losses):
    """The weighted sum."""
    return sum(WEIGHTS[kind] * value for kind, value in losses.items())
