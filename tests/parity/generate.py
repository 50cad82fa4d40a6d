"""Writes the parity fixtures: configs/, data/ and cases.json beside this file. See README.md."""

import argparse
import json
import sys
from pathlib import Path

import torch
import torchvision
import transformers
from safetensors.torch import save_file

import capture
import configs
import exemplar_cases
import image_cases
import official_cases
import resize_cases
import token_cases
import trained_cases
import trained_tracker_cases
import weights

HERE = Path(__file__).resolve().parent
PINNED = {"torch": "2.11.0", "torchvision": "0.26.0", "transformers": "5.17.0"}
FULL_ELEMENTS = 16_384
STRIDED_ELEMENTS = 8_192
MOST_BYTES = 6_500_000


def stride_of(shape: torch.Size) -> int:
    """1 for small tensors, else the first prime that leaves few elements and divides no dimension."""
    count = shape.numel()
    if count <= FULL_ELEMENTS:
        return 1
    stride = -(-count // STRIDED_ELEMENTS)
    while any(stride % d == 0 for d in range(2, int(stride**0.5) + 1)) or any(size % stride == 0 for size in shape):
        stride += 1
    return stride


def stored(tensor: torch.Tensor) -> torch.Tensor:
    """The flat elements that go into the file: 0, stride, 2 stride, …"""
    return tensor.contiguous().flatten()[:: stride_of(tensor.shape)].clone()


def tensor_entry(name: str, tensor: torch.Tensor) -> dict:
    """How cases.json describes a stored tensor."""
    entry = {"shape": list(tensor.shape), "stride": stride_of(tensor.shape), "group": capture.group_of(name)}
    return entry | ({"rows": capture.ROWS[name]} if name in capture.ROWS else {})


def write_image_case(case: dict) -> dict:
    """Runs one case on hashed weights, writes its data file and gives its entry."""
    inputs, kept, shape = image_cases.run(case)
    print(image_cases.check_usefulness(case, kept))
    data = f"data/{case['name']}.safetensors"
    names = {"input_boxes": "input.boxes", "input_boxes_labels": "input.box_labels"}
    tensors = {names.get(name, f"input.{name}"): tensor for name, tensor in inputs.items()}
    geometry_mask = kept.pop("geometry_encoder.mask", None)
    if geometry_mask is not None:
        tensors["geometry_encoder.mask"] = geometry_mask
    save_file(tensors | {name: stored(tensor) for name, tensor in kept.items()}, HERE / data)
    return {
        "name": case["name"],
        "what": case["what"],
        "config": f"configs/{case['config']}.json",
        "image_size": case.get("image_size"),
        "overrides": image_cases.overrides_of(case),
        "geometry_token": case["geometry_token"],
        "pixel_values_shape": shape,
        "data": data,
        "tensors": {name: tensor_entry(name, tensor) for name, tensor in sorted(kept.items())},
    }


def write_exemplars(model_dir: Path, pictures_dir: Path) -> dict:
    """Runs the cases with exemplar boxes, writes their data file and gives their entry."""
    cases, tensors = exemplar_cases.run(model_dir, pictures_dir)
    save_file(tensors, HERE / "data/exemplars.safetensors")
    return {
        "threshold": trained_cases.THRESHOLD,
        "score_max_abs": 1e-3,
        "box_max_abs": 2e-3,
        "mask_least_iou": 0.995,
        "pixel_stride": trained_cases.PIXEL_STRIDE,
        "data": "data/exemplars.safetensors",
        "cases": cases,
    }


def write_all(model_dir: Path, pictures_dir: Path) -> None:
    """Every fixture."""
    for folder in ("configs", "data"):
        (HERE / folder).mkdir(exist_ok=True)
    for name in configs.CONFIGS:
        (HERE / f"configs/{name}.json").write_text(configs.config(name).to_json_string())
    image = [write_image_case(case) for case in image_cases.CASES]
    save_file(resize_cases.run(), HERE / "data/resize.safetensors")
    trained, tensors = trained_cases.run(model_dir, pictures_dir)
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, HERE / "data/trained.safetensors")
    followed = trained_tracker_cases.run(model_dir, pictures_dir)
    save_file(followed, HERE / "data/trained_tracker.safetensors")
    exemplars = write_exemplars(model_dir, pictures_dir)
    tokens = ",\n".join(json.dumps(case) for case in token_cases.run(model_dir))
    (HERE / "data/tokens.json").write_text(f"[\n{tokens}\n]\n")
    (HERE / "data/official_names.json").write_text(json.dumps(official_cases.name_lists(), separators=(",", ":")))
    official_cases.write(HERE / "data/official.pt")
    cases = {
        "made_with": PINNED,
        "weight_rules": weights.rules_for_json(),
        "hash_checks": weights.check_values(),
        "picture_checks": picture_checks(),
        "tolerances": capture.TOLERANCES,
        "image": image,
        "resize": {
            "data": "data/resize.safetensors",
            "max_levels_with_avx2": 0,
            "max_levels": 1,
            "cases": resize_cases.entries(),
        },
        "tokens": "data/tokens.json",
        "trained": {
            "threshold": trained_cases.THRESHOLD,
            "score_max_abs": 1e-3,
            "box_max_abs": 2e-3,
            "mask_least_iou": 0.995,
            "pixel_stride": trained_cases.PIXEL_STRIDE,
            "data": "data/trained.safetensors",
            "cases": trained,
        },
        "exemplars": exemplars,
    }
    (HERE / "cases.json").write_text(json.dumps(cases, indent=1) + "\n")
    check_size()


def picture_checks() -> list[dict]:
    """A few pixels of hashed pictures."""
    spots = [(57, 43, 10, 20), (16, 16, 15, 15), (300, 1, 299, 0)]
    return [
        {"width": w, "height": h, "x": x, "y": y, "rgb": weights.picture(w, h)[y, x].tolist()} for w, h, x, y in spots
    ]


def check_size() -> None:
    """Refuses fixtures that would weigh down the repository."""
    written = [HERE / "cases.json", *(HERE / "data").iterdir(), *(HERE / "configs").iterdir()]
    total = sum(path.stat().st_size for path in written)
    print(f"{len(written)} files, {total:,} bytes")
    if total > MOST_BYTES:
        sys.exit(f"the fixtures take more than {MOST_BYTES:,} bytes: raise the strides")


def print_rounding() -> None:
    """How far transformers in float32 is from itself in float64, by group: what the tolerances must allow at least."""
    worst = dict.fromkeys(capture.TOLERANCES, (0.0, ""))
    for case in image_cases.CASES:
        inputs, single, _ = image_cases.run(case)
        double = image_cases.run(case, torch.float64)[1]
        for name in single.keys() - {"geometry_encoder.mask"}:
            group = capture.group_of(name)
            is_relative = capture.TOLERANCES[group]["relative_to"] == "rms"
            difference = single[name].double() - double[name]
            if capture.ROWS.get(name) == "attention_mask":
                difference = difference[inputs["attention_mask"].bool()]
            rounding = (difference.abs().max() / (double[name].pow(2).mean().sqrt() if is_relative else 1)).item()
            worst[group] = max(worst[group], (rounding, f"{case['name']} {name}"))
    for group, (rounding, where) in worst.items():
        limit = capture.TOLERANCES[group]["max_abs"]
        print(f"{group:10} rounding {rounding:.1e}  limit {limit:.0e}  ratio {limit / rounding:4.1f}  {where}")


def check_versions() -> None:
    """Refuses other packages than the pinned ones: their results differ in the last bits, or more."""
    modules = {"torch": torch, "torchvision": torchvision, "transformers": transformers}
    for name, pinned in PINNED.items():
        found = modules[name].__version__
        if found.split("+")[0] != pinned:
            sys.exit(f"the fixtures are made with {name} {pinned}, found {found}: pip install {name}=={pinned}")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, default=HERE.parents[1] / "models/sa3-nano", help="the trained model")
    parser.add_argument("--pictures", type=Path, default=HERE / "pictures", help="the pictures of the trained cases")
    parser.add_argument("--rounding", action="store_true", help="write nothing; print how far float32 is from float64")
    args = parser.parse_args()
    check_versions()
    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    print_rounding() if args.rounding else write_all(args.model, args.pictures)


if __name__ == "__main__":
    main()
