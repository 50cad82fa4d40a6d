"""The cases on hashed weights: what goes in, and every block's output."""

import sys

import torch

import capture
import configs
import weights

# Real token ids do not fit into the small vocabulary. 510 starts and 511 ends a text, as 49406 and 49407 do; 77 stands
# for "visual", the word that transformers takes when there are boxes and no text.
SHORT = [510, 61, 254, 390, 511]
MIDDLE = [510, 195, 404, 108, 49, 250, 15, 458, 428, 511]
LONG = [510, 12, 401, 8, 99, 230, 31, 7, 466, 18, 2, 350, 64, 128, 256, 500, 33, 71, 9, 10, 480, 3, 222, 511]
FULL = LONG[:-1] + [44, 45, 46, 47, 48, 49, 50, 51, 511]
VISUAL = [510, 77, 511]
PADDING_LABEL = -10

# cx, cy, w, h. The first crosses the left and the top border, the second ends exactly in the lower right corner.
CROSSING, TOUCHING = [0.06, 0.04, 0.30, 0.20], [0.80, 0.70, 0.40, 0.60]
WHOLE, TINY = [0.5, 0.5, 1.0, 1.0], [0.33, 0.61, 0.02, 0.03]

# Blocks that depend on the picture alone are stored for the cases that say so.
CASES = [
    {"name": "text", "config": "tiny", "texts": [SHORT], "geometry_token": True, "with_vision": True,
     "what": "text only; the geometry encoder's cls token is part of the prompt, as in the official model"},
    {"name": "text_without_geometry", "config": "tiny", "texts": [SHORT], "geometry_token": False,
     "what": "text only; no geometry token, as transformers does it (sa3.json: text_prompt_uses_geometry_token false)"},
    {"name": "boxes", "config": "tiny", "texts": [MIDDLE], "geometry_token": True,
     "boxes": [[CROSSING, TOUCHING]], "labels": [[1, 0]],
     "what": "text, a positive box across the border and a negative box that touches it"},
    {"name": "boxes_only", "config": "tiny", "texts": [VISUAL], "geometry_token": True,
     "boxes": [[[0.3, 0.55, 0.5, 0.4]]], "labels": [[1]],
     "what": "a box without text: the text is the three tokens that stand for 'visual' (here 510, 77, 511)"},
    {"name": "two_prompts", "config": "tiny", "texts": [SHORT, FULL], "geometry_token": True,
     "what": "one picture, two texts of 5 and 32 tokens in one call"},
    {"name": "two_prompts_with_boxes", "config": "tiny", "texts": [LONG, SHORT], "geometry_token": True,
     "boxes": [[WHOLE, TINY, CROSSING], [TOUCHING, TOUCHING, TOUCHING]],
     "labels": [[1, 0, 1], [1, PADDING_LABEL, PADDING_LABEL]],
     "what": "one picture, two texts with three boxes and one box; label -10 marks padding"},
    {"name": "other_numbers", "config": "other_numbers", "texts": [SHORT, LONG], "geometry_token": True,
     "pictures": 2, "with_vision": True,
     "what": "other sizes everywhere, two different pictures with a text each"},
    {"name": "other_numbers_boxes", "config": "other_numbers", "texts": [SHORT], "geometry_token": True,
     "boxes": [[CROSSING, TOUCHING, TINY]], "labels": [[0, 1, 1]],
     "what": "boxes through a RoIAlign of another size"},
    {"name": "larger_input", "config": "tiny", "image_size": 168, "texts": [MIDDLE], "geometry_token": True,
     "with_vision": True, "what": "the same weights at 168 px: 3x3 position tiles, other rotary scale"},
    {"name": "other_numbers_larger_input", "config": "other_numbers", "image_size": 140, "texts": [LONG],
     "geometry_token": True, "with_vision": True, "what": "a 10x10 grid over a 4x4 position table: 2.5 tiles"},
    {"name": "other_numbers_smaller_input", "config": "other_numbers", "image_size": 28, "texts": [MIDDLE],
     "geometry_token": True, "with_vision": True, "overrides": {"dot_product_scoring.query_proj.bias": 8.25},
     "what": "a 2x2 grid: less than one position tile; scores so high that some are clamped"},
]  # fmt: skip


def text_inputs(texts: list[list[int]], length: int) -> dict[str, torch.Tensor]:
    """Token ids padded on the right with the end token, and the mask that says which are valid."""
    pad = [text + [511] * (length - len(text)) for text in texts]
    valid = [[1] * len(text) + [0] * (length - len(text)) for text in texts]
    return {"input_ids": torch.tensor(pad), "attention_mask": torch.tensor(valid)}


def box_inputs(case: dict) -> dict[str, torch.Tensor]:
    """The case's boxes, if it has any."""
    if "boxes" not in case:
        return {}
    return {"input_boxes": torch.tensor(case["boxes"]), "input_boxes_labels": torch.tensor(case["labels"])}


def ignored_box(prompts: int) -> dict[str, torch.Tensor]:
    """What makes transformers run its geometry encoder for a text alone: a box that its label takes out again."""
    boxes = torch.tensor([[[0.5, 0.5, 0.2, 0.2]]]).repeat(prompts, 1, 1)
    return {"input_boxes": boxes, "input_boxes_labels": torch.full((prompts, 1), PADDING_LABEL)}


def overrides_of(case: dict) -> dict[str, float]:
    """Tensors that are set to a constant after hashing."""
    return configs.OVERRIDES | case.get("overrides", {})


def is_wanted(name: str, case: dict) -> bool:
    """Whether a captured tensor says anything about this case."""
    if name.startswith("vision_encoder"):
        return case.get("with_vision", False)
    if name == "geometry_encoder.boxes_pool_project":
        return "boxes" in case
    return True


def run(case: dict, dtype: torch.dtype = torch.float32) -> tuple[dict, dict, list[int]]:
    """The case's stored inputs, what its blocks gave out, and the shape of its pixel values."""
    model = configs.model(case["config"], case.get("image_size"), overrides_of(case)).to(dtype)
    size = model.config.vision_config.backbone_config.image_size
    prompts, pictures = len(case["texts"]), case.get("pictures", 1)
    pixels = weights.pixel_values(pictures, size).to(dtype)
    stored = text_inputs(case["texts"], model.config.text_config.max_position_embeddings) | box_inputs(case)
    inputs = dict(stored)
    if case["geometry_token"] and "boxes" not in case:
        inputs |= ignored_box(prompts)
    if "input_boxes" in inputs:
        inputs["input_boxes"] = inputs["input_boxes"].to(dtype)
    # transformers wants a picture per prompt; here a single picture is shared by all prompts.
    shared = pixels if pictures == prompts else pixels.expand(prompts, -1, -1, -1)
    kept = capture.Capture(model).run(pixel_values=shared, **inputs)
    kept = {name: tensor for name, tensor in kept.items() if is_wanted(name, case)}
    if pictures != prompts:
        kept = {name: tensor[:1] if name.startswith("vision_encoder") else tensor for name, tensor in kept.items()}
    return stored, kept, list(pixels.shape)


def check_usefulness(case: dict, kept: dict[str, torch.Tensor]) -> str:
    """Refuses outputs that would hide mistakes: saturated, clamped or all alike. Gives a line for the log."""
    logits, presence, boxes = kept["pred_logits"], kept["presence_logits"], kept["pred_boxes"]
    scores = logits.sigmoid() * presence.sigmoid()
    inside = (kept["pred_masks"] > 0).float().mean((2, 3))
    checks = {
        "scores are clamped": "overrides" in case or logits.abs().max() < 11.9,
        "no score is clamped": "overrides" not in case or (logits == 12).any(),
        "scores are all alike": logits.max() - logits.min() > 0.8,
        "no score is above the threshold": (scores > 0.5).any(),
        "presence is clamped": kept["detr_decoder.presence_logits"].abs().max() < 9.9,
        "boxes are all alike": boxes.std(dim=1).min() > 0.02,
        "masks are empty or full": 0.04 < inside.mean() < 0.96,
    }
    wrong = [what for what, holds in checks.items() if not holds]
    line = (f"{case['name']}: {int((scores > 0.5).sum())} of {scores.numel()} scores above 0.5, "
            f"logits {logits.min():.2f} to {logits.max():.2f}, masks cover {inside.mean():.0%}")  # fmt: skip
    if wrong:
        sys.exit(f"{line}: {', '.join(wrong)}; choose other texts or weight rules")
    return line
