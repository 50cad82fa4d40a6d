"""Phrases as token ids of a compact vocabulary: only the tokens that the recipe's phrases use have rows while training.
export.py spreads them over CLIP's full vocabulary. Imported by train.py; no step by itself."""

import torch
from tokenizers import Tokenizer

from paths import MODEL
from prompts import all_prompts, plural

SOT, EOT = 49406, 49407
# Rows beyond the known tokens. The first of them is the one that stands for every unknown word.
NUNK = 300


class Text:
    """The compact vocabulary. `n` known tokens; row n is the unknown word."""

    def __init__(self):
        self.t = Tokenizer.from_file(str(MODEL / "tokenizer.json"))
        self.t.no_padding()
        vs = set()
        for p in all_prompts():
            for q in (p, "a " + p, "an " + p, "the " + p, plural(p)):
                vs |= set(self.t.encode(q).ids)
        self.ids = sorted(vs | {SOT, EOT})
        self.map = {t: i for i, t in enumerate(self.ids)}
        self.n = len(self.ids)
        self.cache = {}

    def enc(self, p, r):
        """Token rows of a phrase. UNK is one to three unknown words, UNK1 is one."""
        if p == "UNK1":
            return [self.map[SOT], self.n, self.map[EOT]]
        if p == "UNK":
            return [self.map[SOT]] + [self.n] * r.choice([1, 1, 1, 2, 3]) + [self.map[EOT]]
        if p not in self.cache:
            self.cache[p] = [self.map[i] for i in self.t.encode(p).ids]
        e = self.cache[p]
        if r.random() < 0.05:  # an unknown word beside known ones is neutral
            e = [e[0], self.n] + e[1:] if r.random() < 0.75 else e[:-1] + [self.n, e[-1]]
        return e

    def batch(self, ps, r):
        """[phrases, tokens] ids and attention mask."""
        e = [self.enc(p, r) for p in ps]
        L = max(map(len, e))
        ids = torch.full((len(e), L), self.map[EOT])
        am = torch.zeros((len(e), L), dtype=torch.long)
        for i, x in enumerate(e):
            ids[i, : len(x)] = torch.tensor(x)
            am[i, : len(x)] = 1
        return ids, am
