"""Step 12: measures a model on frames that GStreamer made, and draws what it finds.

    for p in ball smpte snow black red checkers-8 gradient pinwheel; do
        gst-launch-1.0 videotestsrc pattern=$p num-buffers=30 ! video/x-raw,width=640,height=360 ! videoconvert ! \\
            pngenc ! multifilesink location=out/training/gst/${p}_%02d.png
    done
    python training/gst_eval.py [MODEL_OR_CHECKPOINT] [--size 252]

(`mkdir -p out/training/gst` first.) Numbers go to out/training/gst_metrics.json, pictures to out/training/overlays.
"""

import argparse
import json
from pathlib import Path

import cv2
import numpy as np

from clip_eval import enlarge, read_frames
from loading import Detector, predict, ratio, rounded
from paths import CLIP, MODEL, WORK

FRAMES = WORK / "gst"
BATCH = 10
W, H = 640, 360
COLORS = [(255, 60, 60), (60, 220, 60), (70, 120, 255), (255, 200, 0), (255, 0, 255), (0, 255, 255)]
WHITE = (255, 255, 255)
BALL_PROMPTS = ("white ball", "ball", "white circle", "circle", "white", "red square", "dog", "blue", "red")
BAR_PROMPTS = ("red", "yellow", "green", "white", "blue", "red bar", "bar", "dog", "red circle", "car")
# Position of a colour among SMPTE's bars, from the left.
BARS = {"red": 5, "yellow": 1, "green": 3, "white": 0, "blue": 6}
EMPTY_PATTERNS = ("snow", "black", "red", "checkers-8", "gradient", "pinwheel")
EMPTY_PROMPTS = ["dog", "red circle", "car", "circle", "ball"]


def read(path):
    """A picture, RGB."""
    return cv2.imread(str(path))[:, :, ::-1]


def write_text(im, text, at):
    """Small white letters."""
    cv2.putText(im, text, at, cv2.FONT_HERSHEY_SIMPLEX, 0.5, WHITE, 1, cv2.LINE_AA)


def overlay(img, o, title, path):
    """Writes the picture with masks, outlines, boxes and scores."""
    im = np.ascontiguousarray(img).copy()
    h, w = im.shape[:2]
    for k, (mk, sc, b) in enumerate(zip(o["masks"], o["scores"], o["boxes"])):
        mk = enlarge(mk, (w, h))
        c = COLORS[k % len(COLORS)]
        im[mk] = (im[mk] * 0.45 + np.array(c) * 0.55).astype(np.uint8)
        cs, _ = cv2.findContours(mk.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(im, cs, -1, c, 2)
        x0, y0, x1, y1 = (int(v) for v in b * np.array([w, h, w, h]))
        cv2.rectangle(im, (x0, y0), (x1, y1), c, 1)
        write_text(im, f"{sc:.2f}", (max(0, x0), max(12, y0 - 3)))
    cv2.rectangle(im, (0, 0), (w, 20), (0, 0, 0), -1)
    write_text(im, f"{title}  presence {o['pres']:.2f}  n={len(o['scores'])}", (5, 15))
    cv2.imwrite(str(path), im[:, :, ::-1])


def measure_ball(m, frames, pictures, p):
    """One phrase on all frames of the moving ball, whose truth is every bright pixel."""
    ious, n, pr, top = [], [], [], []
    for i in range(0, len(pictures), BATCH):
        part = pictures[i : i + BATCH]
        for o, f in zip(predict(m, part, [p] * len(part)), frames[i : i + BATCH]):
            gt = f.mean(2) > 127
            ious.append(max([ratio(enlarge(k, (W, H)), gt) for k in o["masks"]], default=0.0))
            n.append(len(o["masks"]))
            pr.append(o["pres"])
            top.append(o["all"].max())
    return dict(
        mean_detections=float(np.mean(n)),
        frames_exactly_one=float(np.mean(np.array(n) == 1)),
        mean_best_IoU=float(np.mean(ious)),
        presence=float(np.mean(pr)),
        top_score=float(np.mean(top)),
    )


def measure_bars(m, picture, p):
    """One phrase on SMPTE bars."""
    (o,) = predict(m, [picture], [p])
    col = BARS.get(p.split()[0])
    iou = None
    if col is not None and p != "red circle":
        gt = np.zeros((H, W), bool)
        gt[: H * 2 // 3, round(col * W / 7) : round((col + 1) * W / 7)] = True
        iou = float(max([ratio(enlarge(k, (W, H)), gt) for k in o["masks"]], default=0.0))
    return dict(n=len(o["masks"]), best_IoU=iou, presence=o["pres"], top_score=float(o["all"].max()))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("model", type=Path, nargs="?", default=MODEL)
    parser.add_argument("--size", type=int, default=252)
    args = parser.parse_args()
    m = Detector.read(args.model, args.size, is_bf16=True)

    def fit(f):
        return cv2.resize(f, (args.size, args.size), interpolation=cv2.INTER_LINEAR)

    def draw(f, p, name):
        folder = WORK / "overlays"
        folder.mkdir(parents=True, exist_ok=True)
        overlay(f, predict(m, [fit(f)], [p])[0], f'{name}: "{p}"', folder / f"{name}.png")

    balls = [read(p) for p in sorted(FRAMES.glob("ball_*.png"))]
    pictures = [fit(f) for f in balls]
    bars = read(FRAMES / "smpte_00.png")
    R = {f"ball: {p}": measure_ball(m, balls, pictures, p) for p in BALL_PROMPTS}
    R |= {f"smpte: {p}": measure_bars(m, fit(bars), p) for p in BAR_PROMPTS}
    for pattern in EMPTY_PATTERNS:
        f = fit(read(sorted(FRAMES.glob(f"{pattern}_*.png"))[-1]))
        found = predict(m, [f] * len(EMPTY_PROMPTS), EMPTY_PROMPTS)
        R[f"empty {pattern}"] = {
            p: dict(n=len(o["scores"]), presence=round(o["pres"], 3)) for p, o in zip(EMPTY_PROMPTS, found)
        }
    for k, v in R.items():
        print(k, rounded(v))
    (WORK / "gst_metrics.json").write_text(json.dumps(R, indent=1))
    draw(balls[10], "white ball", "ball")
    draw(bars, "red", "smpte")
    clip = list(read_frames(CLIP / "clip.mp4"))
    draw(clip[60], "red circle", "clip_60")
    draw(clip[200], "dog", "clip_200")


if __name__ == "__main__":
    main()
