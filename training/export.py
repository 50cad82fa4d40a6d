"""Step 4: a checkpoint of train.py becomes a folder in Hugging Face's layout, in fp16 with CLIP's full vocabulary. Tokens
that training never saw share the row of the unknown word.

    python training/export.py out/training/run/final.pt [--out out/training/model]
"""

import argparse
import json
import shutil
from pathlib import Path

import torch
from transformers import Sam3Model

from model import make_config, set_size
from paths import EXPORTED, MODEL

VOCABULARY = 49408
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
IMAGE_PROCESSOR = dict(
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
    size=dict(height=252, width=252),
    mask_size=dict(height=72, width=72),
)
PROCESSOR = dict(
    processor_class="Sam3Processor", image_processor=IMAGE_PROCESSOR, target_size=252, point_pad_value=-10
)


def load_full(ckpt, S=252):
    """The model of a checkpoint with the full vocabulary."""
    ck = torch.load(ckpt, map_location="cpu", weights_only=False)
    sd, ids = dict(ck["model"]), ck["ids"]
    m = Sam3Model(make_config(S))
    (k,) = [x for x in sd if x.endswith("token_embedding.weight")]
    w = sd[k]
    full = w[len(ids)].clone()[None].repeat(VOCABULARY, 1)
    full[torch.tensor(ids)] = w[: len(ids)]
    sd[k] = full
    r = m.load_state_dict(sd, strict=False)
    assert not r.missing_keys and not r.unexpected_keys, r
    set_size(m, S)
    return m.eval()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--out", type=Path, default=EXPORTED)
    args = parser.parse_args()
    m = load_full(args.checkpoint)
    m.config.architectures = ["Sam3Model"]
    m.to(torch.float16).save_pretrained(args.out)
    for name, content in {
        "tokenizer_config.json": TOKENIZER,
        "special_tokens_map.json": SPECIAL_TOKENS,
        "preprocessor_config.json": IMAGE_PROCESSOR,
        "processor_config.json": PROCESSOR,
    }.items():
        (args.out / name).write_text(json.dumps(content, indent=1))
    for name in ("tokenizer.json", "sa3.json"):
        shutil.copyfile(MODEL / name, args.out / name)
    sizes = {f.name: f.stat().st_size for f in args.out.iterdir()}
    print(sizes, "parameters", sum(p.numel() for p in m.parameters()))


if __name__ == "__main__":
    main()
