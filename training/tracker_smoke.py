"""Two minutes that say whether the tracker's training works at all: a few fixed clips are learnt by heart.

    python training/tracker_smoke.py [--seconds 100]

Fails when the loss does not halve or the clips are not followed well in the end.
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
FRAMES = 4
LEAST_MEAN_IOU = 0.6
MOST_LOSS_LEFT = 0.5


def fixed_batch(seed=3):
    """Two clips with up to four objects in all."""
    maker = ClipMaker(seed, SIDE, FRAMES, spans=(0.1, 0.3))
    return tracker_roll.gather([maker.make(2, 3) for _ in range(2)], 4, random.Random(seed))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seconds", type=float, default=100.0)
    own = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        minutes = str(own.seconds / 60)
        options = ["--out", folder, "--minutes", minutes, "--of", minutes, "--sprites", "8", "--every", "5"]
        trainer = tracker_train.Trainer(tracker_train.make_parser().parse_args([*options, "--warm", "10"]))
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
    """Compares the first line of the log with the mean of the last three."""
    last = {name: sum(line[name] for line in told[-3:]) / 3 for name in told[0]}
    left = last["loss"] / told[0]["loss"]
    print(f"loss {told[0]['loss']:.2f} -> {last['loss']:.2f}, mean IoU {last['mean_iou']:.2f}")
    if left > MOST_LOSS_LEFT or last["mean_iou"] < LEAST_MEAN_IOU:
        sys.exit(f"failed: {left:.2f} of the loss is left (at most {MOST_LOSS_LEFT}); mean IoU of {LEAST_MEAN_IOU} wanted")


if __name__ == "__main__":
    main()
