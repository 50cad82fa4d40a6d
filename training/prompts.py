"""What is asked about a scene: phrases that fit, phrases that nearly fit, and which things they mean. Imported by
batches.py and the evaluations; no step by itself."""

from dataclasses import dataclass, field

from concepts import EMOJI_LIST, SHAPES
from identities import DECIDABLE_IN_PHOTOGRAPHS, SIZE_WORDS, chosen, tiers
from photo_concepts import PHOTO_CONCEPTS
from tags import ACTIVE, CN, SN, csyn

# A phrase of unknown words alone, which nothing fits; and the two that stand beside exemplar boxes without a text.
UNKNOWN, ONE_UNKNOWN, VISUAL = "UNK", "UNK1", "visual"
NO_TEXT = (VISUAL, ONE_UNKNOWN)
# "large" and "small" need this ratio of areas to the next thing of the name.
CLEARLY_LARGER = 2.0


@dataclass
class Question:
    """A phrase, the indices of the things it means, and exemplars: (index of a thing, is positive)."""

    phrase: str
    targets: list
    exemplars: list = field(default_factory=list)


def all_names(emoji):
    """Of these emoji."""
    return [name for e in emoji for name in EMOJI_LIST[e]["names"]]


COLOUR_WORDS = [c for colour in CN for c in csyn(colour)]
SHAPE_WORDS = [name for s in SN for name in SHAPES[s]]
PHOTO_WORDS = [name for concept in PHOTO_CONCEPTS.values() for name in concept["names"]]
# Phrases that may fit nothing, whatever is in the scene.
ANYTHING = tiers(
    (0.22, all_names(ACTIVE)),
    (0.05, all_names(range(len(EMOJI_LIST)))),
    (0.25, PHOTO_WORDS),
    (0.12, SHAPE_WORDS),
    (0.12, [f"{c} {s}" for c in COLOUR_WORDS for s in SHAPE_WORDS]),
    (0.15, [c + rest for c in COLOUR_WORDS for rest in ("", "", " object", " thing")]),
    (0.05, [w for e in EMOJI_LIST for w in e["hyper"]]),
    (0.04, [UNKNOWN]),
)


class Asker:
    """Asks about one scene: its things, and whether it is open (things may be seen that nobody labelled)."""

    def __init__(self, rng, things, is_open, most_targets):
        self.rng, self.things, self.is_open, self.most_targets = rng, things, is_open, most_targets
        self.askable = [t for t in things if t.is_ok and t.identity.right]

    def meant(self, phrase):
        """Indices of the things that a phrase means, or None where it is ambiguous on this scene."""
        if self.is_open and phrase not in DECIDABLE_IN_PHOTOGRAPHS and phrase != UNKNOWN:
            return None
        found = []
        for index, thing in enumerate(self.things):
            if not thing.area:
                continue
            if phrase in thing.identity.right:
                if not thing.is_ok:
                    return None
                found.append(index)
            elif phrase in thing.identity.ambiguous:
                return None
        return found if len(found) <= self.most_targets else None

    def fitting(self):
        """A phrase that fits some thing."""
        return chosen(self.rng, self.rng.choice(self.askable).identity.asked)

    def near_miss(self):
        """A phrase that may fit nothing, most often one that nearly fits something."""
        if self.things and self.rng.random() < 0.65:
            near = self.rng.choice(self.things).identity.near
            if near:
                return chosen(self.rng, near)
        return chosen(self.rng, ANYTHING)

    def sized(self):
        """A question for the largest or smallest of several things of a name, or None."""
        name = self.rng.choice(self.askable).identity.asked[0][1][0]
        found = self.meant(name)
        if not found or len(found) < 2 or not all(self.things[i].is_whole for i in found):
            return None
        word = self.rng.choice(sorted(SIZE_WORDS))
        found.sort(key=lambda i: self.things[i].area, reverse=SIZE_WORDS[word])
        areas = sorted(self.things[i].area for i in found[:2])
        return Question(f"{word} {name}", found[:1]) if areas[1] >= CLEARLY_LARGER * areas[0] else None

    def questions(self, count, absent_share=0.35, sized_share=0.04):
        """`count` questions without exemplars, of different phrases where it can be."""
        asked = {}
        for _ in range(count):
            question = self.sized() if self.askable and self.rng.random() < sized_share else None
            if question is None or question.phrase in asked:
                question = self._plain(asked, self.rng.random() < absent_share or not self.askable)
            asked.setdefault(question.phrase, []).append(question)
        return [question for same in asked.values() for question in same]

    def _plain(self, asked, is_absent):
        for _ in range(12):
            phrase = self.near_miss() if is_absent else self.fitting()
            targets = self.meant(phrase)
            if targets is not None and phrase not in asked and bool(targets) != is_absent:
                return Question(phrase, targets)
        return Question(UNKNOWN, [])

    def with_exemplars(self, question):
        """The question with 1 to 3 exemplar boxes: boxes alone, or beside the text."""
        rng, things = self.rng, self.things
        if not question.targets:
            others = [i for i, t in enumerate(things) if t.is_ok]
            negative = rng.sample(others, min(len(others), rng.choice([1, 1, 2])))
            return Question(question.phrase, [], [(i, False) for i in negative])
        first = rng.choice(question.targets)
        same = self.same_as(first)
        if rng.random() < 0.55 and all(things[i].is_ok for i in same):
            question = Question(rng.choice(NO_TEXT), same)
        elif rng.random() < 0.35:
            narrowed = self._without(question, first)
            if narrowed:
                return narrowed
        positive = [first] + rng.sample(question.targets, min(len(question.targets), rng.choice([0, 0, 1, 2])))
        others = [i for i, t in enumerate(things) if t.is_ok and i not in question.targets]
        negative = rng.sample(others, min(len(others), rng.choice([0, 0, 0, 1, 1, 2])))
        exemplars = [(i, True) for i in dict.fromkeys(positive)] + [(i, False) for i in negative]
        return Question(question.phrase, question.targets, exemplars[:3])

    def same_as(self, index):
        """Visible things of the same identity."""
        key = self.things[index].identity.key
        return [i for i, t in enumerate(self.things) if t.identity.key == key and t.area][: self.most_targets]

    def _without(self, question, unwanted):
        """The text with a negative box: everything of the identity under it is meant no longer."""
        out = set(self.same_as(unwanted))
        rest = [i for i in question.targets if i not in out]
        return Question(question.phrase, rest, [(unwanted, False)]) if rest else None


def variant(phrase, rng):
    """Now and then with an article, or in the plural."""
    if phrase in (UNKNOWN, *NO_TEXT):
        return phrase
    u = rng.random()
    if u < 0.80:
        return phrase
    if u < 0.87:
        return ("an " if phrase[0] in "aeiou" else "a ") + phrase
    if u < 0.92:
        return "the " + phrase
    return phrase if phrase.startswith(tuple(SIZE_WORDS)) else plural(phrase)


def plural(phrase):
    """With an s, or es."""
    return phrase if phrase.endswith("s") else phrase + "es" if phrase.endswith(("x", "sh", "ch")) else phrase + "s"
