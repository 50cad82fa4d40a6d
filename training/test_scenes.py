"""Tests of scenes and their targets: `python -m unittest discover training`. No assets are needed."""

import io
import random
import unittest

import numpy as np
import torch
from PIL import Image

from backdrops import Backdrop, BackdropBank, generated
from bank import make_bank
from batches import PATCH, centred, make_batch, pooled_masks, thing_boxes, token_owners
from identities import DECIDABLE_IN_PHOTOGRAPHS, all_phrases, bar_identity, shape_identity
from jpeg import compressed
from placement import Layer, undone
from planner import Planner
from prompts import UNKNOWN, Asker
from scenes import SceneMaker, Thing
from vocabulary import Text, compacted, spread

SIDE = 84
SEEDS = [f"test {i}" for i in range(12)]


def small_maker():
    """Shapes alone, on generated backdrops."""
    return SceneMaker(make_bank(has_emoji=False), BackdropBank(generated(0, 20, 96)))


class Targets(unittest.TestCase):
    """Owner maps, boxes and masks tell the same."""

    @classmethod
    def setUpClass(cls):
        torch.set_num_threads(1)
        cls.maker = small_maker()
        cls.made = cls.maker.make(SEEDS, SIDE)

    def test_areas_and_boxes_are_those_of_the_owner_map(self):
        width = 1 + max(len(things) for things in self.made.things)
        boxes = thing_boxes(self.made.owner, width)
        seen = 0
        for b, things in enumerate(self.made.things):
            for k, thing in enumerate(things):
                mask = self.made.owner[b] == k + 1
                self.assertEqual(int(mask.sum()), thing.area)
                self.assertLessEqual(thing.area, thing.full)
                if not thing.area:
                    self.assertEqual(boxes[b, k + 1].tolist(), [0, 0, 0, 0])
                    continue
                seen += 1
                ys, xs = mask.nonzero().T
                own = torch.tensor([xs.min(), ys.min(), xs.max() + 1, ys.max() + 1]) / SIDE
                self.assertTrue(torch.allclose(boxes[b, k + 1], own))
        self.assertGreater(seen, 15)

    def test_masks_lie_in_their_boxes_and_keep_their_area(self):
        batch = make_batch(self.maker, Text(), SEEDS, SIDE, 3)
        side = SIDE // PATCH * 4
        centres = (torch.arange(side) + 0.5) / side
        for p, g in batch.valid.nonzero().tolist():
            mask, box = batch.masks[batch.mask_of[p, g]], batch.boxes[p, g]
            ys, xs = (mask > 0.5).nonzero().T
            if len(xs):
                slack = 1 / side
                self.assertGreaterEqual(float(centres[xs].min()), float(box[0] - box[2] / 2) - slack)
                self.assertLessEqual(float(centres[ys].max()), float(box[1] + box[3] / 2) + slack)
            self.assertLessEqual(float(mask.mean()), float(box[2] * box[3]) + 0.05)

    def test_pooled_masks_average_the_owner_map(self):
        owner = torch.zeros(1, 28, 28, dtype=torch.long)
        owner[0, :14, :7] = 3
        mask = pooled_masks(owner, [0], [3], 4)
        self.assertEqual(mask[0].tolist(), [[1, 0, 0, 0], [1, 0, 0, 0], [0] * 4, [0] * 4])

    def test_a_token_shows_a_thing_rather_than_the_backdrop(self):
        owner = torch.zeros(1, 28, 28, dtype=torch.long)
        owner[0, 9:12, 9:12] = 2
        self.assertEqual(token_owners(owner)[0].tolist(), [[2, 0], [0, 0]])

    def test_the_same_seeds_give_the_same_scenes(self):
        again = small_maker().make(SEEDS, SIDE)
        self.assertTrue(torch.equal(again.owner, self.made.owner))
        self.assertTrue(torch.equal(again.pictures, self.made.pictures))

    def test_a_picture_does_not_depend_on_its_neighbours(self):
        alone = self.maker.make(SEEDS[3:4], SIDE)
        self.assertTrue(torch.equal(alone.owner[0], self.made.owner[3]))

    def test_a_thing_is_where_the_plan_puts_it(self):
        plan = self.maker.planner.plan(random.Random(0))
        plan.backdrop = self.maker.backdrops.rows_of_kind["plain"][0]
        matrix = undone([[0.5, 0.0], [0.0, 0.25]], [0.5, -0.5])
        plan.layers = [Layer(self.maker.sprites.solid_row, 0.35, matrix, [1.0, 0.0, 0.0], 1)]
        plan.identities = [shape_identity("square", "red")]
        made = self.maker.drawn([plan], 80, "x")
        box = thing_boxes(made.owner, 2)[0, 1]
        self.assertTrue(torch.allclose(box, torch.tensor([0.5, 0.125, 1.0, 0.375]), atol=0.02))
        self.assertTrue(torch.allclose(centred(box), torch.tensor([0.75, 0.25, 0.5, 0.25]), atol=0.02))

    def test_a_flipped_window_flips_picture_and_owners(self):
        plan = Planner(self.maker.sprites, self.bars()).plan(random.Random(1))
        plan.window, plan.layers, plan.gain, plan.offset = [-1.0, 0.0, 0.0, 0.0, 1.0, 0.0], [], 1.0, 0.0
        plan.camera.update(blur=0, motion=0, noise=0, gain=1.0, offset=0.0)
        made = SceneMaker(self.maker.sprites, self.bars()).drawn([plan], 64, "x")
        self.assertEqual(made.owner[0, 10, 5], 2)
        self.assertGreater(float(made.pictures[0, 2, 10, 5]), 0.9)

    @staticmethod
    def bars():
        """One backdrop, its left half red and the first instance, its right half blue and the second."""
        picture, owner = np.zeros((64, 64, 3), np.uint8), np.ones((64, 64), np.uint8)
        picture[:, :32, 0], picture[:, 32:, 2], owner[:, 32:] = 255, 255, 2
        identities = [bar_identity("red", False), bar_identity("blue", False)]
        return BackdropBank([Backdrop("bars", picture, owner, identities)])


class Compression(unittest.TestCase):
    """JPEG on the device."""

    def test_it_is_near_to_a_real_one(self):
        made = small_maker().make(SEEDS[:4], 84).pictures
        for quality, most in ((90, 0.01), (30, 0.02)):
            own = compressed(made, [quality] * 4)
            for picture, mine in zip(made, own, strict=True):
                array = (picture.permute(1, 2, 0) * 255).round().byte().numpy()
                file = io.BytesIO()
                Image.fromarray(array).save(file, "JPEG", quality=quality, subsampling=0)
                real = torch.from_numpy(np.array(Image.open(file))).permute(2, 0, 1) / 255
                self.assertLess(float((mine - real).abs().mean()), most)

    def test_less_quality_is_farther_away(self):
        made = small_maker().make(SEEDS[:4], 84).pictures
        far, near = ((compressed(made, [q] * 4) - made).abs().mean() for q in (20, 95))
        self.assertGreater(far, 2 * near)
        self.assertLess(float(near), 0.02)


class Questions(unittest.TestCase):
    """What phrases mean."""

    def asker(self, *things, is_open=False):
        return Asker(random.Random(0), list(things), is_open, 48)

    def test_right_and_ambiguous_phrases(self):
        red = Thing(shape_identity("square", "red"), 100, 100)
        blue = Thing(shape_identity("circle", "blue"), 100, 100)
        asker = self.asker(red, blue)
        self.assertEqual(asker.meant("red square"), [0])
        self.assertEqual(asker.meant("shape"), [0, 1])
        self.assertEqual(asker.meant("green square"), [])
        self.assertIsNone(asker.meant("diamond"))

    def test_what_is_hardly_seen_makes_a_phrase_ambiguous(self):
        hidden = Thing(shape_identity("square", "red"), 5, 100)
        self.assertIsNone(self.asker(hidden).meant("square"))
        self.assertEqual(self.asker(Thing(hidden.identity, 0, 100)).meant("square"), [])

    def test_photographs_show_things_that_nobody_labelled(self):
        asker = self.asker(Thing(shape_identity("star", "red"), 100, 100), is_open=True)
        self.assertIsNone(asker.meant("red"))
        self.assertIsNone(asker.meant("object"))
        self.assertEqual(asker.meant("red star"), [0])
        self.assertEqual(asker.meant("person"), [])
        self.assertEqual(asker.meant(UNKNOWN), [])

    def test_large_and_small_want_a_clear_difference(self):
        identity = shape_identity("square", "red")
        clear = self.asker(Thing(identity, 900, 900), Thing(identity, 100, 100))
        found = [q for q in (clear.sized() for _ in range(40)) if q]
        self.assertTrue(found)
        for question in found:
            self.assertEqual(question.targets, [0] if question.phrase.split()[0] in ("large", "big") else [1])
        near = self.asker(Thing(identity, 150, 150), Thing(identity, 100, 100))
        self.assertFalse(any(near.sized() for _ in range(40)))

    def test_exemplars_point_at_what_is_meant(self):
        red = Thing(shape_identity("square", "red"), 100, 100)
        blue = Thing(shape_identity("circle", "blue"), 100, 100)
        asker = self.asker(red, blue, red)
        for question in asker.questions(3) * 40:
            asked = asker.with_exemplars(question)
            self.assertLessEqual(len(asked.exemplars), 3)
            for index, is_positive in asked.exemplars:
                self.assertEqual(is_positive, index in asked.targets)

    def test_every_phrase_for_photographs_is_known(self):
        self.assertLessEqual({p for p in DECIDABLE_IN_PHOTOGRAPHS if " " not in p}, set(all_phrases()))

    def test_a_table_survives_compacting_and_spreading(self):
        text = Text()
        table = torch.zeros(49408, 3) + torch.tensor([0.5, 1.0, 2.0])
        table[torch.tensor(text.ids)] = torch.randn(text.count, 3)
        self.assertTrue(torch.equal(spread(compacted(table, text), text.ids), table))


if __name__ == "__main__":
    unittest.main()
