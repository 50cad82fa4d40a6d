"""What a camera does to pictures: blur, motion blur, exposure, noise, JPEG. Imported by scenes.py; no step by
itself."""

import torch
import torch.nn.functional as F

from jpeg import compressed

# Pixels of a blur's kernel to each side of its middle.
REACH = 3


def exposed(pictures, cameras, generator):
    """Pictures [B, 3, S, S] from 0 to 1 as the cameras (dictionaries of planner.camera) see them."""
    device = pictures.device
    blurred = [b for b, camera in enumerate(cameras) if camera["blur"] or camera["motion"]]
    if blurred:
        pictures[blurred] = filtered(pictures[blurred], [cameras[b] for b in blurred])

    def column(name):
        return torch.tensor([float(camera[name]) for camera in cameras], device=device).view(-1, 1, 1, 1)

    pictures = pictures * column("gain") + column("offset")
    noisy = [b for b, camera in enumerate(cameras) if camera["noise"]]
    if noisy:
        noise = torch.randn(len(noisy), *pictures.shape[1:], device=device, generator=generator)
        noise = torch.where(column("is_gray")[noisy] > 0, noise[:, :1], noise)
        pictures[noisy] = pictures[noisy] + noise * column("noise")[noisy]
    pictures = pictures.clamp_(0, 1)
    packed = [b for b, camera in enumerate(cameras) if camera["quality"]]
    if packed:
        pictures[packed] = compressed(pictures[packed], [cameras[b]["quality"] for b in packed])
    return pictures


def filtered(pictures, cameras):
    """Blurred across, then down, by kernels of each picture."""
    device = pictures.device
    offsets = torch.arange(-REACH, REACH + 1)
    across, down = [], []
    for camera in cameras:
        still = (offsets == 0).float()
        if camera["blur"]:
            moved = torch.exp(-0.5 * (offsets / camera["blur"]) ** 2)
            still = moved
        else:
            moved = (offsets.abs() <= camera["motion"] // 2).float()
        first, second = (still, moved) if camera["is_upright"] else (moved, still)
        across.append(first / first.sum())
        down.append(second / second.sum())
    count, channels, side = pictures.shape[:3]
    flat = pictures.reshape(1, count * channels, side, side)

    def kernels(rows, shape):
        return torch.stack(rows).repeat_interleave(channels, 0).view(-1, 1, *shape).to(device)

    groups, length = count * channels, 2 * REACH + 1
    flat = F.conv2d(F.pad(flat, (REACH, REACH, 0, 0), "replicate"), kernels(across, (1, length)), groups=groups)
    flat = F.conv2d(F.pad(flat, (0, 0, REACH, REACH), "replicate"), kernels(down, (length, 1)), groups=groups)
    return flat.view(pictures.shape)
