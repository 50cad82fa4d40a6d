"""Two minutes that say whether the detector's training works at all: a few fixed scenes are learnt by heart.

    python training/detector_smoke.py

Needs no assets: things are shapes, backdrops are generated. Fails when the loss does not fall, or when the things that
phrases mean are not found in the end. Steps are counted, not seconds, so that a slow machine judges the same.
"""

import argparse
import sys
import tempfile
from pathlib import Path

import torch

import detector_train
from backdrops import BackdropBank, generated
from bank import make_bank
from batches import make_batch
from detections import Tally, detect
from forward import forward
from run_config import read_config
from scenes import SceneMaker

CONFIG = Path(__file__).parent / "configs" / "detector-smoke.toml"
MOST_LOSS_LEFT = 0.35
LEAST_F1 = 0.7


def shapes_alone(config):
    """A maker that reads no file."""
    sprites = make_bank(has_emoji=False)
    return SceneMaker(sprites, BackdropBank(generated(config.run.seed, config.data.backdrops, 128)))


@torch.no_grad()
def f1_by_heart(trainer, batch):
    """F1 of what is found on the batch, at a score of 0.5."""
    model, side, tally = trainer.model.eval(), batch.masks.shape[-1], Tally()
    with torch.autocast(trainer.device.type, torch.bfloat16, enabled=trainer.run_config.precision == "bf16"):
        found = forward(model, batch.pixels, batch.picture_of, batch.ids, batch.mask, batch.exemplars, batch.labels)
        answers = detect(model, found, side, 0.5)
    for p, detections in enumerate(answers):
        tally.add(detections, (batch.masks[batch.mask_of[p][batch.valid[p]]] > 0.5).cpu())
    return tally.f1()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--steps", type=int, help="instead of those of the configuration")
    steps = parser.parse_args().steps
    torch.set_num_threads(1)
    config = read_config(CONFIG)
    config.run.steps = steps or config.run.steps
    maker = shapes_alone(config)
    with tempfile.TemporaryDirectory() as folder:
        trainer = detector_train.Trainer(config, Path(folder), maker=maker)
        stage, data = config.stages[0], config.data
        seeds = [f"smoke {i}" for i in range(stage.pictures)]
        batch = make_batch(maker, trainer.text, seeds, stage.side, stage.phrases, stage.least, data.exemplars)
        trainer.batch = lambda _: batch
        told = []
        tell = trainer.tell
        trainer.tell = lambda: told.append(tell())
        trainer.run(600)
        assert (Path(folder) / detector_train.CHECKPOINT).exists()
    judge(told, f1_by_heart(trainer, batch))


def judge(told, f1):
    """Compares the first line of the log with the last ones."""
    left = sum(line["loss"] for line in told[-3:]) / 3 / told[0]["loss"]
    print(f"{left:.2f} of the loss is left, F1 of the things learnt by heart {f1:.2f}")
    if left > MOST_LOSS_LEFT or f1 < LEAST_F1:
        sys.exit(f"failed: at most {MOST_LOSS_LEFT} of the loss and an F1 of at least {LEAST_F1} are wanted")


if __name__ == "__main__":
    main()
