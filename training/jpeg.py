"""What JPEG does to pictures, on any device: blocks of 8 x 8 pixels, rounded in the cosine transform. Imported by
camera.py; no step by itself. Colours are not reduced in size, as some cameras do."""

import math

import torch
import torch.nn.functional as F

BLOCK = 8
# The standard's examples of steps, for brightness and for colour.
BRIGHTNESS_STEPS = """16 11 10 16 24 40 51 61 12 12 14 19 26 58 60 55 14 13 16 24 40 57 69 56 14 17 22 29 51 87 80 62
18 22 37 56 68 109 103 77 24 35 55 64 81 104 113 92 49 64 78 87 103 121 120 101 72 92 95 98 112 100 103 99"""
COLOUR_STEPS = """17 18 24 47 99 99 99 99 18 21 26 66 99 99 99 99 24 26 56 99 99 99 99 99 47 66 99 99 99 99 99 99
99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99"""
# RGB to brightness and two colour differences.
TO_YCC = [[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]]


def cosines(device):
    """The orthonormal cosine transform of a block's line, [8, 8]."""
    k = torch.arange(BLOCK, device=device, dtype=torch.float32)
    rows = torch.cos(math.pi / BLOCK * (k[None] + 0.5) * k[:, None]) * math.sqrt(2 / BLOCK)
    rows[0] /= math.sqrt(2)
    return rows


def steps(qualities, device):
    """Rounding steps by quality (1 to 100), [N, 3, 1, 1, 8, 8]."""
    tables = [[float(x) for x in text.split()] for text in (BRIGHTNESS_STEPS, COLOUR_STEPS, COLOUR_STEPS)]
    base = torch.tensor(tables, device=device).view(1, 3, 1, 1, BLOCK, BLOCK)
    scale = [50 / q if q < 50 else 2 - q / 50 for q in qualities]
    return (base * torch.tensor(scale, device=device).view(-1, 1, 1, 1, 1, 1)).round().clamp(1, 255)


def compressed(pictures, qualities):
    """Pictures [N, 3, S, S] from 0 to 1 after JPEG of these qualities."""
    device, side = pictures.device, pictures.shape[-1]
    to_ycc = torch.tensor(TO_YCC, device=device)
    rest = -side % BLOCK
    ycc = torch.einsum("ij,njhw->nihw", to_ycc, F.pad(pictures * 255, (0, rest, 0, rest), "replicate"))
    ycc[:, 0] -= 128
    blocks = ycc.unflatten(3, (-1, BLOCK)).unflatten(2, (-1, BLOCK)).transpose(3, 4)
    transform, step = cosines(device), steps(qualities, device)
    rounded = ((transform @ blocks @ transform.T) / step).round() * step
    ycc = (transform.T @ rounded @ transform).transpose(3, 4).flatten(4, 5).flatten(2, 3)
    ycc[:, 0] += 128
    rgb = torch.einsum("ij,njhw->nihw", torch.linalg.inv(to_ycc), ycc)
    return (rgb[..., :side, :side] / 255).clamp(0, 1)
