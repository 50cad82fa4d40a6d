"""Step 6: measures a model on labelled photographs that it was not trained on.

    python training/photo_eval.py [MODEL_OR_CHECKPOINT] --pictures DIR --labels DIR [--all-absent]

Every picture is asked for each of COCO's 80 names that it shows, and for some that it does not show (--absent, or all
of them with --all-absent, which is what COCO does). AP of boxes and masks at an IoU of 0.5 and over 0.5 to 0.95, for
"person" and as the mean over classes; cgF1 over all questions, at --threshold. All is measured on the square of
--size pixels that the model sees. Crowds are counted as their labels have them.
"""

import argparse
import json
import random
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw

from average_precision import ClassTally, Concepts
from bank import labelled_photographs
from detections import box_iou, mask_iou
from loading import Detector
from paths import MODEL
from photo_concepts import PHOTO_CONCEPTS

# Scores from which on things count for AP.
LEAST_SCORE = 0.02
# Things with fewer pixels are left out of the truth.
LEAST_PIXELS = 4
PHRASES_AT_ONCE = 8
MOST_DOUBLES = 0.6


def truths(outlines, side):
    """Masks [n, side, side] by category number."""
    found = {}
    for number, outline in outlines:
        mask = Image.new("1", (side, side))
        ImageDraw.Draw(mask).polygon([tuple(c) for c in outline * side], fill=1)
        mask = torch.from_numpy(np.array(mask))
        if mask.sum() >= LEAST_PIXELS:
            found.setdefault(number, []).append(mask)
    return {number: torch.stack(masks) for number, masks in found.items()}


def boxes_of(masks):
    """Corners of masks [n, S, S], 0 to 1, [n, 4]."""
    side, out = masks.shape[-1], []
    for mask in masks:
        ys, xs = mask.nonzero().T
        out.append([int(xs.min()), int(ys.min()), int(xs.max()) + 1, int(ys.max()) + 1])
    return torch.tensor(out, dtype=torch.float32).view(-1, 4) / side


def asked_about(truth, absent, rng):
    """Category numbers: those that are there, and `absent` others."""
    others = [number for number in PHOTO_CONCEPTS if number not in truth]
    return list(truth) + rng.sample(others, min(absent, len(others)))


def answers(detector, picture, numbers, side):
    """`Detections` for each category number, on a picture [3, S, S]."""
    for start in range(0, len(numbers), PHRASES_AT_ONCE):
        part = numbers[start : start + PHRASES_AT_ONCE]
        phrases = [PHOTO_CONCEPTS[number]["names"][0] for number in part]
        found = detector.ask(picture[None], torch.zeros(len(part), dtype=torch.long), phrases)
        yield from zip(part, detector.detections(found, side, LEAST_SCORE))


class PhotoMeasures:
    """AP by class of boxes and masks, and cgF1 of masks."""

    def __init__(self, threshold):
        self.threshold, self.concepts = threshold, Concepts()
        self.boxes = {number: ClassTally() for number in PHOTO_CONCEPTS}
        self.masks = {number: ClassTally() for number in PHOTO_CONCEPTS}

    def add(self, number, found, truth):
        """What was found for one name on one picture; truth [m, S, S]."""
        scores = found.scores.tolist()
        self.boxes[number].add(scores, box_iou(found.boxes, boxes_of(truth)).numpy())
        self.masks[number].add(scores, mask_iou(found.masks, truth).numpy())
        kept = found.above(self.threshold).without_doubles(MOST_DOUBLES)
        self.concepts.add(mask_iou(kept.masks, truth).numpy())

    def numbers(self):
        """Of "person", of all classes, and cgF1."""
        out = dict(concepts=self.concepts.numbers())
        for name, tallies in (("boxes", self.boxes), ("masks", self.masks)):
            there = [tally for tally in tallies.values() if tally.count]
            out[name] = dict(
                classes=len(there),
                instances=sum(tally.count for tally in there),
                AP50=float(np.mean([tally.at(0.5) for tally in there])),
                AP=float(np.mean([tally.mean() for tally in there])),
                person_AP50=tallies[1].at(0.5),
                person_AP=tallies[1].mean(),
            )
        return out


def measure(detector, folders, side, absent, threshold, count=None):
    """The numbers of the first `count` labelled photographs of the folders."""
    measures = PhotoMeasures(threshold)
    for index, (picture, outlines) in enumerate(labelled_photographs(folders)):
        if count is not None and index >= count:
            break
        small = np.asarray(picture.resize((side, side), Image.BILINEAR), np.float32) / 255
        truth = truths(outlines, side)
        numbers = asked_about(truth, absent, random.Random(f"absent {index}"))
        empty = torch.zeros(0, side, side, dtype=torch.bool)
        for number, found in answers(detector, torch.from_numpy(small).permute(2, 0, 1), numbers, side):
            measures.add(number, found, truth.get(number, empty))
    return measures.numbers()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("model", type=Path, nargs="?", default=MODEL)
    parser.add_argument("--pictures", type=Path, required=True)
    parser.add_argument("--labels", type=Path, required=True)
    parser.add_argument("--count", type=int, help="pictures, all of them by default")
    parser.add_argument("--size", type=int, default=252)
    parser.add_argument("--absent", type=int, default=6, help="names asked that a picture does not show")
    parser.add_argument("--all-absent", action="store_true", help="ask for all 80 names")
    parser.add_argument("--threshold", type=float, default=0.5, help="of scores, for cgF1")
    parser.add_argument("--precision", choices=["fp32", "bf16"], default="bf16")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    detector = Detector.read(args.model, args.size, args.device, args.precision == "bf16")
    absent = len(PHOTO_CONCEPTS) if args.all_absent else args.absent
    numbers = measure(detector, (args.pictures, args.labels), args.size, absent, args.threshold, args.count)
    for name, values in numbers.items():
        print(name, {k: round(v, 4) if isinstance(v, float) else v for k, v in values.items()})
    if args.json:
        args.json.write_text(json.dumps(numbers, indent=1))


if __name__ == "__main__":
    main()
