"""Step 3: trains the model on the CPU and writes out/training/run/final.pt.

    python training/train.py --minutes 70 --lr 1.2e-3 --mu 3 --warm 60 --pre .3 --rpbinit 1 --sw1 .75 --sw2 2

Two processes with one thread each; gradients are averaged through shared memory, the schedule is a share of the
minutes given. A part `--pre` of them trains the trunk alone; then the full model at `--s1` pixels, from `--sw1` on at
`--s2`, from `--sw2` on at `--s3` (2: never). This is the script of the last stage: README.md tells how the shipped
weights came about.
"""

import argparse
import math
import os
import random
import time
from pathlib import Path

for k in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(k, "1")

import torch
import torch.multiprocessing as mp
from transformers import Sam3Model
from transformers.models.sam3 import modeling_sam3 as MS

from bank import Bank
from batches import DENSE_CLASSES, make_batch, pre_batch
from data import Scene
from dense_losses import align_loss, aux_loss, dense_loss
from forward import fast_rope, forward
from losses import W, losses
from model import init, make_config, set_size
from optimizer import Flat
from paths import RUN
from vocabulary import NUNK, Text

# Pictures in a batch and phrases for each, by size of the picture.
BATCH = [(5, 4), (4, 4), (3, 4)]
# Smallest object, as a part of the picture's side, by size of the picture.
SMALLEST = [0.12, 0.085, 0.07]

OPTIONS = dict(
    minutes=60.0,
    steps=0,
    lr=8e-4,
    wd=0.02,
    mu=3.0,
    pre=0.0,
    ipre=16,
    rpbinit=0,
    rewarm=0,
    warm=200,
    s1=168,
    s2=252,
    s3=336,
    sw1=0.60,
    sw2=0.85,
    ranks=2,
    clip=2.0,
    every=50,
    save=300,
    seed=0,
    overfit=0,
)


def build_model(text, S, seed=0):
    """The model with the compact vocabulary and its first weights."""
    cfg = make_config(S, vocab=text.n + NUNK)
    cfg._attn_implementation = "eager"
    torch.manual_seed(seed)
    m = Sam3Model._from_config(cfg, attn_implementation="eager")
    init(m, seed)
    return m


def build_heads():
    """Heads that are dropped after training: object here, dense class with colour and box, dense alignment."""
    torch.manual_seed(0)
    return torch.nn.ModuleList(
        [torch.nn.Linear(96, 1), torch.nn.Linear(192, DENSE_CLASSES + 17), torch.nn.Linear(96, 96)]
    )


def look_inside_the_box(decoder):
    """First weights of the decoder's box bias: attend inside the reference box."""
    with torch.no_grad():
        for e in (decoder.box_rpb_embed_x, decoder.box_rpb_embed_y):
            e.layer1.weight[0] = torch.tensor([-1.0, 0.0])
            e.layer1.weight[1] = torch.tensor([0.0, 1.0])
            e.layer1.bias[:2] = 0.0
            c = torch.tensor([1.0, 5.0, 10.0, 18.0])
            e.layer2.weight[:, 0] = -c
            e.layer2.weight[:, 1] = -c


class Trainer:
    """One of the processes: its copy of the model, its scenes, its share of the gradients G[rank]."""

    def __init__(self, rank, a, G, ctl, bar):
        self.rank, self.a, self.G, self.ctl, self.bar = rank, a, G, ctl, bar
        self.text = Text()
        self.m = build_model(self.text, a.s1)
        self.m.train()
        self._speed_up()
        ck = torch.load(a.resume, map_location="cpu", weights_only=False) if a.resume else {}
        if ck:
            self.m.load_state_dict(ck["model"])
        self.heads = build_heads()
        if "heads" in ck:
            self.heads.load_state_dict(ck["heads"], strict=False)
        if a.rpbinit:
            look_inside_the_box(self.m.detr_decoder)
        self.fl = Flat(torch.nn.ModuleList([self.m, self.heads]))
        self.opt = torch.optim.AdamW([self.fl.rest], weight_decay=0.0, lr=a.lr, betas=(0.9, 0.98), fused=True)
        self.bank = Bank()
        self.scene = Scene(self.bank, 1000 + rank + a.seed * 10)
        self.rng = random.Random(rank)
        self.S = a.s1
        set_size(self.m, self.S)
        self.began = time.time()
        self.step = self.seen = 0
        self.imgs = ck.get("imgs", 0)
        self.warm_from = -9999
        self.fixed = None
        if "opt" in ck:
            self._resume(ck)
        self._forget_sums()

    def _speed_up(self):
        MS.apply_rotary_pos_emb_2d = fast_rope
        emb = self.m.vision_encoder.backbone.embeddings
        of = emb.forward
        emb.forward = lambda *x, **k: of(*x, **k).to(torch.bfloat16)

    def _resume(self, ck):
        if "buf" in ck:
            self.fl.buf.copy_(ck["buf"])
        if "2.weight" in ck["heads"]:
            self.opt.load_state_dict(ck["opt"])
        self.step = ck["step"]
        self.began = time.time() - ck["pr"] * self.a.minutes * 60
        self.seen = ck["seen"]
        self.scene = Scene(self.bank, 1000 + self.rank + self.step)
        if "buf" not in ck or self.a.rewarm:
            self.warm_from = ck["step"]

    def _forget_sums(self):
        self.acc, self.told, self.data_time, self.pairs = {}, time.time(), 0, 0

    def run(self):
        """Steps until the time is over; the first process decides how much of it has passed."""
        while True:
            if self.rank == 0:
                passed = (time.time() - self.began) / (self.a.minutes * 60)
                self.ctl[0] = passed if not self.a.steps else self.step / self.a.steps
            self.bar.wait()
            pr = float(self.ctl[0])
            if pr >= 1:
                break
            self.take_step(pr)
            if self.rank == 0 and self.step % self.a.every == 0:
                self.tell(pr)
            if self.rank == 0 and self.step % self.a.save == 0:
                self.save(pr)
        if self.rank == 0:
            final = dict(model=self.m.state_dict(), ids=self.text.ids, step=self.step, pr=pr)
            torch.save(final, self.a.out / "final.pt")
            self.write(f"done steps {self.step} pairs {self.seen}")

    def batch(self, pr, ph):
        """The next batch: pictures alone in the trunk's stage."""
        a, (I, K) = self.a, BATCH[ph]
        if a.overfit:
            if self.fixed is None:
                self.fixed = [make_batch(self.scene, self.text, self.S, I, K) for _ in range(a.overfit)]
            return self.fixed[self.step % len(self.fixed)]
        self.scene.dmin = SMALLEST[ph]
        if pr < a.pre:
            return pre_batch(self.scene, self.text, self.S, a.ipre)
        return make_batch(self.scene, self.text, self.S, I, K, 0.35 if pr > 0.04 else 0.25, 0.08)

    def align(self, f2, b):
        """The alignment loss and accuracy; zero for a batch without instances."""
        if not b["align"]:
            return f2.sum() * 0.0, 0.0
        return align_loss(self.m, self.heads[2], f2, b["align"], b["dense"][3])

    def trunk_losses(self, b):
        """Of the trunk's stage: the dense losses alone."""
        ls = {}
        with torch.autocast("cpu", torch.bfloat16):
            v = self.m.vision_encoder.backbone(b["px"]).last_hidden_state
            h = int(math.isqrt(v.shape[1]))
            ls["dense"], dacc = dense_loss(self.heads[1], b, dict(vit=v))
            f2 = self.m.vision_encoder.neck.fpn_layers[2](v.transpose(1, 2).reshape(-1, 192, h, h))
            ls["align"], aacc = self.align(f2, b)
        return ls, dacc, aacc

    def full_losses(self, b):
        """Of the full model."""
        with torch.autocast("cpu", torch.bfloat16):
            o = forward(self.m, b)
            ls = losses(self.m, b, o, self.rng)
            ls["aux"] = aux_loss(self.heads[0], b, o)
            ls["dense"], dacc = dense_loss(self.heads[1], b, o)
            ls["align"], aacc = self.align(o["fpn"][2], b)
        return ls, dacc, aacc

    def take_step(self, pr):
        """One batch, one update."""
        a, fl = self.a, self.fl
        ph = 0 if pr < a.sw1 else 1 if pr < a.sw2 else 2
        S = [a.s1, a.s2, a.s3][ph]
        if S != self.S:
            self.S = S
            set_size(self.m, S)
        warmth = min(1, (self.step + 1 - self.warm_from) / a.warm)
        lr = a.lr * warmth * (0.5 * (1 + math.cos(math.pi * min(1, pr))) * 0.985 + 0.015)
        for g in self.opt.param_groups:
            g["lr"] = lr
        began = time.time()
        b = self.batch(pr, ph)
        self.data_time += time.time() - began
        ls, dacc, aacc = self.trunk_losses(b) if pr < a.pre else self.full_losses(b)
        sum(W[k] * v for k, v in ls.items()).backward()
        # Rows of unknown words beyond the one that is trained stay as they are
        self.m.text_encoder.get_input_embeddings().weight.grad[self.text.n + 1 :] = 0
        gn = self.average_gradients()
        if torch.isfinite(gn):
            self.opt.step()
            fl.muon(lr * a.mu, a.wd, pr < a.pre)
        fl.g.zero_()
        self.step += 1
        self.lr = lr
        self.seen += len(b["prompts"]) * a.ranks * (pr >= a.pre)
        self.imgs += len(b["px"]) * a.ranks
        self.pairs += len(b["prompts"]) * a.ranks
        for k, v in dict(**ls, aacc=aacc, dacc=dacc, gn=gn).items():
            v = v.detach() if torch.is_tensor(v) else v
            self.acc[k] = self.acc.get(k, 0) + float(v)

    def average_gradients(self):
        """Waits for the other process, averages, clips; the norm before clipping."""
        fl, a = self.fl, self.a
        self.G[self.rank].copy_(fl.g)
        self.bar.wait()
        if a.ranks == 2:
            fl.g.copy_(self.G[0]).add_(self.G[1]).mul_(0.5)
        gn = fl.g.norm()
        if gn > a.clip:
            fl.g.mul_(a.clip / gn)
        return gn

    def tell(self, pr):
        """One line of the log: means since the last one."""
        took = time.time() - self.told
        means = " ".join(f"{k} {v / self.a.every:.3f}" for k, v in self.acc.items())
        self.write(
            f"{time.strftime('%H:%M:%S')} st {self.step} pr {pr:.3f} S {self.S} lr {self.lr:.2e} "
            f"seen {self.seen / 1e3:.1f}k imgs {self.imgs / 1e3:.1f}k {self.pairs / took:.1f} pairs/s "
            f"data {self.data_time / took * 100:.0f}% | {means}"
        )
        self._forget_sums()

    def write(self, line):
        """To the terminal and the log."""
        print(line, flush=True)
        with open(self.a.out / "log.txt", "a") as log:
            log.write(line + "\n")

    def save(self, pr):
        """last.pt, from which --resume goes on."""
        state = dict(
            model=self.m.state_dict(),
            opt=self.opt.state_dict(),
            heads=self.heads.state_dict(),
            buf=self.fl.buf,
            ids=self.text.ids,
            step=self.step,
            pr=pr,
            seen=self.seen,
            imgs=self.imgs,
        )
        torch.save(state, self.a.out / "tmp.pt")
        os.replace(self.a.out / "tmp.pt", self.a.out / "last.pt")


def work(rank, a, G, ctl, bar):
    """A process."""
    torch.set_num_threads(1)
    Trainer(rank, a, G, ctl, bar).run()


def main():
    ap = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    for k, v in OPTIONS.items():
        ap.add_argument("--" + k, type=type(v), default=v)
    ap.add_argument("--out", type=Path, default=RUN)
    ap.add_argument("--resume", default="", help="last.pt or final.pt of an earlier run")
    a = ap.parse_args()
    a.out.mkdir(parents=True, exist_ok=True)
    mp.set_start_method("spawn")
    n = sum(p.numel() for m in (build_model(Text(), a.s1), build_heads()) for p in m.parameters())
    print("parameters (compact vocabulary, with the heads that are dropped)", n)
    G = torch.zeros(2, n).share_memory_()
    ctl = torch.zeros(4).share_memory_()
    bar = mp.Barrier(a.ranks)
    ps = [mp.Process(target=work, args=(r, a, G, ctl, bar)) for r in range(a.ranks)]
    for p in ps:
        p.start()
    for p in ps:
        p.join()


if __name__ == "__main__":
    main()
