"""Writes the fixtures of tracker and session: configs/*_video.json, tracker.json, session.json and their data. See README.md."""

import json
import sys

import torch
import transformers
from safetensors.torch import save_file

import generate
import session_cases
import tracker_blocks
import tracker_model
import tracker_prompts
import tracker_sequences

# Groups of tolerances by the beginning of a name, the longest first; the rest is "tracker".
GROUPS = {
    "features": "vision",
    "mask_decoder.multi.masks": "masks",
    "mask_decoder.single.masks": "masks",
    "mask_decoder.multi.ious": "scores",
    "mask_decoder.single.ious": "scores",
    "mask_decoder.scores": "scores",
}
TOLERANCES = {
    "vision": {"max_abs": 2e-5, "relative_to": "rms"},
    "tracker": {"max_abs": 1e-5, "relative_to": "rms"},
    "masks": {"max_abs": 1e-4, "relative_to": "one"},
    "scores": {"max_abs": 1e-5, "relative_to": "one"},
}


MEMORY_STRIDE = 31
MOST_ELEMENTS = 3_000
MOST_BYTES = 1_000_000


def stride_of(shape: torch.Size) -> int:
    """1 for small tensors, else the first number that leaves few elements and divides no dimension."""
    stride = -(-shape.numel() // MOST_ELEMENTS)
    while stride > 1 and any(size % stride == 0 for size in shape):
        stride += 1
    return stride


def group_of(name: str) -> str:
    """The tolerance group of a tensor."""
    return GROUPS.get(name, GROUPS.get(name.split(".")[0], "tracker"))


def write_blocks(name: str) -> dict:
    """Runs the blocks of one configuration, writes their data and gives their entry."""
    kept = tracker_blocks.run(name)
    data = f"data/tracker_{name}.safetensors"
    save_file({key: tensor.contiguous().flatten()[:: stride_of(tensor.shape)].clone() for key, tensor in kept.items()}, generate.HERE / data)
    entries = {
        key: {"shape": list(tensor.shape), "stride": stride_of(tensor.shape), "group": group_of(key)}
        for key, tensor in sorted(kept.items())
    }
    return {"name": name, "config": f"configs/{name}_video.json", "data": data, "tensors": entries}


def write_sequence(name: str) -> dict:
    """Runs the sequence of one configuration, writes its data and gives its entry."""
    kept = tracker_sequences.run(name)
    data = f"data/tracker_{name}_sequence.safetensors"
    stored = {key: tensor.float().contiguous() for key, tensor in kept.items()}
    memories = stored["memory"].flatten(1)
    stored["memory"] = memories[:, ::MEMORY_STRIDE].contiguous()
    save_file(stored, generate.HERE / data)
    return {
        "config": f"configs/{name}_video.json",
        "data": data,
        "overrides": tracker_sequences.overrides_of(name),
        "memory_stride": MEMORY_STRIDE,
    }


def write_prompts(name: str) -> dict:
    """Runs the prompts of one configuration, writes their data and gives their entry."""
    data = f"data/tracker_{name}_prompts.safetensors"
    save_file({key: tensor.contiguous() for key, tensor in tracker_prompts.run(name).items()}, generate.HERE / data)
    return {"config": f"configs/{name}_video.json", "data": data}


def write_session(case: dict) -> dict:
    """Runs one session, writes its masks and gives its entry."""
    rows, masks = session_cases.run(case)
    data = f"data/session_{case['name']}.safetensors"
    save_file(masks, generate.HERE / data)
    return {
        "name": case["name"],
        "what": case["what"],
        "config": "configs/tiny_video.json",
        "settings": session_cases.SETTINGS | case["settings"],
        "overrides": case["overrides"],
        "texts": case["texts"],
        "frames": case["frames"],
        "data": data,
        "rows": rows,
    }


def check_size() -> None:
    """Refuses fixtures that would weigh down the repository."""
    total = sum(path.stat().st_size for path in [generate.HERE / "tracker.json", *(generate.HERE / "data").glob("tracker_*"), *(generate.HERE / "data").glob("session_*"), generate.HERE / "session.json"])
    print(f"{total:,} bytes")
    if total > MOST_BYTES:
        sys.exit(f"the tracker's fixtures take more than {MOST_BYTES:,} bytes: raise the strides")


def main() -> None:
    """Writes everything."""
    generate.check_versions()
    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    for name in tracker_model.TRACKERS:
        (generate.HERE / f"configs/{name}_video.json").write_text(tracker_model.config(name).to_json_string())
    written = {
        "made_with": generate.PINNED,
        "overrides": tracker_model.OVERRIDES,
        "tolerances": TOLERANCES,
        "blocks": [write_blocks(name) for name in tracker_model.TRACKERS],
        "sequences": [write_sequence(name) for name in tracker_model.TRACKERS],
        "prompts": [write_prompts(name) for name in tracker_model.TRACKERS],
    }
    (generate.HERE / "tracker.json").write_text(json.dumps(written, indent=1) + "\n")
    sessions = ",\n".join(json.dumps(write_session(case)) for case in session_cases.CASES)
    (generate.HERE / "session.json").write_text(f"[\n{sessions}\n]\n")
    check_size()


if __name__ == "__main__":
    main()
