"""What lies behind a scene's objects: photographs, plain colours, gradients, noise, checks, colour bars. Imported by
backdrops.py and clips.py; no step by itself."""

import cv2
import numpy as np

from colours import color_rgb
from tags import CN

SMPTE75 = [
    ("white", (191, 191, 191)),
    ("yellow", (191, 191, 0)),
    ("cyan", (0, 191, 191)),
    ("green", (0, 191, 0)),
    ("magenta", (191, 0, 191)),
    ("red", (191, 0, 0)),
    ("blue", (0, 0, 191)),
]
SMPTE100 = [(n, tuple(255 if x else 0 for x in c)) for n, c in SMPTE75]


class Backgrounds:
    """The painting half of a scene; `rng`, `np`, `bgs` and the bank `b` are the scene's.

    `background` gives the picture, its bars as (colour, box, is ambiguous), and a colour that shapes must differ from.
    """

    def background(self, S):
        """A background of S x S."""
        u = self.rng.random()
        if u < 0.50:
            return self.photograph(S), [], None
        if u < 0.74:
            return self.plain(S)
        if u < 0.82:
            return self.gradient(S), [], None
        if u < 0.93:
            return self.procedural(S), [], None
        # Colour bars are instances themselves
        bg, bars = self.smpte_bars(S) if self.rng.random() < 0.5 else self.random_bars(S)
        return bg, bars, None

    def photograph(self, S):
        """A part of a photograph, 4:3 squeezed as the processor does, or square."""
        r = self.rng
        im = self.b.bg[r.choice(self.bgs)]
        height, width = im.shape[:2]
        s = r.uniform(0.35, 1)
        h = int(height * s)
        w = int(min(width, h * r.choice([1, 1.33])))
        y = r.randint(0, height - h)
        x = r.randint(0, width - w)
        interpolation = cv2.INTER_AREA if h > S else cv2.INTER_LINEAR
        bg = cv2.resize(im[y : y + h, x : x + w], (S, S), interpolation=interpolation)
        if r.random() < 0.5:
            bg = bg[:, ::-1]
        if r.random() < 0.3:
            bg = cv2.convertScaleAbs(bg, alpha=r.uniform(0.4, 1), beta=r.uniform(0, 60))
        return np.ascontiguousarray(bg)

    def plain(self, S):
        """One colour, often black or white."""
        r = self.rng
        v = r.random()
        if v < 0.38:
            c = np.zeros(3)
        elif v < 0.58:
            c = np.full(3, 255.0)
        elif v < 0.68:
            c = np.full(3, r.uniform(20, 235))
        else:
            c = np.array([r.uniform(0, 255) for _ in range(3)])
        bg = np.empty((S, S, 3), np.uint8)
        bg[:] = c.astype(np.uint8)
        return bg, [], c

    def gradient(self, S):
        """From one colour to another."""
        r = self.rng
        a = np.array([r.uniform(0, 255) for _ in range(3)])
        b = np.array([r.uniform(0, 255) for _ in range(3)])
        t = np.linspace(0, 1, S)[None, :, None]
        g = a * (1 - t) + b * t
        bg = np.repeat(g, S, 0).astype(np.uint8)
        if r.random() < 0.5:
            bg = np.ascontiguousarray(bg.transpose(1, 0, 2))
        return bg

    def procedural(self, S):
        """Noise of some scale, checks, or stripes."""
        r = self.rng
        v = r.random()
        if v < 0.55:
            k = r.choice([3, 5, 8, 14, 28, S])
            n = self.np.integers(0, 256, (k, k, r.choice([1, 3])), dtype=np.uint8)
            n = np.repeat(n, 3, 2) if n.shape[2] == 1 else n
            bg = cv2.resize(n, (S, S), interpolation=r.choice([cv2.INTER_CUBIC, cv2.INTER_LINEAR]))
            return cv2.convertScaleAbs(bg, alpha=r.uniform(0.3, 1), beta=r.uniform(0, 80))
        a = [r.randint(0, 255) for _ in range(3)]
        b = [min(255, max(0, x + r.randint(-90, 90))) for x in a]
        k = r.choice([4, 8, 16, 32])
        yy, xx = np.mgrid[:S, :S]
        if v < 0.8:
            w = (xx // k + yy // k) % 2
        else:
            w = ((xx if r.random() < 0.5 else yy) // k) % 2
        return np.where(w[..., None] == 1, np.array(a), np.array(b)).astype(np.uint8)

    def smpte_bars(self, S):
        """SMPTE colour bars, with or without their lower part."""
        r = self.rng
        bg = np.zeros((S, S, 3), np.uint8)
        tab = SMPTE75 if r.random() < 0.6 else SMPTE100
        h0 = int(S * r.choice([2 / 3, 2 / 3, 0.75, 1]))
        xs = [round(i * S / 7) for i in range(8)]
        bars = []
        for i, (nm, c) in enumerate(tab):
            bg[:h0, xs[i] : xs[i + 1]] = c
            bars.append((nm, (xs[i], 0, xs[i + 1], h0), nm == "white" and tab is SMPTE75))
        if h0 < S:
            self.lower_part(bg, tab, xs, h0)
        return bg, bars

    def lower_part(self, bg, tab, xs, h0):
        """What stands below SMPTE bars. The reversed strip's cells are not labelled, so it is kept thin."""
        r, S = self.rng, len(bg)
        h1 = int(S * 0.75) if h0 < S * 0.72 else h0
        for i in range(7):
            if i % 2 == 0 and h1 > h0:
                bg[h0:h1, xs[i] : xs[i + 1]] = tab[6 - i][1]
        bg[h1:, :] = 19
        bg[h1:, : S // 6] = (0, 33, 76)
        bg[h1:, S // 6 : S // 3] = 255
        bg[h1:, S // 3 : S // 2] = (50, 0, 106)
        if r.random() < 0.5:
            bg[h1:, int(S * 0.72) :] = self.np.integers(
                0, 256, (S - h1, S - int(S * 0.72), 1), dtype=np.uint8
            )

    def random_bars(self, S):
        """2 to 8 bars of named colours, upright or lying."""
        r = self.rng
        bg = np.zeros((S, S, 3), np.uint8)
        n = r.randint(2, 8)
        cs = []
        while len(cs) < n:
            c = r.choice(CN)
            if not cs or c != cs[-1]:
                cs.append(c)
        xs = [0] + sorted(round((i + r.uniform(-0.15, 0.15)) * S / n) for i in range(1, n)) + [S]
        hz = r.random() < 0.3
        bars = []
        for i, c in enumerate(cs):
            col = color_rgb(c, r)
            if hz:
                bg[xs[i] : xs[i + 1]] = col
                bars.append((c, (0, xs[i], S, xs[i + 1]), False))
            else:
                bg[:, xs[i] : xs[i + 1]] = col
                bars.append((c, (xs[i], 0, xs[i + 1], S), False))
        return bg, bars
