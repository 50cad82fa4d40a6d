"""Where the layers of a scene lie: the part of a backdrop that is seen, sizes, places and turns of things. Imported by
planner.py; no step by itself.

Lengths are shares of the picture's side; maps lead from the picture, whose corners are at -1 and 1, into a sprite or a
backdrop.
"""

import math
from dataclasses import dataclass, field

# How far shapes are turned at most, in degrees to either side; all others may stand any way.
TURNS = {"square": 20, "diamond": 12, "cross": 15, "heart": 40, "pentagon": 40}
# Owners of layers that are nobody's: a shadow leaves the owner as it is, a scribble takes it away.
SHADOW, SCRIBBLE = -1, 0
# Smaller pictures of these show nothing that could be recognised.
LEAST_DIAMETER = {"shape": 0.0, "emoji": 0.10, "cut_out": 0.16}


@dataclass
class Layer:
    """One thing to draw. `matrix` is a b c, d e f; `colour` multiplies the sprite's; `shading` are the numbers of
    scenes.shaded; `outline` is a width in pixels and a brightness; `owner` counts the things of the scene from 1."""

    sprite: int
    diameter: float
    matrix: list
    colour: list
    owner: int
    shading: list = field(default_factory=lambda: [1.0, 0.0, 0.0, 0.0])
    texture: float = 0.0
    outline: tuple = (0, 0.0)
    opacity: float = 1.0


def window(rng, backdrop, aspect):
    """The part of a backdrop that is seen, with the camera's aspect, as a map; half of them flipped."""
    if backdrop.kind in ("plain", "bars"):
        width = height = 1.0 if rng.random() < 0.7 else rng.uniform(0.7, 1)
    else:
        height = rng.uniform(0.35, 1) if backdrop.kind != "labelled" else rng.uniform(0.55, 1)
        width = height * aspect / backdrop.aspect
        if width > 1:
            width, height = 1.0, height / width
    x, y = rng.uniform(width - 1, 1 - width), rng.uniform(height - 1, 1 - height)
    flip = -1 if rng.random() < 0.5 else 1
    return [width * flip, 0.0, x, 0.0, height, y]


def diameter(rng, count, kind, least):
    """Of one thing among `count`."""
    largest = 0.62 if count <= 2 else 0.42 if count <= 4 else 0.32
    size = math.exp(rng.uniform(math.log(least), math.log(largest)))
    size = max(size, LEAST_DIAMETER[kind])
    if count == 1 and rng.random() < 0.1:
        size = rng.uniform(0.6, 0.95)
    return size


def shape_turn(rng, shape):
    """Degrees by which a shape is turned."""
    most = TURNS.get(shape, 360)
    if shape != "triangle":
        turn = rng.uniform(-most, most)
    else:
        turn = rng.uniform(-180, 180) if rng.random() < 0.5 else rng.uniform(-15, 15)
    if rng.random() < 0.3:
        turn = 0 if shape not in ("rectangle", "arrow") else rng.choice([0, 90])
    elif most == 360 and rng.random() < 0.5:
        turn = rng.gauss(0, 12) + (rng.choice([0, 90, 180, 270]) if shape in ("arrow", "rectangle") else 0)
    return turn


def placed(rng, sprite, size, aspect, identity, owner, look):
    """A thing somewhere in the picture, hardly ever far beyond its edge."""
    look = dict(look)
    turn, may_flip = math.radians(look.pop("turn")), look.pop("may_flip")
    stretch = math.exp(rng.uniform(-0.12, 0.12))
    across = size * stretch * (1 / aspect if aspect > 1 else 1) * (1.15 if aspect > 1 else 1)
    down = size / stretch * (aspect if aspect < 1 else 1) * (1.15 if aspect > 1 else 1)
    flip = -1 if may_flip and rng.random() < 0.5 else 1
    cos, sin = math.cos(turn), math.sin(turn)
    linear = [[across * cos * flip, -across * sin], [down * sin * flip, down * cos]]
    reach = [min(1.0, (abs(row[0]) + abs(row[1])) * 0.6) for row in linear]
    centre = [rng.uniform(r - 1, 1 - r) for r in reach]
    return Layer(sprite, math.sqrt(across * down), undone(linear, centre), owner=owner, **look)


def undone(linear, centre):
    """The inverse of an affine map, as six numbers."""
    (a, b), (c, d) = linear
    det = a * d - b * c
    a, b, c, d = d / det, -b / det, -c / det, a / det
    x, y = centre
    return [a, b, -a * x - b * y, c, d, -c * x - d * y]


def shadow_of(rng, layer):
    """A darker copy, a little to the lower right; the owner stays."""
    away = rng.uniform(0.02, 0.045)
    a, b, x, c, d, y = layer.matrix
    matrix = [a, b, x - (a + b) * away, c, d, y - (c + d) * away]
    return Layer(layer.sprite, layer.diameter, matrix, [0.0] * 3, SHADOW, opacity=0.45)


def scribble(rng, solid_row):
    """A thin line over everything, which belongs to nobody."""
    turn, length, width = rng.uniform(0, math.pi), rng.uniform(0.2, 1.4), rng.uniform(0.004, 0.016)
    cos, sin = math.cos(turn), math.sin(turn)
    linear = [[length * cos, -width * sin], [length * sin, width * cos]]
    matrix = undone(linear, [rng.uniform(-1, 1), rng.uniform(-1, 1)])
    return Layer(solid_row, width, matrix, [rng.random() for _ in range(3)], SCRIBBLE)
