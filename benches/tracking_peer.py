"""transformers' video model following objects frame by frame, and the checkpoint of random weights for both sides.

`make FOLDER` writes config.json, model.safetensors, sa3.json and the tokenizer of a model of middle size: the released
tracker and pyramid, unchanged, on a trunk of width 256 with 8 blocks, 36x36 tokens, and 64 object queries.

`serve` loads once and answers lines with frames: `begin OBJECTS FRAMES` opens a session that follows so many objects at
most, `follow FRAMES` goes on with it. Both answer with a JSON line once so many frames are done: means per frame
`total_ms` (picture in memory to masks on the model's grid, the processor included) and `tracker_ms` (all but processor,
vision encoder and detections), `followed` objects, and those `shown` with a mask on the last frame.

Nothing of the model's code is changed. Its session is told what the other side's is: every detection counts, no
suppression of detections, no probation, no refreshing of memories, no filling of holes. Phrases are encoded once.

    python tracking_peer.py make folder
    python tracking_peer.py serve --model folder --frames clip.rgb --width 640 --height 360 --precision bf16
"""

import argparse
import json
import resource
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
import transformers
from safetensors.torch import save_file
from transformers import Sam3ImageProcessor, Sam3VideoConfig, Sam3VideoModel
from transformers.models.sam3_video.modeling_sam3_video import Sam3VideoInferenceSession

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests/parity"))
from full_size_checkpoint import NANO, TOKENIZER_FILES, weight

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}
PHRASE = "object"
GRID, PATCH = 36, 14
# Without the last, random weights say that nothing is there.
OFFSETS = {
    "detector_model.detr_decoder.presence_head.layer3.bias": 3.0,
    "tracker_model.mask_decoder.pred_obj_score_head.proj_out.bias": 3.0,
}
# Attributes of the model: what is followed depends on the cap alone.
RULES = {
    "score_threshold_detection": -1.0, "new_det_thresh": -1.0, "det_nms_thresh": 0.0, "hotstart_delay": 0,
    "hotstart_unmatch_thresh": 0, "hotstart_dup_thresh": 0, "recondition_every_nth_frame": 0, "fill_hole_area": 0,
}  # fmt: skip
# Of the other side: text alone is not accompanied by a geometry token, as here.
RECOMMENDATIONS = {"text_prompt_uses_geometry_token": False}


def config() -> Sam3VideoConfig:
    """The released configuration with a small trunk, a small text encoder and a short detector."""
    published = Sam3VideoConfig()
    detector, tracker = published.detector_config.to_dict(), published.tracker_config.to_dict()
    size = GRID * PATCH
    vision = detector["vision_config"]
    vision["backbone_feature_sizes"] = [[GRID * 4] * 2, [GRID * 2] * 2, [GRID] * 2]
    vision["backbone_config"] |= {
        "hidden_size": 256, "intermediate_size": 1024, "num_hidden_layers": 8, "num_attention_heads": 4,
        "image_size": size, "window_size": 12, "global_attn_indexes": [3, 7], "pretrain_image_size": size // 3,
    }  # fmt: skip
    detector["text_config"] |= {
        "hidden_size": 256, "intermediate_size": 1024, "projection_dim": 128, "num_hidden_layers": 2,
        "num_attention_heads": 4,
    }  # fmt: skip
    detector["detr_encoder_config"]["num_layers"] = 3
    detector["detr_decoder_config"] |= {"num_layers": 3, "num_queries": 64}
    tracker |= {"vision_config": vision, "image_size": size}
    tracker["prompt_encoder_config"]["image_size"] = size
    return Sam3VideoConfig(detector_config=detector, tracker_config=tracker, low_res_mask_size=4 * GRID)


def make(folder: Path) -> None:
    """Random weights in bf16: the same numbers for every precision."""
    made = config()
    with torch.device("meta"):
        model = Sam3VideoModel(made)
    tensors = {name: weight(name, tensor.shape) for name, tensor in model.state_dict().items()}
    for name, offset in OFFSETS.items():
        tensors[name].fill_(offset)
    folder.mkdir(parents=True, exist_ok=True)
    made.save_pretrained(folder)
    save_file({name: tensor.bfloat16() for name, tensor in tensors.items()}, folder / "model.safetensors",
              metadata={"format": "pt"})  # fmt: skip
    Sam3ImageProcessor(size={"height": GRID * PATCH, "width": GRID * PATCH}).save_pretrained(folder)
    (folder / "sa3.json").write_text(json.dumps(RECOMMENDATIONS))
    for file in TOKENIZER_FILES:
        shutil.copy(NANO / file, folder / file)


class Follower:
    """The model, and a session that begins anew when told to."""

    def __init__(self, args: argparse.Namespace):
        self.dtype = DTYPES[args.precision]
        self.model = Sam3VideoModel.from_pretrained(args.model, dtype=self.dtype).eval()
        for name, value in RULES.items():
            setattr(self.model, name, value)
        self.processor = Sam3ImageProcessor.from_pretrained(args.model)
        self.tokens = transformers.AutoTokenizer.from_pretrained(args.model)(
            [PHRASE], padding="max_length", max_length=32, return_tensors="pt"
        )
        rgb = np.fromfile(args.frames, np.uint8).reshape(-1, args.height, args.width, 3)
        self.frames = [torch.from_numpy(frame).permute(2, 0, 1) for frame in rgb]
        self.detector_s = 0.0
        detector = self.model.detector_model
        detector.get_vision_features = self.timed(detector.get_vision_features)
        self.model.run_detection = self.timed(self.model.run_detection)

    def timed(self, work: Callable) -> Callable:
        """The same, its time added to the detector's."""

        def measured(*args, **named):
            began = time.perf_counter()
            result = work(*args, **named)
            self.detector_s += time.perf_counter() - began
            return result

        return measured

    def begin(self, objects: int) -> None:
        """A new session that follows `objects` at most."""
        self.model.max_num_objects = objects
        height, width = self.frames[0].shape[1:]
        self.session = Sam3VideoInferenceSession(video_height=height, video_width=width, dtype=self.dtype)
        prompt = self.session.add_prompt(PHRASE)
        self.session.prompt_input_ids[prompt] = self.tokens["input_ids"]
        self.session.prompt_attention_masks[prompt] = self.tokens["attention_mask"]
        self.frame = 0

    def follow(self, count: int) -> dict:
        """The next frames of the clip, which begins again at its end."""
        total_s = tracker_s = 0.0
        for _ in range(count):
            self.detector_s = 0.0
            began = time.perf_counter()
            picture = self.processor(self.frames[self.frame % len(self.frames)], return_tensors="pt")["pixel_values"]
            between = time.perf_counter()
            out = self.model(inference_session=self.session, frame=picture[0].to(self.dtype))
            end = time.perf_counter()
            self.frame += 1
            total_s += end - began
            tracker_s += end - between - self.detector_s
        shown = sum(bool((mask > 0).any()) for mask in out.obj_id_to_mask.values())
        return {"total_ms": 1000 * total_s / count, "tracker_ms": 1000 * tracker_s / count,
                "followed": len(out.object_ids), "shown": shown}  # fmt: skip


def serve(args: argparse.Namespace) -> None:
    """Loads, says so, and answers until the input ends."""
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    with torch.inference_mode():
        began = time.perf_counter()
        follower = Follower(args)
        loaded = time.perf_counter()
        peak_bytes = 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        follower.begin(1)
        follower.follow(1)
        ready = {"load_s": loaded - began, "peak_bytes": peak_bytes, "warm_up_s": time.perf_counter() - loaded}
        print(json.dumps(ready), flush=True)
        for line in sys.stdin:
            order, *numbers = line.split()
            if order == "begin":
                follower.begin(int(numbers[0]))
            print(json.dumps(follower.follow(int(numbers[-1]))), flush=True)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    making = commands.add_parser("make", help="write the checkpoint")
    making.add_argument("folder", type=Path)
    making.set_defaults(run=lambda args: make(args.folder))
    serving = commands.add_parser("serve", help="be one side of the benchmark")
    serving.add_argument("--model", type=Path, required=True, help="folder with config.json and model.safetensors")
    serving.add_argument("--frames", type=Path, required=True, help="raw RGB file")
    serving.add_argument("--width", type=int, required=True)
    serving.add_argument("--height", type=int, required=True)
    serving.add_argument("--precision", choices=DTYPES, default="bf16")
    serving.set_defaults(run=serve)
    args = parser.parse_args()
    args.run(args)


if __name__ == "__main__":
    main()
