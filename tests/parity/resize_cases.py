"""What torchvision's antialiased uint8 resize makes of pictures from the counter hash."""

import torch
from torchvision.transforms import InterpolationMode, v2
from transformers import Sam3ImageProcessor

import weights

# (width, height, side of the square it becomes)
SIZES = [
    (320, 240, 112),
    (640, 360, 252),
    (57, 43, 112),
    (33, 91, 112),
    (1001, 17, 112),
    (112, 112, 112),
    (300, 1, 112),
    (1, 64, 112),
    (1, 1, 112),
    (16, 16, 112),
    (16, 16, 252),
]


def name_of(width: int, height: int, side: int) -> str:
    """The key of a resized picture."""
    return f"{width}x{height}_to_{side}"


def resized(width: int, height: int, side: int) -> torch.Tensor:
    """[3, side, side] uint8, checked to be what transformers' processor sees before it scales to -1..1."""
    picture = torch.from_numpy(weights.picture(width, height)).permute(2, 0, 1)
    out = v2.Resize([side, side], interpolation=InterpolationMode.BILINEAR, antialias=True)(picture)
    processor = Sam3ImageProcessor(size={"height": side, "width": side})
    pixel_values = processor(picture, return_tensors="pt")["pixel_values"][0]
    if not torch.equal(((pixel_values + 1) * 127.5).round().to(torch.uint8), out):
        raise ValueError(f"transformers resizes {width}x{height} to {side} in another way than torchvision v2")
    return out.contiguous()


def run() -> dict[str, torch.Tensor]:
    """Every resized picture by its key."""
    return {name_of(*size): resized(*size) for size in SIZES}


def entries() -> list[dict]:
    """The cases as cases.json lists them."""
    return [{"width": w, "height": h, "side": side, "key": name_of(w, h, side)} for w, h, side in SIZES]
