"""First prompts and corrections, taken from the truth at random: clicks and boxes. Imported by tracker_roll.py; no
step by itself. Points are (x, y) in pixels; labels: 0 off, 1 on the object, 2 and 3 the corners of a box."""

import torch

# Corners of a box are moved by this part of its sides at most.
BOX_JITTER = 0.1


def point_inside(areas, generator):
    """A random pixel of each area, any pixel where an area is empty. areas: [N, S, S] bool → [N, 2]."""
    weights = areas.flatten(1).float().cpu()
    weights = torch.where(weights.sum(1, keepdim=True) > 0, weights, 1.0)
    index = torch.multinomial(weights, 1, generator=generator)[:, 0].to(areas.device)
    width = areas.shape[-1]
    return torch.stack([index % width, index // width], 1).float()


def click(masks, generator):
    """One point on each object. masks: [N, S, S] bool → points [N, 1, 2], labels [N, 1]."""
    points = point_inside(masks, generator)[:, None]
    return points, torch.ones(len(masks), 1, dtype=torch.long, device=masks.device)


def box(masks, generator):
    """A box around each object, not quite exact. masks: [N, S, S] bool → points [N, 2, 2], labels [N, 2]."""
    side = masks.shape[-1]
    across = torch.arange(side, device=masks.device)

    def ends(occupied):
        first = torch.where(occupied, across, side).amin(1)
        last = torch.where(occupied, across, -1).amax(1)
        return first.float(), last.float()

    x0, x1 = ends(masks.any(1))
    y0, y1 = ends(masks.any(2))
    sides = torch.stack([x1 - x0, y1 - y0], 1)
    jitter = (torch.rand(len(masks), 2, 2, generator=generator) * 2 - 1).to(masks.device) * BOX_JITTER
    corners = torch.stack([torch.stack([x0, y0], 1), torch.stack([x1, y1], 1)], 1) + jitter * sides[:, None]
    labels = torch.tensor([2, 3], device=masks.device).expand(len(masks), 2)
    return corners.clamp(0, side - 1), labels


def correction(truth, guess, generator):
    """A point where the guess is wrong, on the object where it is right. [N, S, S] bool each → as `click`."""
    wrong = truth ^ guess
    areas = torch.where(wrong.flatten(1).any(1)[:, None, None], wrong, truth)
    points = point_inside(areas, generator)
    x, y = points.long().unbind(1)
    labels = truth[torch.arange(len(truth), device=truth.device), y, x].long()
    return points[:, None], labels[:, None]
