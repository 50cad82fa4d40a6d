"""Two minutes that say whether the tracker's training works at all: a few fixed clips are learnt by heart.

    python training/tracker_smoke.py [--steps 60]

Fails when the loss does not halve, or when the clips are not followed well from a first mask in the end. Steps are
counted, not seconds, so that a slow machine judges the same.
"""

import argparse
import random
import sys
import tempfile
from pathlib import Path

import torch

import tracker_roll
import tracker_train
from clips import ClipMaker

SIDE = 252
FRAMES = 3
LEAST_MEAN_IOU = 0.7
MOST_LOSS_LEFT = 0.3


def fixed_batch(seed=3):
    """Two clips with up to four objects in all."""
    maker = ClipMaker(seed, SIDE, FRAMES, strides=(0.05, 0.15))
    return tracker_roll.gather([maker.make(2, 3) for _ in range(2)], 4, random.Random(seed))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--steps", type=int, default=60)
    own = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        options = ["--out", folder, "--minutes", "600", "--steps", str(own.steps), "--warm", "10"]
        options += ["--sprites", "8", "--every", "5"]
        trainer = tracker_train.Trainer(tracker_train.make_parser().parse_args(options))
        batch = fixed_batch()
        trainer.batch_of_step = lambda step: batch
        trainer.maker.frames = FRAMES
        told = []
        tell = trainer.tell
        trainer.tell = lambda: told.append(tell())
        trainer.run()
        assert (Path(folder) / tracker_train.CHECKPOINT).exists()
    judge(told)


def judge(told):
    """Compares the first line of the log with the last ones."""
    left = sum(line["loss"] for line in told[-3:]) / 3 / told[0]["loss"]
    overlaps = [line["iou_mask"] for line in told if "iou_mask" in line][-3:]
    overlap = sum(overlaps) / len(overlaps)
    print(f"{left:.2f} of the loss is left, mean IoU of followed masks {overlap:.2f}")
    if left > MOST_LOSS_LEFT or overlap < LEAST_MEAN_IOU:
        sys.exit(f"failed: at most {MOST_LOSS_LEFT} of the loss and an IoU of {LEAST_MEAN_IOU} are wanted")


if __name__ == "__main__":
    main()
