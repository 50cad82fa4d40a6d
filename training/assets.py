"""Step 1: builds the asset bank below out/training/assets: emoji in two styles, backgrounds.

    python training/assets.py --font NotoColorEmoji.ttf [--twemoji DIR] [--held-out-style DIR] [--backgrounds DIR ...]

Without --twemoji the second style repeats the first. --held-out-style are drawings that training never sees, for
eval.py. Without --backgrounds only the photographs that come with scikit-image are used. README.md says where the
sources are found and what their licences are.
"""

import argparse
import glob
import json
import os
from pathlib import Path

import cv2
import numpy as np
import skimage
from PIL import Image, ImageDraw, ImageFont

from concepts import EMOJI_LIST
from paths import ASSETS

# Backgrounds are cut to this size in pixels.
BH, BW = 360, 480
PHOTOGRAPHS = (
    "coffee.png astronaut.png rocket.jpg hubble_deep_field.jpg motorcycle_left.png grass.png gravel.png brick.png "
    "moon.png page.png text.png ihc.png retina.jpg"
).split()


def emoji_file(ch, folder):
    """The file of an emoji in a folder of PNG files that are named after code points; None when there is none."""
    if folder is None:
        return None
    cps = [f"{ord(c):04x}" for c in ch]
    plain = "-".join(c for c in cps if c != "fe0f")
    for name in ("-".join(cps), plain, "-".join(cps).upper(), plain.upper()):
        if (folder / f"{name}.png").exists():
            return folder / f"{name}.png"
    return None


def fit(im):
    """The picture's visible part, its longer side 120 pixels, in the middle of 128 x 128; None when all is clear."""
    bb = im.getchannel("A").getbbox()
    if bb is None:
        return None
    im = im.crop(bb)
    w, h = im.size
    s = 120 / max(w, h)
    im = im.resize((max(1, round(w * s)), max(1, round(h * s))), Image.LANCZOS)
    o = Image.new("RGBA", (128, 128), (0, 0, 0, 0))
    o.paste(im, ((128 - im.width) // 2, (128 - im.height) // 2))
    return np.array(o)


def build_emoji(font, twemoji):
    """emoji.npy: [style, emoji, 128, 128, 4] RGBA. An emoji that one style lacks is taken from the other."""
    f = ImageFont.truetype(str(font), 109)
    em = np.zeros((2, len(EMOJI_LIST), 128, 128, 4), np.uint8)
    missing = []
    for i, e in enumerate(EMOJI_LIST):
        im = Image.new("RGBA", (160, 160), (0, 0, 0, 0))
        ImageDraw.Draw(im).text((12, 12), e["ch"], font=f, embedded_color=True)
        a = fit(im)
        p = emoji_file(e["ch"], twemoji)
        b = fit(Image.open(p).convert("RGBA")) if p else None
        if a is None:
            missing.append(e["ch"])
            a = b
        if b is None:
            missing.append("second style " + e["ch"])
            b = a
        em[0, i] = a
        em[1, i] = b
    np.save(ASSETS / "emoji.npy", em)
    print("emoji", em.shape, "missing", missing)


def build_held_out_style(folder):
    """emoji_held_out.npy: [emoji, 128, 128, 4] RGBA, clear where the style has no drawing."""
    drawn = np.zeros((len(EMOJI_LIST), 128, 128, 4), np.uint8)
    missing = []
    for i, e in enumerate(EMOJI_LIST):
        path = emoji_file(e["ch"], folder)
        picture = fit(Image.open(path).convert("RGBA")) if path else None
        if picture is None:
            missing.append(e["ch"])
        else:
            drawn[i] = picture
    np.save(ASSETS / "emoji_held_out.npy", drawn)
    print("held-out style", drawn.shape, "missing", missing)


def background_files(folders):
    """Pictures below `folders`, and the photographs of scikit-image."""
    fs = []
    for d in folders:
        for ext in ("jpg", "jpeg", "png", "webp"):
            fs += glob.glob(f"{d}/**/*.{ext}", recursive=True)
    return fs + [os.path.dirname(skimage.__file__) + "/data/" + n for n in PHOTOGRAPHS]


def background(path):
    """The middle of a picture at BH x BW, RGB; None when it cannot be read or is too small."""
    is_large = os.path.getsize(path) > 1500000 and path.endswith("jpg")
    im = cv2.imread(path, cv2.IMREAD_REDUCED_COLOR_4 if is_large else cv2.IMREAD_COLOR)
    if im is None or min(im.shape[:2]) < 200:
        return None
    h, w = im.shape[:2]
    s = max(BH / h, BW / w)
    im = cv2.resize(im, (max(BW, round(w * s)), max(BH, round(h * s))), interpolation=cv2.INTER_AREA)
    y = (im.shape[0] - BH) // 2
    x = (im.shape[1] - BW) // 2
    return im[y : y + BH, x : x + BW, ::-1]


def build_backgrounds(folders):
    """bg.npy: [background, BH, BW, 3], and bg.json with their files. Pictures that look alike are taken once."""
    seen = set()
    bg = []
    for p in sorted(background_files(folders)):
        rp = os.path.realpath(p)
        if rp in seen or "screenshot" in p.lower() or not os.path.exists(rp):
            continue
        seen.add(rp)
        im = background(rp)
        if im is None:
            continue
        t = cv2.resize(im, (16, 12), interpolation=cv2.INTER_AREA).astype(int)
        if any(np.abs(t - z[1]).mean() < 4 for z in bg):
            continue
        bg.append((im, t, rp))
    arr = np.stack([b[0] for b in bg])
    np.save(ASSETS / "bg.npy", np.ascontiguousarray(arr))
    (ASSETS / "bg.json").write_text(json.dumps([b[2] for b in bg], indent=0))
    print("backgrounds", arr.shape)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--font", type=Path, required=True, help="NotoColorEmoji.ttf")
    parser.add_argument("--twemoji", type=Path, help="folder of 64-pixel PNG files named after code points")
    parser.add_argument(
        "--held-out-style", type=Path, help="folder of PNG files named after code points, for measuring"
    )
    parser.add_argument("--backgrounds", nargs="*", default=[], help="folders with photographs")
    args = parser.parse_args()
    ASSETS.mkdir(parents=True, exist_ok=True)
    build_emoji(args.font, args.twemoji)
    if args.held_out_style:
        build_held_out_style(args.held_out_style)
    build_backgrounds(args.backgrounds)


if __name__ == "__main__":
    main()
