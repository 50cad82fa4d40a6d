"""What is asked about a scene: phrases that fit, phrases that nearly fit, and which instances they mean. Imported by
data.py and the training; no step by itself."""

from bank import Bank
from concepts import EMOJI_LIST, SHAPES
from tags import ACTIVE, BAR_TAGS, CN, SHAPE_TAGS, SN, csyn


class Prompter:
    """The asking half of a scene; `rng` and the bank `b` are the scene's."""

    def gt(self, prompt, insts):
        """indices of matching instances, or None when the prompt is ambiguous on this scene"""
        out = []
        for i, t in enumerate(insts):
            if prompt in t["pos"]:
                if t["ok"]:
                    out.append(i)
                elif t["area"] > 0:
                    return None
            elif prompt in t["amb"] and t["area"] > 0:
                return None
        return out

    def specific(self, t):
        """A phrase that fits instance `t`."""
        r = self.rng
        if t["kind"] == "shape":
            c = r.choice(csyn(t["color"]))
            s = SHAPES[t["shape"]]
            s = s[0] if r.random() < 0.5 else r.choice(s)
            u = r.random()
            if u < 0.48:
                return f"{c} {s}"
            if u < 0.74:
                return s
            if u < 0.92:
                return r.choice([c, c + " object", c + " thing", c + " shape"])
            return r.choice(["shape", "object", "thing"])
        if t["kind"] == "bar":
            c = r.choice(csyn(t["color"]))
            return r.choice(
                [c, c, c, c + " bar", c + " stripe", "bar", "stripe", c + " object", c + " rectangle"]
            )
        e = EMOJI_LIST[t["emoji"]]
        u = r.random()
        if u < 0.58:
            return e["names"][0]
        if u < 0.80:
            return r.choice(e["names"])
        if u < 0.95 and e["hyper"]:
            return r.choice(e["hyper"])
        return r.choice(sorted(t["pos"]))

    def negative(self, insts):
        """A phrase that may fit nothing, most often one that nearly fits something."""
        r = self.rng
        if insts and r.random() < 0.65:
            t = r.choice(insts)
            if t["kind"] == "shape":
                u = r.random()
                if u < 0.4:
                    return f"{r.choice(csyn(r.choice(CN)))} {r.choice(SHAPES[t['shape']])}"
                if u < 0.8:
                    return f"{r.choice(csyn(t['color']))} {r.choice(SHAPES[r.choice(SN)])}"
                return r.choice(SHAPES[r.choice(SN)])
            if t["kind"] == "emoji":
                h = self.b.ehard[t["emoji"]]
                if h:
                    return r.choice(EMOJI_LIST[r.choice(h)]["names"])
        u = r.random()
        if u < 0.45:
            return r.choice(
                EMOJI_LIST[r.choice(ACTIVE) if u < 0.40 else r.randrange(len(EMOJI_LIST))]["names"]
            )
        if u < 0.75:
            s = r.choice(SHAPES[r.choice(SN)])
            return s if r.random() < 0.5 else f"{r.choice(csyn(r.choice(CN)))} {s}"
        if u < 0.92:
            c = r.choice(csyn(r.choice(CN)))
            return r.choice([c, c, c + " object", c + " thing"])
        if u < 0.97:
            e = EMOJI_LIST[r.randrange(len(EMOJI_LIST))]
            return r.choice(e["hyper"] or e["names"])
        return "UNK"

    def prompts(self, insts, K, p_neg=0.35):
        """K (prompt, [instance indices]) pairs"""
        r = self.rng
        res = []
        ok = [t for t in insts if t["ok"] and t["pos"]]
        used = set()
        for k in range(K):
            neg = r.random() < p_neg or not ok
            for _ in range(12):
                p = self.negative(insts) if neg else self.specific(r.choice(ok))
                g = self.gt(p, insts)
                if g is None or p in used or (neg and g) or (not neg and not g):
                    continue
                break
            else:
                p, g = "UNK", []
            used.add(p)
            res.append((p, g))
        return res


def variant(p, r):
    """Now and then with an article, or in the plural."""
    if p == "UNK":
        return p
    u = r.random()
    if u < 0.80:
        return p
    if u < 0.87:
        return ("an " if p[0] in "aeiou" else "a ") + p
    if u < 0.92:
        return "the " + p
    return plural(p)


def plural(p):
    """With an s, or es."""
    return p if p.endswith("s") else p + "es" if p.endswith(("x", "sh", "ch")) else p + "s"


def all_prompts():
    """Every phrase that the recipe can ask, for the compact vocabulary."""
    ps = set(["UNKNOWN"])
    b = Bank()
    for t in SHAPE_TAGS.values():
        ps |= t
    for t in BAR_TAGS.values():
        ps |= t
    for p, a in b.etags:
        ps |= p | a
    return sorted(ps)
