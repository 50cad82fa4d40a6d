"""How things and the camera move through a clip. Imported by clips.py; no step by itself.

Places are in parts of the picture's half side: -1 is the left or upper edge, 1 the other one. Times, [T], lie within
0..1, which is the length of a path.
"""

import math

import torch


def wave(rng, times, amplitude, waves):
    """A smooth path around 0 with about `waves` turns in the clip, [T]."""
    phase = rng.uniform(0, 2 * math.pi)
    return amplitude * torch.sin(times * 2 * math.pi * waves + phase)


def centre_path(rng, times):
    """Where a thing is, [T, 2]: it drifts, swings, passes through, or leaves and returns."""
    kind = rng.choice(["drift", "drift", "swing", "pass", "return"])
    start = torch.tensor([rng.uniform(-0.75, 0.75), rng.uniform(-0.75, 0.75)])
    if kind == "drift":
        goal = torch.tensor([rng.uniform(-0.8, 0.8), rng.uniform(-0.8, 0.8)])
        path = start + times[:, None] * (goal - start)
    elif kind == "swing":
        swings = [wave(rng, times, rng.uniform(0.1, 0.5), rng.uniform(0.3, 1.2)) for _ in range(2)]
        path = start + torch.stack(swings, 1)
    else:
        angle = rng.uniform(0, 2 * math.pi)
        way = torch.tensor([math.cos(angle), math.sin(angle)])
        if kind == "pass":
            reach = rng.uniform(0.8, 2.2)
            path = start * 0.5 + way * reach * times[:, None]
        else:
            # Out over the edge in the middle of the clip, and back
            out = torch.sin(times * math.pi) ** 2 * rng.uniform(1.6, 2.6)
            path = start * 0.6 + way * out[:, None]
    return path


def stretch_of_time(rng, frames, strides):
    """The times of a clip's frames: a stretch of every path, somewhere in it, from frame to frame within `strides`,
    [T]."""
    stride = math.exp(rng.uniform(math.log(strides[0]), math.log(strides[1])))
    span = min(0.95, stride * (frames - 1))
    return rng.uniform(0, 1 - span) + torch.linspace(0, 1, frames) * span


def presence(rng, frames, share):
    """On which frames a thing is there at all, [T] of 0 and 1: of `share` of the things some frames after the first lack
    it, as after a cut or behind something, up to the end or until it returns where its path has led it."""
    there = torch.ones(frames)
    if rng.random() < share:
        gone = rng.randrange(1, frames)
        there[gone : rng.choice([frames, rng.randint(gone + 1, frames)])] = 0
    return there


def thing_motion(rng, times, least_radius=0.11, most_radius=0.55):
    """Affine maps of a sprite (whose corners are at -1 and 1) into the picture, [T, 2, 3]."""
    radius = math.exp(rng.uniform(math.log(least_radius), math.log(most_radius)))
    radii = radius * torch.exp(wave(rng, times, rng.uniform(0, 0.35), rng.uniform(0.2, 1)))
    turns = rng.uniform(-math.pi, math.pi) + times * rng.choice([0, rng.uniform(-1, 1), rng.uniform(-4, 4)])
    squeeze = math.exp(rng.uniform(-0.25, 0.25))
    cos, sin = torch.cos(turns), torch.sin(turns)
    rows = torch.stack([cos * radii * squeeze, -sin * radii, sin * radii * squeeze, cos * radii], 1)
    return torch.cat([rows.view(-1, 2, 2), centre_path(rng, times)[..., None]], 2)


def camera_motion(rng, times):
    """Affine maps of the world into the picture, [T, 2, 3]: still, shaking, or panning with some zoom and turn."""
    frames = len(times)
    kind = rng.choice(["still", "shake", "pan", "pan"])
    moves = torch.zeros(frames, 2)
    turns = torch.zeros(frames)
    zooms = torch.ones(frames)
    if kind == "shake":
        moves = torch.tensor([[rng.gauss(0, 0.02), rng.gauss(0, 0.02)] for _ in range(frames)])
    elif kind == "pan":
        end = torch.tensor([rng.uniform(-0.5, 0.5), rng.uniform(-0.5, 0.5)])
        moves = times[:, None] * end
        turns = times * rng.uniform(-0.3, 0.3)
        zooms = torch.exp(times * rng.uniform(-0.2, 0.3))
    cos, sin = torch.cos(turns) * zooms, torch.sin(turns) * zooms
    rows = torch.stack([cos, -sin, sin, cos], 1).view(frames, 2, 2)
    return torch.cat([rows, moves[..., None]], 2)


def light(rng, times):
    """Gain and offset of each frame and colour, [T, 3, 1, 1] each: steady, fading, flickering or with a sudden
    change."""
    frames = len(times)
    kind = rng.choice(["steady", "steady", "fade", "flicker", "switch"])
    levels = torch.ones(frames)
    if kind == "fade":
        levels = 1 + wave(rng, times, rng.uniform(0.1, 0.4), rng.uniform(0.3, 1))
    elif kind == "flicker":
        levels = torch.tensor([1 + rng.gauss(0, 0.06) for _ in range(frames)])
    elif kind == "switch":
        levels = torch.where(times < rng.uniform(0.2, 0.8), 1.0, rng.uniform(0.55, 1.25))
    tint = torch.tensor([rng.uniform(0.9, 1.1) for _ in range(3)])
    return (levels[:, None] * tint)[..., None, None], torch.full((1, 3, 1, 1), rng.uniform(-0.05, 0.08))


def chained(outer, inner):
    """The affine maps that apply `inner` first, [.., 2, 3] each."""
    linear = outer[..., :2] @ inner[..., :2]
    moved = outer[..., :2] @ inner[..., 2:] + outer[..., 2:]
    return torch.cat([linear, moved], -1)


def undone(affine):
    """The inverse maps, [.., 2, 3]."""
    linear = torch.linalg.inv(affine[..., :2])
    return torch.cat([linear, -linear @ affine[..., 2:]], -1)
