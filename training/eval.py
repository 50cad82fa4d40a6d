"""Step 5: measures a model on scenes of a seed and with backdrops that training never used.

    python training/eval.py [MODEL_OR_CHECKPOINT] [--count 1000] [--size 252] [--threshold 0.5] [--json FILE]
        [--pictures DIR --labels DIR] [--held-out-style] [--precision bf16] [--device cpu]

One phrase for each picture: precision, recall and F1 at a mask IoU of 0.5 for all, shapes, emoji, bars and things of
photographs, and whether presence is right. Then one exemplar box without a text for each picture: how much of what it
means is found. --pictures and --labels are photographs that were not trained on; without them no photographs are in the
scenes but those of assets.py. --held-out-style draws emoji as training never saw them.
"""

import argparse
import json
import random
from pathlib import Path

import torch

from batches import centred, thing_boxes
from detections import Tally
from loading import Detector
from paths import MODEL
from prompts import VISUAL, Asker, Question
from scenes import make_maker

SEED = 777777
BATCH = 8
THRESHOLD_OF_DOUBLES = 0.6


def questions(made, seeds, most):
    """One question for each scene, of text alone."""
    askers = [Asker(random.Random(f"asked {s}"), t, o, most) for s, t, o in zip(seeds, made.things, made.is_open)]
    return [asker.questions(1)[0] for asker in askers]


def kind_of(question, things):
    """The kind of what is asked for; "absent" for phrases that fit nothing."""
    return things[question.targets[0]].identity.kind if question.targets else "absent"


def box_questions(made, seeds, most):
    """An exemplar box without a text for each scene that has anything to point at; None for the others."""
    found = []
    for seed, things, is_open in zip(seeds, made.things, made.is_open):
        asker = Asker(random.Random(f"boxes {seed}"), things, is_open, most)
        if not asker.askable:
            found.append(None)
            continue
        index = asker.rng.choice([i for i, thing in enumerate(things) if thing.is_ok])
        found.append(Question(VISUAL, asker.same_as(index), [(index, True)]))
    return found


def truth_of(made, b, question):
    """Masks of what a question means, [n, S, S] bool."""
    values = torch.tensor([index + 1 for index in question.targets], device=made.owner.device).view(-1, 1, 1)
    return (made.owner[b] == values).cpu()


class Measures:
    """Tallies by kind, of phrases and of boxes."""

    def __init__(self, detector, threshold):
        self.detector, self.threshold = detector, threshold
        self.by_kind, self.by_box = {}, {}

    def add_phrases(self, made, asked):
        """One phrase for each scene."""
        at = list(range(len(made.pictures)))
        found = self.detector.ask(made.pictures, torch.tensor(at), [q.phrase for q in asked])
        self._count(self.by_kind, made, found, at, asked)

    def add_boxes(self, made, asked):
        """One box for each scene that has one."""
        at = [b for b, question in enumerate(asked) if question]
        if not at:
            return
        width = 1 + max(len(things) for things in made.things)
        boxes = centred(thing_boxes(made.owner, width)).cpu()
        exemplars = torch.stack([boxes[b, asked[b].exemplars[0][0] + 1] for b in at])[:, None]
        labels = torch.ones(len(at), 1, dtype=torch.long)
        found = self.detector.ask(made.pictures, torch.tensor(at), [asked[b].phrase for b in at], exemplars, labels)
        self._count(self.by_box, made, found, at, asked)

    def _count(self, tallies, made, found, at, asked):
        """Adds the answers to the questions `asked` of the scenes `at`."""
        for b, one in zip(at, self.detector.detections(found, made.pictures.shape[-1], self.threshold)):
            kept, truth = one.without_doubles(THRESHOLD_OF_DOUBLES), truth_of(made, b, asked[b])
            for name in ("all", kind_of(asked[b], made.things[b])):
                tallies.setdefault(name, Tally()).add(kept, truth)

    def numbers(self):
        """All of them."""
        return dict(
            phrases={kind: tally.numbers() for kind, tally in self.by_kind.items()},
            boxes={kind: tally.numbers() for kind, tally in self.by_box.items()},
        )


def measure(detector, maker, count, side, threshold):
    """The numbers of `count` scenes."""
    measures, most = Measures(detector, threshold), detector.model.config.detr_decoder_config.num_queries
    for start in range(0, count, BATCH):
        seeds = [f"held out {SEED} {i}" for i in range(start, min(count, start + BATCH))]
        made = maker.make(seeds, side)
        measures.add_phrases(made, questions(made, seeds, most))
        measures.add_boxes(made, box_questions(made, seeds, most))
    return measures.numbers()


def told(numbers):
    """Lines to read."""
    for title, kinds in numbers.items():
        yield title
        for kind, values in kinds.items():
            shown = {k: round(v, 3) if isinstance(v, float) else v for k, v in values.items() if v is not None}
            yield f"    {kind:8} {shown}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("model", type=Path, nargs="?", default=MODEL)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--size", type=int, default=252)
    parser.add_argument("--threshold", type=float, default=0.5)
    parser.add_argument("--precision", choices=["fp32", "bf16"], default="bf16")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument(
        "--no-geometry-token", action="store_true", help="ask text alone as the first sa3-nano was trained"
    )
    parser.add_argument("--held-out-style", action="store_true", help="emoji as training never saw them")
    parser.add_argument("--pictures", type=Path, help="folder of labelled photographs that were not trained on")
    parser.add_argument("--labels", type=Path, help="folder of their outlines")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    folders = (args.pictures, args.labels) if args.pictures else None
    maker = make_maker(SEED, args.device, folders, 200, is_held_out=True, is_held_out_style=args.held_out_style)
    detector = Detector.read(args.model, args.size, args.device, args.precision == "bf16")
    detector.has_geometry_token &= not args.no_geometry_token
    numbers = measure(detector, maker, args.count, args.size, args.threshold)
    print("\n".join(told(numbers)))
    if args.json:
        args.json.write_text(json.dumps(numbers, indent=1))


if __name__ == "__main__":
    main()
