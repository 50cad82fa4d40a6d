"""Step 8: measures a model on the clip, frame by frame and without tracking, with transformers alone.

    python training/clip_eval.py [MODEL_OR_CHECKPOINT] [--every 5] [--threshold 0.4] [--json FILE]

Each object is asked for by its first phrase. Then phrases of things that are not there are asked.
"""

import argparse
import json
from pathlib import Path

import cv2
import numpy as np

from loading import Detector, predict, ratio, rounded
from paths import CLIP, MODEL

SIZE = 252
BATCH = 9
# An object with fewer visible pixels counts as absent.
LEAST_VISIBLE_PIXELS = 200
ABSENT = ("pink heart", "cat", "green square", "banana")


def read_frames(path):
    """All frames, RGB."""
    cap = cv2.VideoCapture(str(path))
    while True:
        ok, g = cap.read()
        if not ok:
            return
        yield g[:, :, ::-1]


def ask(m, pictures, prompt, threshold):
    """The predictions for one phrase on all pictures."""
    for a in range(0, len(pictures), BATCH):
        part = pictures[a : a + BATCH]
        yield from predict(m, part, [prompt] * len(part), threshold)


def enlarge(mask, size):
    """A mask at the frame's size (width, height)."""
    return cv2.resize(mask.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0


def measure(predictions, labels, i):
    """One object: frames in which it is seen, best IoU, number of detections."""
    io, n, fp = [], [], 0
    for o, label in zip(predictions, labels):
        gt = label == i
        mk = [enlarge(k, gt.shape[::-1]) for k in o["masks"]]
        if gt.sum() > LEAST_VISIBLE_PIXELS:
            io.append(max([ratio(k, gt) for k in mk], default=0))
            n.append(len(mk))
        else:
            fp += len(mk)
    return dict(
        frames=len(io),
        mean_best_IoU=float(np.mean(io)),
        recall50=float(np.mean(np.array(io) >= 0.5)),
        mean_detections=float(np.mean(n)),
        exactly_one=float(np.mean(np.array(n) == 1)),
        detections_while_absent=fp,
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("model", type=Path, nargs="?", default=MODEL)
    parser.add_argument("--clip", type=Path, default=CLIP)
    parser.add_argument("--every", type=int, default=5, help="look at each Nth frame")
    parser.add_argument("--threshold", type=float, default=0.4)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    m = Detector.read(args.model, SIZE, is_bf16=True)
    meta = json.loads((args.clip / "clip.json").read_text())
    frames = list(read_frames(args.clip / "clip.mp4"))
    idx = range(0, len(frames), args.every)
    pictures = [cv2.resize(frames[i], (SIZE, SIZE)) for i in idx]
    labels = [cv2.imread(str(args.clip / "masks" / f"{i:04d}.png"), 0) for i in idx]
    R = {}
    for ins in meta["instances"]:
        p = ins["prompts"][0]
        R[p] = measure(ask(m, pictures, p, args.threshold), labels, ins["id"])
    for p in ABSENT:
        has = [len(o["scores"]) > 0 for o in ask(m, pictures, p, args.threshold)]
        R["absent: " + p] = dict(frames=len(has), frames_with_detection=float(np.mean(has)))
    for k, v in R.items():
        print(k, rounded(v))
    if args.json:
        args.json.write_text(json.dumps(R, indent=1))


if __name__ == "__main__":
    main()
