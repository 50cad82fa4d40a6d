"""Scenes with the truth, composited a batch at a time on the device of the banks: `SceneMaker(…).make(seeds, side)`
gives pictures, the thing that every pixel shows, and the things with their phrases. Imported by batches.py and
eval.py; started by itself it times the compositor and draws a sheet of scenes with questions:

    python training/scenes.py [--side 252] [--batch 16] [--device cpu] [--sheet FILE] [--pictures DIR --labels DIR]

What is where is chosen on the CPU (planner.py), by the seed of each picture; noise by the seed of the first.
"""

import argparse
import random
import time
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F

from backdrops import make_backdrops
from bank import MIP_SIDES, make_bank
from camera import exposed
from identities import Identity
from paths import WORK
from planner import Planner

# A thing can be asked for when this many pixels of it are visible, and this share of what is in the picture.
LEAST_PIXELS = 12
LEAST_SHARE = 0.12
# A sprite's copy is chosen so that it is reduced by at most about this much.
MOST_REDUCTION = 1.4


@dataclass
class Thing:
    """One thing of a scene: `area` visible pixels of `full` ones; `is_ok` when it may be asked for."""

    identity: Identity
    area: int
    full: int

    @property
    def is_ok(self):
        """Enough of it is visible."""
        return self.area >= max(LEAST_PIXELS, LEAST_SHARE * self.full)

    @property
    def is_whole(self):
        """Nothing lies over it."""
        return self.area > 0.9 * self.full


@dataclass
class Scenes:
    """pictures: [B, 3, S, S] from 0 to 1; owner: [B, S, S] long, 0 the backdrop, k the k-th thing of `things[b]`;
    `is_open[b]` where things may be seen that nobody labelled."""

    pictures: torch.Tensor
    owner: torch.Tensor
    things: list
    is_open: list


class SceneMaker:
    """Scenes from a bank of sprites and a bank of backdrops, both on the device."""

    def __init__(self, sprites, backdrops, mixture=None):
        self.sprites, self.backdrops = sprites, backdrops
        self.planner = Planner(sprites, backdrops, mixture)
        self.device = backdrops.pictures.device

    def make(self, seeds, side, least=0.07, fewest=1, most=6):
        """One scene for each seed."""
        return self.drawn([self.planner.plan(random.Random(s), least, fewest, most) for s in seeds], side, seeds[0])

    def drawn(self, plans, side, seed):
        """The scenes of plans."""
        generator = torch.Generator(self.device).manual_seed(random.Random(f"noise {seed}").getrandbits(60))
        pictures, owner = self._backdrops(plans, side)
        stride = 1 + max(len(plan.identities) for plan in plans)
        full = counted(owner, stride)
        rows = [(b, layer) for b, plan in enumerate(plans) for layer in plan.layers]
        if rows:
            self._composite(pictures, owner, full, rows, generator)
        areas, full = counted(owner, stride).tolist(), full.tolist()
        pictures = exposed(pictures, [plan.camera for plan in plans], generator)
        things = [
            [Thing(identity, areas[b][k + 1], full[b][k + 1]) for k, identity in enumerate(plan.identities)]
            for b, plan in enumerate(plans)
        ]
        return Scenes(pictures, owner, things, [plan.is_open for plan in plans])

    def _backdrops(self, plans, side):
        """Pictures [B, 3, S, S] and owners [B, S, S] before anything is put on them."""
        rows = torch.tensor([plan.backdrop for plan in plans], device=self.device)
        maps = torch.tensor([plan.window for plan in plans], device=self.device).view(-1, 2, 3)
        grid = F.affine_grid(maps, (len(plans), 1, side, side), align_corners=False)
        pictures = self.backdrops.pictures[rows].float() / 255
        pictures = F.grid_sample(pictures, grid, padding_mode="border", align_corners=False)
        owner = F.grid_sample(
            self.backdrops.owners[rows].float(), grid, "nearest", padding_mode="border", align_corners=False
        )
        light = torch.tensor([[plan.gain, plan.offset] for plan in plans], device=self.device)
        pictures = pictures * light[:, :1, None, None] + light[:, 1:, None, None]
        return pictures.clamp_(0, 1), owner[:, 0].long()

    def _composite(self, pictures, owner, full, rows, generator):
        """Draws all layers (picture, layer) in their order; notes owners, and pixels of things that are in the
        picture."""
        layers = self._sampled([layer for _, layer in rows], pictures.shape[-1], generator)
        covered = layers[:, 3] > 0.5
        nth, counts = [], {}
        for b, _ in rows:
            nth.append(counts.get(b, 0))
            counts[b] = nth[-1] + 1
        for n in range(max(nth) + 1):
            chosen = [i for i, k in enumerate(nth) if k == n]
            at = torch.tensor(chosen, device=self.device)
            into = torch.tensor([rows[i][0] for i in chosen], device=self.device)
            drawn = layers[at]
            pictures[into] = pictures[into] * (1 - drawn[:, 3:]) + drawn[:, :3]
            owners = torch.tensor([rows[i][1].owner for i in chosen], device=self.device)[:, None, None]
            owner[into] = torch.where(covered[at] & (owners >= 0), owners, owner[into])
        mine = torch.tensor([(b, layer.owner) for b, layer in rows], device=self.device)
        own = mine[:, 1] > 0
        full[mine[own, 0], mine[own, 1]] = covered.flatten(1).sum(1)[own]

    def _sampled(self, layers, side, generator):
        """All layers as seen in the picture, [N, 4, S, S] premultiplied from 0 to 1."""
        out = torch.empty(len(layers), 4, side, side, device=self.device)
        maps = torch.tensor([layer.matrix for layer in layers], device=self.device).view(-1, 2, 3)
        levels = [level_for(layer.diameter * side) for layer in layers]
        for level in sorted(set(levels)):
            chosen = [i for i, at in enumerate(levels) if at == level]
            at = torch.tensor(chosen, device=self.device)
            sprites = torch.tensor([layers[i].sprite for i in chosen], device=self.device)
            sprites = self.sprites.levels[level][sprites].float() / 255
            grid = F.affine_grid(maps[at], (len(chosen), 4, side, side), align_corners=False)
            out[at] = F.grid_sample(sprites, grid, align_corners=False)
        return self._looks(out, maps, layers, generator)

    def _looks(self, out, maps, layers, generator):
        """Colours, shades, textures, outlines and opacities of sampled sprites."""
        device = self.device
        alpha = out[:, 3:]
        colours = torch.tensor([layer.colour for layer in layers], device=device)[..., None, None]
        rgb = out[:, :3] * colours
        at = [i for i, layer in enumerate(layers) if layer.shading != [1.0, 0.0, 0.0, 0.0]]
        if at:
            shading = torch.tensor([layers[i].shading for i in at], device=device)
            rgb[at] = rgb[at] * shaded(maps[at], shading, out.shape[-1])
        at = [i for i, layer in enumerate(layers) if layer.texture]
        if at:
            depth = torch.tensor([layers[i].texture for i in at], device=device).view(-1, 1, 1, 1)
            noise = torch.randn(len(at), 1, *out.shape[2:], device=device, generator=generator)
            rgb[at] = rgb[at] + noise * depth * alpha[at]
        for width in (1, 2):
            at = [i for i, layer in enumerate(layers) if layer.outline[0] == width]
            if at:
                inner = -F.max_pool2d(-alpha[at], 2 * width + 1, 1, width)
                light = torch.tensor([layers[i].outline[1] for i in at], device=device).view(-1, 1, 1, 1)
                rgb[at] = torch.where(inner < 0.5, light * alpha[at], rgb[at])
        opacity = torch.tensor([layer.opacity for layer in layers], device=device).view(-1, 1, 1, 1)
        return torch.cat([torch.minimum(rgb.clamp(min=0), alpha), alpha], 1) * opacity


def level_for(pixels):
    """The copy of a sprite that suits a diameter in pixels."""
    wanted = pixels * MOST_REDUCTION
    return next((i for i in range(len(MIP_SIDES) - 1, 0, -1) if MIP_SIDES[i] >= wanted), 0)


def shaded(maps, shading, side):
    """Brightness of sprites by pixel, [N, 1, S, S]: a constant, slopes along the sprite's axes, and a radial part."""
    u, v = F.affine_grid(maps, (len(maps), 1, side, side), align_corners=False).unbind(-1)
    constant, across, down, radial = shading.T[..., None, None]
    from_light = ((u + 0.3) ** 2 + (v + 0.3) ** 2).clamp(0, 1)
    return (constant + across * u + down * v + radial * from_light)[:, None]


def counted(owner, stride):
    """Pixels of each owner, [B, stride]."""
    shifted = owner + torch.arange(len(owner), device=owner.device).view(-1, 1, 1) * stride
    return torch.bincount(shifted.flatten(), minlength=len(owner) * stride).view(-1, stride)


def make_maker(
    seed, device="cpu", folders=None, backdrops=400, is_held_out=False, is_held_out_style=False, mixture=None
):
    """A maker with its banks. `folders` are (pictures, labels) of labelled photographs."""
    sprites = make_bank(device, folders, is_held_out_style)
    return SceneMaker(sprites, make_backdrops(seed, backdrops, 288, device, folders, is_held_out), mixture)


def main():
    from sheets import scene_sheet

    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--side", type=int, default=252)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--batches", type=int, default=4)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--sheet", type=Path, default=WORK / "scenes.png")
    parser.add_argument("--pictures", type=Path, help="folder of labelled photographs")
    parser.add_argument("--labels", type=Path, help="folder of their outlines, lines of: class x y x y …, 0 to 1")
    args = parser.parse_args()
    torch.set_num_threads(1)
    folders = (args.pictures, args.labels) if args.pictures else None
    began = time.time()
    maker = make_maker(args.seed, args.device, folders)
    print(
        f"{time.time() - began:.1f} s for the banks: {len(maker.sprites.levels[0])} sprites, "
        f"{len(maker.backdrops.entries)} backdrops"
    )
    began = time.time()
    for n in range(args.batches):
        made = maker.make([f"{args.seed} {n} {i}" for i in range(args.batch)], args.side)
    made.pictures.sum().item()
    print(f"{args.batches * args.batch / (time.time() - began):.1f} pictures a second of {args.side} px")
    scene_sheet(maker, [f"{args.seed} sheet {i}" for i in range(30)], args.sheet)
    print(args.sheet)


if __name__ == "__main__":
    main()
