"""Step 7: makes the clip, 10 s of 640x360 at 25 frames a second: six objects over a photograph, and for every frame a
PNG with the visible object of each pixel (0 background, else the object's id).

    python training/clip.py [--out out/training/clip]

Needs the program ffmpeg. examples/media/clip is this script's output.
"""

import argparse
import json
import math
import os
import shutil
import subprocess
from pathlib import Path

import cv2
import numpy as np
import skimage

from bank import draw_shapes, premultiplied, read_emoji
from concepts import EMOJI_LIST
from paths import WORK
from tags import SN

W, H, N, FPS = 640, 360, 250, 25


def objects():
    """Id, name, phrases, (sprite, colour), diameter, centre and degrees as functions of t from 0 to 1."""
    pi, shapes, drawn = math.pi, draw_shapes(), premultiplied(read_emoji()[0])

    def shape(s, c):
        return shapes[SN.index(s)][0], np.array(c, np.float32)

    def emoji(n):
        return drawn[next(i for i, e in enumerate(EMOJI_LIST) if n in e["names"])], None

    def bounce(t):
        return 90 + 460 * t, 250 - 150 * abs(math.sin(2.5 * pi * t))

    def swing(t):
        return 520 - 400 * t, 110 + 60 * math.sin(2 * pi * t)

    def circle(t):
        return 180 + 60 * math.sin(2 * pi * t), 230 + 50 * math.cos(2 * pi * t)

    def drive(t):
        return -90 + 1300 * t if t < 0.5 else 560 + 180 - 720 * (t - 0.5), 300

    def orbit(t):
        return 430 + 90 * math.cos(2 * pi * t), 170 + 90 * math.sin(2 * pi * t)

    def fall(t):
        return 320, 60 + 230 * t

    red, blue, yellow, green = (225, 25, 25), (35, 80, 225), (250, 225, 30), (30, 170, 60)
    names = [
        ["red circle", "circle", "red ball"],
        ["blue square", "square"],
        ["dog", "animal"],
        ["red car", "car", "vehicle"],
        ["yellow star", "star"],
        ["green triangle", "triangle"],
    ]
    moves = [
        (shape("circle", red), 84, bounce, lambda t: 0),
        (shape("square", blue), 80, swing, lambda t: 12 * math.sin(6 * t)),
        (emoji("dog"), 96, circle, lambda t: 8 * math.sin(9 * t)),
        (emoji("red car"), 104, drive, lambda t: 0),
        (shape("star", yellow), 88, orbit, lambda t: 180 * t),
        (shape("triangle", green), 76, fall, lambda t: 10 * math.sin(4 * t)),
    ]
    return [(i + 1, prompts[0], prompts, *move) for i, (prompts, move) in enumerate(zip(names, moves))]


def paste(img, ow, t, i, sprite, diameter, path, turn):
    """The picture with an object on it; the object is noted in the owner map `ow`."""
    spr, col = sprite
    x, y = path(t)
    th = math.radians(turn(t))
    s = diameter / 128
    M = np.array([[s * math.cos(th), -s * math.sin(th)], [s * math.sin(th), s * math.cos(th)]])
    T = np.concatenate([M, (np.array([x, y]) - M @ np.array([63.5, 63.5]))[:, None]], 1)
    w = cv2.warpAffine(spr, T, (W, H), flags=cv2.INTER_LINEAR)
    a = (w if col is not None else w[..., 3]).astype(np.float32) / 255
    pm = col * a[..., None] if col is not None else w[..., :3].astype(np.float32)
    ow[a > 0.5] = i
    return np.clip(img * (1 - a[..., None]) + pm, 0, 255).astype(np.uint8)


def rocket():
    """What lies behind: RGB, 120 pixels wider and 40 higher than a frame."""
    bg = cv2.imread(os.path.dirname(skimage.__file__) + "/data/rocket.jpg")[:, :, ::-1]
    return cv2.resize(bg, (760, 507))[60 : 60 + H + 40]


def frames(objs, bg, count):
    """Picture and owner map of each frame; what lies behind moves a little."""
    for f in range(count):
        t = f / (count - 1)
        dx = int(50 + 40 * math.sin(2 * math.pi * t))
        dy = int(20 + 15 * math.cos(2 * math.pi * t))
        img = np.ascontiguousarray(bg[dy : dy + H, dx : dx + W]).copy()
        ow = np.zeros((H, W), np.uint8)
        for i, _, _, *move in objs:
            img = paste(img, ow, t, i, *move)
        yield img, ow


def box(ow, i):
    """x0, y0, x1, y1 of an object's visible pixels."""
    ys, xs = np.nonzero(ow == i)
    return [int(xs.min()), int(ys.min()), int(xs.max()) + 1, int(ys.max()) + 1]


def encoder(path):
    """ffmpeg, reading RGB frames."""
    raw = f"-f rawvideo -pix_fmt rgb24 -s {W}x{H} -r {FPS} -i -".split()
    h264 = "-c:v libx264 -crf 21 -g 50 -pix_fmt yuv420p -movflags +faststart".split()
    command = ["ffmpeg", "-y", "-loglevel", "error", *raw, *h264, str(path)]
    return subprocess.Popen(command, stdin=subprocess.PIPE)


def write(out, objs, bg, count, **more):
    """Video, masks and clip.json, which says `more` beside what everyone reads."""
    shutil.rmtree(out / "masks", ignore_errors=True)
    (out / "masks").mkdir(parents=True)
    ff = encoder(out / "clip.mp4")
    boxes = []
    for f, (img, ow) in enumerate(frames(objs, bg, count)):
        cv2.imwrite(str(out / "masks" / f"{f:04d}.png"), ow, [cv2.IMWRITE_PNG_COMPRESSION, 9])
        boxes.append({int(i): box(ow, i) for i in np.unique(ow) if i})
        ff.stdin.write(img.tobytes())
    ff.stdin.close()
    ff.wait()
    instances = [dict(id=o[0], name=o[1], prompts=o[2]) for o in objs]
    meta = dict(width=W, height=H, fps=FPS, frames=count, instances=instances, boxes=boxes, **more)
    (out / "clip.json").write_text(json.dumps(meta))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=Path, default=WORK / "clip")
    write(parser.parse_args().out, objects(), rocket(), N)


if __name__ == "__main__":
    main()
