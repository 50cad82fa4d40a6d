"""Clips with the truth: `ClipMaker(seed).make()` gives frames, and for each object its visible mask on each frame.
Sprites move, turn, grow, cross and hide each other, leave and return; the camera moves, the light changes. Imported by
tracker_train.py and tracker_eval.py; started by itself it times the generator and draws a sheet:

    python training/clips.py [--sheet FILE] [--frames 8] [--pictures DIR --labels DIR]

Compositing is torch's alone, on the device of the sprites. Backgrounds are generated ones, and photographs: those of
--pictures, and those of assets.py where it was run.
"""

import argparse
import random
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

import motion
from backgrounds import Backgrounds
from paths import ASSETS, WORK
from sprites import SIDE, make_sprites

# Background pixels along a side; the picture shows its middle, so that the camera can move.
BACKGROUND_SIDE = 320
# The background reaches this far beyond the picture, in half sides.
BACKGROUND_REACH = 1.5


@dataclass
class Clip:
    """frames: [T, 3, S, S] from -1 to 1, as the model reads them; masks: [K, T, S, S] bool, what is visible."""

    frames: torch.Tensor
    masks: torch.Tensor


class BackgroundSource(Backgrounds):
    """Backgrounds of a seed: generated ones, and parts of photographs [H, W, 3] where there are any."""

    def __init__(self, seed, photographs=None):
        self.photographs = photographs if photographs is not None else []
        self.bgs = range(len(self.photographs))
        self.begin(seed)

    def begin(self, seed):
        """Starts anew from this seed."""
        self.rng = random.Random(seed)
        self.np = np.random.default_rng(seed)

    @property
    def b(self):
        """The parent class asks a bank for `bg`."""
        return argparse.Namespace(bg=self.photographs)

    def picture(self):
        """[3, BACKGROUND_SIDE, BACKGROUND_SIDE] from 0 to 1."""
        if len(self.photographs):
            painted = self.background(BACKGROUND_SIDE)[0]
        elif self.rng.random() < 0.5:
            painted = self.procedural(BACKGROUND_SIDE)
        else:
            painted = self.rng.choice([self.gradient, lambda side: self.plain(side)[0]])(BACKGROUND_SIDE)
        return torch.from_numpy(np.ascontiguousarray(painted)).permute(2, 0, 1).float() / 255


class ClipMaker:
    """An endless source of clips. The same seed gives the same clips; `device` is where they are made. `strides` are the
    shortest and the longest part of a path from frame to frame; `vanishing` is the share of things that are suddenly
    gone."""

    def __init__(
        self, seed, side=252, frames=8, sprites=None, photographs=None, device="cpu", strides=(0.01, 0.15), vanishing=0.0
    ):
        self.side, self.frames, self.device, self.strides, self.vanishing = side, frames, device, strides, vanishing
        self.sprites = (make_sprites(seed, 256) if sprites is None else sprites).to(device)
        self.backgrounds = BackgroundSource(seed, photographs)
        self.begin(seed)

    def begin(self, seed):
        """Starts anew from this seed, with the same sprites."""
        self.rng = random.Random(seed)
        self.backgrounds.begin(seed)

    def make(self, least=2, most=5):
        """One clip with `least` to `most` things, of which each is visible on the first frame or comes later."""
        count = self.rng.randint(least, most)
        times = motion.stretch_of_time(self.rng, self.frames, self.strides)
        camera = motion.camera_motion(self.rng, times)
        picture = self._background(camera)
        layers = [self._thing(camera, times) for _ in range(count)]
        masks = torch.zeros(count, self.frames, self.side, self.side, dtype=torch.bool, device=self.device)
        for index, (colours, alpha) in enumerate(layers):
            picture = picture * (1 - alpha) + colours
            is_covered = alpha[:, 0] > 0.5
            masks[:index] &= ~is_covered
            masks[index] = is_covered
        return Clip(self._exposed(picture, times) * 2 - 1, masks)

    def _background(self, camera):
        """[T, 3, S, S]"""
        painted = self.backgrounds.picture().to(self.device).expand(self.frames, -1, -1, -1)
        maps = motion.undone(camera) / BACKGROUND_REACH
        return self._sampled(painted, maps, "reflection")

    def _thing(self, camera, times):
        """A sprite on each frame: premultiplied colours [T, 3, S, S] and coverage [T, 1, S, S]."""
        sprite = self.sprites[self.rng.randrange(len(self.sprites))]
        maps = motion.chained(camera, motion.thing_motion(self.rng, times))
        if self.rng.random() < 0.5:
            sprite = sprite.flip(-1)
        # The mean diameter in pixels says how much the sprite is reduced beforehand
        diameter = float(maps[..., :2].det().abs().sqrt().mean()) * self.side
        reduction = 1
        while SIDE / reduction > 2 * diameter and reduction < 8:
            reduction *= 2
        sprite = F.avg_pool2d(sprite, reduction)
        sampled = self._sampled(sprite.expand(self.frames, -1, -1, -1), motion.undone(maps), "zeros")
        there = motion.presence(self.rng, self.frames, self.vanishing)
        sampled = sampled * there.to(self.device).view(-1, 1, 1, 1)
        return sampled[:, :3], sampled[:, 3:]

    def _sampled(self, pictures, maps, padding):
        """Pictures [T, C, h, w] as seen through maps from the frame into them, [T, C, S, S]."""
        shape = (self.frames, pictures.shape[1], self.side, self.side)
        grid = F.affine_grid(maps.to(self.device), shape, align_corners=False)
        return F.grid_sample(pictures, grid, padding_mode=padding, align_corners=False)

    def _exposed(self, picture, times):
        """Light and noise of the camera."""
        gain, offset = (x.to(self.device) for x in motion.light(self.rng, times))
        picture = picture * gain + offset
        if self.rng.random() < 0.4:
            generator = torch.Generator().manual_seed(self.rng.getrandbits(32))
            noise = torch.randn(picture.shape, generator=generator).to(self.device)
            picture = picture + noise * self.rng.uniform(0.01, 0.04)
        return picture.clamp(0, 1)


# Colours of the objects on sheets.
PALETTE = torch.tensor([(1, 0.2, 0.2), (0.2, 1, 0.2), (0.3, 0.5, 1), (1, 1, 0.2), (1, 0.3, 1), (0.2, 1, 1)])


def painted(frames, masks):
    """Frames with masks over them, side by side: [T, 3, S, S] and [K, T, S, S] → [3, S, T · S] from 0 to 1."""
    pictures = (frames.cpu() + 1) / 2
    for index, mask in enumerate(masks.cpu()):
        colour = PALETTE[index % len(PALETTE)].view(1, 3, 1, 1)
        pictures = torch.where(mask[:, None], 0.45 * pictures + 0.55 * colour, pictures)
    return torch.cat(list(pictures), 2)


def write_sheet(rows, path):
    """Rows [3, S, W] below each other as a picture file, at half their size."""
    sheet = F.avg_pool2d(torch.cat(rows, 1), 2).clamp(0, 1)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray((sheet.permute(1, 2, 0) * 255).byte().numpy()).save(path)


def photograph_folders(args):
    """The pair of folders of --pictures and --labels, or None."""
    if bool(args.pictures) != bool(args.labels):
        raise SystemExit("--pictures and --labels belong together: a folder of JPEG files and one of their outlines")
    return (args.pictures, args.labels) if args.pictures else None


def load_photographs(args, is_held_out=False):
    """Backgrounds [H, W, 3]: those of --pictures, and what assets.py has collected."""
    files = sorted(args.pictures.glob("*.jpg")) if args.pictures else []
    own = [np.asarray(Image.open(file).convert("RGB")) for file in files]
    if not (ASSETS / "bg.npy").exists():
        return own
    collected = np.load(ASSETS / "bg.npy", mmap_mode="r")
    order = np.random.default_rng(5).permutation(len(collected))
    held_out = max(1, len(collected) // 10)
    return own + list(collected[np.sort(order[:held_out] if is_held_out else order[held_out:])])


def add_photograph_options(parser):
    """--pictures and --labels."""
    parser.add_argument("--pictures", type=Path, help="folder of photographs: backgrounds, and their instances")
    parser.add_argument("--labels", type=Path, help="folder of their outlines, lines of: class x y x y …, 0 to 1")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--sheet", type=Path, default=WORK / "clips.png")
    parser.add_argument("--frames", type=int, default=8)
    parser.add_argument("--seed", type=int, default=1)
    add_photograph_options(parser)
    args = parser.parse_args()
    torch.set_num_threads(1)
    sprites = make_sprites(args.seed, 256, photograph_folders(args))
    maker = ClipMaker(args.seed, frames=args.frames, sprites=sprites, photographs=load_photographs(args))
    began = time.time()
    made = [maker.make() for _ in range(6)]
    print(f"{(time.time() - began) * 1000 / len(made):.0f} ms a clip of {args.frames} frames")
    rows = [row for clip in made for row in (painted(clip.frames, clip.masks[:0]), painted(clip.frames, clip.masks))]
    write_sheet(rows, args.sheet)
    print(args.sheet)


if __name__ == "__main__":
    main()
