"""Twelve frames with three objects: masks, a box, a correction by clicks, and a reconditioning, frame by frame."""

import sys

import torch

from tracker_model import OVERRIDES, Features, Official, blobs, model, smooth_pixels

FRAMES = 12
# Two objects are born together from masks that overlap, the third by a box in parts of the input.
BOX = [(0.2, 0.15, 2), (0.7, 0.6, 3)]
# Frame, object, points in parts of the input.
CORRECTION = (5, 2, [(0.45, 0.4, 1), (0.8, 0.9, 0)])
# Frame, object; the mask is the third blob.
RECONDITIONING = (8, 0)
# Object scores of random weights, so that some objects are absent on some frames.
SCORE_BIAS = {"tiny": 2.5, "other_numbers": 4.0}
# Below this a rounding error could decide otherwise elsewhere.
LEAST_MARGIN = 1e-3


def overrides_of(name: str) -> dict[str, float]:
    """Tensors that are set to a constant after hashing."""
    return OVERRIDES | {"tracker_model.mask_decoder.pred_obj_score_head.proj_out.bias": SCORE_BIAS[name]}


def in_pixels(points, size: int):
    """Points in pixels of the input, and their labels."""
    return [[x * size, y * size] for x, y, _ in points], [label for _, _, label in points]


def check_margins(answer: dict, where: str) -> None:
    """Refuses an answer that hangs by a thread."""
    if answer["score"].abs() < LEAST_MARGIN:
        sys.exit(f"{where}: the object score is {answer['score']:.5f}; choose other inputs")


def run(name: str) -> dict[str, torch.Tensor]:
    """Masks, scores, expected overlaps, pointers and memories of all objects on all frames."""
    with torch.no_grad():
        official = Official(model(name, overrides_of(name)))
        size = official.config.image_size
        frames = smooth_pixels("input.frames", FRAMES, size)
        given = blobs("input.given_masks", 3, 4 * official.grid)
        kept = {}
        conditioning, recent = [{}, {}, {}], [{}, {}, {}]
        for frame in range(FRAMES):
            features = Features(official.video, frames[frame : frame + 1])
            answers = step(official, features, frame, given, conditioning, recent)
            for index, answer in enumerate(answers):
                for what, tensor in answer.items():
                    kept.setdefault(what, []).append((frame, index, tensor))
                if "score" in answer:
                    check_margins(answer, f"{name}, frame {frame}, object {index}")
        print(f"{name}: absent {sum(int(score < 0) for _, _, score in kept['score'])} of {len(kept['score'])}")
        return {what: torch.stack([tensor for _, _, tensor in rows]) for what, rows in kept.items()}


def step(official, features, frame, given, conditioning, recent) -> list[dict]:
    """One frame; what each object's answer and memory are."""
    size = official.config.image_size
    if frame == 0:
        answers = official.start(features, list(given[:2]))
        answers.append(official.click(features, *in_pixels(BOX, size), None))
        for index, answer in enumerate(answers):
            conditioning[index][0] = answer
        return answers
    answers = [official.propagate(features, conditioning[i], recent[i], frame) for i in range(3)]
    for index, answer in enumerate(answers):
        answer["memory"] = official.remember(features, answer["mask"])
        recent[index][frame] = answer
    if frame == RECONDITIONING[0]:
        index = RECONDITIONING[1]
        recent[index].pop(frame)
        inside = (official.fine(given[2]) > 0).float()
        answers[index]["pointer"] = official.pointer_of_mask(features, inside)
        conditioning[index][frame] = answers[index]
    if frame == CORRECTION[0]:
        _, index, points = CORRECTION
        recent[index].pop(frame)
        answers[index] = official.click(features, *in_pixels(points, size), answers[index]["mask"])
        conditioning[index][frame] = answers[index]
    return answers
