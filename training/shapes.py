"""Draws the geometric shapes as coverage maps. Imported by bank.py and sprites.py; no step by itself."""

import math

import cv2
import numpy as np


def shape_alpha(name, rng, R=512):
    """One variant of a shape as a coverage map, 128 x 128; drawn R pixels wide and reduced."""
    m = np.zeros((R, R), np.uint8)
    c = R / 2
    r = R * 0.46

    def poly(pts):
        cv2.fillPoly(m, [np.round(np.array(pts)).astype(np.int32)], 255, cv2.LINE_AA)

    def reg(n, rot=-90, rr=None):
        return [
            (
                c + (rr or r) * math.cos(math.radians(rot + 360 * i / n)),
                c + (rr or r) * math.sin(math.radians(rot + 360 * i / n)),
            )
            for i in range(n)
        ]

    if name == "circle":
        cv2.circle(m, (int(c), int(c)), int(r), 255, -1, cv2.LINE_AA)
    elif name == "square":
        k = r * 0.86
        rad = int(k * rng.choice([0, 0, 0.15]))
        poly([(c - k, c - k), (c + k, c - k), (c + k, c + k), (c - k, c + k)])
        if rad > 3:
            m[:] = 0
            cv2.rectangle(
                m, (int(c - k + rad), int(c - k + rad)), (int(c + k - rad), int(c + k - rad)), 255, -1
            )
            m[:] = cv2.dilate(m, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * rad + 1, 2 * rad + 1)))
    elif name == "triangle":
        k = rng.uniform(0.7, 1.1)
        s = rng.uniform(-0.4, 0.4)
        poly([(c + s * r, c - r), (c + r * k * 0.95, c + r * 0.85), (c - r * k * 0.95, c + r * 0.85)])
    elif name == "rectangle":
        k = rng.uniform(0.3, 0.44)
        poly([(c - r, c - r * k), (c + r, c - r * k), (c + r, c + r * k), (c - r, c + r * k)])
    elif name == "star":
        n = int(rng.choice([5, 5, 5, 6]))
        q = rng.uniform(0.38, 0.55)
        o = reg(n)
        i = reg(n, -90 + 180 / n, r * q)
        poly([p for ab in zip(o, i) for p in ab])
    elif name == "heart":
        t = np.linspace(0, 2 * np.pi, 200)
        x = 16 * np.sin(t) ** 3
        y = 13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t)
        poly(np.stack([c + x * r / 17, c - y * r / 17], 1))
    elif name == "pentagon":
        poly(reg(5))
    elif name == "hexagon":
        poly(reg(6, 0))
    elif name == "diamond":
        k = rng.uniform(0.6, 0.75)
        poly([(c, c - r), (c + r * k, c), (c, c + r), (c - r * k, c)])
    elif name == "cross":
        k = r * rng.uniform(0.24, 0.38)
        poly(
            [
                (c - k, c - r),
                (c + k, c - r),
                (c + k, c - k),
                (c + r, c - k),
                (c + r, c + k),
                (c + k, c + k),
                (c + k, c + r),
                (c - k, c + r),
                (c - k, c + k),
                (c - r, c + k),
                (c - r, c - k),
                (c - k, c - k),
            ]
        )
    elif name == "ring":
        cv2.circle(m, (int(c), int(c)), int(r), 255, -1, cv2.LINE_AA)
        cv2.circle(m, (int(c), int(c)), int(r * rng.uniform(0.5, 0.72)), 0, -1, cv2.LINE_AA)
    elif name == "arrow":
        k = r * rng.uniform(0.2, 0.3)
        h = r * rng.uniform(0.55, 0.75)
        x0 = c + r - h * 1.1
        poly([(c - r, c - k), (x0, c - k), (x0, c - h), (c + r, c), (x0, c + h), (x0, c + k), (c - r, c + k)])
    elif name == "crescent":
        cv2.circle(m, (int(c), int(c)), int(r), 255, -1, cv2.LINE_AA)
        cv2.circle(
            m,
            (int(c + r * rng.uniform(0.35, 0.5)), int(c)),
            int(r * rng.uniform(0.75, 0.85)),
            0,
            -1,
            cv2.LINE_AA,
        )
    elif name == "semicircle":
        cv2.circle(m, (int(c), int(c + r * 0.45)), int(r), 255, -1, cv2.LINE_AA)
        m[int(c + r * 0.45) :] = 0
    return cv2.resize(m, (128, 128), interpolation=cv2.INTER_AREA)
