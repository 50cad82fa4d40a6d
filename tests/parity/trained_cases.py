"""What transformers finds with the bundled trained model on a few pictures, without any post-processing."""

from pathlib import Path

import torch
from PIL import Image
from transformers import Sam3Model, Sam3Processor

THRESHOLD = 0.3
# No score may lie so close to the threshold that rounding decides whether it is listed.
MARGIN = 0.003
PIXEL_STRIDE = 61

# The last text of each picture names something that is not there.
PROMPTS = {
    "scene_00.png": ["vehicle", "animal", "puppy"],
    "scene_02.png": ["cyan bar", "magenta object", "umbrella"],
    "scene_03.png": ["cyan object", "star", "banana"],
    "scene_05.png": ["thing", "gray star", "fuchsia star"],
    "scene_07.png": ["brown thing", "brown half circle", "fire truck"],
    "scene_09.png": ["yellow shape", "pentagon", "dog"],
    "scene_10.png": ["shape", "hexagon", "animal"],
    "scene_11.png": ["green pentagon", "gray pentagon", "fuchsia"],
}


def detections(model: Sam3Model, inputs: dict) -> dict[str, torch.Tensor]:
    """Scores, boxes (x0 y0 x1 y1 from 0 to 1), masks (round(255 sigmoid), model grid) above the threshold, by query."""
    with torch.no_grad():
        out = model(**{name: inputs[name] for name in ("pixel_values", "input_ids", "attention_mask")})
    presence = out.presence_logits[0].sigmoid()
    scores = out.pred_logits[0].sigmoid() * presence
    close = (scores - THRESHOLD).abs().min().item()
    if close < MARGIN:
        raise ValueError(f"a score is {close:.4f} from the threshold: choose another prompt")
    queries = (scores > THRESHOLD).nonzero().flatten()
    return {
        "presence": presence,
        "queries": queries,
        "scores": scores[queries],
        "boxes": out.pred_boxes[0, queries],
        "masks": (255 * out.pred_masks[0, queries].sigmoid()).round().to(torch.uint8),
    }


def run(model_dir: Path, pictures_dir: Path) -> tuple[list[dict], dict[str, torch.Tensor]]:
    """The cases as cases.json lists them, and their tensors: `<picture>/<n>/<what>`, `<picture>/pixel_values`."""
    model = Sam3Model.from_pretrained(model_dir, dtype=torch.float32, attn_implementation="eager").eval()
    processor = Sam3Processor.from_pretrained(model_dir)
    cases, tensors = [], {}
    for picture, prompts in PROMPTS.items():
        image = Image.open(pictures_dir / picture).convert("RGB")
        for number, prompt in enumerate(prompts):
            inputs = processor(images=image, text=prompt, return_tensors="pt")
            found = detections(model, inputs)
            tensors |= {f"{picture}/{number}/{what}": tensor for what, tensor in found.items()}
            key = f"{picture}/{number}"
            cases.append({"picture": picture, "prompt": prompt, "key": key, "detections": len(found["queries"])})
        tensors[f"{picture}/pixel_values"] = inputs["pixel_values"].flatten()[::PIXEL_STRIDE]
    check_found(cases)
    return cases, tensors


def check_found(cases: list[dict]) -> None:
    """Every text but the last of a picture finds something, the last one nothing."""
    for case in cases:
        is_absent = case["prompt"] == PROMPTS[case["picture"]][-1]
        if is_absent != (case["detections"] == 0):
            raise ValueError(f"{case['prompt']!r} in {case['picture']}: {case['detections']} detections")
