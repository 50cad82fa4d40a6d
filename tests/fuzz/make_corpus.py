"""Writes corpus/<target>/: small inputs, `ok-…` that must be read and `bad-…` that must be refused.

    pip install torch==2.11.0 safetensors
    python tests/fuzz/make_corpus.py

An input that `cargo xtask fuzz` found belongs there too, under a name that says what it was.
"""

import base64
import io
import json
import pickle
import zipfile
import zlib
from collections import OrderedDict
from pathlib import Path

import torch
from safetensors.torch import save

CORPUS = Path(__file__).resolve().parent / "corpus"
NAME = "text_projection"
INDEX_SHARD = "model-00001-of-00001.safetensors"


class Hostile:
    """Pickles as a call of a function that no checkpoint needs."""

    def __reduce__(self):
        return (print, ("this must never be printed",))


def saved(value: object) -> bytes:
    """What torch.save writes."""
    buffer = io.BytesIO()
    torch.save(value, buffer)
    return buffer.getvalue()


def repacked(archive: bytes, method: int = zipfile.ZIP_STORED, **replaced: bytes) -> bytes:
    """The same archive as another program would write it."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(archive)) as source, zipfile.ZipFile(buffer, "w", method) as target:
        for info in source.infolist():
            data = replaced.get(info.filename.rpartition("/")[2].partition(".")[0], source.read(info))
            with target.open(info.filename, "w", force_zip64=True) as entry:
                entry.write(data)
    return buffer.getvalue()


def checkpoints() -> dict[str, bytes]:
    """Files of torch and safetensors."""
    weight, bias = torch.arange(6.0).view(2, 3), torch.ones(2)
    bare = {f"{NAME}.weight": weight, f"{NAME}.bias": bias}
    video = {f"detector_model.{NAME}.weight": weight.half(), "tracker_model.no_object_pointer": bias.bfloat16()}
    trunk = "detector.backbone.vision_backbone.trunk."
    official = OrderedDict({
        f"{trunk}pos_embed": torch.rand(1, 5, 2), f"{trunk}blocks.0.attn.qkv.weight": torch.rand(6, 2),
        f"{trunk}blocks.0.attn.freqs_cis": torch.zeros(2, dtype=torch.complex64), "tracker.no_obj_ptr": bias,
        "detector.backbone.language_backbone.encoder.text_projection": weight.T,
    })  # fmt: skip
    multiplex = {"detector.x": bias, "tracker.model.y": bias}
    program = pickle.dumps({"model": Hostile()}, protocol=2)
    packed = saved(official)
    return {
        "ok-image.safetensors": save(bare),
        "ok-video.safetensors": save(video),
        "bad-foreign.safetensors": save({"bert.embeddings": bias}),
        "ok-official.pt": packed,
        "ok-official-below-model.pt": saved({"model": official}),
        "ok-parameter.pt": saved({f"detector_model.{NAME}.bias": torch.nn.Parameter(bias)}),
        "ok-zip64.pt": repacked(packed),
        "bad-multiplex.pt": saved(multiplex),
        "bad-compressed.pt": repacked(packed, zipfile.ZIP_DEFLATED),
        "bad-runs-code.pt": repacked(packed, data=program),
        "bad-no-number.pt": saved({f"{NAME}.bias": torch.tensor([1.0, float("nan")])}),
        "bad-integers.safetensors": save({f"{NAME}.bias": torch.arange(3)}),
    }


def indices() -> dict[str, bytes]:
    """Indices beside one shard, which `targets.rs` writes."""
    def index(**places: str) -> bytes:
        names = {name.replace("_in_", "."): file for name, file in places.items()}
        return json.dumps({"metadata": {"total_size": 8}, "weight_map": names}).encode()

    return {
        "ok-one-shard.json": index(text_projection_in_bias=INDEX_SHARD),
        "bad-missing-shard.json": index(text_projection_in_bias="other.safetensors"),
        "bad-other-tensor.json": index(text_projection_in_weight=INDEX_SHARD),
        "bad-elsewhere.json": index(text_projection_in_bias="../" + INDEX_SHARD),
    }


def configs() -> dict[str, bytes]:
    """config.json and sa3.json."""
    smallest = json.loads((CORPUS.parents[1] / "parity/configs/smallest.json").read_text())
    smallest["vision_config"] = {name: smallest["vision_config"][name] for name in ("fpn_hidden_size", "scale_factors")}
    return {
        "ok-smallest.json": json.dumps(smallest).encode(),
        "ok-released.json": b"{}",
        "ok-video.json": b'{"model_type": "sam3_video", "detector_config": {"detr_decoder_config": {"num_queries": 4}}}',
        "bad-window.json": b'{"vision_config": {"backbone_config": {"window_size": 0}}}',
        "bad-size.json": b'{"vision_config": {"backbone_config": {"image_size": 9223372036854775807}}}',
        "bad-other-model.json": b'{"model_type": "bert"}',
    }


def recommendations() -> dict[str, bytes]:
    """sa3.json."""
    return {
        "ok-all.json": b'{"text_prompt_uses_geometry_token": false, "threshold": 0.5, "mask_nms_iou": 0, '
                       b'"mask_clip_to_box_margin": 0.1}',
        "bad-range.json": b'{"threshold": 2}',
        "bad-field.json": b'{"treshold": 0.5}',
    }  # fmt: skip


def tokenizers() -> dict[str, bytes]:
    """tokenizer.json with the smallest vocabulary that is one."""
    published = json.loads((CORPUS.parents[2] / "models/sa3-nano/tokenizer.json").read_text())
    tokens = ["a", "b", "a</w>", "b</w>", "ab</w>", "<|startoftext|>", "<|endoftext|>"]
    published["model"] |= {"vocab": {token: at for at, token in enumerate(tokens)}, "merges": [["a", "b</w>"]]}
    for token in published["added_tokens"]:
        token["id"] = tokens.index(token["content"])
    small = json.dumps(published)
    for old, new in (("49406", "5"), ("49407", "6")):
        small = small.replace(old, new)
    return {
        "ok-small.json": small.encode(),
        "bad-no-model.json": b'{"version": "1.0"}',
        "bad-merge.json": small.replace('["a", "b</w>"]', '["a", "z"]').encode(),
    }


def phrases() -> dict[str, bytes]:
    """The text of a prompt property."""
    return {
        "ok-list.txt": "a red car; dog ;; 🐶; naïve café".encode(),
        "ok-empty.txt": b"",
        "ok-long.txt": b"dog " * 40,
        "ok-special.txt": "<|startoftext|> a <|endoftext|>;\u0301\u200b;\ufeff".encode(),
    }


def lines() -> dict[str, bytes]:
    """What maskexport format=jsonl writes, for maskattach."""
    def packed(*rows: list[int]) -> dict:
        zipped = zlib.compress(bytes(cell for row in rows for cell in row))
        return {"size": [len(rows), len(rows[0])], "zlib": base64.b64encode(zipped).decode()}

    def frame(number: int, *objects: dict, **fields: object) -> bytes:
        times = {"pts": number * 40_000_000, "duration": 40_000_000, "source_pts": number * 40_000_000, "age": 0}
        line = {"frame": number, **times, "width": 8, "height": 4, "inside_level": 128, "coordinates": "pixels"}
        return json.dumps({**line, "objects": list(objects), **fields}).encode() + b"\n"

    def thing(**fields: object) -> dict:
        known = {"id": 3, "label": "dog", "prompt_index": 0, "score": 0.9, "state": "tracked", "bbox": [1.5, 0, 4, 2.25]}
        return {**known, "area": 8, "first_seen": 0, "last_seen": 40_000_000, **fields}

    runs = {"size": [4, 8], "counts": "88`0"}
    soft = packed([0, 100, 200], [255, 128, 127])
    half = {"label": "dog", "prompt_index": 0, "presence": 0.75, "segmentation": {"size": [1, 2], "counts": "11"}}
    everything = frame(0, thing(segmentation=runs)) + b"\n" + frame(1, thing(soft_mask=soft), thing(segmentation=[[0, 0, 4, 0, 4, 4]]))
    everything += frame(2, thing(), semantic_maps=[half, {**half, "segmentation": None, "soft_map": soft}])
    everything += frame(3, objects=None)
    return {
        "ok-all.jsonl": everything,
        "ok-cut.jsonl": frame(0, thing(segmentation=runs)) + frame(1, thing())[:70],
        "ok-few-fields.jsonl": b'{"frame": 7, "width": 2, "height": 2, "objects": [{"label": "", "score": 0, "bbox": [0, 0, 0, 0]}]}\n',
        "bad-runs.jsonl": frame(0, thing(segmentation={**runs, "counts": "9" + runs["counts"]})),
        "bad-size.jsonl": frame(0, thing(soft_mask={**soft, "size": [65536, 65536]})),
        "bad-soft-mask.jsonl": frame(0, thing(soft_mask={**soft, "size": [2, 2]})),
        "bad-json.jsonl": b'{"frame": 0,}\n' + frame(1),
    }  # fmt: skip


def main() -> None:
    """Writes every target's inputs."""
    torch.manual_seed(0)
    targets = {
        "checkpoint": checkpoints, "index": indices, "config": configs, "recommendations": recommendations,
        "tokenizer": tokenizers, "phrase": phrases, "lines": lines,
    }  # fmt: skip
    for target, make in targets.items():
        (CORPUS / target).mkdir(parents=True, exist_ok=True)
        for name, data in make().items():
            (CORPUS / target / name).write_bytes(data)


if __name__ == "__main__":
    main()
