"""Phrases as token ids of a compact vocabulary: only the tokens that the recipe's phrases use have rows while training.
export.py spreads them over CLIP's full vocabulary. Imported by detector_train.py and export.py; no step by itself."""

import torch
from tokenizers import Tokenizer

from identities import all_phrases
from paths import MODEL
from prompts import ONE_UNKNOWN, UNKNOWN, plural

START, END = 49406, 49407
VOCABULARY = 49408


class Text:
    """The compact vocabulary: `count` known tokens, then one row that stands for every unknown word. `ids` are CLIP's
    numbers of the known ones."""

    def __init__(self, ids=None):
        self.tokenizer = Tokenizer.from_file(str(MODEL / "tokenizer.json"))
        self.tokenizer.no_padding()
        self.ids = list(ids) if ids is not None else self._needed()
        self.row_of = {token: row for row, token in enumerate(self.ids)}
        self.count = len(self.ids)
        self.cache = {}

    def _needed(self):
        found = {START, END}
        for phrase in all_phrases():
            for variant in (phrase, "a " + phrase, "an " + phrase, "the " + phrase, plural(phrase)):
                found |= set(self.tokenizer.encode(variant).ids)
        return sorted(found)

    def rows(self, phrase, rng):
        """Of a phrase. Now and then an unknown word stands beside the known ones, which is neutral."""
        first, last = self.row_of[START], self.row_of[END]
        if phrase == ONE_UNKNOWN:
            return [first, self.count, last]
        if phrase == UNKNOWN:
            return [first] + [self.count] * rng.choice([1, 1, 1, 2, 3]) + [last]
        if phrase not in self.cache:
            self.cache[phrase] = [self.row_of.get(token, self.count) for token in self.tokenizer.encode(phrase).ids]
        rows = self.cache[phrase]
        if rng.random() < 0.05:
            rows = [rows[0], self.count] + rows[1:] if rng.random() < 0.75 else rows[:-1] + [self.count, rows[-1]]
        return rows

    def batch(self, phrases, rng, device="cpu"):
        """[phrases, tokens] rows and attention mask."""
        rows = [self.rows(phrase, rng) for phrase in phrases]
        length = max(map(len, rows))
        ids = torch.full((len(rows), length), self.row_of[END])
        mask = torch.zeros((len(rows), length), dtype=torch.long)
        for i, row in enumerate(rows):
            ids[i, : len(row)] = torch.tensor(row)
            mask[i, : len(row)] = 1
        return ids.to(device), mask.to(device)


def compacted(table, text):
    """CLIP's full table [49408, C] as the rows of `text`, [count + 1, C]. The unknown word's row is the one that most
    tokens share."""
    _, inverse, counts = table.sum(1, dtype=torch.float64).unique(return_inverse=True, return_counts=True)
    unknown = int((inverse == counts.argmax()).nonzero()[0])
    return torch.cat([table[torch.tensor(text.ids)], table[unknown : unknown + 1]])


def spread(rows, ids):
    """The full table [49408, C] of compact rows: tokens that were never seen share the unknown word's."""
    full = rows[len(ids)][None].repeat(VOCABULARY, 1)
    full[torch.tensor(ids)] = rows[: len(ids)]
    return full
