"""Tests of the measures: `python -m unittest discover training`."""

import unittest

import numpy as np
import torch

from average_precision import THRESHOLDS, ClassTally, Concepts, average_precision, hits
from detections import Detections, Tally, box_iou, mask_iou


class AveragePrecision(unittest.TestCase):
    """Numbers that can be counted by hand."""

    def test_a_true_thing_is_hit_once(self):
        self.assertEqual(hits(np.array([[0.9, 0.1], [0.8, 0.6], [0.7, 0.0]]), 0.5), [True, True, False])

    def test_the_larger_overlap_is_taken(self):
        self.assertEqual(hits(np.array([[0.6, 0.9], [0.6, 0.9]]), 0.5), [True, True])
        self.assertEqual(hits(np.array([[0.6, 0.9], [0.4, 0.9]]), 0.5), [True, False])

    def test_perfect_and_empty(self):
        self.assertAlmostEqual(average_precision([0.9, 0.8], [True, True], 2), 1.0)
        self.assertEqual(average_precision([], [], 2), 0.0)
        self.assertIsNone(average_precision([0.9], [False], 0))

    def test_a_miss_before_a_hit(self):
        # Precision 1/2 at every recall up to 1
        self.assertAlmostEqual(average_precision([0.9, 0.8], [False, True], 1), 0.5)

    def test_half_of_the_things_found(self):
        # Precision 1 at recalls 0 to 0.5, which are 51 of 101
        self.assertAlmostEqual(average_precision([0.9], [True], 2), 51 / 101)

    def test_precision_never_rises_with_recall(self):
        # Hit, miss, hit of 2: 1 up to 0.5, then 2/3
        found = average_precision([0.9, 0.8, 0.7], [True, False, True], 2)
        self.assertAlmostEqual(found, (51 + 50 * 2 / 3) / 101)

    def test_thresholds_count_alike(self):
        tally = ClassTally()
        tally.add([0.9], np.array([[0.72]]))
        self.assertEqual(tally.at(0.5), 1.0)
        self.assertEqual(tally.at(0.75), 0.0)
        self.assertAlmostEqual(tally.mean(), 5 / len(THRESHOLDS))

    def test_concepts(self):
        concepts = Concepts()
        concepts.add(np.ones((1, 1)))
        concepts.add(np.zeros((0, 0)))
        self.assertEqual(concepts.numbers()["cgF1"], 1.0)
        concepts.add(np.zeros((1, 0)))
        concepts.add(np.zeros((0, 1)))
        self.assertEqual(concepts.correlation(), 0.0)
        self.assertAlmostEqual(concepts.f1(), 2 / 3)


class Overlaps(unittest.TestCase):
    """Of boxes and masks."""

    def test_boxes(self):
        a = torch.tensor([[0.0, 0.0, 0.5, 0.5]])
        b = torch.tensor([[0.25, 0.0, 0.75, 0.5], [0.6, 0.6, 1.0, 1.0]])
        self.assertTrue(torch.allclose(box_iou(a, b), torch.tensor([[1 / 3, 0.0]])))

    def test_masks_and_doubles(self):
        masks = torch.zeros(3, 4, 4, dtype=torch.bool)
        masks[0, :2], masks[1, :2], masks[2, 3] = True, True, True
        self.assertEqual(mask_iou(masks, masks)[0].tolist(), [1, 1, 0])
        found = Detections(torch.tensor([0.9, 0.8, 0.7]), torch.zeros(3, 4), masks, 1.0)
        self.assertEqual(found.without_doubles().scores.tolist(), found.scores[[0, 2]].tolist())
        tally = Tally()
        tally.add(found, masks[:1])
        self.assertAlmostEqual(tally.f1(), 2 / 4)
        self.assertEqual(len(found.above(0.75).scores), 2)


if __name__ == "__main__":
    unittest.main()
