"""What transformers makes of a few prompts on one picture, at full size: with eager and with sdpa attention, and in bf16.

Written for each input size: `reference-<size>.safetensors` with the inputs (`<case>/input.*`, `input.pixel_values`) and
the outputs of eager attention in float32 (`<case>/<tensor>`, `<tensor>` for those that no prompt changes), and
`reference-<size>.json` with, for each tensor, its group of tolerances, how far sdpa attention is from it (`sdpa`), and how
far transformers' own bfloat16 is (`bf16`). Outputs are stored whole, what lies between as every n-th element.

The picture is encoded once for all prompts of a size. ViT layer norms get the epsilon that the release was trained
with, 1e-5; prompts without boxes get a box that its label takes out again, so that the geometry encoder's class token
takes part, as it does in the original model.

    python tests/parity/full_size_reference.py --folder big
"""

import argparse
import json
import sys
import time
from pathlib import Path

import torch
import transformers
from safetensors.torch import save_file
from transformers import AutoTokenizer, Sam3Model

import full_size_checkpoint as checkpoint
import weights
from image_cases import ignored_box

SIZES = [1008, 336]
VIT_EPS = 1e-5
THRESHOLD = 0.5
# Longer than this, what lies between is stored in part.
MOST_ELEMENTS = 200_000

# cx, cy, w, h
CROSSING, INSIDE, SMALL = [0.06, 0.04, 0.30, 0.20], [0.55, 0.60, 0.40, 0.30], [0.33, 0.61, 0.05, 0.08]
CASES = {
    "text": {"texts": ["red circle"]},
    "boxes": {"texts": ["a red car"], "boxes": [[CROSSING, INSIDE, SMALL]], "labels": [[1, 0, 1]]},
    "two_phrases": {"texts": ["dog", "the small blue plastic bucket on the left side of the table"]},
}

# Section of the tolerance table each tensor belongs to; the reader in Rust has the numbers.
GROUPS = {
    "fpn": "vision",
    "text": "text",
    "geometry": "prompt",
    "memory": "prompt",
    "queries": "queries",
    "pixels": "pixels",
    "pred_logits": "scores",
    "presence_logits": "scores",
    "pred_boxes": "scores",
    "pred_masks": "masks",
    "semantic_seg": "masks",
}
OUTPUTS = ("pred_logits", "presence_logits", "pred_boxes", "pred_masks", "semantic_seg")


def log(text: str) -> None:
    """A line with the time."""
    print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)


def load(folder: Path, size: int, attention: str, dtype: torch.dtype) -> Sam3Model:
    """The image model for an input size."""
    config = checkpoint.config(size)
    config.detector_config.vision_config.backbone_config.layer_norm_eps = VIT_EPS
    model = Sam3Model.from_pretrained(folder, config=config, attn_implementation=attention, dtype=dtype)
    return model.eval()


def pixel_values(size: int) -> torch.Tensor:
    """[1, 3, size, size]: gradients with noise, as the model sees a picture."""
    picture = torch.from_numpy(weights.picture(size, size)).permute(2, 0, 1)
    return (picture.float() / 127.5 - 1)[None].contiguous()


def inputs_of(case: dict, folder: Path) -> dict[str, torch.Tensor]:
    """What goes in besides the picture, without the ignored box."""
    tokens = AutoTokenizer.from_pretrained(folder)(case["texts"], padding="longest", return_tensors="pt")
    inputs = {"input_ids": tokens["input_ids"], "attention_mask": tokens["attention_mask"]}
    if "boxes" in case:
        inputs |= {"input_boxes": torch.tensor(case["boxes"]), "input_boxes_labels": torch.tensor(case["labels"])}
    return inputs


class Between:
    """Keeps what a few modules give out, while it is in use."""

    def __init__(self, model: Sam3Model):
        self.kept: dict[str, torch.Tensor] = {}

        def keep(name, pick):
            return lambda module, args, out: self.kept.__setitem__(name, pick(out))

        self.hooks = [
            model.text_projection.register_forward_hook(keep("text", lambda out: out)),
            model.geometry_encoder.register_forward_hook(keep("geometry", lambda out: out.last_hidden_state)),
            model.detr_encoder.register_forward_hook(keep("memory", lambda out: out.last_hidden_state)),
            model.detr_decoder.register_forward_hook(
                keep("queries", lambda out: out.intermediate_hidden_states[-1])
            ),
            model.mask_decoder.pixel_decoder.register_forward_hook(keep("pixels", lambda out: out)),
        ]  # fmt: skip

    def close(self) -> None:
        """Takes the hooks away."""
        for hook in self.hooks:
            hook.remove()


def shared(vision, prompts: int):
    """The features of one picture, for several prompts."""
    def levels(of): return tuple(level.expand(prompts, -1, -1, -1) for level in of)
    return type(vision)(
        fpn_hidden_states=levels(vision.fpn_hidden_states),
        fpn_position_encoding=levels(vision.fpn_position_encoding),
    )  # fmt: skip


def run(model: Sam3Model, size: int, cases: dict[str, dict[str, torch.Tensor]]) -> dict[str, torch.Tensor]:
    """Every tensor of every case in float32, by `<case>/<tensor>`; the vision features without a case."""
    vision = model.get_vision_features(pixel_values(size).to(model.dtype))
    found = {f"fpn.{level}": vision.fpn_hidden_states[level] for level in range(3)}
    between = Between(model)
    for name, inputs in cases.items():
        prompts = len(inputs["input_ids"])
        given = inputs if "input_boxes" in inputs else inputs | ignored_box(prompts)
        given = given | {"input_boxes": given["input_boxes"].to(model.dtype)}
        out = model(vision_embeds=shared(vision, prompts), **given)
        found |= {f"{name}/{tensor}": getattr(out, tensor) for tensor in OUTPUTS}
        found |= {f"{name}/{tensor}": value for tensor, value in between.kept.items()}
    between.close()
    return {name: tensor.float().contiguous() for name, tensor in found.items()}


def group_of(name: str) -> str:
    """Section of the tolerances."""
    return GROUPS[name.split("/")[-1].split(".")[0]]


def counted(name: str, tensor: torch.Tensor, inputs: dict) -> torch.Tensor:
    """The tensor without the rows of padding, where implementations may differ."""
    case, _, what = name.rpartition("/")
    if what == "text":
        return tensor[inputs[case]["attention_mask"].bool()]
    if what == "geometry" and "input_boxes" not in inputs[case]:
        return tensor[:, :1]
    return tensor


def stride_of(name: str, tensor: torch.Tensor) -> int:
    """1 for outputs, else a step that leaves few elements and divides no dimension."""
    if group_of(name) in ("scores", "masks") or tensor.numel() <= MOST_ELEMENTS:
        return 1
    stride = -(-tensor.numel() // MOST_ELEMENTS)
    while any(stride % divisor == 0 for divisor in range(2, int(stride**0.5) + 1)):
        stride += 1
    return stride


def cosine(a: torch.Tensor, b: torch.Tensor) -> float:
    """Of two tensors as vectors."""
    return torch.nn.functional.cosine_similarity(a.flatten().double(), b.flatten().double(), dim=0).item()


def entry(name: str, eager: torch.Tensor, sdpa: torch.Tensor, bf16: torch.Tensor) -> dict:
    """How the json file describes a tensor."""
    return {
        "shape": list(eager.shape),
        "stride": stride_of(name, eager),
        "group": group_of(name),
        "rms": eager.double().pow(2).mean().sqrt().item(),
        "sdpa": (eager - sdpa).abs().max().item(),
        "bf16": (eager - bf16).abs().max().item(),
        "bf16_cosine": cosine(eager, bf16),
    }


def scores_of(found: dict[str, torch.Tensor], case: str) -> torch.Tensor:
    """[B, Q] probabilities."""
    return found[f"{case}/pred_logits"].sigmoid() * found[f"{case}/presence_logits"].sigmoid()


def agreement(case: str, eager: dict[str, torch.Tensor], bf16: dict[str, torch.Tensor]) -> dict:
    """How well transformers in bfloat16 agrees with float32: scores, and masks of queries above the threshold."""
    scores = scores_of(eager, case)
    kept = scores > THRESHOLD
    ours, theirs = (found[f"{case}/pred_masks"][kept] > 0 for found in (eager, bf16))
    both, either = (ours & theirs).sum((-2, -1)), (ours | theirs).sum((-2, -1))
    iou = torch.where(either > 0, both / either, 1.0)
    difference = (scores - scores_of(bf16, case)).abs()
    of_scores = {"score_mean": difference.mean().item(), "score_most": difference.max().item()}
    return of_scores | {"iou_mean": iou.mean().item(), "iou_least": iou.min().item()}


def check_usefulness(name: str, found: dict[str, torch.Tensor]) -> None:
    """Refuses outputs that would hide mistakes: saturated, clamped or all alike."""
    logits, presence = found[f"{name}/pred_logits"], found[f"{name}/presence_logits"]
    boxes, masks = found[f"{name}/pred_boxes"], found[f"{name}/pred_masks"]
    scores, inside = scores_of(found, name), (masks > 0).float().mean((2, 3))
    checks = {
        "scores are clamped": logits.abs().max() < 11.9,
        "scores are all alike": logits.std() > 0.1,
        "no score is above the threshold": (scores > THRESHOLD).any(),
        "presence is clamped": presence.abs().max() < 9.9,
        "boxes are all alike": boxes.std(dim=1).min() > 0.02,
        "masks are empty or full": 0.04 < inside.mean() < 0.96,
    }
    log(f"{name}: {int((scores > THRESHOLD).sum())} of {scores.numel()} scores above the threshold, logits {logits.min():.2f} to "
        f"{logits.max():.2f}, presence {presence.flatten().tolist()}, box sides {boxes.std(dim=1).min():.3f}, "
        f"masks cover {inside.mean():.0%}, mask logits {masks.std():.2f}")  # fmt: skip
    wrong = [what for what, holds in checks.items() if not holds]
    if wrong:
        sys.exit(f"{name}: {', '.join(wrong)}; choose other weights")


def write(root: Path, size: int) -> None:
    """Both files of one input size."""
    fp32, bf16 = root / "hf-fp32", root / "hf-bf16"
    cases = {name: inputs_of(case, fp32) for name, case in CASES.items()}
    log(f"{size} px: eager")
    eager = run(load(fp32, size, "eager", torch.float32), size, cases)
    for name in CASES:
        check_usefulness(name, eager)
    log(f"{size} px: sdpa")
    sdpa = run(load(fp32, size, "sdpa", torch.float32), size, cases)
    log(f"{size} px: sdpa in bf16")
    half = run(load(bf16, size, "sdpa", torch.bfloat16), size, cases)
    entries, stored = {}, {"input.pixel_values": pixel_values(size)}
    for name, inputs in cases.items():
        stored |= {f"{name}/input.{what}": tensor for what, tensor in inputs.items()}
    for name, tensor in eager.items():
        tensors = [counted(name, each[name], cases) for each in (eager, sdpa, half)]
        entries[name] = entry(name, *tensors)
        stored[name] = tensors[0].contiguous().flatten()[:: entries[name]["stride"]].clone()
    save_file(stored, root / f"reference-{size}.safetensors")
    described = {"bf16": {name: agreement(name, eager, half) for name in cases}, "tensors": entries}
    (root / f"reference-{size}.json").write_text(json.dumps(described | {"threshold": THRESHOLD}, indent=1))


def is_current(root: Path, size: int) -> bool:
    """Whether the files are there and no older than weights and this script."""
    made = root / f"reference-{size}.json"
    sources = [root / "hf-fp32/made.json", root / "hf-bf16/made.json", Path(__file__)]
    return made.is_file() and all(made.stat().st_mtime > source.stat().st_mtime for source in sources)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, required=True, help="where the checkpoints are, or will be made")
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="input sizes in pixels")
    parser.add_argument("--again", action="store_true", help="also where the files are there already")
    args = parser.parse_args()
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    checkpoint.make(args.folder, ["hf-fp32", "hf-bf16"])
    for size in args.sizes:
        if args.again or not is_current(args.folder, size):
            with torch.inference_mode():
                write(args.folder, size)


if __name__ == "__main__":
    main()
