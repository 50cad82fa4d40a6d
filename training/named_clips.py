"""Step 7b: clips like that of clip.py, with other things on other ways, to judge what is found by name and followed:

    python training/named_clips.py [--out out/training/named_clips] [--count 20] [--frames 120] [--pictures DIR]

Two shapes with colours and two emoji in each, all of different names, which drift, swing, pass through, or leave and
return, in front of a photograph of --pictures, or of a rocket. `cargo xtask eval --clips FOLDER` judges a model on them.
Needs the program ffmpeg, and the emoji of assets.py.
"""

import argparse
import math
import random
from pathlib import Path

import cv2
import numpy as np
import torch

from bank import draw_shapes, premultiplied, read_emoji
from clip import H, W, rocket, write
from colours import color_rgb
from concepts import EMOJI_LIST
from motion import centre_path, wave
from paths import WORK
from tags import ACTIVE, CN, SN

# Far from any seed of a training.
FIRST_SEED = 9_000_000
# Shapes that look like another one in some pose or are part of it, and colours that two people would name differently.
UNSURE_SHAPES = {"rectangle", "semicircle", "hexagon", "crescent"}
SURE_COLOURS = [c for c in ("red", "green", "blue", "yellow", "white", "black") if c in CN]
# Phrases of a clip that name nothing in it.
ABSENT = 3


def sure_emoji():
    """Numbers of emoji whose names are of no shape and no colour."""
    words = set(SN) | set(CN) | {"ball"}
    return [e for e in ACTIVE if not words & set(" ".join(EMOJI_LIST[e]["names"]).split())]


def way(rng, count):
    """Where a thing is at t, 0 to 1, in pixels of the frame."""
    path = centre_path(rng, torch.linspace(0, 1, count)).numpy()

    def at(t):
        x, y = path[round(t * (count - 1))]
        return W / 2 * (1 + x), H / 2 * (1 + y)

    return at


def swaying(rng, count, most_degrees):
    """Degrees at t."""
    turns = wave(rng, torch.linspace(0, 1, count), rng.uniform(0, most_degrees), rng.uniform(0.3, 1)).numpy()
    return lambda t: float(turns[round(t * (count - 1))])


def things(rng, count, shapes, drawn):
    """Objects as `clip.write` takes them, and names of what is not there."""
    kinds = rng.sample([s for s in SN if s not in UNSURE_SHAPES], 3)
    colours = rng.sample(SURE_COLOURS, 3)
    emoji = rng.sample(sure_emoji(), 40)
    cats = {}
    for e in emoji:
        cats.setdefault(EMOJI_LIST[e]["cat"], e)
    emoji = list(cats.values())
    colour_rng = np.random.default_rng(rng.getrandbits(32))
    named = [
        ([f"{c} {s}"], (shapes[SN.index(s)][0], color_rgb(c, colour_rng).astype(np.float32)))
        for s, c in zip(kinds[:2], colours)
    ]
    named += [(EMOJI_LIST[e]["names"], (drawn[e], None)) for e in emoji[:2]]
    objs = [
        (i, names[0], names, sprite, rng.uniform(70, 130), way(rng, count), swaying(rng, count, 12))
        for i, (names, sprite) in enumerate(named, 1)
    ]
    # The colour of the one with the shape of the other, and what neither is
    absent = [f"{colours[1]} {kinds[0]}", f"{colours[2]} {kinds[2]}", EMOJI_LIST[emoji[2]]["names"][0]]
    return objs, absent[:ABSENT]


def behind(rng, photographs):
    """A photograph that covers what `clip.frames` shows of it."""
    if not photographs:
        return rocket()
    picture = cv2.imread(str(rng.choice(photographs)))[:, :, ::-1]
    width, height = W + 120, H + 40
    scale = max(width / picture.shape[1], height / picture.shape[0])
    size = (math.ceil(picture.shape[1] * scale), math.ceil(picture.shape[0] * scale))
    return np.ascontiguousarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA)[:height, :width])


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=Path, default=WORK / "named_clips")
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--frames", type=int, default=120)
    parser.add_argument("--pictures", type=Path, help="folder of photographs that were not trained on, as backgrounds")
    args = parser.parse_args()
    photographs = sorted(args.pictures.glob("*.jpg")) if args.pictures else []
    shapes, drawn = draw_shapes(), premultiplied(read_emoji()[0])
    for number in range(args.count):
        rng = random.Random(FIRST_SEED + number)
        objs, absent = things(rng, args.frames, shapes, drawn)
        write(args.out / f"{number:02d}", objs, behind(rng, photographs), args.frames, absent=absent)
        print(f"{number:02d}: {'; '.join(o[1] for o in objs)}. Not there: {'; '.join(absent)}")


if __name__ == "__main__":
    main()
