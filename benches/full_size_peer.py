"""transformers at full size, in a process that loads once and runs a pass over one picture for each line it is given.

A line is `SIZE PHRASE;PHRASE`; the size must be the model's own. The answers are JSON lines: first `load_s`,
`peak_bytes` and `warm_up_s`, then for each pass `total_ms` from the picture in memory to masks on the model's grid, text and processor
included, `kept` masks, and `stages_ms`.

    python full_size_peer.py --model hf-bf16 --picture frame.rgb --width 640 --height 360 --threshold 0.9
"""

import argparse
import json
import resource
import sys
import time
from pathlib import Path

import numpy as np
import torch
import transformers

from transformers_peer import Peer


class Stages:
    """Laps of one pass."""

    def __init__(self):
        self.began = self.last = time.perf_counter()
        self.ms: list[tuple[str, float]] = []

    def lap(self, name: str) -> None:
        """What passed since the last lap."""
        now = time.perf_counter()
        self.ms.append((name, 1000 * (now - self.last)))
        self.last = now


def run(peer: Peer, frame: np.ndarray, phrases: list[str]) -> dict:
    """One pass, every part of it computed anew."""
    stages = Stages()
    pixel_values = peer.preprocess(frame)
    stages.lap("preprocess")
    [(text, mask)] = peer.encode(phrases)
    stages.lap("prompt")
    vision = peer.model.get_vision_features(pixel_values.to(peer.dtype))
    stages.lap("vision")
    found = peer.heads(vision, text, mask)
    stages.lap("heads")
    total = 1000 * (stages.last - stages.began)
    return {"total_ms": total, "kept": sum(len(one.scores) for one in found), "stages_ms": stages.ms}


def arguments() -> argparse.Namespace:
    """The command line, with what `Peer` wants beyond it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True, help="folder with config.json and model.safetensors")
    parser.add_argument("--picture", type=Path, required=True, help="raw RGB")
    parser.add_argument("--width", type=int, required=True)
    parser.add_argument("--height", type=int, required=True)
    parser.add_argument("--threshold", type=float, default=0.5, help="keep scores above it (0.5)")
    parser.add_argument("--precision", choices=["fp32", "bf16", "autocast"], default="bf16")
    parser.add_argument("--attention", choices=["sdpa", "eager"], default="sdpa")
    return parser.parse_args(namespace=argparse.Namespace(prompts=["object"], one_by_one=False))


def main() -> None:
    """Loads, says so, and answers until the input ends."""
    args = arguments()
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    rgb = np.fromfile(args.picture, np.uint8, args.width * args.height * 3)
    frame = rgb.reshape(args.height, args.width, 3)
    with torch.inference_mode():
        began = time.perf_counter()
        peer = Peer(args)
        loaded = time.perf_counter()
        peak_bytes = 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        run(peer, frame, ["object"])
        ready = {"load_s": loaded - began, "peak_bytes": peak_bytes, "warm_up_s": time.perf_counter() - loaded}
        print(json.dumps(ready), flush=True)
        for line in sys.stdin:
            print(json.dumps(run(peer, frame, line.strip().partition(" ")[2].split(";"))), flush=True)


if __name__ == "__main__":
    main()
