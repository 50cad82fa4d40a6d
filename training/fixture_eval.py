"""Step 11: what transformers finds on the pictures of fixtures.py, in fp32 and with its own processor: by phrase, and by
an exemplar box alone.

    python training/fixture_eval.py [MODEL] [--fixtures out/training/fixtures]
"""

import argparse
import json
from pathlib import Path

import cv2
import numpy as np
import torch
from PIL import Image
from transformers import Sam3Model, Sam3Processor

from loading import with_geometry_token
from paths import FIXTURES, MODEL

SIZE = (336, 336)
INPUTS = ("pixel_values", "input_ids", "attention_mask", "input_boxes", "input_boxes_labels")
# Exemplars: the first two instances of a picture with more visible pixels than this.
EXEMPLAR_PIXELS = 600


class Reference:
    """transformers' model and processor."""

    def __init__(self, folder):
        self.folder = folder
        self.model = Sam3Model.from_pretrained(folder, dtype=torch.float32).eval()
        self.processor = Sam3Processor.from_pretrained(folder)

    def find(self, image, **asked):
        """Scores and masks above 0.5, and the presence of what was asked for."""
        i = with_geometry_token(self.processor(images=image, return_tensors="pt", **asked), self.folder)
        with torch.no_grad():
            o = self.model(**{k: v for k, v in i.items() if k in INPUTS})
        r = self.processor.post_process_instance_segmentation(
            o, threshold=0.5, mask_threshold=0.5, target_sizes=[SIZE]
        )[0]
        return r["scores"], r["masks"], float(o.presence_logits.sigmoid())


def best_iou(masks, gt):
    """Of all masks with one truth."""
    gt = torch.from_numpy(gt)
    return max([float((k.bool() & gt).sum() / (k.bool() | gt).sum()) for k in masks], default=0.0)


def by_phrase(reference, image, labels, prompts):
    """Every phrase of a picture: expected and found detections, and the best IoU of each expected one."""
    found = {}
    for p, g in prompts.items():
        scores, masks, presence = reference.find(image, text=p)
        found[p] = dict(
            expected=len(g),
            detections=len(scores),
            presence=round(presence, 4),
            scores=[round(float(x), 4) for x in scores],
            best_iou_per_expected=[round(best_iou(masks, labels == q), 3) for q in g],
        )
    return found


def by_box(reference, image, labels, instances):
    """IoU of what is found with each exemplar's own mask."""
    for ins in [x for x in instances if x["visible_pixels"] > EXEMPLAR_PIXELS][:2]:
        gt = labels == ins["label"]
        ys, xs = np.nonzero(gt)
        box = [int(xs.min()), int(ys.min()), int(xs.max()) + 1, int(ys.max()) + 1]
        _, masks, _ = reference.find(image, text=None, input_boxes=[[box]], input_boxes_labels=[[1]])
        yield best_iou(masks, gt)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("model", type=Path, nargs="?", default=MODEL)
    parser.add_argument("--fixtures", type=Path, default=FIXTURES)
    args = parser.parse_args()
    reference = Reference(args.model)
    phrases, boxes = {}, []
    for e in json.loads((args.fixtures / "fixtures.json").read_text()):
        labels = cv2.imread(str(args.fixtures / e["labels"]), 0)
        image = Image.open(args.fixtures / e["image"]).convert("RGB")
        phrases[e["image"]] = by_phrase(reference, image, labels, e["prompts"])
        boxes += by_box(reference, image, labels, e["instances"])
    (args.fixtures / "predictions_transformers_fp32.json").write_text(json.dumps(phrases, indent=1))
    a = [x for v in phrases.values() for x in v.values()]
    perfect = [x["expected"] == x["detections"] and all(y >= 0.5 for y in x["best_iou_per_expected"]) for x in a]
    print("phrases", len(a), "perfect", sum(perfect))
    found = np.array(boxes)
    print("exemplar boxes", len(found), "found", int((found >= 0.5).sum()), "mean best IoU", found.mean())


if __name__ == "__main__":
    main()
