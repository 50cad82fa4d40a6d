"""Scenes as training batches: pictures, phrases with exemplar boxes, and what they should give. Imported by
detector_train.py, detector_smoke.py and the evaluations; no step by itself.

Shapes: I pictures, P phrases of them all, S pixels a side, h tokens a side, H = 4 h mask pixels a side, N things of all
pictures, G things of the phrase with the most, W the owner map's values of one picture.
"""

import math
import random
from dataclasses import dataclass

import torch
import torch.nn.functional as F

from identities import DECIDABLE_IN_PHOTOGRAPHS
from prompts import UNKNOWN, Asker, variant

PATCH = 14
# Phrases for the dense alignment in one batch.
ALIGN_PHRASES = 48
# The label of an exemplar box that does not count.
NO_BOX = -10


@dataclass
class Dense:
    """What each token of the trunk shows, [I, h·h]: class, colour (-1 none), owner; distances to the edges of the
    thing's box [I, h·h, 4]."""

    classes: torch.Tensor
    colours: torch.Tensor
    owners: torch.Tensor
    edges: torch.Tensor


@dataclass
class Alignment:
    """T phrases: ids and mask [T, tokens], and a table [I, W, T]: 1 match, 0 no match, -1 ambiguous."""

    ids: torch.Tensor
    mask: torch.Tensor
    table: torch.Tensor


@dataclass
class Batch:
    """pixels [I, 3, S, S] from -1 to 1; picture_of [P]; ids and mask [P, tokens]; exemplars [P, n, 4] (centre and size)
    and labels [P, n]; boxes [P, G, 4] and valid [P, G]; masks [N, H, H] and mask_of [P, G], -1 where not valid.
    Everything from `picture_of` on is missing in a batch for the trunk alone."""

    pixels: torch.Tensor
    dense: Dense
    alignment: Alignment | None
    picture_of: torch.Tensor | None = None
    ids: torch.Tensor | None = None
    mask: torch.Tensor | None = None
    exemplars: torch.Tensor | None = None
    labels: torch.Tensor | None = None
    boxes: torch.Tensor | None = None
    valid: torch.Tensor | None = None
    masks: torch.Tensor | None = None
    mask_of: torch.Tensor | None = None


def thing_boxes(owner, width):
    """Corners of what is visible of each owner, 0 to 1, [I, width, 4]; zeros where nothing is."""
    count, side = owner.shape[:2]
    flat = (owner + torch.arange(count, device=owner.device).view(-1, 1, 1) * width).flatten()
    along = torch.arange(side, device=owner.device)
    x = along.expand(count, side, side).flatten()
    y = along[:, None].expand(count, side, side).flatten()
    ends = []
    for values, how, start in ((x, "amin", side), (y, "amin", side), (x + 1, "amax", 0), (y + 1, "amax", 0)):
        empty = torch.full((count * width,), start, device=owner.device)
        ends.append(empty.scatter_reduce(0, flat, values, how))
    boxes = torch.stack(ends, 1).view(count, width, 4).float() / side
    return boxes * (boxes[..., 2:3] > 0)


def centred(corners):
    """Centre and size from corners."""
    return torch.cat([(corners[..., :2] + corners[..., 2:]) / 2, corners[..., 2:] - corners[..., :2]], -1)


def pooled_masks(owner, pictures, values, side):
    """Soft masks [N, side, side] of the owners `values` of `pictures` (lists of N)."""
    if not pictures:
        return owner.new_zeros((0, side, side), dtype=torch.float32)
    at = torch.tensor(pictures, device=owner.device)
    value = torch.tensor(values, device=owner.device).view(-1, 1, 1)
    return F.adaptive_avg_pool2d((owner[at] == value).float(), side)


def token_owners(owner):
    """The owner that is seen at each token, [I, h, h]: a thing rather than the backdrop, a later one rather than
    another."""
    h = owner.shape[-1] // PATCH
    at = [slice(first, first + PATCH * (h - 1) + 1, PATCH) for first in (3, 10)]
    return torch.stack([owner[:, rows, columns] for rows in at for columns in at]).amax(0)


def dense_targets(made, boxes):
    """`Dense` of scenes whose things have the corners `boxes` [I, W, 4]."""
    device, width = made.owner.device, boxes.shape[1]
    owners = token_owners(made.owner)
    count, h = owners.shape[:2]
    owners = owners.flatten(1)

    def table(value_of, nothing):
        rows = [[nothing] + [value_of(t.identity) for t in things] for things in made.things]
        return torch.tensor([row + [nothing] * (width - len(row)) for row in rows], device=device)

    classes = table(lambda identity: identity.dense_class, 0).gather(1, owners)
    colours = table(lambda identity: identity.colour, -1).gather(1, owners)
    centres = (torch.arange(h, device=device) + 0.5) / h
    places = torch.stack(torch.meshgrid(centres, centres, indexing="xy"), -1).view(1, -1, 2)
    corners = boxes.gather(1, owners[..., None].expand(-1, -1, 4))
    edges = torch.cat([places - corners[..., :2], corners[..., 2:] - places], -1)
    return Dense(classes, colours, owners, edges * (owners > 0)[..., None])


def fit(identity, phrase):
    """1 where a phrase is right for a thing, -1 where it is ambiguous, else 0."""
    return 1.0 if phrase in identity.right else -1.0 if phrase in identity.ambiguous else 0.0


def alignment(made, text, rng, width):
    """Phrases that fit or nearly fit things of the batch; None for scenes without any."""
    device = made.owner.device
    asker = Asker(rng, [t for things in made.things for t in things], False, 0)
    if not asker.askable:
        return None
    phrases = set()
    for _ in range(200):
        if len(phrases) < ALIGN_PHRASES:
            phrase = asker.fitting() if rng.random() < 0.75 else asker.near_miss()
            phrases |= {phrase} - {UNKNOWN}
    phrases = sorted(phrases)

    # Rows of the table that are made once: the backdrop, an open one, then every identity
    rows = [[0.0] * len(phrases), [0.0 if p in DECIDABLE_IN_PHOTOGRAPHS else -1.0 for p in phrases]]
    row_of, index = {}, []
    for things, is_open in zip(made.things, made.is_open):
        for identity in (thing.identity for thing in things):
            if identity not in row_of:
                row_of[identity] = len(rows)
                rows.append([fit(identity, phrase) for phrase in phrases])
        row = [int(is_open)] + [row_of[thing.identity] for thing in things]
        index.append(row + [0] * (width - len(row)))
    table = torch.tensor(rows, device=device)[torch.tensor(index, device=device)]
    ids, mask = text.batch(phrases, rng, device)
    return Alignment(ids, mask, table)


def jittered(box, rng):
    """A box (centre and size), a little off, as a hand draws it."""
    x, y, w, h = box
    a, b, c, d = (rng.gauss(0, 0.04) for _ in range(4))
    return [x + a * w, y + b * h, min(1.0, w * math.exp(c)), min(1.0, h * math.exp(d))]


def exemplar_tensors(questions, pictures, boxes, rng, device):
    """Boxes [P, n, 4] and labels [P, n] of the questions' exemplars; always at least one box, that does not count
    where a question has none. `boxes` are centres and sizes of all things, as lists."""
    most = max(1, max(len(question.exemplars) for question in questions))
    rows, labels = [], []
    for question, b in zip(questions, pictures):
        row = [jittered(boxes[b][index + 1], rng) for index, _ in question.exemplars]
        rows.append(row + [[0.5] * 4] * (most - len(row)))
        labels.append([int(is_positive) for _, is_positive in question.exemplars] + [NO_BOX] * (most - len(row)))
    return torch.tensor(rows, device=device), torch.tensor(labels, device=device)


def target_tensors(made, questions, pictures, boxes):
    """boxes [P, G, 4], valid [P, G], masks [N, H, H], mask_of [P, G]."""
    device, side = made.owner.device, made.owner.shape[-1] // PATCH * 4
    meant = [[(b, index + 1) for index in q.targets] for q, b in zip(questions, pictures)]
    known = {pair: n for n, pair in enumerate(dict.fromkeys(pair for pairs in meant for pair in pairs))}
    most = max(1, max(map(len, meant)))
    numbers = [[known[pair] for pair in pairs] + [-1] * (most - len(pairs)) for pairs in meant]
    mask_of = torch.tensor(numbers, device=device)
    own = torch.tensor(list(known) or [(0, 0)], device=device)
    chosen = boxes[own[:, 0], own[:, 1]][mask_of.clamp(min=0)]
    valid = mask_of >= 0
    chosen = torch.where(valid[..., None], chosen, chosen.new_tensor([0.5, 0.5, 0.1, 0.1]))
    masks = pooled_masks(made.owner, [b for b, _ in known], [value for _, value in known], side)
    return dict(boxes=chosen, valid=valid, masks=masks, mask_of=mask_of)


def asked(made, rng, per_picture, exemplar_share, absent_share, most_targets):
    """Questions about all scenes, and the picture of each."""
    questions, pictures = [], []
    for b, things in enumerate(made.things):
        asker = Asker(rng, things, made.is_open[b], most_targets)
        for question in asker.questions(per_picture, absent_share):
            has_boxes = rng.random() < exemplar_share
            questions.append(asker.with_exemplars(question) if has_boxes else question)
            pictures.append(b)
    return questions, pictures


def make_batch(
    maker, text, seeds, side, per_picture, least=0.07, exemplar_share=0.33, absent_share=0.35, most_targets=48
):
    """A batch of one scene for each seed, with `per_picture` phrases each; of pictures alone where that is 0."""
    made = maker.make(seeds, side, least)
    rng = random.Random(f"questions {seeds[0]}")
    width = 1 + max(len(things) for things in made.things)
    corners = thing_boxes(made.owner, width)
    batch = Batch(made.pictures * 2 - 1, dense_targets(made, corners), alignment(made, text, rng, width))
    if not per_picture:
        return batch
    questions, pictures = asked(made, rng, per_picture, exemplar_share, absent_share, most_targets)
    boxes, device = centred(corners), made.owner.device
    batch.picture_of = torch.tensor(pictures, device=device)
    batch.ids, batch.mask = text.batch([variant(q.phrase, rng) for q in questions], rng, device)
    batch.exemplars, batch.labels = exemplar_tensors(questions, pictures, boxes.tolist(), rng, device)
    for name, value in target_tensors(made, questions, pictures, boxes).items():
        setattr(batch, name, value)
    return batch
