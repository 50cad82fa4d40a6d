"""Average precision as COCO counts it, and cgF1 as SAM 3 reports it, in plain Python. Imported by photo_eval.py; no
step by itself.

Overlaps are those of the found things [n, m] with the m true ones of a picture, the found ones best first.
"""

import math
from dataclasses import dataclass, field

import numpy as np

# From 0.5 to 0.95.
THRESHOLDS = tuple(round(0.5 + 0.05 * k, 2) for k in range(10))
RECALLS = np.linspace(0, 1, 101)


def hits(overlaps, threshold):
    """Which found things have a true one for themselves, [n] bool: the best one takes the true one that it overlaps
    most among those that are left."""
    taken, found = set(), []
    for row in overlaps:
        free = [j for j in range(len(row)) if j not in taken and row[j] >= threshold]
        best = max(free, key=lambda j: row[j]) if free else None
        taken |= {best} - {None}
        found.append(best is not None)
    return found


def average_precision(scores, is_hit, count):
    """Of all found things of a class, over 101 recalls; None where there is no true one."""
    if not count:
        return None
    order = np.argsort(-np.asarray(scores), kind="stable")
    right = np.cumsum(np.asarray(is_hit, float)[order])
    if not len(right):
        return 0.0
    recall, precision = right / count, right / np.arange(1, len(right) + 1)
    # The best precision at this recall or a higher one
    precision = np.maximum.accumulate(precision[::-1])[::-1]
    at = np.searchsorted(recall, RECALLS - 1e-9)
    return float(np.where(at < len(precision), precision[np.minimum(at, len(precision) - 1)], 0).mean())


@dataclass
class ClassTally:
    """Found things of one class in all pictures: their scores, and whether they are hits at each threshold."""

    scores: list = field(default_factory=list)
    is_hit: dict = field(default_factory=lambda: {threshold: [] for threshold in THRESHOLDS})
    count: int = 0

    def add(self, scores, overlaps):
        """One picture; `overlaps` [n, m]."""
        self.scores += list(scores)
        self.count += overlaps.shape[1]
        for threshold, found in self.is_hit.items():
            found += hits(overlaps, threshold)

    def at(self, threshold):
        """AP at one threshold."""
        return average_precision(self.scores, self.is_hit[threshold], self.count)

    def mean(self):
        """AP over all thresholds."""
        found = [self.at(threshold) for threshold in THRESHOLDS]
        return None if found[0] is None else sum(found) / len(found)


@dataclass
class Concepts:
    """For cgF1: the product of pmF1, the F1 over phrases that fit something (over all thresholds), and IL_MCC, the
    Matthews correlation of "something is found" with "something is there"."""

    right: dict = field(default_factory=lambda: dict.fromkeys(THRESHOLDS, 0))
    found: int = 0
    there: int = 0
    table: dict = field(default_factory=lambda: dict(tp=0, fp=0, fn=0, tn=0))

    def add(self, overlaps):
        """One phrase about one picture, with what was found above the threshold of scores; `overlaps` [n, m]."""
        found, there = overlaps.shape
        self.table[("t" if bool(found) == bool(there) else "f") + ("p" if found else "n")] += 1
        if there:
            self.found, self.there = self.found + found, self.there + there
            for threshold in THRESHOLDS:
                self.right[threshold] += sum(hits(overlaps, threshold))

    def f1(self):
        """Mean over thresholds."""
        return float(np.mean([2 * n / max(1, self.found + self.there) for n in self.right.values()]))

    def correlation(self):
        """Matthews'."""
        tp, fp, fn, tn = (self.table[k] for k in ("tp", "fp", "fn", "tn"))
        length = math.sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn))
        return (tp * tn - fp * fn) / length if length else 0.0

    def numbers(self):
        """All of them."""
        return dict(cgF1=self.f1() * self.correlation(), pmF1=self.f1(), IL_MCC=self.correlation(), **self.table)
