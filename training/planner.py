"""What is in a scene, chosen on the CPU with a random.Random of each picture: the backdrop's part that is seen, the
things with their places and looks, the camera. Imported by scenes.py; no step by itself.
"""

from dataclasses import dataclass, field

import numpy as np

from colours import color_rgb
from identities import shape_identity
from placement import diameter, placed, scribble, shadow_of, shape_turn, window
from tags import CN, SN

# Shapes that look different in a mirror.
FLIPPED_SHAPES = ("crescent", "triangle")
# Width through height of the camera's picture, which reaches the model squeezed to a square.
ASPECTS = {1.0: 0.3, 4 / 3: 0.2, 16 / 9: 0.45, 9 / 16: 0.05}
MOST_OBJECTS = 6

# Every combination is looked up often.
SHAPE_IDENTITIES = {(s, c): shape_identity(s, c) for s in SN for c in CN}


@dataclass
class Mixture:
    """How often what is in a scene; shares of what is missing go to the rest."""

    backdrops: dict = field(
        default_factory=lambda: dict(
            photograph=0.36, labelled=0.18, plain=0.2, gradient=0.07, procedural=0.1, bars=0.09
        )
    )
    things: dict = field(default_factory=lambda: dict(shape=0.33, emoji=0.29, cut_out=0.18, mixed=0.2))


@dataclass
class Plan:
    """A picture that is not drawn yet. `window` maps it into the backdrop; `gain` and `offset` light the backdrop;
    `camera` is blur, direction of a motion blur, gain, offset, noise, whether the noise is gray, JPEG; `identities` are
    those of the backdrop, then of the things."""

    backdrop: int
    window: list
    gain: float
    offset: float
    layers: list
    identities: list
    camera: dict
    is_open: bool


def weighted(rng, weights, possible):
    """A key of `weights` that is possible."""
    keys = [key for key in weights if key in possible]
    return rng.choices(keys, [weights[key] for key in keys])[0]


class Planner:
    """Plans of one bank and one bank of backdrops."""

    def __init__(self, sprites, backdrops, mixture=None):
        self.sprites, self.backdrops, self.mixture = sprites, backdrops, mixture or Mixture()
        self.kinds = {"shape"} | ({"emoji"} if sprites.emoji_rows else set())
        self.kinds |= {"cut_out"} if sprites.cut_out_rows else set()

    def plan(self, rng, least=0.07, fewest=1, most=MOST_OBJECTS):
        """A picture with things of at least `least` in diameter."""
        kind = weighted(rng, self.mixture.backdrops, self.backdrops.rows_of_kind)
        row = rng.choice(self.backdrops.rows_of_kind[kind])
        backdrop = self.backdrops.entries[row]
        aspect = rng.choices(list(ASPECTS), list(ASPECTS.values()))[0]
        plan = Plan(
            backdrop=row,
            window=window(rng, backdrop, aspect),
            gain=1.0,
            offset=0.0,
            layers=[],
            identities=list(backdrop.identities),
            camera=camera(rng),
            is_open=backdrop.is_open,
        )
        if kind in ("photograph", "labelled") and rng.random() < 0.3:
            plan.gain, plan.offset = rng.uniform(0.4, 1), rng.uniform(0, 0.24)
        self._add_things(rng, plan, backdrop, aspect, least, fewest, most)
        if rng.random() < 0.12:
            plan.layers += [scribble(rng, self.sprites.solid_row) for _ in range(rng.randint(1, 3))]
        return plan

    def _add_things(self, rng, plan, backdrop, aspect, least, fewest, most):
        if backdrop.identities:
            count = rng.choice([0, 0, 0, 1, 2])
        else:
            count = max(fewest, min(most, rng.choice([1, 1, 2, 2, 3, 3, 4, 5, 6])))
        base = weighted(rng, self.mixture.things, self.kinds | {"mixed"})
        last = None
        for _ in range(count):
            kind = base if base != "mixed" else rng.choice(sorted(self.kinds))
            choose = dict(shape=self._shape, emoji=self._emoji, cut_out=self._cut_out)[kind]
            found = choose(rng, last, backdrop.avoid)
            if found is None:
                continue
            last, sprite, identity, look = found
            plan.identities.append(identity)
            size = diameter(rng, count, kind, least)
            layer = placed(rng, sprite, size, aspect, identity, len(plan.identities), look)
            if rng.random() < 0.12:
                plan.layers.append(shadow_of(rng, layer))
            plan.layers.append(layer)

    def _shape(self, rng, last, avoid):
        """Often the shape or the colour of the thing before. None when no colour stands out."""
        if last and last[0] == "shape" and rng.random() < 0.45:
            shape, colour = (last[1], rng.choice(CN)) if rng.random() < 0.5 else (rng.choice(SN), last[2])
            if rng.random() < 0.35:
                shape, colour = last[1], last[2]
        else:
            shape, colour = rng.choice(SN), rng.choice(CN)
        for _ in range(6):
            rgb = color_rgb(colour, rng)
            if avoid is None or np.abs(rgb - avoid).max() > 70:
                break
            colour = rng.choice(CN)
        else:
            return None
        row = rng.choice(self.sprites.shape_rows[shape])
        look = dict(turn=shape_turn(rng, shape), may_flip=shape in FLIPPED_SHAPES, **shape_look(rng, rgb / 255))
        return ("shape", shape, colour), row, SHAPE_IDENTITIES[(shape, colour)], look

    def _emoji(self, rng, last, _):
        """Often the emoji before or one of its category."""
        if last and last[0] == "emoji" and rng.random() < 0.35:
            others = self.sprites.neighbours(last[1])
            emoji = last[1] if rng.random() < 0.6 or not others else rng.choice(others)
        else:
            emoji = rng.choice(list(self.sprites.emoji_rows))
        row = rng.choice(self.sprites.emoji_rows[emoji])
        return ("emoji", emoji), row, self.sprites.identities[row], picture_look(rng, rng.random() < 0.8)

    def _cut_out(self, rng, last, _):
        """Often something of the same class as the thing before."""
        row = rng.choice(self.sprites.cut_out_rows)
        if last and last[0] == "cut_out" and rng.random() < 0.3:
            name = self.sprites.identities[last[1]].name
            row = rng.choice([r for r in self.sprites.cut_out_rows if self.sprites.identities[r].name == name])
        return ("cut_out", row), row, self.sprites.identities[row], picture_look(rng, True)


def shape_look(rng, rgb):
    """Flat, shaded or textured, some with an outline."""
    look = dict(colour=rgb.tolist())
    kind = rng.random()
    if kind < 0.12:
        look["shading"] = [1.0, 0.28 * rng.uniform(-1, 1), 0.28 * rng.uniform(-1, 1), 0.0]
    elif kind < 0.22:
        look["shading"] = [1.18, 0.0, 0.0, -0.45]
    elif kind < 0.32:
        look["texture"] = rng.uniform(4, 14) / 255
    elif kind > 0.88:
        look["outline"] = (rng.choice([1, 2]), 0.0 if sum(rgb) > 0.6 else 0.9)
    return look


def picture_look(rng, stands_upright):
    """Turn and tint of an emoji or a cut-out."""
    turn = rng.gauss(0, 14) if stands_upright else rng.uniform(-180, 180)
    colour = [rng.uniform(0.8, 1.1) for _ in range(3)] if rng.random() < 0.4 else [1.0, 1.0, 1.0]
    return dict(turn=turn, may_flip=True, colour=colour)


def camera(rng):
    """Blur, motion blur, exposure, noise, and the quality of a JPEG (0: none)."""
    found = dict(blur=0.0, motion=0, is_upright=False, gain=1.0, offset=0.0, noise=0.0, is_gray=False, quality=0)
    kind = rng.random()
    if kind < 0.10:
        found["blur"] = rng.uniform(0.4, 1.3)
    elif kind < 0.17:
        found.update(motion=rng.choice([3, 5, 7]), is_upright=rng.random() < 0.3)
    if rng.random() < 0.25:
        found.update(gain=rng.uniform(0.8, 1.12), offset=rng.uniform(-0.047, 0.059))
    if rng.random() < 0.20:
        found.update(noise=rng.uniform(2, 9) / 255, is_gray=rng.random() < 0.5)
    if rng.random() < 0.15:
        found["quality"] = rng.randint(25, 80)
    return found
