"""Small made-up scenes: ellipses that move, and predictions with the faults that trackers have."""

from dataclasses import dataclass, field

import numpy as np


@dataclass
class Body:
    """An ellipse with an id, a category, and the frames on which it is to be seen."""

    id: int
    category: int
    radii: tuple
    centre: tuple
    speed: tuple
    frames: range

    def mask(self, size, frame, shift=(0.0, 0.0), growth=0.0):
        """True inside; None when nothing of it is in the picture."""
        width, height = size
        y, x = np.mgrid[0:height, 0:width]
        u = (x - self.centre[0] - self.speed[0] * frame - shift[0]) / (self.radii[0] + growth)
        v = (y - self.centre[1] - self.speed[1] * frame - shift[1]) / (self.radii[1] + growth)
        inside = u * u + v * v <= 1.0
        return inside if frame in self.frames and inside.any() else None


@dataclass
class Scene:
    """Bodies, later ones in front, and what a tracker makes of them."""

    name: str
    size: tuple
    frames: int
    bodies: list
    seed: int
    switches: dict = field(default_factory=dict)
    inventions: list = field(default_factory=list)
    void: tuple = None

    def truth(self, frame):
        """(id, category, mask) of each visible body; masks do not overlap."""
        return without_overlap([(b.id, b.category, b.mask(self.size, frame)) for b in self.bodies])

    def found(self, frame):
        """The same bodies moved, grown or lost, some under another id, and some that are not there."""
        random = np.random.default_rng([self.seed, frame])
        seen = []
        for body in self.bodies:
            shift, growth = random.normal(0.0, 2.0, 2), random.normal(0.0, 1.5)
            if random.random() < 0.12:
                continue
            since = max((start for start in self.switches.get(body.id, {}) if start <= frame), default=None)
            number = body.id + 10 if since is None else self.switches[body.id][since]
            seen.append((number, body.category, body.mask(self.size, frame, shift, growth)))
        seen += [(b.id, b.category, b.mask(self.size, frame)) for b in self.inventions]
        return without_overlap(seen)

    def void_mask(self, frame):
        """Where nothing is judged: a rectangle."""
        if self.void is None or frame % 3 == 1:
            return None
        x0, y0, x1, y1 = self.void
        inside = np.zeros((self.size[1], self.size[0]), bool)
        inside[y0:y1, x0:x1] = True
        return inside


def without_overlap(seen):
    """Each pixel goes to the last that has it; who keeps none is not there."""
    kept, taken = [], None
    for number, category, mask in reversed([one for one in seen if one[2] is not None]):
        mask = mask if taken is None else mask & ~taken
        taken = mask if taken is None else mask | taken
        if mask.any():
            kept.append((number, category, mask))
    return kept[::-1]


def scenes(size, frames, categories):
    """Two scenes: a quiet one, and a crowded one with a place that is not judged."""
    first, second = categories
    width, height = size
    quiet = Scene(
        "quiet",
        size,
        frames,
        [
            Body(1, first, (22, 14), (30, 30), (5.0, 1.5), range(frames)),
            Body(2, second, (13, 17), (width - 20, 40), (-6.0, 2.0), range(frames)),
            Body(3, first, (15, 15), (60, height - 25), (2.0, -1.0), range(3, frames - 2)),
        ],
        seed=1,
        switches={1: {frames // 2: 31}},
    )
    crowded = Scene(
        "crowded",
        size,
        frames,
        [
            Body(1, first, (18, 18), (40, 60), (4.0, 0.0), range(frames)),
            Body(2, first, (16, 20), (width - 40, 60), (-4.0, 0.0), range(frames)),
            Body(3, second, (25, 9), (80, 25), (0.0, 4.0), range(frames - 3)),
            Body(5, second, (9, 25), (20, 90), (9.0, -2.0), range(2, frames)),
        ],
        seed=2,
        switches={1: {4: 12, 8: 40}, 2: {4: 11}, 5: {7: 50}},
        inventions=[
            Body(60, first, (10, 10), (width - 30, height - 20), (-1.0, 0.0), range(1, frames, 2)),
            Body(61, second, (12, 8), (25, height - 27), (0.0, 0.0), range(frames)),
        ],
        void=(0, height - 30, 60, height),
    )
    return [quiet, crowded]
