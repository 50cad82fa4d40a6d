"""Step 8: makes twelve small scenes for tests: PNG files of 336x336, label PNGs (instance index + 1), and fixtures.json
(phrases and the labels they mean).

    python training/fixtures.py [--out out/training/fixtures]

Only what may be published: procedural backgrounds and the photographs brick, grass, gravel, rocket, hubble and moon of
scikit-image; Noto emoji alone. tests/parity/pictures holds eight of the pictures.
"""

import argparse
import json
import shutil
from pathlib import Path

import cv2

from bank import Bank
from data import Scene
from paths import ASSETS, FIXTURES

SEED = 4242
COUNT = 12
SIZE = 336
PUBLISHABLE = ("brick", "grass", "gravel", "rocket", "hubble", "moon")


def publishable_scenes():
    """A source of scenes that may be published."""
    b = Bank()
    names = json.loads((ASSETS / "bg.json").read_text())
    b.emip[1] = b.emip[0]
    scene = Scene(b, SEED)
    scene.bgs = [i for i, n in enumerate(names) if "skimage" in n and any(z in n for z in PUBLISHABLE)]
    return scene


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=Path, default=FIXTURES)
    out = parser.parse_args().out
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    scene = publishable_scenes()
    entries = []
    while len(entries) < COUNT:
        im, ow, ins = scene.make(SIZE, 2, 6)
        if sum(t["ok"] for t in ins) < 2:
            continue
        prompts = {p: [int(q) + 1 for q in g] for p, g in scene.prompts(ins, 6, 0.35) if p != "UNK"}
        name = f"scene_{len(entries):02d}"
        smallest = [cv2.IMWRITE_PNG_COMPRESSION, 9]
        cv2.imwrite(str(out / f"{name}.png"), im[:, :, ::-1], smallest)
        cv2.imwrite(str(out / f"{name}_labels.png"), ow, smallest)
        instances = [
            dict(label=i + 1, name=t["name"], kind=t["kind"], visible_pixels=t["area"])
            for i, t in enumerate(ins)
        ]
        entries.append(
            dict(image=f"{name}.png", labels=f"{name}_labels.png", instances=instances, prompts=prompts)
        )
    (out / "fixtures.json").write_text(json.dumps(entries, indent=1))


if __name__ == "__main__":
    main()
