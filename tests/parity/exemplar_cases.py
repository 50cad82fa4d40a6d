"""What transformers finds with the bundled trained model and exemplar boxes, without any post-processing."""

from pathlib import Path

import torch
from PIL import Image
from transformers import Sam3Model, Sam3Processor

from trained_cases import MARGIN, THRESHOLD

# Boxes are x0, y0, x1, y1 in pixels, as the processor takes them. Without a text the processor takes "visual".
CASES = [
    {"picture": "scene_00.png", "text": None, "boxes": [[248, 191, 334, 257]], "labels": [1]},
    {"picture": "scene_00.png", "text": "vehicle", "boxes": [[66, 209, 134, 258], [83, 74, 123, 121]],
     "labels": [1, 0]},
    {"picture": "scene_03.png", "text": None, "boxes": [[248, 7, 293, 57]], "labels": [1]},
    {"picture": "scene_02.png", "text": None, "boxes": [[97, 0, 144, 224]], "labels": [1]},
    {"picture": "scene_05.png", "text": "thing", "boxes": [[10, 101, 86, 215]], "labels": [0]},
    {"picture": "scene_11.png", "text": "gray pentagon", "boxes": [[189, 34, 281, 125]], "labels": [0]},
    # The geometry encoder sees the first picture, everything else the second one.
    {"picture": "scene_10.png", "text": None, "boxes": [[189, 34, 281, 125]], "labels": [1],
     "kept_from": "scene_11.png"},
    {"picture": "scene_00.png", "text": "animal", "boxes": [[10, 101, 86, 215]], "labels": [1],
     "kept_from": "scene_05.png"},
]  # fmt: skip


def inputs_of(processor: Sam3Processor, picture: Path, case: dict) -> dict:
    """A picture with the case's text and boxes, as the model takes them."""
    image = Image.open(picture).convert("RGB")
    return processor(
        images=image,
        text=case["text"],
        input_boxes=[case["boxes"]],
        input_boxes_labels=[case["labels"]],
        return_tensors="pt",
    )


def geometry_of(model: Sam3Model, inputs: dict):
    """What the geometry encoder says about the boxes on one picture."""
    said = []
    hook = model.geometry_encoder.register_forward_hook(lambda module, args, out: said.append(out))
    model(**inputs)
    hook.remove()
    return said[0]


def forward(model: Sam3Model, processor: Sam3Processor, pictures: Path, case: dict):
    """One pass; with the exemplars of another picture where the case says so."""
    inputs = inputs_of(processor, pictures / case["picture"], case)
    if "kept_from" not in case:
        return model(**inputs)
    kept = geometry_of(model, inputs_of(processor, pictures / case["kept_from"], case))
    hook = model.geometry_encoder.register_forward_hook(lambda module, args, out: kept)
    out = model(**inputs)
    hook.remove()
    return out


def levels(logits: torch.Tensor) -> torch.Tensor:
    """Soft masks as bytes."""
    return (255 * logits.sigmoid()).round().to(torch.uint8)


def found(out) -> dict[str, torch.Tensor]:
    """Scores, boxes and masks above the threshold, by query, and the semantic map."""
    presence = out.presence_logits[0].sigmoid()
    scores = out.pred_logits[0].sigmoid() * presence
    close = (scores - THRESHOLD).abs().min().item()
    if close < MARGIN:
        raise ValueError(f"a score is {close:.4f} from the threshold: choose another case")
    queries = (scores > THRESHOLD).nonzero().flatten()
    return {
        "presence": presence,
        "scores": scores[queries],
        "boxes": out.pred_boxes[0, queries],
        "masks": levels(out.pred_masks[0, queries]),
        "semantic": levels(out.semantic_seg[0, 0]),
    }


def run(model_dir: Path, pictures_dir: Path) -> tuple[list[dict], dict[str, torch.Tensor]]:
    """The cases as cases.json lists them, and their tensors: `<n>/<what>`."""
    model = Sam3Model.from_pretrained(model_dir, dtype=torch.float32, attn_implementation="eager").eval()
    processor = Sam3Processor.from_pretrained(model_dir)
    cases, tensors = [], {}
    for number, case in enumerate(CASES):
        with torch.no_grad():
            result = found(forward(model, processor, pictures_dir, case))
        tensors |= {f"{number}/{what}": tensor.contiguous() for what, tensor in result.items()}
        corners = [[x0, y0, x1 - x0, y1 - y0] for x0, y0, x1, y1 in case["boxes"]]
        entry = {"picture": case["picture"], "prompt": case["text"] or "", "key": str(number)}
        entry |= {"detections": len(result["scores"]), "boxes": corners, "labels": case["labels"]}
        cases.append(entry | ({"kept_from": case["kept_from"]} if "kept_from" in case else {}))
    return cases, tensors
