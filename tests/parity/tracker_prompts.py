"""One thing on one picture by points, a box and a mask, without any memory: what each combination gives."""

import sys

import torch

from tracker_model import OVERRIDES, Features, Official, blobs, model, smooth_pixels

# Points in parts of the input with their labels (2 and 3 are a box), and whether there is a mask.
CASES = [
    ([(0.35, 0.6, 1)], False),
    ([(0.35, 0.6, 1), (0.8, 0.2, 0)], False),
    ([(0.2, 0.15, 2), (0.7, 0.6, 3)], False),
    ([(0.2, 0.15, 2), (0.7, 0.6, 3), (0.5, 0.3, 0)], False),
    ([], True),
    ([(0.35, 0.6, 1)], True),
    ([(0.2, 0.15, 2), (0.7, 0.6, 3), (0.35, 0.5, 1)], True),
]
# Below these a rounding error could decide otherwise elsewhere.
LEAST_SCORE = 1e-2
LEAST_LEAD = 1e-4


def look(official: Official, features: Features, points, mask) -> dict[str, torch.Tensor]:
    """Mask, object score and expected overlap of one prompt; `no_memory_embedding` stands for the memory."""
    size = official.config.image_size
    picture = features.map + official.tracker.no_memory_embedding[0, 0, :, None, None]
    prompts = {} if mask is None else {"input_masks": mask[None, None].clamp(-32, 32)}
    if points:
        prompts["input_points"] = torch.tensor([[[[x * size, y * size] for x, y, _ in points]]])
        prompts["input_labels"] = torch.tensor([[[label for _, _, label in points]]], dtype=torch.int32)
    out = official.sam(features, picture, len(points) <= official.config.multimask_max_pt_num, **prompts)
    leads = out.iou_scores.flatten().sort(descending=True).values
    if out.object_score_logits.abs().min() < LEAST_SCORE or (len(leads) > 1 and leads[0] - leads[1] < LEAST_LEAD):
        sys.exit(f"{points}: it hangs by a thread; choose other inputs")
    answer = official.answer(out)
    return {name: answer[name] for name in ("mask", "score", "iou")}


def run(name: str) -> dict[str, torch.Tensor]:
    """All cases of one configuration, a row for each."""
    with torch.no_grad():
        official = Official(model(name, OVERRIDES))
        features = Features(official.video, smooth_pixels("input.prompted", 1, official.config.image_size))
        mask = blobs("input.prompt_mask", 1, 4 * official.grid)[0]
        rows = [look(official, features, points, mask if has_mask else None) for points, has_mask in CASES]
        print(f"{name}: scores {[round(float(row['score']), 2) for row in rows]}")
        return {what: torch.stack([row[what] for row in rows]) for what in rows[0]}
