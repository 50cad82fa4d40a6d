"""Step 10: makes twelve small scenes for tests: PNG files of 336x336, label PNGs (instance index + 1), and
fixtures.json (phrases and the labels they mean).

    python training/fixtures.py [--out out/training/fixtures]

Only what may be published: generated backdrops and the photographs brick, grass, gravel, rocket, hubble and moon of
scikit-image; Noto emoji alone. The eight pictures in tests/parity/pictures were made by the compositor of the first
recipe; this one makes others.
"""

import argparse
import json
import random
import shutil
from pathlib import Path

import cv2
import numpy as np

from backdrops import Backdrop, BackdropBank, generated, squeezed
from bank import make_bank
from paths import ASSETS, FIXTURES
from prompts import UNKNOWN, Asker
from scenes import SceneMaker

SEED = 4242
COUNT = 12
SIZE = 336
BACKDROP_SIDE = 336
PUBLISHABLE = ("brick", "grass", "gravel", "rocket", "hubble", "moon")


def publishable_photographs():
    """Backdrops of the six photographs."""
    names = json.loads((ASSETS / "bg.json").read_text())
    pictures = np.load(ASSETS / "bg.npy", mmap_mode="r")
    chosen = [i for i, n in enumerate(names) if "skimage" in n and any(part in n for part in PUBLISHABLE)]
    empty = np.zeros((BACKDROP_SIDE, BACKDROP_SIDE), np.uint8)
    aspect = pictures.shape[2] / pictures.shape[1]
    return [Backdrop("photograph", squeezed(pictures[i], BACKDROP_SIDE), empty, [], aspect) for i in chosen]


def publishable_maker():
    """Scenes that may be published: the first style of emoji is Noto's."""
    sprites = make_bank()
    sprites.emoji_rows = {emoji: rows[:1] for emoji, rows in sprites.emoji_rows.items()}
    return SceneMaker(sprites, BackdropBank(generated(SEED, 60, BACKDROP_SIDE) + publishable_photographs()))


def questions(seed, things):
    """Phrases and the labels they mean."""
    asked = Asker(random.Random(f"questions {seed}"), things, False, 48).questions(6)
    return {q.phrase: [index + 1 for index in q.targets] for q in asked if q.phrase != UNKNOWN}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=Path, default=FIXTURES)
    out = parser.parse_args().out
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    maker, entries, number = publishable_maker(), [], 0
    smallest = [cv2.IMWRITE_PNG_COMPRESSION, 9]
    while len(entries) < COUNT:
        seed, number = f"{SEED} {number}", number + 1
        made = maker.make([seed], SIZE, fewest=2)
        things = made.things[0]
        if sum(thing.is_ok for thing in things) < 2:
            continue
        name = f"scene_{len(entries):02d}"
        picture = (made.pictures[0].permute(1, 2, 0) * 255).round().byte().numpy()
        cv2.imwrite(str(out / f"{name}.png"), picture[:, :, ::-1], smallest)
        cv2.imwrite(str(out / f"{name}_labels.png"), made.owner[0].byte().numpy(), smallest)
        instances = [
            dict(label=k + 1, name=t.identity.name, kind=t.identity.kind, visible_pixels=t.area)
            for k, t in enumerate(things)
        ]
        entries.append(
            dict(
                image=f"{name}.png",
                labels=f"{name}_labels.png",
                instances=instances,
                prompts=questions(seed, things),
            )
        )
    (out / "fixtures.json").write_text(json.dumps(entries, indent=1))


if __name__ == "__main__":
    main()
