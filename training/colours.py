"""Random colours that deserve a name. Imported by backgrounds.py, sprites.py and planner.py; no step by itself."""

import numpy as np

from concepts import COLORS


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
