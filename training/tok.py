"""Step 2: writes tokenizer.json, CLIP's byte-pair vocabulary (49,408 tokens) as the `tokenizers` library reads it.

    python training/tok.py [--merges FILE] [--out FILE]

The merges are `bpe_simple_vocab_16e6.txt.gz` as OpenAI published it with CLIP; without --merges the copy inside the
Python package open_clip_torch is taken. models/sa3-nano/tokenizer.json is this script's output, so the step may be
left out.
"""

import argparse
import gzip
from pathlib import Path

from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

from paths import WORK

START, END = "<|startoftext|>", "<|endoftext|>"
WORD = r"""<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"""


def byte_letters():
    """A printable letter for each of the 256 bytes, printable bytes first, as CLIP orders them."""
    bs = (
        list(range(ord("!"), ord("~") + 1))
        + list(range(ord("¡"), ord("¬") + 1))
        + list(range(ord("®"), ord("ÿ") + 1))
    )
    cs = bs[:]
    n = 0
    for b in range(256):
        if b not in bs:
            bs.append(b)
            cs.append(256 + n)
            n += 1
    return [chr(c) for c in cs]


def build(merges_file, path):
    """Reads the merges, writes the tokenizer."""
    lines = gzip.open(merges_file).read().decode().split("\n")
    merges = [tuple(m.split()) for m in lines[1 : 49152 - 256 - 2 + 1]]
    v = byte_letters()
    v = v + [x + "</w>" for x in v] + ["".join(m) for m in merges] + [START, END]
    vocab = {t: i for i, t in enumerate(v)}
    assert len(vocab) == 49408
    bpe = dict(unk_token=END, end_of_word_suffix="</w>", continuing_subword_prefix="", fuse_unk=False)
    t = Tokenizer(models.BPE(vocab=vocab, merges=merges, **bpe))
    t.normalizer = normalizers.Sequence(
        [normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()]
    )
    t.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(WORD), behavior="removed", invert=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
    t.decoder = decoders.ByteLevel()
    t.add_special_tokens([START, END])
    t.post_processor = processors.RobertaProcessing(
        (END, 49407), (START, 49406), trim_offsets=False, add_prefix_space=False
    )
    t.enable_truncation(32)
    t.enable_padding(pad_id=49407, pad_token=END, length=32)
    path.parent.mkdir(parents=True, exist_ok=True)
    t.save(str(path))
    return t


def packaged_merges():
    """The copy inside open_clip_torch."""
    import open_clip

    return Path(open_clip.__file__).parent / "bpe_simple_vocab_16e6.txt.gz"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--merges", type=Path, help="bpe_simple_vocab_16e6.txt.gz")
    parser.add_argument("--out", type=Path, default=WORK / "tokenizer.json")
    args = parser.parse_args()
    t = build(args.merges or packaged_merges(), args.out)
    for s in ("red circle", "a dog", "Fire-truck 12!", "t shirt"):
        print(s, t.encode(s).ids[:8])


if __name__ == "__main__":
    main()
