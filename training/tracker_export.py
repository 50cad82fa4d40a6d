"""A trained tracker and its detector become one model folder, as Hugging Face's Sam3VideoModel is published:
`detector_model.*`, `tracker_neck.*` and `tracker_model.*`, in fp16.

    python training/tracker_export.py out/training/tracker/last.pt [--out out/training/model]

What was written is read again, and compared.
"""

import argparse
import json
import shutil
from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import Sam3VideoModel

import tracker_model
from paths import EXPORTED, MODEL

# Of the detector's folder.
COPIED = (
    "tokenizer.json",
    "sa3.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "preprocessor_config.json",
    "processor_config.json",
)


def export(checkpoint, detector, out):
    """Writes the folder; the model in it."""
    model = tracker_model.build(detector)
    state = torch.load(checkpoint, map_location="cpu", weights_only=True)
    tracker_model.load_tracker(model, state["tracker"])
    model = model.eval().to(torch.float16)
    model.config.architectures = ["Sam3VideoModel"]
    # Not save_pretrained, which doubles the prefix of the tracker's names
    weights = {name: tensor.contiguous() for name, tensor in model.state_dict().items()}
    save_file(weights, out / "model.safetensors", metadata={"format": "pt"})
    (out / "config.json").write_text(json.dumps(tracker_model.saved_config(model), indent=2, sort_keys=True) + "\n")
    for name in COPIED:
        if (detector / name).exists():
            shutil.copyfile(detector / name, out / name)
    return model


def check(model, out):
    """The folder read again has exactly these tensors."""
    again, report = Sam3VideoModel.from_pretrained(out, output_loading_info=True)
    troubles = {kind: names for kind, names in report.items() if names}
    if troubles:
        raise SystemExit(f"transformers does not read what was written: {troubles}")
    expected = model.state_dict()
    for name, tensor in again.state_dict().items():
        if not torch.equal(tensor.float(), expected[name].float()):
            raise SystemExit(f"{name} was read back with other numbers")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--detector", type=Path, default=MODEL, help="model folder with which the tracker was trained")
    parser.add_argument("--out", type=Path, default=EXPORTED)
    args = parser.parse_args()
    torch.set_num_threads(1)
    if args.out.resolve() == args.detector.resolve():
        raise SystemExit("--out is the detector's own folder; choose another one")
    args.out.mkdir(parents=True, exist_ok=True)
    check(export(args.checkpoint, args.detector, args.out), args.out)
    for file in sorted(args.out.iterdir()):
        print(f"{file.stat().st_size / 1e6:8.2f} MB  {file.name}")


if __name__ == "__main__":
    main()
