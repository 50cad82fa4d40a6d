"""Things that move in clips: shapes with patterns, instances cut out of photographs by polygons, and emoji where
assets.py has collected them. Imported by clips.py; no step by itself."""

import math
import random
from pathlib import Path

import cv2
import numpy as np
import torch
from PIL import Image, ImageDraw

from colours import color_rgb
from paths import ASSETS
from shapes import shape_alpha
from tags import CN, SN

cv2.setNumThreads(1)

# Pixels along a sprite.
SIDE = 128
# An instance must fill this part of its photograph to be cut out.
LEAST_AREA_OF_PICTURE = 0.01
# One emoji in so many is kept for measuring.
HELD_OUT_EMOJI = 8


def pattern(rng, numbers):
    """Colours of a sprite by pixel: plain, shaded, striped, checked or mottled, [SIDE, SIDE, 3] from 0 to 255."""
    a = color_rgb(rng.choice(CN), rng)
    b = color_rgb(rng.choice(CN), rng)
    yy, xx = np.mgrid[:SIDE, :SIDE] / SIDE
    angle = rng.uniform(0, 2 * math.pi)
    along = xx * math.cos(angle) + yy * math.sin(angle)
    kind = rng.choice(["plain", "plain", "shaded", "striped", "checked", "mottled"])
    if kind == "plain":
        return np.broadcast_to(a, (SIDE, SIDE, 3))
    if kind == "shaded":
        share = np.clip(along * 0.7 + 0.2, 0, 1)
    elif kind == "striped":
        share = (np.floor(along * rng.choice([4, 6, 10])) % 2 == 0).astype(float)
    elif kind == "checked":
        k = rng.choice([3, 5, 8])
        share = (np.floor(xx * k) + np.floor(yy * k)) % 2
    else:
        k = rng.choice([4, 8, 16])
        share = cv2.resize(numbers.random((k, k)), (SIDE, SIDE), interpolation=cv2.INTER_LINEAR)
    return a * (1 - share[..., None]) + b * share[..., None]


def shape_sprite(rng, numbers):
    """A shape with a pattern, some with an outline, [SIDE, SIDE, 4] premultiplied, 0 to 1."""
    alpha = shape_alpha(rng.choice(SN), numbers).astype(np.float32) / 255
    colours = pattern(rng, numbers).astype(np.float32) / 255
    if rng.random() < 0.3:
        inner = cv2.erode(alpha, np.ones((7, 7), np.uint8))
        colours = np.where((inner < 0.5)[..., None], rng.choice([0.05, 0.95]), colours)
    return np.concatenate([colours * alpha[..., None], alpha[..., None]], 2).astype(np.float32)


def polygons(label_file):
    """Outlines in a file of lines `class x y x y …`, each [P, 2] as parts of the picture's sides."""
    lines = label_file.read_text().splitlines()
    return [np.array(line.split()[1:], float).reshape(-1, 2) for line in lines if len(line.split()) > 6]


def cut_out(picture, outline):
    """An instance as a sprite, [SIDE, SIDE, 4] premultiplied; None when it is too small."""
    corners = outline * picture.size
    x0, y0 = corners.min(0)
    x1, y1 = corners.max(0)
    if (x1 - x0) * (y1 - y0) < LEAST_AREA_OF_PICTURE * picture.size[0] * picture.size[1]:
        return None
    mask = Image.new("L", picture.size)
    ImageDraw.Draw(mask).polygon([tuple(c) for c in corners], fill=255)
    half = max(x1 - x0, y1 - y0) / 2 + 1
    x, y = (x0 + x1) / 2, (y0 + y1) / 2
    square = tuple(round(v) for v in (x - half, y - half, x + half, y + half))
    size = (SIDE, SIDE)
    alpha = np.asarray(mask.crop(square).resize(size, Image.BILINEAR), np.float32)[..., None] / 255
    colours = np.asarray(picture.crop(square).resize(size, Image.BILINEAR), np.float32) / 255
    return np.concatenate([colours * alpha, alpha], 2)


def cut_outs(pictures, labels):
    """Instances of all photographs in the folder `pictures` with outlines in the folder `labels`."""
    found = []
    for file in sorted(Path(labels).glob("*.txt")):
        path = Path(pictures) / f"{file.stem}.jpg"
        if path.exists():
            with Image.open(path) as picture:
                found += [cut_out(picture.convert("RGB"), outline) for outline in polygons(file)]
    return [sprite for sprite in found if sprite is not None]


def emoji(are_held_out):
    """Emoji of both drawing styles, those for learning or those for measuring; none without the assets."""
    if not (ASSETS / "emoji.npy").exists():
        return []
    drawn = np.load(ASSETS / "emoji.npy").astype(np.float32) / 255
    is_held_out = np.arange(drawn.shape[1]) % HELD_OUT_EMOJI == 0
    chosen = drawn[:, is_held_out == are_held_out].reshape(-1, SIDE, SIDE, 4)
    return [np.concatenate([s[..., :3] * s[..., 3:], s[..., 3:]], 2) for s in chosen]


def make_sprites(seed, count, photographs=None, are_held_out=False):
    """A bank of sprites, [B, 4, SIDE, SIDE] premultiplied: `count` shapes, emoji, and with `photographs`, a pair of
    folders (pictures, labels), what can be cut out of them."""
    rng, numbers = random.Random(seed), np.random.default_rng(seed)
    all_sprites = [shape_sprite(rng, numbers) for _ in range(count)] + emoji(are_held_out)
    all_sprites += cut_outs(*photographs) if photographs else []
    return torch.from_numpy(np.stack(all_sprites)).permute(0, 3, 1, 2).contiguous()
