"""Step 9: exemplar boxes on the clip, with transformers alone: what a box adds to a phrase, and what a minus does.

    python training/exemplar_eval.py [MODEL] [--every 10] [--threshold 0.4]

Every visible object is asked for four times: by its box, by its first phrase, by both, and by its phrase with its own box
as a negative exemplar. An object counts as found when some box found has an IoU above 0.5 with its own.
"""

import argparse
import json
from pathlib import Path

import torch
from transformers import Sam3Model, Sam3Processor

from clip_eval import read_frames
from loading import with_geometry_token
from paths import CLIP, MODEL

# Without a text the processor takes the word "visual".
QUESTIONS = {
    "box": lambda phrase, box: dict(input_boxes=[[box]], input_boxes_labels=[[1]]),
    "phrase": lambda phrase, box: dict(text=phrase),
    "phrase and box": lambda phrase, box: dict(text=phrase, input_boxes=[[box]], input_boxes_labels=[[1]]),
    "phrase and negative box": lambda phrase, box: dict(text=phrase, input_boxes=[[box]], input_boxes_labels=[[0]]),
}


def overlap(a, b):
    """Intersection over union of two boxes."""
    w, h = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    both = max(w, 0) * max(h, 0)
    return both / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - both)


class Reference:
    """transformers' model and processor."""

    def __init__(self, folder, threshold):
        self.model = Sam3Model.from_pretrained(folder, dtype=torch.float32).eval()
        self.processor = Sam3Processor.from_pretrained(folder)
        self.folder, self.threshold = folder, threshold

    def boxes(self, picture, **asked):
        """Boxes in pixels with a score above the threshold."""
        inputs = with_geometry_token(self.processor(images=picture, return_tensors="pt", **asked), self.folder)
        with torch.no_grad():
            out = self.model(**inputs)
        scores = out.pred_logits[0].sigmoid() * out.presence_logits[0].sigmoid()
        height, width = picture.shape[:2]
        return (out.pred_boxes[0, scores > self.threshold] * torch.tensor([width, height] * 2)).tolist()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("model", type=Path, nargs="?", default=MODEL)
    parser.add_argument("--clip", type=Path, default=CLIP)
    parser.add_argument("--every", type=int, default=10, help="look at each Nth frame")
    parser.add_argument("--threshold", type=float, default=0.4)
    args = parser.parse_args()
    torch.set_num_threads(1)
    reference = Reference(args.model, args.threshold)
    meta = json.loads((args.clip / "clip.json").read_text())
    phrases = {str(i["id"]): i["prompts"][0] for i in meta["instances"]}
    counts = {question: [0, 0, 0, 0] for question in QUESTIONS}
    for number, picture in enumerate(read_frames(args.clip / "clip.mp4")):
        truth = meta["boxes"][number] if number % args.every == 0 else {}
        for ident, box in truth.items():
            others = [other for known, other in truth.items() if known != ident]
            for question, asked in QUESTIONS.items():
                found = reference.boxes(picture.copy(), **asked(phrases[ident], box))
                is_found = [any(overlap(f, t) > 0.5 for f in found) for t in [box, *others]]
                for k, more in enumerate((1, is_found[0], len(others), sum(is_found[1:]))):
                    counts[question][k] += more
    for question, (asked, hits, others, wrong) in counts.items():
        print(f"{question:24} asked {asked}, found {hits / asked:.2f}, of the others found {wrong / others:.2f}")


if __name__ == "__main__":
    main()
