"""What transformers' tracker, corrected as `tracker_model.py` says, follows with the bundled model's trained weights: eight
windows of a picture that move over it, an object from a mask, one from a box and one from a click.
"""

import sys
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from transformers import Sam3VideoModel
from transformers.models.sam3_tracker_video import modeling_sam3_tracker_video as published

from tracker_model import Features, Official

PICTURE = "scene_00.png"
FRAMES = 8
# Pixels that the window moves from frame to frame, right and down.
MOVES = (5, 4)
# A square mask on the mask grid: x0, y0, x1, y1 in parts of the input.
MASK = (0.35, 0.35, 0.6, 0.6)
BOX = [(0.55, 0.1, 2), (0.9, 0.45, 3)]
CLICK = [(0.25, 0.75, 1)]
CORRECTED, CORRECTION = 4, [(0.3, 0.6, 1), (0.8, 0.2, 0)]
# Below this a rounding error could decide otherwise elsewhere.
LEAST_MARGIN = 1e-2


def lift_memory_width() -> None:
    """transformers builds memory attention for memories of 64 channels, whatever the configuration says."""
    layer = published.Sam3TrackerVideoMemoryAttentionLayer
    as_published = layer.__init__

    def init(self, config):
        as_published(self, config)
        width = config.memory_encoder_output_channels
        self.cross_attn_image = published.Sam3TrackerVideoRoPEAttention(config, kv_in_dim=width, rope_k_repeat=True)

    layer.__init__ = init


def windows(picture: Path, side: int) -> torch.Tensor:
    """[FRAMES, 3, side, side] from -1 to 1."""
    pixels = torch.from_numpy(np.array(Image.open(picture).convert("RGB"))).permute(2, 0, 1).float() / 127.5 - 1
    right, down = MOVES
    return torch.stack([pixels[:, down * t : down * t + side, right * t : right * t + side] for t in range(FRAMES)])


def given_mask(side: int) -> torch.Tensor:
    """Logits [side, side], 10 in the square and -10 around it."""
    x0, y0, x1, y1 = (round(part * side) for part in MASK)
    mask = torch.full((side, side), -10.0)
    mask[y0:y1, x0:x1] = 10.0
    return mask


def in_pixels(points, size: int):
    """Points in pixels of the input, and their labels."""
    return [[x * size, y * size] for x, y, _ in points], [label for _, _, label in points]


def run(model_dir: Path, pictures_dir: Path) -> dict[str, torch.Tensor]:
    """mask [A, M, M] in float16, score [A] and iou [A] of all answers: a row for each object on each frame; none for the object that
    begins with a mask on its first frame."""
    lift_memory_width()
    video = Sam3VideoModel.from_pretrained(model_dir, dtype=torch.float32, attn_implementation="eager").eval()
    with torch.no_grad():
        official = Official(video)
        size = official.config.image_size
        answers = []
        conditioning, recent = [{}, {}, {}], [{}, {}, {}]
        for frame, pixels in enumerate(windows(pictures_dir / PICTURE, size)):
            features = Features(video, pixels[None])
            answers += step(official, features, frame, conditioning, recent)
    for answer in answers:
        if "score" in answer and answer["score"].abs() < LEAST_MARGIN:
            sys.exit(f"an object score is {answer['score']:.5f}: choose other prompts")
    answers = [answer for answer in answers if "score" in answer]
    inside = [int((answer["mask"] > 0).sum()) for answer in answers]
    print(f"trained tracker: {len(answers)} answers, {sum(count > 0 for count in inside)} with a mask, cells {inside}")
    stacked = {what: torch.stack([answer[what] for answer in answers]) for what in ("mask", "score", "iou")}
    return stacked | {"mask": stacked["mask"].half()}


def step(official, features, frame, conditioning, recent) -> list[dict]:
    """One frame; what each object's answer and memory are."""
    size = official.config.image_size
    if frame == 0:
        answers = official.start(features, [given_mask(4 * official.grid)])
        answers += [official.click(features, *in_pixels(points, size), None) for points in (BOX, CLICK)]
        for index, answer in enumerate(answers):
            conditioning[index][0] = answer
        return answers
    answers = [official.propagate(features, conditioning[i], recent[i], frame) for i in range(3)]
    for index, answer in enumerate(answers):
        answer["memory"] = official.remember(features, answer["mask"])
        recent[index][frame] = answer
    if frame == CORRECTED:
        recent[2].pop(frame)
        answers[2] = official.click(features, *in_pixels(CORRECTION, size), answers[2]["mask"])
        conditioning[2][frame] = answers[2]
    return answers
