"""Weights, pictures and inputs from a counter hash, so that no fixture has to store them.

Every value depends on two things only: the name of its tensor and its flat index in row-major order. A second
implementation in another language gives the same bits, because each step is either integer arithmetic modulo 2^64 or a
single, correctly rounded float32 operation:

1.  seed  = FNV-1a 64 over the UTF-8 bytes of the name: h = 0xcbf29ce484222325; per byte h = (h ^ byte) * 0x100000001b3
2.  z     = seed + (index + 1) * 0x9e3779b97f4a7c15
    z     = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9
    z     = (z ^ (z >> 27)) * 0x94d049bb133111eb
    hash  = z ^ (z >> 31)                                   (splitmix64; all of it modulo 2^64)
3.  unit  = ((hash >> 40) as float32) / 2^23 - 1            (both exact; -1 <= unit < 1)
4.  value = offset + unit * scale                           (float32: first the product is rounded, then the sum; not
                                                             fused; the sum is left out where offset is 0)
    scale = float32(sqrt(3) * std)                          (stored as a number in cases.json: take it from there)

`RULES` gives offset and std; the first rule that matches a tensor holds (its name contains and ends with the given
texts, its rank lies within the bounds). Overrides of a case are applied afterwards.
"""

import math

import numpy as np
import torch

GOLDEN_GAMMA = np.uint64(0x9E3779B97F4A7C15)

# Chosen so that scores spread around the threshold, boxes differ in size, some reference points reach the ends of the
# inverse sigmoid, masks are neither empty nor full, and rounding is not amplified from block to block.
RULES = [
    # Random frequencies of points; only the tracker has them.
    {"contains": "positional_embedding", "ends_with": "", "least_rank": 2, "most_rank": 2, "offset": 0.0, "std": 1.0},
    {"contains": "position_embeddings", "ends_with": "", "least_rank": 2, "most_rank": 4, "offset": 0.0, "std": 1.0},
    {"contains": "query_embed", "ends_with": "", "least_rank": 2, "most_rank": 4, "offset": 0.0, "std": 1.0},
    {"contains": "reference_points", "ends_with": "", "least_rank": 2, "most_rank": 4, "offset": 0.0, "std": 4.5},
    {"contains": "query_proj", "ends_with": "", "least_rank": 2, "most_rank": 4, "offset": 0.0, "std": 0.25},
    {"contains": "box_head.layer3", "ends_with": "", "least_rank": 2, "most_rank": 4, "offset": 0.0, "std": 0.06},
    {"contains": "proj2", "ends_with": "", "least_rank": 2, "most_rank": 4, "offset": 0.0, "std": 0.03},
    {"contains": "instance_projection", "ends_with": "", "least_rank": 2, "most_rank": 4, "offset": 0.0, "std": 0.03},
    {"contains": "boxes_pool_project", "ends_with": "", "least_rank": 2, "most_rank": 4, "offset": 0.0, "std": 0.015},
    {"contains": "", "ends_with": "", "least_rank": 2, "most_rank": 4, "offset": 0.0, "std": 0.12},
    {"contains": "norm", "ends_with": "weight", "least_rank": 0, "most_rank": 1, "offset": 1.0, "std": 0.1},
    {"contains": "", "ends_with": "", "least_rank": 0, "most_rank": 1, "offset": 0.0, "std": 0.1},
]

# (name, rank, or None for an input: offset 0 and scale 1; index)
CHECKED = [
    ("a", None, 0),
    ("input.pixel_values", None, 1000),
    ("vision_encoder.backbone.layer_norm.weight", 1, 7),
    ("vision_encoder.backbone.embeddings.position_embeddings", 3, 100),
    ("vision_encoder.backbone.layers.0.attention.q_proj.weight", 2, 4095),
    ("detr_decoder.presence_head.layer1.bias", 1, 5),
]


def fnv1a_64(name: str) -> int:
    """The seed of a tensor: FNV-1a, 64 bits, over the UTF-8 bytes of its name."""
    seed = 0xCBF29CE484222325
    for byte in name.encode("utf-8"):
        seed = ((seed ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return seed


def hashes(name: str, count: int) -> np.ndarray:
    """The first `count` 64-bit hashes of a tensor."""
    counter = np.arange(1, count + 1, dtype=np.uint64)
    z = np.uint64(fnv1a_64(name)) + counter * GOLDEN_GAMMA
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def values(name: str, count: int, offset: float = 0.0, scale: float = 1.0) -> np.ndarray:
    """The first `count` float32 values of a tensor, uniform in offset ± scale."""
    unit = (hashes(name, count) >> np.uint64(40)).astype(np.float32) / np.float32(2**23) - np.float32(1)
    product = unit * np.float32(scale)
    return product if offset == 0.0 else np.float32(offset) + product


def scale_of(std: float) -> float:
    """Half the width of the uniform distribution with this standard deviation, rounded to float32."""
    return float(np.float32(math.sqrt(3.0) * std))


def rule_of(name: str, rank: int) -> dict:
    """The first rule that matches a tensor."""
    for rule in RULES:
        named = rule["contains"] in name and name.endswith(rule["ends_with"])
        if named and rule["least_rank"] <= rank <= rule["most_rank"]:
            return rule
    raise ValueError(f"no weight rule matches {name} of rank {rank}")


def fill(model: torch.nn.Module, overrides: dict[str, float]) -> None:
    """Gives every tensor of the model's state its hashed value, then sets the overridden tensors to a constant."""
    state = model.state_dict()
    with torch.no_grad():
        for name, tensor in state.items():
            rule = rule_of(name, tensor.dim())
            flat = values(name, tensor.numel(), rule["offset"], scale_of(rule["std"]))
            tensor.copy_(torch.from_numpy(flat).reshape(tensor.shape))
        for name, constant in overrides.items():
            state[name].fill_(constant)


def pixel_values(batch: int, size: int) -> torch.Tensor:
    """Normalised pictures: [B, 3, size, size], uniform in [-1, 1). Shape decides only where the counter stops."""
    flat = values("input.pixel_values", batch * 3 * size * size)
    return torch.from_numpy(flat).reshape(batch, 3, size, size)


def picture(width: int, height: int) -> np.ndarray:
    """A picture for the resize cases: [height, width, 3] uint8, a smooth gradient and noise, integer arithmetic only.

    red = 191 x / (w - 1), green = 191 y / (h - 1), blue = 191 (x + y) / (w + h - 2), rounded down, a divisor of 0
    taken as 1; to each the top 6 bits of hash `(y w + x) 3 + channel` of the tensor "picture.{w}x{h}" are added.
    """
    y, x = np.mgrid[0:height, 0:width]
    red = 191 * x // max(width - 1, 1)
    green = 191 * y // max(height - 1, 1)
    blue = 191 * (x + y) // max(width + height - 2, 1)
    noise = hashes(f"picture.{width}x{height}", width * height * 3) >> np.uint64(58)
    return np.stack([red, green, blue], axis=-1).astype(np.uint8) + noise.astype(np.uint8).reshape(height, width, 3)


def rules_for_json() -> list[dict]:
    """The rules with their float32 scale beside the std."""
    return [rule | {"scale": scale_of(rule["std"])} for rule in RULES]


def check_values() -> list[dict]:
    """A few values with every step between name and value, for the other implementation to test itself."""
    checks = []
    for name, rank, index in CHECKED:
        rule = {"offset": 0.0} if rank is None else rule_of(name, rank)
        scale = 1.0 if rank is None else scale_of(rule["std"])
        value = values(name, index + 1, rule["offset"], scale)[index]
        checks.append(
            {
                "name": name,
                "rank": rank,
                "index": index,
                "seed": f"{fnv1a_64(name):016x}",
                "hash": f"{int(hashes(name, index + 1)[index]):016x}",
                "offset": rule["offset"],
                "scale": scale,
                "value": float(value),
                "bits": f"{int(value.view(np.uint32)):08x}",
            }
        )
    return checks
