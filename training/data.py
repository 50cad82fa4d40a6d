"""The compositor: `Scene(bank, seed).make(size)` gives a picture, the visible instance of every pixel, and the instances
with their phrases. Imported by train.py, eval.py and fixtures.py; started by itself it times the compositor and draws
a sheet of samples into out/training/samples.png:

    python training/data.py
"""

import math
import random
import time

import cv2
import numpy as np

from backgrounds import Backgrounds
from bank import Bank, color_rgb
from concepts import EMOJI_LIST
from paths import WORK
from prompts import Prompter
from tags import ACTIVE, BAR_AMB, BAR_TAGS, CN, SHAPE_AMB, SHAPE_TAGS, SN

cv2.setNumThreads(1)

# How far shapes are turned at most, in degrees to either side; all others may stand any way.
TURNS = {"square": 20, "diamond": 12, "cross": 15, "heart": 40, "pentagon": 40}


class Scene(Backgrounds, Prompter):
    """An endless source of scenes. `val` takes the backgrounds that training never sees."""

    def __init__(self, bank, seed, val=False, p_emoji=0.55):
        self.b = bank
        self.rng = random.Random(seed)
        self.np = np.random.default_rng(seed)
        self.val = val
        self.p_emoji = p_emoji
        self.bgs = list(bank.val_bg if val else bank.train_bg)
        # Least diameter of an object, as a part of the picture's side
        self.dmin = 0.07

    def make(self, S, nmin=1, nmax=6):
        """One scene of S x S: picture, owner map (0 background, else the instance's index + 1), instances."""
        r = self.rng
        img, bars, avoid = self.background(S)
        owner = np.zeros((S, S), np.uint8)
        insts = []
        for c, (x0, y0, x1, y1), amb in bars:
            insts.append(bar_instance(c, amb))
            owner[y0:y1, x0:x1] = len(insts)
        n = r.choice([1, 1, 2, 2, 3, 3, 4, 5, 6]) if not bars else r.choice([0, 0, 0, 1, 2])
        n = max(nmin if not bars else 0, min(nmax, n))
        # 16:9 and 4:3 frames reach the model squeezed to a square
        sq = r.choices([(1, 1), (0.75, 1), (0.5625, 1), (1, 0.5625)], [0.3, 0.2, 0.45, 0.05])[0]
        base = r.choices(["shape", "emoji", "mix"], [0.42, 0.36, 0.22])[0]
        last = None
        for _ in range(n):
            kind = base if base != "mix" else r.choice(["shape", "emoji"])
            D = self.diameter(S, n, kind)
            chosen = self.choose_shape(D, avoid, last) if kind == "shape" else self.choose_emoji(D, last)
            if chosen is None:
                continue
            last = chosen.pop("last")
            self.paste(img, owner, insts, D, sq, **chosen)
        self.scribble(img, owner)
        img = self.camera(img)
        note_visible(owner, insts)
        return np.ascontiguousarray(img), owner, insts

    def diameter(self, S, n, kind):
        """Of one object among n."""
        r = self.rng
        largest = 0.62 if n <= 2 else 0.42 if n <= 4 else 0.32
        D = S * math.exp(r.uniform(math.log(self.dmin), math.log(largest)))
        if kind == "emoji":
            D = max(D, S * 0.10)
        if n == 1 and r.random() < 0.1:
            D = S * r.uniform(0.6, 0.95)
        return D

    def choose_shape(self, D, avoid, last):
        """Shape, colour and turn; often the shape or the colour of the object before. None when no colour stands out."""
        r = self.rng
        if last and last[0] == "shape" and r.random() < 0.45:
            s, c = (last[1], r.choice(CN)) if r.random() < 0.5 else (r.choice(SN), last[2])
            if r.random() < 0.35:
                s, c = last[1], last[2]
        else:
            s, c = r.choice(SN), r.choice(CN)
        for _ in range(6):
            col = color_rgb(c, r)
            if avoid is None or np.abs(col - avoid).max() > 70:
                break
            c = r.choice(CN)
        else:
            return None
        th = self.turn(s)
        vi = r.randrange(8)
        spr = self.b.smip[SN.index(s)][mip_level(D)][vi]
        inst = dict(kind="shape", name=f"{c} {s}", pos=SHAPE_TAGS[(s, c)], amb=SHAPE_AMB[s], color=c, shape=s)
        return dict(spr=spr, col=col, th=th, inst=inst, last=("shape", s, c))

    def turn(self, s):
        """Degrees by which a shape is turned."""
        r = self.rng
        rot = TURNS.get(s, 360)
        if s != "triangle":
            th = r.uniform(-rot, rot)
        else:
            th = r.uniform(-180, 180) if r.random() < 0.5 else r.uniform(-15, 15)
        if r.random() < 0.3:
            th = 0 if s not in ("rectangle", "arrow") else r.choice([0, 90])
        elif rot == 360 and r.random() < 0.5:
            th = r.gauss(0, 12) + (r.choice([0, 90, 180, 270]) if s in ("arrow", "rectangle") else 0)
        return th

    def choose_emoji(self, D, last):
        """Emoji, style and turn; often the emoji before or one of its category."""
        r = self.rng
        if last and last[0] == "emoji" and r.random() < 0.35:
            e = last[1] if r.random() < 0.6 else r.choice(self.b.ehard[last[1]] or [last[1]])
        else:
            e = r.choice(ACTIVE)
        st = 0 if r.random() < 0.65 else 1
        spr = self.b.emip[st][mip_level(D)][e]
        th = r.gauss(0, 14) if r.random() < 0.8 else r.uniform(-180, 180)
        p, a = self.b.etags[e]
        inst = dict(kind="emoji", name=EMOJI_LIST[e]["names"][0], pos=p, amb=a, emoji=e)
        return dict(spr=spr, col=None, th=th, inst=inst, last=("emoji", e))

    def placement(self, S, D, sq, spr, th, inst):
        """Where the object lies: affine map of the sprite, extent, centre, and its box on the picture."""
        r = self.rng
        ar = math.exp(r.uniform(-0.12, 0.12))
        sx = D * sq[0] * ar
        sy = D * sq[1] / ar
        R = spr.shape[0]
        if sq[0] < 1:
            sx *= 1.15
            sy *= 1.15
        may_flip = inst["kind"] == "emoji" or inst.get("shape") in ("crescent", "triangle")
        fl = -1 if may_flip and r.random() < 0.5 else 1
        ct, st = math.cos(math.radians(th)), math.sin(math.radians(th))
        M = np.array([[sx * ct * fl, -sx * st], [sy * st * fl, sy * ct]]) / R
        ext = np.abs(M) @ np.array([R / 2, R / 2])
        cx = r.uniform(min(ext[0] * 0.6, S / 2), max(S - ext[0] * 0.6, S / 2))
        cy = r.uniform(min(ext[1] * 0.6, S / 2), max(S - ext[1] * 0.6, S / 2))
        x0 = max(0, int(cx - ext[0]) - 1)
        x1 = min(S, int(cx + ext[0]) + 2)
        y0 = max(0, int(cy - ext[1]) - 1)
        y1 = min(S, int(cy + ext[1]) + 2)
        return M, ext, (cx, cy), (x0, y0, x1, y1)

    def paste(self, img, owner, insts, D, sq, spr, col, th, inst):
        """Draws one object and notes it, unless too little of it would be seen."""
        r, S = self.rng, len(img)
        M, ext, (cx, cy), (x0, y0, x1, y1) = self.placement(S, D, sq, spr, th, inst)
        if x1 - x0 < 3 or y1 - y0 < 3:
            return
        R = spr.shape[0]
        offset = np.array([cx - x0, cy - y0]) - M @ np.array([R / 2 - 0.5, R / 2 - 0.5])
        T = np.concatenate([M, offset[:, None]], 1)
        w = cv2.warpAffine(spr, T, (x1 - x0, y1 - y0), flags=cv2.INTER_LINEAR)
        a = (w if inst["kind"] == "shape" else w[..., 3]).astype(np.float32) / 255
        vis = a > 0.5
        if vis.sum() < (12 if inst["kind"] == "shape" else 30):
            return
        if inst["kind"] == "shape":
            yy, xx = np.mgrid[y0:y1, x0:x1]
            pm = self.shape_color(w, col, D, (xx - cx) / ext[0], (yy - cy) / ext[1]) * a[..., None]
        else:
            pm = w[..., :3].astype(np.float32)
            if r.random() < 0.4:
                pm = pm * np.array([r.uniform(0.8, 1.1) for _ in range(3)], np.float32)
        roi = img[y0:y1, x0:x1]
        if r.random() < 0.12 and x1 < S - 4 and y1 < S - 4:  # drop shadow
            d = r.randint(2, 5)
            sh = img[y0 + d : y1 + d, x0 + d : x1 + d]
            hh, ww = sh.shape[:2]
            sh[:] = (sh * (1 - 0.45 * a[:hh, :ww, None])).astype(np.uint8)
        roi[:] = np.clip(roi * (1 - a[..., None]) + pm, 0, 255).astype(np.uint8)
        insts.append(inst)
        owner[y0:y1, x0:x1][vis] = len(insts)
        inst["full"] = int(vis.sum())

    def shape_color(self, w, col, D, dx, dy):
        """A shape's colour by pixel: flat, shaded or textured, some with an outline."""
        r = self.rng
        colr = np.broadcast_to(col.astype(np.float32), w.shape + (3,))
        v = r.random()
        if v < 0.22:  # a linear or radial gradient
            gx, gy = r.uniform(-1, 1), r.uniform(-1, 1)
            if v < 0.12:
                g = 1 + 0.28 * (dx * gx + dy * gy)
            else:
                g = 1.18 - 0.45 * np.clip((dx + 0.3) ** 2 + (dy + 0.3) ** 2, 0, 1)
            colr = np.clip(colr * g[..., None], 0, 255)
        elif v < 0.32:
            t = self.np.normal(0, r.uniform(4, 14), w.shape).astype(np.float32)
            colr = np.clip(colr + t[..., None], 0, 255)
        if v > 0.88:
            er = cv2.erode(w, np.ones((3, 3), np.uint8), iterations=1 if D < 80 else 2)
            oc = 0.0 if sum(col) > 150 else 230.0
            colr = np.where((er < 128)[..., None], oc, colr)
        return colr

    def scribble(self, img, owner):
        """Now and then lines over everything, which belong to no instance."""
        r, S = self.rng, len(img)
        if r.random() >= 0.12:
            return
        for _ in range(r.randint(1, 3)):
            p = [r.randint(0, S) for _ in range(4)]
            col = [r.randint(0, 255) for _ in range(3)]
            tk = r.randint(1, 4)
            cv2.line(img, tuple(p[:2]), tuple(p[2:]), col, tk, cv2.LINE_AA)
            cv2.line(owner, tuple(p[:2]), tuple(p[2:]), 0, tk)

    def camera(self, img):
        """Blur, motion blur, exposure, noise, JPEG."""
        r, S = self.rng, len(img)
        u = r.random()
        if u < 0.10:
            img = cv2.GaussianBlur(img, (0, 0), r.uniform(0.4, 1.3))
        elif u < 0.17:
            L = r.choice([3, 5, 7])
            K = np.zeros((L, L), np.float32)
            K[L // 2, :] = 1 / L
            if r.random() < 0.3:
                K = K.T.copy()
            img = cv2.filter2D(img, -1, K)
        if r.random() < 0.25:
            img = cv2.convertScaleAbs(img, alpha=r.uniform(0.8, 1.12), beta=r.uniform(-12, 15))
        if r.random() < 0.20:
            nz = self.np.normal(0, r.uniform(2, 9), (S, S, 1 if r.random() < 0.5 else 3)).astype(np.float32)
            img = np.clip(img + nz, 0, 255).astype(np.uint8)
        if r.random() < 0.15:
            _, bf = cv2.imencode(".jpg", img, [cv2.IMWRITE_JPEG_QUALITY, r.randint(25, 80)])
            img = cv2.imdecode(bf, 1)
        return img


def bar_instance(c, is_ambiguous):
    """A bar of a test pattern. SMPTE's white is a light gray, so it may be called neither."""
    pos = frozenset() if is_ambiguous else BAR_TAGS[c]
    amb = (BAR_AMB[c] | BAR_TAGS[c]) if is_ambiguous else BAR_AMB[c]
    return dict(kind="bar", name=f"{c} bar", pos=pos, amb=amb, color=c)


def mip_level(D):
    """Which of a sprite's four sizes suits a diameter in pixels."""
    return 0 if D > 90 else 1 if D > 45 else 2 if D > 22 else 3


def note_visible(owner, insts):
    """Visible pixels of each instance, the share of it that is visible, and whether it may be asked for."""
    area = np.bincount(owner.ravel(), minlength=len(insts) + 1)
    for i, t in enumerate(insts):
        t["area"] = int(area[i + 1])
        f = t.get("full")
        t["vis"] = t["area"] / f if f else 1.0
        t["ok"] = t["area"] >= max(12, 0.12 * (f or 0))


def milliseconds_per_scene(scene, S, count=100):
    """Including three prompts."""
    began = time.time()
    for _ in range(count):
        scene.prompts(scene.make(S)[2], 3)
    return (time.time() - began) * 1000 / count


def sample(scene, S=224):
    """A scene with its prompts written on it, the instances of the first in green."""
    im, o, insts = scene.make(S)
    pr = scene.prompts(insts, 3)
    for p, g in pr[:1]:
        for q in g:
            im[o == q + 1] = im[o == q + 1] // 2 + np.array([0, 127, 0], np.uint8)
    for k, (p, g) in enumerate(pr):
        cv2.putText(im, f"{p} {len(g)}", (3, 12 + 12 * k), cv2.FONT_HERSHEY_SIMPLEX, 0.38, (255, 0, 255), 1)
    return im


def main():
    scene = Scene(Bank(), 1)
    for S in (224, 336):
        print(f"{S} px: {milliseconds_per_scene(scene, S):.1f} ms a scene")
    sheet = np.concatenate([np.concatenate([sample(scene) for _ in range(6)], 1) for _ in range(5)], 0)
    cv2.imwrite(str(WORK / "samples.png"), sheet[:, :, ::-1])


if __name__ == "__main__":
    main()
