"""Losses of the detector and the mask decoder. Imported by detector_train.py; no step by itself.

Shapes: L decoder layers, P phrases, Q queries, G objects of the phrase with the most, H mask pixels a side.
"""

import torch
import torch.nn.functional as F
from scipy.optimize import linear_sum_assignment

from forward import mask_branch

# Reference boxes that each object teaches in the one-to-many loss.
MANY = 4


def xyxy(boxes):
    """Corners from centre and size."""
    return torch.cat([boxes[..., :2] - boxes[..., 2:] / 2, boxes[..., :2] + boxes[..., 2:] / 2], -1)


def giou(a, b):
    """Generalised intersection over union of corner boxes."""
    wh = (torch.minimum(a[..., 2:], b[..., 2:]) - torch.maximum(a[..., :2], b[..., :2])).clamp(min=0)
    both = wh[..., 0] * wh[..., 1]
    area_a = (a[..., 2] - a[..., 0]) * (a[..., 3] - a[..., 1])
    area_b = (b[..., 2] - b[..., 0]) * (b[..., 3] - b[..., 1])
    union = area_a + area_b - both
    hull = (torch.maximum(a[..., 2:], b[..., 2:]) - torch.minimum(a[..., :2], b[..., :2])).clamp(min=0)
    hull = hull[..., 0] * hull[..., 1]
    return both / union.clamp(min=1e-7) - (hull - union) / hull.clamp(min=1e-7)


@torch.no_grad()
def assignment_cost(model, batch, found):
    """[P, Q, G]: mostly the distance from the reference box (learned anchor), a little the predicted box."""
    truth = batch.boxes[:, None]
    anchors = model.detr_decoder.reference_points.weight.detach().float().sigmoid()[None, :, None]
    away = (anchors - truth).abs()
    overlap = giou(xyxy(found.boxes[-1])[:, :, None], xyxy(truth))
    return 5 * (away[..., 0] + away[..., 1]) + 2 * (away[..., 2] + away[..., 3]) + 0.15 * (1 - overlap)


def assigned(cost, valid):
    """The query that owns each object, [P, G]; 0 where there is none. Static and one to one, the same on all layers: a
    query can decide by itself whether it is the owner, so duplicates disappear without long training."""
    owners = torch.zeros(valid.shape, dtype=torch.long)
    numbers = cost.float().cpu().numpy()
    for p, count in enumerate(valid.sum(1).tolist()):
        if count:
            queries, objects = linear_sum_assignment(numbers[p, :, :count])
            owners[p, torch.from_numpy(objects)] = torch.from_numpy(queries)
    return owners.to(valid.device)


def layer_weights(count, others, device):
    """1 for the last layer, `others` for those before, [L]."""
    return torch.tensor([others] * (count - 1) + [1.0], device=device)


def class_losses(batch, found, owners):
    """Focal loss on every query, and whether the phrase is present at all."""
    logits, valid = found.logits, batch.valid
    has = valid.any(1)
    target = torch.zeros_like(logits[0]).scatter_add(1, owners, valid.float()).clamp(max=1).expand_as(logits)
    right = torch.where(target > 0, logits.sigmoid(), 1 - logits.sigmoid())
    focal = torch.where(target > 0, 0.65, 0.35) * (1 - right).clamp(min=1e-6).pow(0.5)
    focal = focal * F.binary_cross_entropy_with_logits(logits, target, reduction="none")
    focal = focal * torch.where(has, 1.0, 0.5)[None, :, None]
    weights = layer_weights(len(logits), 0.7, logits.device)
    objects = valid.sum().clamp(min=1)
    presence = F.binary_cross_entropy_with_logits(
        found.presence, has.float().expand_as(found.presence), reduction="none"
    )
    weights_of_presence = layer_weights(len(logits), 0.3, logits.device)
    return (focal.sum((1, 2)) * weights).sum() / objects, (presence.mean(1) * weights_of_presence).sum()


def box_losses(batch, found, owners):
    """L1 and GIoU on all layers."""
    index = owners[None, ..., None].expand(len(found.boxes), -1, -1, 4)
    boxes = found.boxes.gather(2, index)
    weights = torch.full((len(boxes),), 1.0, device=boxes.device)
    weights[0] = 0.7
    weights = weights.view(-1, 1, 1) * batch.valid / batch.valid.sum().clamp(min=1) / 2
    l1 = (boxes - batch.boxes).abs().sum(-1)
    return (l1 * weights).sum(), ((1 - giou(xyxy(boxes), xyxy(batch.boxes))) * weights).sum()


def many_loss(batch, found, cost):
    """L1 and GIoU of the queries whose reference boxes are near each object, whoever owns it."""
    nearest = cost.topk(MANY, 1, largest=False).indices.transpose(1, 2).flatten(1)
    index = nearest[None, ..., None].expand(len(found.boxes), -1, -1, 4)
    boxes = found.boxes.gather(2, index).unflatten(2, (-1, MANY))
    truth = batch.boxes[:, :, None]
    away = (boxes - truth).abs().sum(-1) + 0.4 * (1 - giou(xyxy(boxes), xyxy(truth)))
    return (away * batch.valid[..., None]).sum() / batch.valid.sum().clamp(min=1) / MANY / len(boxes)


def mask_losses(model, batch, found, owners, share, rng):
    """Cross entropy and Dice of the owners' masks, and the semantic map, for a share of the phrases."""
    counts = batch.valid.sum(1).tolist()
    positive = [p for p, count in enumerate(counts) if count]
    negative = [p for p, count in enumerate(counts) if not count]
    rng.shuffle(positive)
    rng.shuffle(negative)
    positive = positive[: max(2, int(len(positive) * share + 0.5))]
    chosen = positive + negative[: max(1, len(negative) // 5)]
    at = torch.tensor(chosen, device=owners.device)
    instance, semantic = mask_branch(model, found, at)
    valid, mask_of = batch.valid[at], batch.mask_of[at]
    embedded = model.mask_decoder.mask_embedder(found.states[-1][at])
    queries = embedded.gather(1, owners[at][..., None].expand(-1, -1, embedded.shape[-1]))
    predicted = (queries @ instance.flatten(2))[valid].float()
    truth = batch.masks.flatten(1)
    union = truth.new_zeros(len(chosen), truth.shape[1])
    union.index_add_(0, valid.nonzero()[:, 0], truth[mask_of[valid]])
    crossed, dice = instance_losses(predicted, truth[mask_of[valid]])
    return crossed, dice, semantic_loss(semantic.flatten(1).float(), union.clamp(max=1), len(positive))


def instance_losses(predicted, truth):
    """Of masks [M, H·H]; the cross entropy of small objects counts a little more."""
    area = truth.mean(1)
    crossed = F.binary_cross_entropy_with_logits(predicted, truth, reduction="none").mean(1)
    crossed = (crossed / (area.clamp(min=0.004).sqrt() * 2 + 0.1)).mean()
    return crossed, dice_loss(predicted.sigmoid(), truth).mean()


def dice_loss(shares, truth, extra=1.0):
    """1 - Dice of each row, [M]."""
    return 1 - (2 * (shares * truth).sum(1) + extra) / (shares.sum(1) + truth.sum(1) + extra)


def semantic_loss(logits, union, positive):
    """Of the union of a phrase's objects; the first `positive` phrases have some."""
    crossed = F.binary_cross_entropy_with_logits(logits, union, reduction="none").mean(1).mean()
    return 3 * crossed + dice_loss(logits.sigmoid(), union)[:positive].mean()


def detector_losses(model, batch, found, weights, mask_share, rng):
    """All losses of a step by name, not yet weighted; those of weight 0 are left out."""
    cost = assignment_cost(model, batch, found)
    owners = assigned(cost, batch.valid)
    out = {}
    out["cls"], out["pres"] = class_losses(batch, found, owners)
    out["l1"], out["giou"] = box_losses(batch, found, owners)
    if weights.get("many"):
        out["many"] = many_loss(batch, found, cost)
    if bool(batch.valid.any()):
        out["mask"], out["dice"], out["sem"] = mask_losses(model, batch, found, owners, mask_share, rng)
    return out
