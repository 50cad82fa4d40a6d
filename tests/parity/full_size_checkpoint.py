"""A checkpoint of the released SAM 3's size and shape with random weights, in both published layouts.

The weights are drawn per tensor from a generator that the tensor's name seeds, so that the same torch gives the same
file, whichever files are asked for. Their spread keeps activations near one from layer to layer at this width, scores
around the threshold, boxes of many sizes, and masks neither empty nor full (`full_size_reference.py` checks that).

    python tests/parity/full_size_checkpoint.py --folder big hf-bf16 official-fp32

| folder | what |
| --- | --- |
| `hf-fp32`, `hf-bf16` | transformers' names: model.safetensors, 3.4 and 1.7 GB |
| `official-fp32`, `official-bf16` | the original release's names: sam3.pt, without any other file, as it is published |
| `hf-bf16-336` | the same weights as hf-bf16, with a configuration for an input of 336 px |
"""

import argparse
import json
import math
import shutil
from fnmatch import fnmatchcase
from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import Sam3ImageProcessor, Sam3VideoConfig, Sam3VideoModel

import official_cases
from weights import fnv1a_64

TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json")
NANO = Path(__file__).resolve().parents[2] / "models/sa3-nano"
DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}
FOLDERS = ["hf-fp32", "hf-bf16", "official-fp32", "official-bf16"]
SMALL_SIZE = 336
# In made.json: a folder made by another recipe is made again.
RECIPE = 1

# Deviation of a weight matrix: this, over the root of the number of inputs. The first pattern that matches holds. What
# tokens or queries have in common must not drown what tells them apart: hence weak outputs, and sharp attention.
GAINS = {
    "*.neck.*.proj2.weight": 0.2,
    "*.vision_encoder.*": 1.0,
    "*.text_model.*.mlp.fc2.weight": 0.5,
    "*.mlp.fc2.weight": 0.3,
    "*.detr_encoder.*.[qk]_proj.weight": 2.0,
    "*.detr_encoder.*.o_proj.weight": 0.3,
    "*.detr_decoder.layers.*.[qk]_proj.weight": 3.0,
    "*.detr_decoder.layers.*.vision_cross_attn.o_proj.weight": 0.2,
    "*.detr_decoder.layers.*.o_proj.weight": 0.3,
    "*.box_head.layer3.weight": 0.7,
    "*.dot_product_scoring.query_proj.weight": 4.0,
    "*": 1.0,
}
# Deviation of what is looked up or learned as it is, not multiplied with an input.
TABLES = {
    "*.token_embedding.*": 1.0,
    "*.position_embedding*": 0.5,
    "*.query_embed.*": 1.0,
    "*.reference_points.*": 1.5,
    "*.label_embed.*": 1.0,
    "*.cls_embed.*": 1.0,
    "*.presence_token.*": 1.0,
    "*.positional_embedding": 1.0,
}
# What the biases of these layers get on top: something is found, and boxes stay below full size.
OFFSETS = {"*.presence_head.layer3.bias": 3.0, "*.detr_decoder.box_head.layer3.bias": -0.5}
# transformers keeps one tensor twice.
COPIES = {
    "tracker_model.shared_image_embedding.positional_embedding":
        "tracker_model.prompt_encoder.shared_embedding.positional_embedding",
}  # fmt: skip


def first_of(table: dict[str, float], name: str) -> float | None:
    """The entry of the first pattern that matches."""
    return next((value for pattern, value in table.items() if fnmatchcase(name, pattern)), None)


def inputs_of(name: str, shape: torch.Size) -> int:
    """How many products are summed for one output."""
    is_transposed = "scale_layers" in name or "upscale_conv" in name
    return shape[0] if is_transposed else math.prod(shape[1:])


def weight(name: str, shape: torch.Size) -> torch.Tensor:
    """One tensor, from its name and shape alone."""
    source = COPIES.get(name, name)
    noise = torch.randn(shape, generator=torch.Generator().manual_seed(fnv1a_64(source) >> 1))
    if (table := first_of(TABLES, source)) is not None:
        return noise.mul_(table)
    if len(shape) >= 2:
        return noise.mul_(first_of(GAINS, name) / math.sqrt(inputs_of(name, shape)))
    offset = 1.0 if "norm" in name and name.endswith("weight") else first_of(OFFSETS, name) or 0.0
    return noise.mul_(0.1).add_(offset)


def config(image_size: int | None = None) -> Sam3VideoConfig:
    """The released configuration, or the same for another input size."""
    published = Sam3VideoConfig()
    if image_size is None:
        return published
    detector = published.detector_config.to_dict()
    grid = image_size // detector["vision_config"]["backbone_config"]["patch_size"]
    detector["vision_config"]["backbone_config"]["image_size"] = image_size
    detector["vision_config"]["backbone_feature_sizes"] = [[grid * 4] * 2, [grid * 2] * 2, [grid] * 2]
    return Sam3VideoConfig(detector_config=detector, tracker_config=published.tracker_config.to_dict())


def state() -> dict[str, torch.Tensor]:
    """Every tensor of transformers' video model, in float32."""
    with torch.device("meta"):
        model = Sam3VideoModel(config())
    return {name: weight(name, tensor.shape) for name, tensor in model.state_dict().items()}


def write_companions(folder: Path, image_size: int | None) -> None:
    """Configuration, tokenizer and picture processor, as published beside model.safetensors."""
    config(image_size).save_pretrained(folder)
    size = image_size or config().detector_config.image_size
    Sam3ImageProcessor(size={"height": size, "width": size}).save_pretrained(folder)
    for file in TOKENIZER_FILES:
        shutil.copy(NANO / file, folder / file)


def write(folder: Path, tensors: dict[str, torch.Tensor]) -> None:
    """One of FOLDERS."""
    layout, precision = folder.name.split("-")
    tensors = {name: tensor.to(DTYPES[precision]) for name, tensor in tensors.items()}
    folder.mkdir(parents=True, exist_ok=True)
    if layout == "official":
        torch.save(official_cases.official_state(tensors), folder / "sam3.pt")
        return
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    write_companions(folder, None)
    if precision == "bf16":
        small = folder.with_name(f"{folder.name}-{SMALL_SIZE}")
        small.mkdir(exist_ok=True)
        write_companions(small, SMALL_SIZE)
        link = small / "model.safetensors"
        link.unlink(missing_ok=True)
        link.symlink_to(f"../{folder.name}/model.safetensors")


def is_made(folder: Path) -> bool:
    """Whether the folder is complete and of this recipe."""
    made = folder / "made.json"
    return made.is_file() and json.loads(made.read_text())["recipe"] == RECIPE


def make(root: Path, wanted: list[str]) -> None:
    """Writes what is missing of the wanted folders."""
    missing = [name for name in wanted if not is_made(root / name)]
    if not missing:
        return
    tensors = state()
    detector = sum(tensor.numel() for name, tensor in tensors.items() if name.startswith("detector_model."))
    for name in missing:
        (root / name / "made.json").unlink(missing_ok=True)
        write(root / name, tensors)
        bytes_each = DTYPES[name.split("-")[1]].itemsize
        made = {"recipe": RECIPE, "parameters": sum(tensor.numel() for tensor in tensors.values()),
                "image_model_bytes": detector * bytes_each}  # fmt: skip
        (root / name / "made.json").write_text(json.dumps(made))
        print(f"made {root / name}: {made['parameters']:,} parameters")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, required=True, help="where the folders go")
    parser.add_argument("wanted", nargs="+", choices=FOLDERS, help="which folders")
    args = parser.parse_args()
    make(args.folder, args.wanted)


if __name__ == "__main__":
    main()
