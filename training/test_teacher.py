"""What the teacher says, and how well it is repeated."""

import unittest

import torch

from teacher import BLOCKS, CHANNELS, Teacher, teach_loss


class TeacherTest(unittest.TestCase):
    def test_features_lie_at_the_tokens_and_tell_places_apart(self):
        torch.manual_seed(0)
        pixels = torch.rand(2, 3, 84, 84) * 2 - 1
        pixels[:, :, :, :42] = -1  # Black on the left
        with torch.no_grad():
            features = Teacher("cpu")(pixels, 6)
        self.assertEqual(features.shape, (2, 36, CHANNELS))
        self.assertEqual(CHANNELS, sum(BLOCKS.values()))
        spread, mean = torch.std_mean(features, (0, 1))
        self.assertLess(mean.abs().max().item(), 1e-4)
        self.assertLess((spread[spread > 0.5] - 1).abs().max().item(), 0.05)
        square = features.view(2, 6, 6, CHANNELS)
        inside, across = square[:, :, 0] - square[:, :, 1], square[:, :, 0] - square[:, :, 5]
        self.assertLess(inside.norm().item(), across.norm().item())

    def test_what_is_explained_is_one_when_all_is_repeated(self):
        features = torch.randn(2, 9, 8)
        loss, share = teach_loss(torch.nn.Identity(), features, features)
        self.assertEqual((loss.item(), share.item()), (0.0, 1.0))


if __name__ == "__main__":
    unittest.main()
