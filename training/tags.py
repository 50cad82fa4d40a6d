"""Which phrases fit a shape, a bar or a colour, and which are ambiguous for it. Imported by
identities.py and scene parts; no step by itself."""

import cv2
import numpy as np

from concepts import COLOR_SYN, COLORS, EMOJI_LIST, SHAPES

# Emoji that stay in the list (their place in it is a class of the dense head) and are never drawn.
_INACT = "🐭🐔🐴🦄🐌🐞🐍🐙🐳🦓🕷🥑🌶🥦🍞🥚🍟🌭🍪🍬🍭🥛🛸🏈⚾🎱🎯🎲🌷🌳🍁❄🌍😴😢😂😈💩👶👩👎✋👁👄👂🦷🦴👗🧦💍🎺🎻⌚📺🎧🔧🔪🔒🧲🚪🛏📚🏰💰🚩🎾"
ACTIVE = [i for i, e in enumerate(EMOJI_LIST) if e["ch"][0] not in _INACT]
ACTSET = set(ACTIVE)
# Colours and shapes in the order of their class numbers.
CN = list(COLORS)
SN = list(SHAPES)


def csyn(c):
    """All names of a colour."""
    return COLOR_SYN.get(c, [c])


def shape_tags(s, c):
    """Phrases that are right for shape `s` in colour `c`."""
    pos = []
    for cc in csyn(c):
        pos += [f"{cc} {x}" for x in SHAPES[s]] + [cc, f"{cc} object", f"{cc} thing", f"{cc} shape"]
    return frozenset(pos + SHAPES[s] + ["shape", "object", "thing"])


SHAPE_TAGS = {(s, c): shape_tags(s, c) for s in SN for c in CN}
SHAPE_AMB = {s: frozenset() for s in SN}
SHAPE_AMB["circle"] = frozenset(["button"])
SHAPE_AMB["rectangle"] = frozenset(["bar", "stripe", "box", "block"])
SHAPE_AMB["crescent"] = frozenset(["moon", "crescent moon"])
SHAPE_AMB["cross"] = frozenset()
SHAPE_AMB["square"] = frozenset(["diamond", "rhombus"])
BAR_TAGS = {
    c: frozenset(
        [
            z
            for cc in csyn(c)
            for z in (cc, f"{cc} bar", f"{cc} stripe", f"{cc} object", f"{cc} thing", f"{cc} rectangle")
        ]
        + ["bar", "stripe", "color bar", "colour bar"]
    )
    for c in CN
}


def _amb_bar(c):
    """Phrases that are ambiguous for a bar of colour `c`."""
    return frozenset(
        ["object", "thing", "shape", "rectangle", "brick", "square", "box", "block"]
        + [f"{cc} {x}" for cc in csyn(c) for x in ("shape", "brick", "square", "box", "block")]
    )


BAR_AMB = {c: _amb_bar(c) for c in CN}


def classify_px(rgb):
    """The colour name of each of N pixels [N, 3], as an index into CN; -1 where no name fits."""
    hsv = cv2.cvtColor(rgb.reshape(1, -1, 3), cv2.COLOR_RGB2HSV_FULL)[0].astype(float)
    h = hsv[:, 0] * 360 / 255
    s = hsv[:, 1] / 255
    v = hsv[:, 2] / 255
    out = np.full(len(rgb), -1)
    chroma = s * v
    for i, (n, lo, hi) in enumerate(
        [
            ("red", 345, 375),
            ("orange", 16, 40),
            ("yellow", 40, 66),
            ("green", 70, 160),
            ("cyan", 160, 198),
            ("blue", 198, 250),
            ("purple", 250, 292),
            ("magenta", 292, 318),
            ("pink", 318, 345),
        ]
    ):
        hh = np.where(h < lo - 180, h + 360, h)
        out[(hh >= lo) & (hh < hi) & (chroma > 0.25)] = CN.index(n)
    out[(h > 8) & (h < 40) & (v < 0.55) & (chroma > 0.12)] = CN.index("brown")
    out[((h < 20) | (h > 320)) & (s < 0.55) & (v > 0.8) & (s > 0.12)] = CN.index("pink")
    out[(v < 0.2)] = CN.index("black")
    out[(s < 0.12) & (v > 0.85)] = CN.index("white")
    out[(s < 0.15) & (v >= 0.25) & (v < 0.8)] = CN.index("gray")
    return out
