"""Tests of the detector's training: `python -m unittest discover training`. No assets are needed."""

import tempfile
import unittest
from pathlib import Path

import torch

from detector_smoke import CONFIG, shapes_alone
from detector_train import Trainer
from run_config import from_values, read_config

STEPS = 6


class Resuming(unittest.TestCase):
    """A run in slices is the run without slices."""

    def config(self):
        config = read_config(CONFIG)
        config.run.steps, config.run.ema, config.optimizer.warm = STEPS, 0.9, 1
        config.stages[0].pictures, config.stages[0].phrases = 2, 0
        config.stages.append(type(config.stages[0])(start=0.4, side=84, pictures=2, phrases=2, least=0.3))
        return config

    def losses(self, trainer, count):
        """Of so many steps."""
        return [float(trainer.take_step()) for _ in range(count)]

    def test_a_resumed_run_takes_the_same_steps(self):
        torch.set_num_threads(1)
        maker = shapes_alone(self.config())
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder)
            whole = Trainer(self.config(), out, maker=maker)
            expected = self.losses(whole, STEPS)
            first = Trainer(self.config(), out, maker=maker)
            found = self.losses(first, STEPS // 2)
            first.save()
            found += self.losses(Trainer(self.config(), out, is_resumed=True, maker=maker), STEPS - STEPS // 2)
        self.assertEqual(found, expected)
        self.assertEqual(len(set(expected)), STEPS)

    def test_another_model_is_refused(self):
        maker = shapes_alone(self.config())
        with tempfile.TemporaryDirectory() as folder:
            Trainer(self.config(), Path(folder), maker=maker).save()
            other = from_values(dict(run=dict(processes=1), model=dict(width=96)))
            with self.assertRaises(SystemExit):
                Trainer(other, Path(folder), is_resumed=True, maker=maker)


class Configurations(unittest.TestCase):
    """Files of numbers."""

    def test_all_files_are_read(self):
        for path in CONFIG.parent.glob("*.toml"):
            self.assertGreater(read_config(path).run.minutes, 0)

    def test_an_unknown_name_is_an_error(self):
        for values in (dict(run=dict(minuts=3)), dict(losses=dict(boxes=1)), dict(speed=1)):
            with self.assertRaises(SystemExit):
                from_values(values)


if __name__ == "__main__":
    unittest.main()
