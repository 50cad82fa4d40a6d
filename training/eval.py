"""Step 5: measures a model on scenes of a seed and with backgrounds that training never used, with transformers alone.

    python training/eval.py [MODEL_OR_CHECKPOINT] [--count 512] [--size 252] [--fp32] [--clip-to-box 0.1] [--json FILE]

Prints precision, recall, F1 and IoU at three thresholds, with and without mask NMS. clip_eval.py and gst_eval.py import
`load` and `predict` from here.
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np
import torch
from scipy.optimize import linear_sum_assignment
from tokenizers import Tokenizer
from transformers import Sam3Model

from bank import Bank
from data import Scene
from export import load_full
from model import set_size
from paths import MODEL

SEED = 777777
THRESHOLDS = (0.3, 0.4, 0.5)
BATCH = 8
END_TOKEN = 49407
# A word that training never saw
UNKNOWN_WORD = "zxqv"


def load(path, S):
    """A checkpoint of train.py, or a folder in Hugging Face's layout, for pictures of S pixels a side."""
    if str(path).endswith(".pt"):
        return load_full(path, S)
    m = Sam3Model.from_pretrained(path, dtype=torch.float32).eval()
    set_size(m, S)
    return m


def make_tokenizer():
    """CLIP's, without padding."""
    t = Tokenizer.from_file(str(MODEL / "tokenizer.json"))
    t.no_padding()
    return t


TOKENIZER = make_tokenizer()


def encode(ps):
    """[phrases, tokens] ids and attention mask."""
    e = [TOKENIZER.encode(UNKNOWN_WORD if p == "UNK" else p).ids for p in ps]
    L = max(map(len, e))
    ids = torch.full((len(e), L), END_TOKEN)
    am = torch.zeros((len(e), L), dtype=torch.long)
    for i, x in enumerate(e):
        ids[i, : len(x)] = torch.tensor(x)
        am[i, : len(x)] = 1
    return ids, am


def clip_to_boxes(mk, boxes, margin):
    """Clears masks outside their boxes, grown on each side by `margin` of their size and 2 pixels."""
    S = mk.shape[-1]
    b = boxes * S
    w = (b[:, 2:] - b[:, :2]) * margin + 2
    c = torch.arange(S) + 0.5
    across = (c >= b[:, :1] - w[:, :1]) & (c <= b[:, 2:3] + w[:, :1])
    down = (c >= b[:, 1:2] - w[:, 1:]) & (c <= b[:, 3:] + w[:, 1:])
    return mk & across[:, None] & down[:, :, None]


@torch.no_grad()
def predict(m, imgs, prompts, thr=0.5, bf16=True, clip_margin=0.0):
    """One phrase for each picture (S x S x 3, uint8): scores, masks at the picture's size, boxes (corners, 0 to 1), the
    union of all masks (`sem`), presence, and the scores of all queries."""
    px = torch.from_numpy(np.stack(imgs)).permute(0, 3, 1, 2).float() / 127.5 - 1
    ids, am = encode(prompts)
    with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
        o = m(pixel_values=px, input_ids=ids, attention_mask=am)
    pres = o.presence_logits.float().sigmoid().flatten()
    sc = o.pred_logits.float().sigmoid() * pres[:, None]
    S = px.shape[-1]

    def enlarge(logits):
        return torch.nn.functional.interpolate(logits[None], (S, S), mode="bilinear")[0] > 0

    res = []
    for i in range(len(imgs)):
        k = (sc[i] > thr).nonzero().flatten()
        boxes = o.pred_boxes[i, k].float()
        mk = enlarge(o.pred_masks[i, k].float()) if len(k) else torch.zeros(0, S, S, dtype=torch.bool)
        if clip_margin and len(k):
            mk = clip_to_boxes(mk, boxes, clip_margin)
        res.append(
            dict(
                scores=sc[i, k].numpy(),
                masks=mk.numpy(),
                boxes=boxes.numpy(),
                sem=enlarge(o.semantic_seg[i].float())[0].numpy(),
                pres=float(pres[i]),
                all=sc[i].numpy(),
            )
        )
    return res


def chosen(o, k):
    """The detections `k` of a prediction."""
    return dict(o, scores=o["scores"][k], masks=o["masks"][k], boxes=o["boxes"][k])


def nms(o, iou=0.6):
    """Of detections whose masks overlap by `iou` or more only the best stays."""
    if len(o["scores"]) < 2:
        return o
    keep = []
    order = np.argsort(-o["scores"])
    f = o["masks"].reshape(len(o["masks"]), -1).astype(np.float32)
    ar = f.sum(1)
    for i in order:
        if all((f[i] @ f[j]) / max(1, ar[i] + ar[j] - f[i] @ f[j]) < iou for j in keep):
            keep.append(i)
    return chosen(o, np.array(sorted(keep), dtype=int))


def pair_iou(P, G):
    """[predictions, truths] IoU of masks."""
    if not len(P):
        return np.zeros((0, len(G)))
    a = P.reshape(len(P), -1).astype(np.float32)
    b = G.reshape(len(G), -1).astype(np.float32)
    it = a @ b.T
    return it / np.maximum(1, a.sum(1)[:, None] + b.sum(1)[None] - it)


def ratio(a, b):
    """IoU of two masks, 0 when both are empty."""
    return (a & b).sum() / max(1, (a | b).sum())


def measures(o, gt):
    """What one prediction adds: name and list of values."""
    if not len(gt):
        n = len(o["scores"])
        return dict(neg_ok=[o["pres"] < 0.5], neg_fp=[n], neg_clean=[n == 0])
    G, P = np.stack(gt), o["masks"]
    un = G.any(0)
    iou = pair_iou(P, G)
    mt = iou[linear_sum_assignment(-iou)]
    return dict(
        pos_ok=[o["pres"] >= 0.5],
        semiou=[ratio(un, o["sem"])],
        unioniou=[ratio(un, P.any(0) if len(P) else np.zeros_like(un))],
        tp=[int((mt >= 0.5).sum())],
        np=[len(P)],
        ng=[len(G)],
        miou=list(mt[mt >= 0.5]),
        iou0=[iou[:, j].max() if len(P) else 0.0 for j in range(len(G))],
    )


def summary(r):
    """The numbers of one set from its lists of values."""

    def mean(k):
        return float(np.mean(r[k])) if r.get(k) else None

    tp, npd, ng, fpn = (sum(r.get(k, [0])) for k in ("tp", "np", "ng", "neg_fp"))
    pr = tp / max(1, npd + fpn)
    rc = tp / max(1, ng)
    return dict(
        n=len(r.get("neg_ok", [])) + len(r.get("pos_ok", [])),
        instances=ng,
        precision=pr,
        recall=rc,
        F1=2 * pr * rc / max(1e-9, pr + rc),
        mIoU_matched=mean("miou"),
        mean_best_IoU_all_gt=mean("iou0"),
        union_IoU=mean("unioniou"),
        presence_acc_neg=mean("neg_ok"),
        presence_acc_pos=mean("pos_ok"),
        neg_without_detection=mean("neg_clean"),
        semantic_IoU=mean("semiou"),
    )


def questions(n, S):
    """n scenes with one phrase each: picture, phrase, masks that it means, kind of object."""
    scene = Scene(Bank(), SEED, val=True)
    for _ in range(n):
        im, ow, ins = scene.make(S)
        ((p, g),) = scene.prompts(ins, 1, 0.35)
        if g:
            kind = ins[g[0]]["kind"]
        else:
            kind = "emoji" if any(p in a for a, _ in scene.b.etags) else "shape"
        yield im, p, [ow == q + 1 for q in g], kind


def run(m, n, S, bf16=True, clip_margin=0.0):
    """All sets at all thresholds: {setting: {set: numbers}}, and the time of a forward pass."""
    found = {(t, x): {} for t in THRESHOLDS for x in (False, True)}
    asked = list(questions(n, S))
    took = 0
    for start in range(0, n, BATCH):
        part = asked[start : start + BATCH]
        began = time.time()
        out = predict(m, [b[0] for b in part], [b[1] for b in part], min(THRESHOLDS), bf16, clip_margin)
        took += time.time() - began
        for (_, _, gt, kind), o in zip(part, out):
            for (thr, has_nms), sets in found.items():
                kept = chosen(o, o["scores"] > thr)
                for name, values in measures(nms(kept) if has_nms else kept, gt).items():
                    for kd in ("all", kind):
                        sets.setdefault(kd, {}).setdefault(name, []).extend(values)
    out = {
        f"thr {thr}{' +mask NMS' if has_nms else ''}": {kd: summary(r) for kd, r in sets.items()}
        for (thr, has_nms), sets in found.items()
    }
    out["ms_per_sample_batched"] = 1000 * took / n
    return out


def rounded(numbers):
    """For printing."""
    return {a: (round(b, 3) if isinstance(b, float) else b) for a, b in numbers.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("model", type=Path, nargs="?", default=MODEL)
    parser.add_argument("--count", type=int, default=512)
    parser.add_argument("--size", type=int, default=252)
    parser.add_argument("--fp32", action="store_true", help="without bf16 autocast")
    parser.add_argument("--clip-to-box", type=float, default=0.0, metavar="MARGIN")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    r = run(load(args.model, args.size), args.count, args.size, not args.fp32, args.clip_to_box)
    for k, v in r.items():
        if not isinstance(v, dict):
            print(k, round(v, 1))
            continue
        print(k)
        for kd, x in v.items():
            print("   ", kd, rounded(x))
    if args.json:
        args.json.write_text(json.dumps(r, indent=1))


if __name__ == "__main__":
    main()
