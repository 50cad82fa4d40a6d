"""The bank of what lies behind a scene's objects, made once: generated pictures, photographs, and whole labelled
photographs whose things are instances of the scene. Imported by planner.py and scenes.py; no step by itself.

All are squeezed to a square of one size; `aspect` is the width through the height that a picture had before.
"""

import json
import random
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from PIL import Image, ImageDraw

from backgrounds import Backgrounds
from bank import labelled_photographs
from identities import bar_identity, photo_identity
from paths import ASSETS

# Pictures that are used neither for learning nor for measuring.
LEFT_OUT = (
    "friends_by",
    "motorcycle",
    "LadyBird",
    "goldfish",
    "coffee",
    "astronaut",
    "greentock",
    "FreshFlower",
    "YellowFlower",
)
# Shares of the generated ones in the bank.
GENERATED = {"plain": 0.35, "gradient": 0.12, "procedural": 0.23, "bars": 0.3}
# Instances of a photograph beyond these are left to the background; the owner map has 8 bits.
MOST_INSTANCES = 60


@dataclass
class Backdrop:
    """One entry. `owner` values 1, 2, … are `identities`; `avoid` is the colour that shapes must differ from; `is_open`
    where things may be seen that nobody labelled."""

    kind: str
    picture: np.ndarray
    owner: np.ndarray
    identities: list
    aspect: float = 1.0
    avoid: np.ndarray | None = None
    is_open: bool = False


class Painter(Backgrounds):
    """Generated backdrops of a seed, `side` pixels wide."""

    def __init__(self, seed, side):
        self.rng, self.np, self.side = random.Random(seed), np.random.default_rng(seed), side

    def paint(self, kind):
        """A backdrop of this kind."""
        owner, identities, avoid = np.zeros((self.side, self.side), np.uint8), [], None
        if kind == "plain":
            picture, _, avoid = self.plain(self.side)
        elif kind == "gradient":
            picture = self.gradient(self.side)
        elif kind == "procedural":
            picture = self.procedural(self.side)
        else:
            picture, bars = (self.smpte_bars if self.rng.random() < 0.5 else self.random_bars)(self.side)
            for colour, (x0, y0, x1, y1), is_ambiguous in bars:
                identities.append(bar_identity(colour, is_ambiguous))
                owner[y0:y1, x0:x1] = len(identities)
        return Backdrop(kind, picture, owner, identities, avoid=avoid)


def generated(seed, count, side):
    """About `count` backdrops in the shares of GENERATED, at least one of each kind."""
    painter = Painter(seed, side)
    return [painter.paint(kind) for kind, share in GENERATED.items() for _ in range(max(1, round(count * share)))]


def squeezed(picture, side):
    """[side, side, 3] uint8"""
    return cv2.resize(np.asarray(picture), (side, side), interpolation=cv2.INTER_AREA)


def collected(side, is_held_out):
    """Photographs without instances, those for learning or those for measuring; none without the assets."""
    if not (ASSETS / "bg.npy").exists():
        return []
    pictures = np.load(ASSETS / "bg.npy", mmap_mode="r")
    files = json.loads((ASSETS / "bg.json").read_text())
    usable = [i for i, name in enumerate(files) if not any(part in name for part in LEFT_OUT)]
    order = np.random.default_rng(5).permutation(usable)
    held_out = max(8, len(pictures) // 10)
    empty = np.zeros((side, side), np.uint8)
    aspect = pictures.shape[2] / pictures.shape[1]
    return [
        Backdrop("photograph", squeezed(pictures[i], side), empty, [], aspect)
        for i in (order[:held_out] if is_held_out else order[held_out:])
    ]


def labelled(folders, side):
    """Whole photographs with their instances; smaller ones lie over larger ones."""
    found = []
    for picture, outlines in labelled_photographs(folders):
        small = squeezed(picture, side)
        outlines = sorted(outlines, key=lambda entry: -np.prod(np.ptp(entry[1], axis=0)))[:MOST_INSTANCES]
        drawn = Image.new("L", (side, side))
        for index, (_, outline) in enumerate(outlines):
            ImageDraw.Draw(drawn).polygon([tuple(c) for c in outline * side], fill=index + 1)
        owner = np.asarray(drawn)
        identities = [photo_identity(n, small[owner == k + 1]) for k, (n, _) in enumerate(outlines)]
        aspect = picture.width / picture.height
        found.append(Backdrop("labelled", small, owner, identities, aspect, is_open=True))
    return found


class BackdropBank:
    """`entries` by index, `rows_of_kind`, and on the device `pictures` [M, 3, h, w] and `owners` [M, 1, h, w],
    uint8."""

    def __init__(self, entries, device="cpu"):
        self.rows_of_kind = {}
        for row, entry in enumerate(entries):
            self.rows_of_kind.setdefault(entry.kind, []).append(row)
        pictures = torch.from_numpy(np.stack([e.picture for e in entries])).permute(0, 3, 1, 2)
        self.pictures = pictures.contiguous().to(device)
        self.owners = torch.from_numpy(np.stack([e.owner for e in entries]))[:, None].to(device)
        self.entries = entries
        for entry in entries:
            entry.picture = entry.owner = None


def make_backdrops(seed, count=400, side=288, device="cpu", folders=None, is_held_out=False):
    """The bank of a seed: `count` generated ones, and all photographs there are."""
    entries = generated(seed, count, side) + collected(side, is_held_out) + labelled(folders, side)
    return BackdropBank(entries, device)
