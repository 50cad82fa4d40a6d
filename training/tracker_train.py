"""Trains a tracker for a detector whose weights stay as they are:

    python training/tracker_train.py --out out/training/tracker --minutes 9 --of 25
    python training/tracker_train.py --out out/training/tracker --minutes 9 --resume

Each call is a slice of --minutes within a run of --of minutes; every slice ends with a checkpoint, from which --resume
goes on as if nothing had been between. Clips get longer as the run goes on. A line of JSON is logged every --every
steps.
"""

import argparse
import math
import os
import random
import time
from pathlib import Path

import torch

import processes
import tracker_losses
import tracker_model
from clips import ClipMaker, add_photograph_options, load_photographs, photograph_folders
from paths import MODEL, WORK
from run_log import RunLog
from sprites import make_sprites
from tracker_forward import Tracker
from tracker_roll import Roll, choose_plan, gather

# From which share of the run on clips have how many frames.
LENGTHS = [(0.0, 2), (0.2, 3), (0.4, 5), (0.7, 8)]
# A step counts as this many seconds at most, so that a process that was stopped for a while loses no training.
MOST_SECONDS_OF_A_STEP = 20.0
# Share of things that are suddenly gone, so that absence is learnt from clips of two frames on.
VANISHING = 0.2
CHECKPOINT = "last.pt"
# So many seconds at most are lost when a run is killed.
SAVED_EVERY = 180.0


class Trainer:
    """A run, or one process's part of it. `elapsed` are the seconds of all its slices so far."""

    def __init__(self, args, rank=0):
        self.args, self.rank = args, rank
        torch.manual_seed(args.seed)
        self.model = tracker_model.build(args.detector, args.seed).to(args.device).train()
        if args.device == "cpu":
            # Faster than torch's fused attention on CPUs
            for module in (self.model.tracker_model, self.model.tracker_model.mask_decoder):
                module.config._attn_implementation = "eager"
        self.tracker = Tracker(self.model)
        self.parameters = [p for p in self.model.parameters() if p.requires_grad]
        self.optimizers = make_optimizers(self.model, args)
        side = self.model.config.detector_config.vision_config.backbone_config.image_size
        sprites = make_sprites(args.seed, args.sprites, photograph_folders(args))
        self.maker = ClipMaker(args.seed, side, 8, sprites, load_photographs(args), args.device, vanishing=VANISHING)
        tracker_model.calm_neck(self.model, self.maker.make().frames)
        self.step, self.elapsed = 0, 0.0
        self.log = RunLog(args.out / "log.jsonl" if rank == 0 else None)
        self.batch_of_step = None
        if args.resume:
            self._resume(args.out / CHECKPOINT)
        elif args.begin_with:
            state = torch.load(args.begin_with, map_location=args.device, weights_only=True)
            tracker_model.load_tracker(self.model, state["tracker"])

    def progress(self):
        """Share of the run that is over."""
        if self.args.steps:
            return min(1.0, self.step / self.args.steps)
        return min(1.0, self.elapsed / (self.args.of * 60))

    def run(self):
        """The slice."""
        end = self.elapsed + self.args.minutes * 60
        saved_at = self.elapsed
        while self.elapsed < end and self.progress() < 1:
            self.elapsed = self.take_step()
            if self.step % self.args.every == 0:
                self.tell()
            if self.elapsed - saved_at > SAVED_EVERY:
                self.save()
                saved_at = self.elapsed
        self.save()

    def batch(self, rng):
        """Clips of this step's seed, fewer when they are long. `batch_of_step`, where it is set, is asked instead."""
        if self.batch_of_step:
            return self.batch_of_step(self.step)
        self.maker.frames = max(length for share, length in LENGTHS if share <= self.progress())
        found = None
        while found is None:
            self.maker.begin(rng.getrandbits(32))
            clips = [self.maker.make(3, 6) for _ in range(max(1, self.args.frames // self.maker.frames))]
            found = gather(clips, max(1, self.args.masks // self.maker.frames), rng)
        return found

    def take_step(self):
        """One batch, one update; the seconds of the run after it."""
        began = time.monotonic()
        batch = self.batch(random.Random(f"{self.args.seed} {self.step} {self.rank}"))
        made = time.monotonic() - began
        # The same plan in all processes, which wait for each other
        rng = random.Random(f"{self.args.seed} {self.step}")
        plan = choose_plan(rng, batch.frames.shape[1])
        generator = torch.Generator().manual_seed(rng.getrandbits(32) + self.rank)
        device = torch.device(self.args.device).type
        with torch.autocast(device, torch.bfloat16, enabled=self.args.precision == "bf16"):
            roll = Roll(self.tracker, batch, plan, generator)
            answers = roll.run()
        losses = tracker_losses.of_answers(answers, batch.masks)
        loss = tracker_losses.total(losses)
        for optimizer in self.optimizers:
            optimizer.zero_grad(set_to_none=True)
        loss.backward()
        elapsed = processes.average(self.parameters, self.elapsed + time.monotonic() - began)
        norm = torch.nn.utils.clip_grad_norm_(self.parameters, self.args.clip)
        self._set_rate()
        if torch.isfinite(norm):
            for optimizer in self.optimizers:
                optimizer.step()
        self.step += 1
        overlap = mean_iou(answers, batch)
        values = dict(losses, loss=loss, norm=norm, mean_iou=overlap, **{f"iou_{plan.kind}": overlap})
        self.log.note(values, dict(clips=len(batch.frames), objects=len(batch.masks)), made)
        return min(elapsed, self.elapsed + MOST_SECONDS_OF_A_STEP)

    def _set_rate(self):
        warmth = min(1.0, (self.step + 1) / self.args.warm)
        share = warmth * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * self.progress())))
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = group["full_lr"] * share

    def tell(self):
        """Logs means since the last line, of the first process, and forgets them; the means."""
        facts = dict(
            step=self.step,
            progress=round(self.progress(), 4),
            minutes=round(self.elapsed / 60, 2),
            frames=self.maker.frames,
            rate=self.optimizers[0].param_groups[0]["lr"],
        )
        return self.log.tell(facts, self.elapsed, self.args.processes)

    def save(self):
        """The checkpoint, written aside first, by the first process."""
        if self.rank > 0:
            return
        state = dict(
            tracker=tracker_model.tracker_weights(self.model),
            optimizers=[optimizer.state_dict() for optimizer in self.optimizers],
            step=self.step,
            elapsed=self.elapsed,
            of=self.args.of,
            steps=self.args.steps,
            seed=self.args.seed,
        )
        torch.save(state, self.args.out / "unfinished.pt")
        os.replace(self.args.out / "unfinished.pt", self.args.out / CHECKPOINT)
        print(f"step {self.step}, {self.progress():.0%} of the run, {self.args.out / CHECKPOINT}")

    def _resume(self, path):
        state = torch.load(path, map_location=self.args.device, weights_only=True)
        tracker_model.load_tracker(self.model, state["tracker"])
        for optimizer, own in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(own)
        self.step, self.elapsed = state["step"], state["elapsed"]
        self.args.of, self.args.steps, self.args.seed = state["of"], state["steps"], state["seed"]
        self.log.go_on(self.step, self.elapsed)


# Parts of names of matrices that are no hidden layers.
NOT_HIDDEN = ("embed", "token", "iou_prediction_head", "pred_obj_score_head")


def make_optimizers(model, args):
    """Muon for the hidden matrices of the tracker, AdamW for the rest; the neck, which is trained already, moves
    slower."""

    def is_hidden(name, parameter):
        return parameter.dim() == 2 and min(parameter.shape) > 1 and not any(part in name for part in NOT_HIDDEN)

    named = [(name, p) for name, p in model.tracker_model.named_parameters() if p.requires_grad]
    hidden = [p for name, p in named if is_hidden(name, p)]
    rest = [p for name, p in named if not is_hidden(name, p)]
    neck = [p for p in model.tracker_neck.parameters() if p.requires_grad]
    groups = [dict(params=rest, full_lr=args.adam_lr), dict(params=neck, full_lr=0.3 * args.adam_lr)]
    hidden = [dict(params=hidden, full_lr=args.lr)]
    return [
        torch.optim.Muon(hidden, lr=args.lr, weight_decay=args.decay, adjust_lr_fn="match_rms_adamw"),
        torch.optim.AdamW(groups, lr=args.adam_lr, betas=(0.9, 0.98), weight_decay=0.0),
    ]


@torch.no_grad()
def mean_iou(answers, batch):
    """Of the chosen masks on frames that show the object."""
    overlaps = []
    for at, seen in answers:
        truth = batch.masks[:, at]
        target = torch.nn.functional.adaptive_avg_pool2d(truth.float(), seen.best.shape[-1])
        overlaps.append(tracker_losses.iou(seen.best[:, None], target[:, None])[truth.flatten(1).any(1), 0])
    overlaps = torch.cat(overlaps)
    return overlaps.mean() if len(overlaps) else torch.tensor(1.0)


def make_parser():
    """The options."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--detector", type=Path, default=MODEL, help="model folder whose trunk is shared")
    parser.add_argument("--out", type=Path, default=WORK / "tracker")
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoint in --out")
    help = "checkpoint of another run, whose weights a new run begins with"
    parser.add_argument("--from", dest="begin_with", metavar="CHECKPOINT", type=Path, help=help)
    parser.add_argument("--minutes", type=float, default=9.0, help="of this slice")
    parser.add_argument("--of", type=float, default=25.0, help="minutes of the whole run")
    parser.add_argument("--steps", type=int, default=0, help="steps of the whole run, instead of --of")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--precision", choices=["bf16", "fp32"], default="bf16")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--processes", type=int, default=1, help="that train together; on a CPU one for each core")
    parser.add_argument("--frames", type=int, default=6, help="in a batch of a process, of all its clips")
    parser.add_argument("--masks", type=int, default=24, help="in a batch of a process, objects times frames of a clip")
    parser.add_argument("--sprites", type=int, default=512, help="shapes in the bank")
    parser.add_argument("--lr", type=float, default=5e-3, help="of hidden matrices, by Muon")
    parser.add_argument("--adam-lr", type=float, default=1.5e-3, help="of everything else, by AdamW")
    parser.add_argument("--decay", type=float, default=0.02)
    parser.add_argument("--warm", type=int, default=40, help="steps until the full learning rate")
    parser.add_argument("--clip", type=float, default=1.0, help="longest gradient")
    parser.add_argument("--every", type=int, default=10, help="steps between lines of the log")
    add_photograph_options(parser)
    return parser


def main():
    args = make_parser().parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    processes.start(args.processes, train, args)


def train(rank, args):
    """The part of one process."""
    torch.set_num_threads(args.threads)
    Trainer(args, rank).run()


if __name__ == "__main__":
    main()
