"""What a thing in a scene is, and which phrases fit it. Imported by the banks and prompts.py; no step by itself.

A phrase is right for a thing, or ambiguous, or neither; ambiguous ones are never asked while the thing is in the scene.
"""

from dataclasses import dataclass

import numpy as np

from concepts import EMOJI_LIST, SHAPES
from photo_concepts import LABELLED_KINDS, PHOTO_CONCEPTS, PHOTO_NUMBERS, WITHOUT_COLOUR, related
from tags import ACTSET, BAR_AMB, BAR_TAGS, CN, SHAPE_AMB, SHAPE_TAGS, SN, classify_px, csyn

# A thing has a colour when this share of its pixels has it; a colour is ambiguous for it from this share on.
COLOURED = 0.6
TINGED = 0.08

# Words that pick one of several things of a name, and whether they pick the largest.
SIZE_WORDS = {"large": True, "big": True, "small": False, "little": False}

# Classes of the dense head: background, emoji, shapes, bar, things in photographs.
FIRST_SHAPE = 1 + len(EMOJI_LIST)
BAR_CLASS = FIRST_SHAPE + len(SN)
FIRST_PHOTO = BAR_CLASS + 1
DENSE_CLASSES = FIRST_PHOTO + len(PHOTO_NUMBERS)


@dataclass(frozen=True, eq=False)
class Identity:
    """`asked` and `near` are tiers of phrases, (weight, phrases): what is asked for it, and what is easily confused
    with it. `colour` is an index into CN, or -1."""

    kind: str
    name: str
    right: frozenset
    ambiguous: frozenset
    asked: tuple
    near: tuple
    dense_class: int
    colour: int = -1

    @property
    def key(self):
        """Equal for things that an exemplar box means together."""
        return self.kind, self.name


def tiers(*pairs):
    """Tiers without the empty ones."""
    return tuple((weight, tuple(phrases)) for weight, phrases in pairs if phrases)


def chosen(rng, some_tiers):
    """A phrase of tiers, by their weights."""
    at = rng.random() * sum(weight for weight, _ in some_tiers)
    for weight, phrases in some_tiers:
        at -= weight
        if at <= 0:
            break
    return rng.choice(phrases)


def shape_identity(shape, colour):
    """A shape of a named colour."""
    names, colours = SHAPES[shape], csyn(colour)
    # The first name is asked as often as all names together
    weighted = [names[0]] * len(names) + names
    coloured = [f"{c} {n}" for c in colours for n in weighted]
    other_colours = [f"{c} {n}" for other in CN for c in csyn(other) for n in names]
    other_shapes = [n for other in SN for n in SHAPES[other]]
    return Identity(
        kind="shape",
        name=f"{colour} {shape}",
        right=SHAPE_TAGS[(shape, colour)],
        ambiguous=SHAPE_AMB[shape],
        asked=tiers(
            (0.48, coloured),
            (0.26, weighted),
            (0.18, [c + rest for c in colours for rest in ("", " object", " thing", " shape")]),
            (0.08, ["shape", "object", "thing"]),
        ),
        near=tiers(
            (0.4, other_colours), (0.4, [f"{c} {n}" for c in colours for n in other_shapes]), (0.2, other_shapes)
        ),
        dense_class=FIRST_SHAPE + SN.index(shape),
        colour=CN.index(colour),
    )


def bar_identity(colour, is_ambiguous):
    """A bar of a test pattern. SMPTE's white is a light gray, so it may be called neither."""
    colours = csyn(colour)
    asked = [c + rest for c in colours for rest in ("", "", "", " bar", " stripe", " object", " rectangle")]
    return Identity(
        kind="bar",
        name=f"{colour} bar",
        right=frozenset() if is_ambiguous else BAR_TAGS[colour],
        ambiguous=(BAR_AMB[colour] | BAR_TAGS[colour]) if is_ambiguous else BAR_AMB[colour],
        asked=tiers((0.8, asked), (0.2, ["bar", "stripe"])),
        near=tiers((1.0, [f"{c} bar" for other in CN for c in csyn(other)])),
        dense_class=BAR_CLASS,
        colour=CN.index(colour),
    )


def colour_shares(pixels):
    """Share of each colour of CN among pixels [N, 3] uint8, [13]."""
    if not len(pixels):
        return np.zeros(len(CN))
    found = classify_px(np.ascontiguousarray(pixels))
    return np.bincount(found[found >= 0], minlength=len(CN)) / max(1, len(pixels))


def colour_phrases(least, most, nouns):
    """Phrases with colours that are right and that are ambiguous, for shares of colours in `least` and `most` [13] of
    all drawings of a thing."""
    right, ambiguous = set(), set()
    for j, colour in enumerate(CN):
        if most[j] <= TINGED:
            continue
        for c in csyn(colour):
            phrases = {c, f"{c} object", f"{c} thing"} | {f"{c} {n}" for n in nouns if not n.startswith(colour)}
            if least[j] > COLOURED:
                right |= phrases
            else:
                ambiguous |= phrases
            ambiguous |= {f"{c} shape"}
    return right, ambiguous


def main_colour(least):
    """The colour that most of a thing has, as an index into CN, or -1."""
    return int(least.argmax()) if least.max() > COLOURED else -1


def emoji_identity(index, drawings):
    """An emoji in all styles that are drawn, [128, 128, 4] uint8 each."""
    emoji = EMOJI_LIST[index]
    shares = np.stack([colour_shares(d[d[..., 3] > 200][:, :3]) for d in drawings])
    names, kinds = emoji["names"], emoji["hyper"]
    by_colour, tinged = colour_phrases(shares.min(0), shares.max(0), names + kinds)
    right = set(names) | set(kinds) | {"object", "thing", "emoji", "icon"} | by_colour
    ambiguous = set(emoji["amb"]) | {"shape"} | tinged
    if "star" in names:
        ambiguous |= {"yellow star", "orange star"}
    same_category = [
        name
        for other, entry in enumerate(EMOJI_LIST)
        if entry["cat"] == emoji["cat"] and other != index and other in ACTSET
        for name in entry["names"]
    ]
    return Identity(
        kind="emoji",
        name=names[0],
        right=frozenset(right),
        ambiguous=frozenset(ambiguous - right),
        asked=tiers((0.58, names[:1]), (0.22, names), (0.15, kinds), (0.05, sorted(right))),
        near=tiers((1.0, same_category)),
        dense_class=1 + index,
        colour=main_colour(shares.min(0)),
    )


def photo_identity(number, pixels):
    """A thing of a photograph with its pixels [N, 3] uint8."""
    concept = PHOTO_CONCEPTS[number]
    names, kinds = concept["names"], concept["kinds"]
    shares = colour_shares(pixels)
    has_colour = number not in WITHOUT_COLOUR
    by_colour, tinged = colour_phrases(shares, shares, names + kinds if has_colour else [])
    right = set(names) | set(kinds) | {"object", "thing"} | by_colour
    other_colours = [f"{c} {names[0]}" for colour in CN for c in csyn(colour)] if has_colour else []
    coloured = [p for p in sorted(by_colour) if p.split(" ", 1)[-1] in names]
    return Identity(
        kind="photo",
        name=names[0],
        right=frozenset(right),
        ambiguous=frozenset((set(concept["ambiguous"]) | {"shape"} | tinged) - right),
        asked=tiers((0.62, names[:1]), (0.18, names), (0.1, kinds), (0.1, coloured)),
        near=tiers((0.8, related(number)), (0.2, other_colours)),
        dense_class=FIRST_PHOTO + PHOTO_NUMBERS.index(number),
        colour=main_colour(shares),
    )


# Kinds of emoji that photographs hardly ever show, and shapes that they hardly ever show in a plain colour.
RARE_EMOJI = ("animal", "creature", "heart", "vehicle")
RARE_SHAPES = ("star", "heart", "pentagon", "hexagon", "crescent", "semicircle", "arrow", "triangle")


def decidable():
    """Phrases that have an answer although a whole photograph is in the scene, in which many things are not
    labelled."""
    nouns = {name for concept in PHOTO_CONCEPTS.values() for name in concept["names"]} | set(LABELLED_KINDS)
    coloured = nouns - {name for number in WITHOUT_COLOUR for name in PHOTO_CONCEPTS[number]["names"]}
    colours = [c for colour in CN for c in csyn(colour)]
    found = nouns | {f"{c} {n}" for c in colours for n in coloured} | {"emoji", "icon"}
    found |= {f"{c} {SHAPES[s][0]}" for c in colours for s in RARE_SHAPES}
    return found | {name for e in EMOJI_LIST if e["cat"] in RARE_EMOJI for name in e["names"]}


DECIDABLE_IN_PHOTOGRAPHS = frozenset(decidable())


def all_phrases():
    """Every phrase that can be asked, for the vocabulary: its words are those of all phrases there are."""
    found = {"emoji", "icon", "object", "thing", "shape", "visual"} | set(SIZE_WORDS)
    for tags in list(SHAPE_TAGS.values()) + list(BAR_TAGS.values()) + list(SHAPE_AMB.values()):
        found |= tags
    for concept in PHOTO_CONCEPTS.values():
        found |= set(concept["names"]) | set(concept["kinds"]) | set(concept["ambiguous"])
    for emoji in EMOJI_LIST:
        found |= set(emoji["names"]) | set(emoji["hyper"]) | set(emoji["amb"])
    return sorted(found)
