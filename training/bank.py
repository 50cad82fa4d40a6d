"""The bank of labelled sprites: shapes, emoji, and things cut out of photographs, on the device that composites them.
Imported by the planner, the compositor and the fixture scripts; no step by itself. Emoji need what assets.py builds.

A sprite is premultiplied RGBA, 128 pixels a side, from 0 to 255. Shapes are white and take their colour when they are
composited.
"""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

from concepts import EMOJI_LIST
from identities import emoji_identity, photo_identity
from paths import ASSETS
from shapes import shape_alpha
from sprites import SIDE, cut_out
from tags import ACTIVE, SN

VARIANTS_PER_SHAPE = 8
# Sides of the copies of a sprite.
MIP_SIDES = (128, 64, 32, 16)
# Files of emoji.npy's two styles and of the one that is kept for measuring.
EMOJI_FILE, HELD_OUT_EMOJI_FILE = ASSETS / "emoji.npy", ASSETS / "emoji_held_out.npy"


def draw_shapes():
    """Coverage of all variants, [shape, variant, 128, 128] uint8."""
    rng = np.random.default_rng(0)
    return np.stack([np.stack([shape_alpha(s, rng) for _ in range(VARIANTS_PER_SHAPE)]) for s in SN])


def premultiplied(rgba):
    """[.., 4] uint8 with colours multiplied by their coverage."""
    out = rgba.copy()
    out[..., :3] = (rgba[..., :3].astype(np.uint16) * rgba[..., 3:] // 255).astype(np.uint8)
    return out


def read_emoji():
    """[style, emoji, 128, 128, 4] RGBA uint8, or None without the assets."""
    return np.load(EMOJI_FILE) if EMOJI_FILE.exists() else None


def category_number_and_outline(line):
    """Of a line `class x y x y …`: the class, and corners [P, 2] as parts of the picture's sides."""
    parts = line.split()
    return int(parts[0]), np.array(parts[1:], float).reshape(-1, 2)


def labelled_photographs(folders):
    """Of (pictures, labels): each picture that has a file of labels, with its [(number, outline)]."""
    if not folders:
        return
    pictures, labels = folders
    for file in sorted(Path(labels).glob("*.txt")):
        path = Path(pictures) / f"{file.stem}.jpg"
        lines = [line for line in file.read_text().splitlines() if len(line.split()) > 6]
        if path.exists():
            with Image.open(path) as picture:
                yield picture.convert("RGB"), [category_number_and_outline(line) for line in lines]


@dataclass
class Sprites:
    """`pictures` [N, 4, 128, 128] uint8 and its smaller copies. Rows: `shape_rows` by shape, `emoji_rows` by emoji (all
    styles), `cut_out_rows`; `identities` of emoji and cut-outs by row. The last row is solid white."""

    levels: list = field(default_factory=list)
    identities: dict = field(default_factory=dict)
    shape_rows: dict = field(default_factory=dict)
    emoji_rows: dict = field(default_factory=dict)
    cut_out_rows: list = field(default_factory=list)
    solid_row: int = 0

    def neighbours(self, emoji):
        """Emoji of the same category."""
        category = EMOJI_LIST[emoji]["cat"]
        return [e for e in self.emoji_rows if e != emoji and EMOJI_LIST[e]["cat"] == category]


def add_shapes(bank, pictures):
    """Every variant as white coverage."""
    for shape, variants in zip(SN, draw_shapes()):
        bank.shape_rows[shape] = range(len(pictures), len(pictures) + len(variants))
        pictures += [np.repeat(v[..., None], 4, 2) for v in variants]


def add_emoji(bank, pictures, is_held_out_style):
    """The styles that are learnt, the first twice as often; or the one that is held out, where it was collected."""
    drawn = read_emoji()
    if drawn is None:
        return
    shown = drawn
    if is_held_out_style:
        if not HELD_OUT_EMOJI_FILE.exists():
            raise SystemExit(f"{HELD_OUT_EMOJI_FILE} is missing: run assets.py with --held-out-style")
        shown = np.load(HELD_OUT_EMOJI_FILE)[None]
    for emoji in ACTIVE:
        identity = emoji_identity(emoji, list(drawn[:, emoji]) + ([shown[0, emoji]] if is_held_out_style else []))
        styles = [s for s in shown[:, emoji] if s[..., 3].any()]
        rows = list(range(len(pictures), len(pictures) + len(styles)))
        if rows:
            bank.emoji_rows[emoji] = rows[:1] + rows
            bank.identities |= {row: identity for row in rows}
            pictures += [premultiplied(s) for s in styles]


def add_cut_outs(bank, pictures, folders):
    """Instances of labelled photographs that are large enough."""
    for picture, outlines in labelled_photographs(folders):
        for number, outline in outlines:
            sprite = cut_out(picture, outline)
            if sprite is None:
                continue
            sprite = (sprite * 255).astype(np.uint8)
            pixels = sprite[sprite[..., 3] > 250][:, :3]
            if len(pixels) < 100:
                continue
            bank.cut_out_rows.append(len(pictures))
            bank.identities[len(pictures)] = photo_identity(number, pixels)
            pictures.append(sprite)


def make_bank(device="cpu", folders=None, is_held_out_style=False, has_emoji=True):
    """All sprites on a device. `folders` are (pictures, labels) of labelled photographs."""
    bank, pictures = Sprites(), []
    add_shapes(bank, pictures)
    if has_emoji:
        add_emoji(bank, pictures, is_held_out_style)
    add_cut_outs(bank, pictures, folders)
    bank.solid_row = len(pictures)
    pictures.append(np.full((SIDE, SIDE, 4), 255, np.uint8))
    full = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).contiguous()
    for side in MIP_SIDES:
        smaller = F.adaptive_avg_pool2d(full.float(), side) if side < SIDE else full
        bank.levels.append(smaller.round().to(torch.uint8).to(device))
    return bank
