"""What a model finds for phrases about pictures, and how much of it is right. Imported by detector_smoke.py, eval.py
and photo_eval.py; no step by itself."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from scipy.optimize import linear_sum_assignment

from forward import mask_branch


@dataclass
class Detections:
    """Of one phrase: scores [n], boxes [n, 4] (corners, 0 to 1), masks [n, S, S] bool, best first; `presence` is the
    probability that the phrase fits anything."""

    scores: torch.Tensor
    boxes: torch.Tensor
    masks: torch.Tensor
    presence: float

    def above(self, threshold):
        """Those with higher scores."""
        keep = self.scores > threshold
        return Detections(self.scores[keep], self.boxes[keep], self.masks[keep], self.presence)

    def without_doubles(self, most=0.6):
        """Of those whose masks overlap by more than `most` only the best."""
        if len(self.scores) < 2:
            return self
        overlaps, kept = mask_iou(self.masks, self.masks), []
        for i in range(len(self.scores)):
            if not kept or overlaps[i, kept].max() <= most:
                kept.append(i)
        return Detections(self.scores[kept], self.boxes[kept], self.masks[kept], self.presence)


def corners(boxes):
    """From centre and size."""
    return torch.cat([boxes[..., :2] - boxes[..., 2:] / 2, boxes[..., :2] + boxes[..., 2:] / 2], -1)


@torch.no_grad()
def detect(model, found, side, least=0.3):
    """`Detections` with scores above `least` for each phrase of an Answer, masks of `side` pixels."""
    presence = found.presence[-1].sigmoid()
    scores = found.logits[-1].sigmoid() * presence[:, None]
    out = []
    for p in range(len(scores)):
        order = scores[p].argsort(descending=True)
        order = order[scores[p, order] > least]
        masks = torch.zeros(0, side, side, dtype=torch.bool)
        if len(order):
            pixels, _ = mask_branch(model, found, torch.tensor([p], device=scores.device))
            embedded = model.mask_decoder.mask_embedder(found.states[-1, p, order])
            small = torch.einsum("qc,chw->qhw", embedded, pixels[0]).float()
            masks = F.interpolate(small[None], (side, side), mode="bilinear")[0] > 0
        boxes = corners(found.boxes[-1, p, order].float())
        out.append(Detections(scores[p, order].cpu(), boxes.cpu(), masks.cpu(), float(presence[p])))
    return out


def mask_iou(a, b):
    """Overlaps of masks [n, S, S] and [m, S, S], [n, m]."""
    a, b = a.flatten(1).float(), b.flatten(1).float()
    both = a @ b.T
    return both / (a.sum(1)[:, None] + b.sum(1)[None] - both).clamp(min=1)


def box_iou(a, b):
    """Overlaps of corner boxes [n, 4] and [m, 4], [n, m]."""
    size = (torch.minimum(a[:, None, 2:], b[None, :, 2:]) - torch.maximum(a[:, None, :2], b[None, :, :2])).clamp(min=0)
    both = size.prod(-1)
    areas = [(x[:, 2:] - x[:, :2]).clamp(min=0).prod(-1) for x in (a, b)]
    return both / (areas[0][:, None] + areas[1][None] - both).clamp(min=1e-9)


def matched(overlaps):
    """The overlaps [n, m] of the best pairs, one to one."""
    if not overlaps.numel():
        return []
    rows, columns = linear_sum_assignment(-overlaps.numpy())
    return overlaps.numpy()[rows, columns].tolist()


class Tally:
    """Counts for precision, recall and F1 at an IoU of 0.5, and whether presence was right."""

    def __init__(self):
        self.right = self.found = self.there = 0
        self.overlaps, self.presences_of_fitting, self.presences_of_absent = [], [], []

    def add(self, detections, truth):
        """Detections of one phrase, and the masks it means [m, S, S]."""
        overlaps = matched(mask_iou(detections.masks, truth)) if len(truth) else []
        good = [x for x in overlaps if x >= 0.5]
        self.right += len(good)
        self.overlaps += good
        self.found += len(detections.scores)
        self.there += len(truth)
        (self.presences_of_fitting if len(truth) else self.presences_of_absent).append(detections.presence)

    def f1(self):
        """Harmonic mean of precision and recall."""
        return 2 * self.right / max(1, self.found + self.there)

    def numbers(self):
        """All numbers by name."""

        def share(values):
            return sum(values) / len(values) if values else None

        return dict(
            phrases=len(self.presences_of_fitting) + len(self.presences_of_absent),
            instances=self.there,
            precision=self.right / max(1, self.found),
            recall=self.right / max(1, self.there),
            F1=self.f1(),
            mean_IoU_of_found=share(self.overlaps),
            presence_right_on_fitting=share([p >= 0.5 for p in self.presences_of_fitting]),
            presence_right_on_absent=share([p < 0.5 for p in self.presences_of_absent]),
        )
