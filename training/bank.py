"""The asset bank in memory, and for each emoji the phrases that fit it. Imported by the compositor and the fixture
scripts; no step by itself. Needs what assets.py builds."""

import json

import cv2
import numpy as np

from concepts import COLORS, EMOJI_LIST
from paths import ASSETS
from tags import ACTSET, CN, classify_px, csyn

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


def mips(x):
    """Sprites at 128, 64, 32 and 16 pixels."""
    return [x] + [
        np.stack([cv2.resize(i, (128 >> k, 128 >> k), interpolation=cv2.INTER_AREA) for i in x])
        for k in (1, 2, 3)
    ]


def color_shares(sprite):
    """Share of each colour of CN among the opaque pixels of an emoji."""
    px = sprite[sprite[..., 3] > 200][:, :3]
    cl = classify_px(np.ascontiguousarray(px))
    return np.array([(cl == j).mean() for j in range(len(CN))])


def emoji_tags(e, styles):
    """Phrases that are right, and phrases that are ambiguous, for an emoji drawn in `styles`."""
    mx = np.zeros(len(CN))
    mn = np.ones(len(CN))
    for sprite in styles:
        f = color_shares(sprite)
        mx = np.maximum(mx, f)
        mn = np.minimum(mn, f)
    pos = set(e["names"]) | set(e["hyper"]) | {"object", "thing", "emoji", "icon"}
    amb = set(e["amb"]) | {"shape"}
    for j, c in enumerate(CN):
        for cc in csyn(c):
            t = [cc, f"{cc} object", f"{cc} thing"]
            if mn[j] > 0.6:
                pos |= set(t)
            elif mx[j] > 0.08:
                amb |= set(t)
            if mx[j] > 0.08:
                amb |= {f"{cc} shape"}
    if "star" in pos:
        amb |= {"yellow star", "orange star"} - pos
    # "red fruit" and the like, for the colour that most of it has
    for j, c in enumerate(CN):
        if mn[j] > 0.6:
            for name in e["hyper"][:1] + e["names"][:1]:
                if not name.startswith(c):
                    pos |= {f"{c} {name}"}
        elif mx[j] > 0.08:
            for name in e["hyper"][:1] + e["names"]:
                amb |= {f"{c} {name}"}
    return frozenset(pos), frozenset(amb - pos)


class Bank:
    """Sprites in four sizes, backgrounds split into those to learn on and those held out, tags of each emoji."""

    def __init__(self):
        self.shapes = np.load(ASSETS / "shapes.npy")
        em = np.load(ASSETS / "emoji.npy")
        self.bg = np.load(ASSETS / "bg.npy", mmap_mode="r")
        self.nbg = len(self.bg)
        self._split_backgrounds()
        premultiplied = em.copy()
        premultiplied[..., :3] = (em[..., :3].astype(np.uint16) * em[..., 3:] // 255).astype(np.uint8)
        self.emip = [mips(premultiplied[k]) for k in range(2)]
        self.smip = [mips(variants) for variants in self.shapes]
        self.etags = [emoji_tags(e, em[:, i]) for i, e in enumerate(EMOJI_LIST)]
        # Emoji that are easily taken for each other
        self.ehard = [
            [j for j, f in enumerate(EMOJI_LIST) if f["cat"] == e["cat"] and j != i and j in ACTSET]
            for i, e in enumerate(EMOJI_LIST)
        ]

    def _split_backgrounds(self):
        files = json.loads((ASSETS / "bg.json").read_text())
        usable = [i for i, n in enumerate(files) if not any(z in n for z in LEFT_OUT)]
        p = np.random.default_rng(5).permutation(usable)
        k = max(8, self.nbg // 10)
        self.val_bg = p[:k]
        self.train_bg = p[k:]


def color_rgb(c, rng):
    """A random colour that deserves the name `c`, as RGB from 0 to 255."""
    a = COLORS[c]
    h = rng.uniform(a[0], a[1]) % 360
    s = rng.uniform(a[2], a[3])
    v = rng.uniform(a[4], a[5])
    i = int(h // 60) % 6
    f = h / 60 - int(h // 60)
    p = v * (1 - s)
    q = v * (1 - f * s)
    t = v * (1 - (1 - f) * s)
    return np.array([(v, t, p), (q, v, p), (p, v, t), (p, q, v), (t, p, v), (v, p, q)][i]) * 255
