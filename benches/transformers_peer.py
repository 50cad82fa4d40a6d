"""What transformers makes of the same frames, as fast as it can on a CPU: times, detections and mean IoU.

Per frame: the processor (resize, normalise), the vision encoder once, the heads for all prompts. Text features are
computed once, before the first frame. Decoding, warming up, comparing with the truth and writing are not timed.

Output is one JSON object per line: one per frame (`frame`, `processor_ms`, `model_ms`, `detections`), then one with
`summary`. `model_ms` includes scores, boxes and the kept masks as 0..255 on the model's mask grid. A detection has
`prompt`, `score`, `box` (x0 y0 x1 y1, 0 to 1), `mask_pixels` (of the frame), and with --truth `iou` with its prompt's
instance.

Mean IoU: for each prompt that has an instance, over the frames in which the truth shows more than 200 pixels of it, the
best IoU among that prompt's detections (0 when there is none), averaged over those frames; then averaged over the
prompts. Masks are compared at the size of the frame: the sigmoid of the logits, enlarged bilinearly, inside where it is
above 0.5.

    python transformers_peer.py --model models/sa3-nano --frames clip.rgb --width 640 --height 360 --count 250 \\
        --prompts "red circle;dog" --truth masks --ids "1;3" --threshold 0.4
"""

import argparse
import json
import resource
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import transformers
from PIL import Image
from transformers import Sam3Model, Sam3Processor

LEAST_TRUTH_PIXELS = 200
WARM_UP_FRAMES = 3


@dataclass
class Found:
    """One prompt's detections on one frame: [n] scores, [n, 4] boxes, [n, h, w] probabilities on the mask grid."""

    scores: torch.Tensor
    boxes: torch.Tensor
    masks: torch.Tensor


class Peer:
    """transformers' model and processor, with the prompts' text features at hand."""

    def __init__(self, args: argparse.Namespace):
        dtype = torch.bfloat16 if args.precision == "bf16" else torch.float32
        self.model = Sam3Model.from_pretrained(args.model, dtype=dtype, attn_implementation=args.attention).eval()
        self.processor = Sam3Processor.from_pretrained(args.model)
        self.dtype, self.is_autocast = dtype, args.precision == "autocast"
        self.threshold, self.is_batched = args.threshold, not args.one_by_one
        self.texts = self.encode(args.prompts)

    def encode(self, prompts: list[str]) -> list[tuple]:
        """Text features and mask per call of the heads: all prompts in one, or each by itself."""
        groups = [prompts] if self.is_batched else [[prompt] for prompt in prompts]
        texts = []
        for group in groups:
            tokens = self.processor.tokenizer(group, padding="longest", return_tensors="pt")
            with self.context():
                features = self.model.get_text_features(tokens["input_ids"], tokens["attention_mask"])
            texts.append((features, tokens["attention_mask"]))
        return texts

    def context(self) -> torch.autocast:
        """Autocast where asked for."""
        return torch.autocast("cpu", torch.bfloat16, enabled=self.is_autocast)

    def preprocess(self, frame: np.ndarray) -> torch.Tensor:
        """[H, W, 3] uint8 to [1, 3, S, S]."""
        picture = torch.from_numpy(frame).permute(2, 0, 1)
        return self.processor.image_processor(picture, return_tensors="pt")["pixel_values"]

    def detect(self, pixel_values: torch.Tensor) -> list[Found]:
        """One entry per prompt."""
        with self.context():
            vision = self.model.get_vision_features(pixel_values.to(self.dtype))
            return [found for text, mask in self.texts for found in self.heads(vision, text, mask)]

    def heads(self, vision, text, mask: torch.Tensor) -> list[Found]:
        """The detector for the prompts of one call, which share the picture."""
        prompts = mask.shape[0]
        shared = type(vision)(
            fpn_hidden_states=tuple(level.expand(prompts, -1, -1, -1) for level in vision.fpn_hidden_states),
            fpn_position_encoding=tuple(level.expand(prompts, -1, -1, -1) for level in vision.fpn_position_encoding),
        )
        out = self.model(vision_embeds=shared, text_embeds=text, attention_mask=mask)
        scores = out.pred_logits.float().sigmoid() * out.presence_logits.float().sigmoid()
        found = []
        for prompt in range(prompts):
            kept = scores[prompt] > self.threshold
            masks = (255 * out.pred_masks[prompt, kept].float().sigmoid()).round() / 255
            found.append(Found(scores[prompt, kept], out.pred_boxes[prompt, kept].float(), masks))
        return found


def without_duplicates(found: Found, most_iou: float) -> Found:
    """Greedy suppression by mask IoU on the mask grid, best score first."""
    inside = (found.masks > 0.5).flatten(1).float()
    overlap = inside @ inside.T
    area = inside.sum(1)
    iou = overlap / (area[:, None] + area[None] - overlap).clamp(min=1)
    kept: list[int] = []
    for query in found.scores.argsort(descending=True).tolist():
        if all(iou[query, other] < most_iou for other in kept):
            kept.append(query)
    return Found(found.scores[kept], found.boxes[kept], found.masks[kept])


def clipped_to_boxes(found: Found, margin: float) -> Found:
    """Masks set to 0 outside their box, grown on each side by `margin` of its size; cells by their centres."""
    height, width = found.masks.shape[-2:]
    x0, y0, x1, y1 = found.boxes.T[:, :, None]
    x, y = (torch.arange(width) + 0.5) / width, (torch.arange(height) + 0.5) / height
    grow_x, grow_y = (x1 - x0) * margin, (y1 - y0) * margin
    columns, rows = (x >= x0 - grow_x) & (x <= x1 + grow_x), (y >= y0 - grow_y) & (y <= y1 + grow_y)
    return Found(found.scores, found.boxes, found.masks * (rows[:, :, None] & columns[:, None, :]))


def post_processed(found: Found, settings: dict) -> Found:
    """What the model's sa3.json recommends."""
    if settings.get("mask_nms_iou"):
        found = without_duplicates(found, settings["mask_nms_iou"])
    if settings.get("mask_clip_to_box_margin"):
        found = clipped_to_boxes(found, settings["mask_clip_to_box_margin"])
    return found


def frames_of(args: argparse.Namespace) -> Iterator[np.ndarray]:
    """[H, W, 3] uint8 frames of a raw RGB file or of a folder of PNG files, in the order of their names."""
    if args.frames.is_dir():
        for path in sorted(args.frames.glob("*.png"))[: args.count]:
            yield np.array(Image.open(path).convert("RGB"))
        return
    if not (args.width and args.height):
        sys.exit(f"{args.frames} is a raw file: give --width and --height")
    frame_bytes = args.width * args.height * 3
    with args.frames.open("rb") as file:
        number = 0
        while (args.count is None or number < args.count) and len(data := file.read(frame_bytes)) == frame_bytes:
            yield np.frombuffer(bytearray(data), np.uint8).reshape(args.height, args.width, 3)
            number += 1


def enlarged(masks: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """Masks at the size of the frame."""
    if not len(masks):
        return masks.new_zeros(0, *size)
    return torch.nn.functional.interpolate(masks[None], size=size, mode="bilinear", align_corners=False)[0]


def describe(prompts: list[str], found: list[Found], size: tuple[int, int], truth, ids: list) -> tuple[list, list]:
    """A frame's detections for the output, and per prompt its best IoU (None where the truth shows too little)."""
    lines, best = [], []
    for prompt, instance, one in zip(prompts, ids, found):
        masks = enlarged(one.masks, size) > 0.5
        expected = None if truth is None or instance is None else torch.from_numpy(truth == instance)
        ious = []
        for score, box, mask in zip(one.scores.tolist(), one.boxes.tolist(), masks):
            line = {"prompt": prompt, "score": score, "box": box, "mask_pixels": int(mask.sum())}
            if expected is not None:
                ious.append(int((mask & expected).sum()) / max(1, int((mask | expected).sum())))
                line["iou"] = ious[-1]
            lines.append(line)
        is_shown = expected is not None and int(expected.sum()) > LEAST_TRUTH_PIXELS
        best.append(max(ious, default=0.0) if is_shown else None)
    return lines, best


def run(args: argparse.Namespace, out) -> None:
    """Every frame, then the summary."""
    peer = Peer(args)
    settings_file = args.model / "sa3.json"
    settings = json.loads(settings_file.read_text()) if args.post_processing and settings_file.exists() else {}
    for frame in [next(frames_of(args), None)] * WARM_UP_FRAMES:
        if frame is None:
            sys.exit(f"{args.frames} holds no frame")
        peer.detect(peer.preprocess(frame))
    processor_ms, model_ms, best = [], [], []
    for number, frame in enumerate(frames_of(args)):
        start = time.perf_counter()
        pixel_values = peer.preprocess(frame)
        between = time.perf_counter()
        found = [post_processed(one, settings) for one in peer.detect(pixel_values)]
        end = time.perf_counter()
        processor_ms.append(1000 * (between - start))
        model_ms.append(1000 * (end - between))
        truth = np.array(Image.open(args.truth / f"{number:04d}.png")) if args.truth else None
        lines, frame_best = describe(args.prompts, found, frame.shape[:2], truth, args.ids)
        best.append(frame_best)
        times = {"processor_ms": round(processor_ms[-1], 3), "model_ms": round(model_ms[-1], 3)}
        print(json.dumps({"frame": number} | times | {"detections": lines}), file=out)
    print(json.dumps({"summary": summary(args, processor_ms, model_ms, best)}), file=out)


def summary(args: argparse.Namespace, processor_ms: list[float], model_ms: list[float], best: list[list]) -> dict:
    """Means over the run."""
    total_ms = np.array(processor_ms) + np.array(model_ms)
    per_prompt = {}
    for prompt, ious in zip(args.prompts, zip(*best)):
        shown = [iou for iou in ious if iou is not None]
        if shown:
            per_prompt[prompt] = float(np.mean(shown))
    return {
        "frames": len(total_ms),
        "precision": args.precision,
        "attention": args.attention,
        "threads": torch.get_num_threads(),
        "frames_per_second": float(1000 / total_ms.mean()),
        "median_ms": float(np.median(total_ms)),
        "processor_ms": float(np.mean(processor_ms)),
        "model_ms": float(np.mean(model_ms)),
        "iou_per_prompt": per_prompt,
        "mean_iou": float(np.mean(list(per_prompt.values()))) if per_prompt else None,
        "peak_memory_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True, help="folder with config.json and model.safetensors")
    parser.add_argument("--frames", type=Path, required=True, help="raw RGB file, or folder of PNG files")
    parser.add_argument("--width", type=int, help="of a raw file")
    parser.add_argument("--height", type=int, help="of a raw file")
    parser.add_argument("--count", type=int, help="take so many frames (default: all)")
    parser.add_argument("--prompts", required=True, help='";" between prompts')
    parser.add_argument("--threshold", type=float, default=0.5, help="keep scores above it (0.5)")
    parser.add_argument("--threads", type=int, help="of torch (default: torch's own choice)")
    parser.add_argument("--precision", choices=["fp32", "bf16", "autocast"], default="fp32")
    parser.add_argument("--attention", choices=["sdpa", "eager"], default="sdpa")
    parser.add_argument("--one-by-one", action="store_true", help="run the heads once per prompt, not once for all")
    parser.add_argument("--post-processing", action="store_true", help="suppression and clipping as sa3.json recommends")
    parser.add_argument("--truth", type=Path, help="folder of label PNG files, 0000.png …")
    parser.add_argument("--ids", help='label of each prompt, ";" between them, empty for none')
    parser.add_argument("--out", type=Path, help="write the lines here instead of standard output")
    args = parser.parse_args()
    args.prompts = [prompt.strip() for prompt in args.prompts.split(";") if prompt.strip()]
    args.ids = [int(label) if label.strip() else None for label in (args.ids or ";" * len(args.prompts)).split(";")]
    args.ids = args.ids[: len(args.prompts)]
    for path in filter(None, (args.model, args.frames, args.truth)):
        if not path.exists():
            parser.error(f"there is no {path}")
    if len(args.ids) != len(args.prompts):
        parser.error(f"{len(args.prompts)} prompts but {len(args.ids)} ids: give one per prompt, empty for none")
    return args


def main() -> None:
    """Reads the command line and runs."""
    args = arguments()
    if args.threads:
        torch.set_num_threads(args.threads)
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    with torch.inference_mode():
        if args.out:
            with args.out.open("w") as out:
                run(args, out)
        else:
            run(args, sys.stdout)


if __name__ == "__main__":
    main()
