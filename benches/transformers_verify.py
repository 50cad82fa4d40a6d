"""Compares what sa3 found in pictures with what transformers finds, with the same weights.

`cargo xtask verify` runs this. It reads found.json and masks.bin in the folder --ours, runs the model on the same pictures
and phrases in fp32, and prints a line for each. Each object of ours is compared with the query of transformers whose mask is
nearest; each object of transformers must have one of ours. Near the threshold an object may be on one side alone.

Exit code: 0 agreement, 1 difference, 2 anything else.
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np
import torch
import transformers
from PIL import Image
from transformers import Sam3Model, Sam3Processor

# The label that takes a box out again: with such a box the geometry encoder's token is part of a text prompt, as in the
# original release; without any box transformers leaves it out.
PADDING_LABEL = -10


class Reference:
    """transformers' model with the semantics of the checkpoint."""

    def __init__(self, folder: Path, told: dict):
        self.model = Sam3Model.from_pretrained(folder, dtype=torch.float32).eval()
        for module in self.model.vision_encoder.backbone.modules():
            if isinstance(module, torch.nn.LayerNorm):
                module.eps = told["vision_layer_norm_eps"]
        self.processor = Sam3Processor.from_pretrained(folder)
        self.has_geometry_token = told["geometry_token"]

    def find(self, picture: Image.Image, prompt: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """[Q] scores, [Q, 4] boxes from 0 to 1, [Q, h, w] masks of all queries."""
        inputs = self.processor(images=picture, text=prompt, return_tensors="pt")
        inputs = {name: inputs[name] for name in ("pixel_values", "input_ids", "attention_mask")}
        if self.has_geometry_token:
            inputs["input_boxes"] = torch.tensor([[[0.5, 0.5, 0.2, 0.2]]])
            inputs["input_boxes_labels"] = torch.full((1, 1), PADDING_LABEL)
        with torch.inference_mode():
            out = self.model(**inputs)
        scores = out.pred_logits[0].sigmoid() * out.presence_logits[0].sigmoid()
        return scores.numpy(), out.pred_boxes[0].numpy(), (out.pred_masks[0] >= 0).numpy()


def ious(mask: np.ndarray, others: np.ndarray) -> np.ndarray:
    """[n] IoU of one mask with each of n; two empty masks are equal."""
    if not len(others):
        return np.zeros(0)
    both = (mask & others).sum((1, 2))
    either = (mask | others).sum((1, 2))
    return np.where(either > 0, both / np.maximum(either, 1), 1.0)


def compare(case: dict, masks: bytes, found: tuple, told: dict) -> dict:
    """Largest differences of one case, and the objects that one side has alone."""
    scores, boxes, theirs = found
    limits, threshold = told["limits"], told["threshold"]
    ours, worst = [], {"score": 0.0, "box": 0.0, "iou": 1.0, "alone": 0}
    for listed in case["objects"]:
        start, width, height = listed["mask"]
        mask = np.frombuffer(masks, np.uint8, width * height, start).reshape(height, width) >= 128
        ours.append(mask)
        # Queries may share a mask; the nearest score tells them apart.
        all_ious, score_offs = ious(mask, theirs), np.abs(scores - listed["score"])
        nearest = int(np.argmax(all_ious - score_offs))
        worst["score"] = max(worst["score"], float(score_offs[nearest]))
        worst["box"] = max(worst["box"], float(np.abs(boxes[nearest] - np.array(listed["box"])).max()))
        worst["iou"] = min(worst["iou"], float(all_ious[nearest]))
    for query in np.flatnonzero(scores > threshold + limits["score"]):
        if max(ious(theirs[query], np.array(ours)), default=0.0) < limits["iou"]:
            worst["alone"] += 1
    return worst


def agrees(worst: dict, limits: dict) -> bool:
    """Whether a case is within the limits."""
    is_near = worst["score"] <= limits["score"] and worst["box"] <= limits["box"]
    return is_near and worst["iou"] >= limits["iou"] and worst["alone"] == 0


def run(args: argparse.Namespace) -> bool:
    """Every case, a line for each, and the verdict."""
    told = json.loads((args.ours / "found.json").read_text())
    masks = (args.ours / "masks.bin").read_bytes()
    reference, limits = Reference(args.model, told), told["limits"]
    print(f"{'picture':<14} {'phrase':<18} {'ours':>5} {'theirs':>6} {'score off':>10} {'box off':>8} {'mask IoU':>9}")
    is_agreed = True
    for case in told["cases"]:
        found = reference.find(Image.open(args.pictures / case["picture"]).convert("RGB"), case["prompt"])
        worst = compare(case, masks, found, told)
        is_agreed &= (fits := agrees(worst, limits))
        counts = f"{len(case['objects']):>5} {int((found[0] > told['threshold']).sum()):>6}"
        numbers = f"{worst['score']:>10.5f} {worst['box']:>8.5f} {worst['iou']:>9.4f}"
        alone = f" {worst['alone']} not found by sa3" if worst["alone"] else ""
        print(f"{case['picture']:<14} {case['prompt']:<18} {counts} {numbers}{'' if fits else '  DIFFERS' + alone}", flush=True)
    verdict = "ok    agrees with" if is_agreed else "FAIL  differs from"
    allowed = f"score {limits['score']}, box {limits['box']}, mask IoU {limits['iou']}"
    print(f"{verdict} transformers {transformers.__version__} (limits: {allowed})")
    return is_agreed


def main() -> None:
    """Reads the command line and runs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True, help="folder with config.json and model.safetensors")
    parser.add_argument("--pictures", type=Path, required=True, help="folder of the pictures")
    parser.add_argument("--ours", type=Path, required=True, help="folder with found.json and masks.bin")
    args = parser.parse_args()
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    try:
        is_agreed = run(args)
    except (OSError, ValueError, KeyError, RuntimeError) as cause:
        print(f"error: transformers cannot run this model: {cause}", file=sys.stderr)
        sys.exit(2)
    sys.exit(0 if is_agreed else 1)


if __name__ == "__main__":
    main()
