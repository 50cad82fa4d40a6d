"""Step 4: a checkpoint of detector_train.py becomes a folder in Hugging Face's layout, in fp16 with CLIP's full
vocabulary. Tokens that training never saw share the row of the unknown word.

    python training/export.py out/training/run/last.pt [--out out/training/model] [--last-weights]

The averaged weights are taken where the run kept any; --last-weights takes those of the last step.
"""

import argparse
import json
import shutil
from pathlib import Path

import torch
from transformers import Sam3Model

from model import TOKEN_TABLE, Shape, make_config, set_size
from paths import EXPORTED, MODEL
from vocabulary import spread

SPECIAL_TOKENS = dict(
    bos_token="<|startoftext|>",
    eos_token="<|endoftext|>",
    pad_token="<|endoftext|>",
    unk_token="<|endoftext|>",
)
TOKENIZER = dict(
    processor_class="Sam3Processor",
    tokenizer_class="CLIPTokenizer",
    model_max_length=32,
    **SPECIAL_TOKENS,
    do_lower_case=True,
    padding_side="right",
)
# What sa3 needs to know beyond the configuration. A prompt of text alone passes the geometry encoder, as in training.
RECOMMENDED = dict(threshold=0.4, mask_nms_iou=0.6, mask_clip_to_box_margin=0.25)


def image_processor(side):
    """Of pictures with `side` pixels."""
    return dict(
        image_processor_type="Sam3ImageProcessor",
        processor_class="Sam3Processor",
        do_convert_rgb=True,
        do_normalize=True,
        do_rescale=True,
        do_resize=True,
        image_mean=[0.5] * 3,
        image_std=[0.5] * 3,
        rescale_factor=1 / 255,
        resample=2,
        size=dict(height=side, width=side),
        mask_size=dict(height=side // 14 * 4, width=side // 14 * 4),
    )


def load_full(checkpoint, side=252, is_averaged=True):
    """The model of a checkpoint with the full vocabulary, float32, on the CPU."""
    state = torch.load(checkpoint, map_location="cpu", weights_only=True)
    weights = state.get("averaged_model") if is_averaged else None
    weights = dict(weights or state["model"])
    weights[TOKEN_TABLE] = spread(weights[TOKEN_TABLE], state["ids"])
    shape = Shape(**(state["shape"] | dict(side=side)))
    model = Sam3Model(make_config(shape))
    model.load_state_dict(weights)
    set_size(model, side)
    return model.eval()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--out", type=Path, default=EXPORTED)
    parser.add_argument("--side", type=int, default=252, help="pixels of a picture")
    parser.add_argument("--last-weights", action="store_true", help="not the averaged ones")
    args = parser.parse_args()
    model = load_full(args.checkpoint, args.side, not args.last_weights)
    model.config.architectures = ["Sam3Model"]
    model.to(torch.float16).save_pretrained(args.out)
    processor = image_processor(args.side)
    for name, content in {
        "tokenizer_config.json": TOKENIZER,
        "special_tokens_map.json": SPECIAL_TOKENS,
        "preprocessor_config.json": processor,
        "processor_config.json": dict(
            processor_class="Sam3Processor", image_processor=processor, target_size=args.side, point_pad_value=-10
        ),
        "sa3.json": RECOMMENDED,
    }.items():
        (args.out / name).write_text(json.dumps(content, indent=1))
    shutil.copyfile(MODEL / "tokenizer.json", args.out / "tokenizer.json")
    sizes = {f.name: f.stat().st_size for f in args.out.iterdir()}
    print(sizes, "parameters", sum(p.numel() for p in model.parameters()))


if __name__ == "__main__":
    main()
