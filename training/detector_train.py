"""Step 3: trains a detector:

    python training/detector_train.py --config training/configs/detector-cpu.toml --minutes 9
    python training/detector_train.py --config training/configs/detector-cpu.toml --minutes 9 --resume

Each call is a slice of --minutes within the run that the configuration describes; every slice ends with a checkpoint,
from which --resume goes on as if nothing had been between. Checkpoints are also saved on the way, so that little is
lost when a slice is stopped. The first stage may train the trunk alone. A line of JSON is logged now and then;
curves.py draws them. `--from FOLDER` begins with the weights of a model folder, `--encoders-from FOLDER` with those of its
trunk and text encoder alone, whatever the width of its neck.
"""

import argparse
import math
import os
import random
import time
from pathlib import Path

import torch
from transformers.models.sam3 import modeling_sam3 as published

import model as architecture
import processes
import teacher
from batches import make_batch
from dense_losses import Heads, align_loss, dense_loss, here_loss
from forward import answer, fast_rope
from losses import detector_losses
from optimizer import Flat
from paths import RUN
from run_config import read_config
from run_log import RunLog
from scenes import make_maker
from vocabulary import Text, compacted

CHECKPOINT, LOG = "last.pt", "log.jsonl"
# First parts of the names of the weights that `--encoders-from` takes.
ENCODERS = ("vision_encoder.backbone.", "text_encoder.")
# A step counts as this many seconds at most, so that a process that was stopped for a while loses no training.
MOST_SECONDS_OF_A_STEP = 20.0


class Trainer:
    """A run, or one process's part of it. `elapsed` are the seconds of all its slices so far. `maker`, where it is
    given, makes the scenes; `begin` is a model folder to start from, `encoders` one whose encoders are enough."""

    def __init__(self, config, out, rank=0, folders=None, begin=None, encoders=None, is_resumed=False, maker=None):
        self.config, self.out, self.rank, self.run_config = config, out, rank, config.run
        self.device = torch.device(config.run.device)
        state = torch.load(out / CHECKPOINT, map_location=self.device, weights_only=True) if is_resumed else None
        self.text = Text(state["ids"] if state else None)
        shape = config.model
        self.model = architecture.build(shape, self.text.count + 1, config.run.seed, config.run.attention)
        if begin and not state:
            load_weights(self.model, begin, self.text)
        if encoders and not state:
            load_weights(self.model, encoders, self.text, ENCODERS)
        self.model.to(self.device).train()
        self._speed_up()
        torch.manual_seed(config.run.seed)
        is_taught = config.losses["teach"] > 0
        self.teacher = teacher.Teacher(self.device) if is_taught else None
        taught = teacher.CHANNELS if is_taught else 0
        self.heads = Heads(shape.trunk_width, shape.width, taught).to(self.device)
        numbers = config.optimizer
        modules = dict(model=self.model, heads=self.heads)
        self.flat = Flat(modules, numbers.lr, numbers.adam_lr, numbers.decay)
        self.averaged = self.flat.weights.data.clone() if config.run.ema else None
        self.step, self.elapsed = 0, 0.0
        self.saved_at, self.met_at = 0.0, time.monotonic()
        self.log = RunLog(out / LOG if rank == 0 else None)
        if state:
            self._resume(state)
        self.maker = maker or make_maker(
            config.run.seed, self.device, folders, config.data.backdrops, mixture=config.data.mixture
        )

    def _speed_up(self):
        """On a CPU: rotary embeddings as products, and the trunk's states in bfloat16."""
        if self.device.type != "cpu" or self.run_config.precision != "bf16":
            return
        published.apply_rotary_pos_emb_2d = fast_rope
        embeddings = self.model.vision_encoder.backbone.embeddings
        plain = embeddings.forward
        embeddings.forward = lambda *x, **k: plain(*x, **k).to(torch.bfloat16)

    def progress(self):
        """Share of the run that is over."""
        if self.run_config.steps:
            return min(1.0, self.step / self.run_config.steps)
        return min(1.0, self.elapsed / (self.run_config.minutes * 60))

    def stage(self):
        """The stage of this step."""
        return [stage for stage in self.config.stages if stage.start <= self.progress()][-1]

    def run(self, minutes):
        """A slice."""
        end = self.elapsed + minutes * 60
        self.saved_at, self.met_at = self.elapsed, time.monotonic()
        while self.elapsed < end and self.progress() < 1:
            self.take_step()
            if self.step % self.run_config.every == 0:
                self.tell()
            if self.elapsed - self.saved_at > self.run_config.save_minutes * 60:
                self.save()
        self.save()

    def batch(self, stage):
        """Scenes of this step's seeds."""
        count, rank, data = stage.pictures, self.rank, self.config.data
        seeds = [f"{self.run_config.seed} {self.step} {rank} {index}" for index in range(count)]
        most = self.config.model.queries
        return make_batch(
            self.maker, self.text, seeds, stage.side, stage.phrases, stage.least, data.exemplars, data.absent, most
        )

    def take_step(self):
        """One batch, one update."""
        began = time.monotonic()
        stage = self.stage()
        batch = self.batch(stage)
        made = time.monotonic() - began
        architecture.set_size(self.model, stage.side)
        rng = random.Random(f"masks {self.run_config.seed} {self.step} {self.rank}")
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.run_config.precision == "bf16"):
            losses, seen = self._losses(batch, rng)
        loss = sum(self.config.losses[name] * value for name, value in losses.items())
        loss.backward()
        # From the last step's meeting to this one's, so that everything in between counts, a GPU's work too
        now = time.monotonic()
        elapsed = processes.average([self.flat.weights], self.elapsed + now - self.met_at)
        self.met_at = now
        norm = self.flat.clipped(self.config.optimizer.clip)
        if torch.isfinite(norm):
            self.flat.step(self._rate(), batch.ids is None)
        self.flat.weights.grad.zero_()
        self.step += 1
        if self.averaged is not None:
            # Early on the average follows fast
            kept = min(self.run_config.ema, self.step / (self.step + 10))
            self.averaged.lerp_(self.flat.weights.data, 1 - kept)
        pairs = len(batch.ids) if batch.ids is not None else 0
        counts = dict(pictures=len(batch.pixels), pairs=pairs)
        self.log.note(dict(losses, **seen, loss=loss, norm=norm), counts, made)
        self.elapsed = min(elapsed, self.elapsed + MOST_SECONDS_OF_A_STEP)
        return loss.detach()

    def _losses(self, batch, rng):
        """Losses by name, and what is only looked at: those of the trunk alone, or of everything."""
        if batch.ids is None:
            trunk = self.model.vision_encoder.backbone(batch.pixels).last_hidden_state
            side = math.isqrt(trunk.shape[1])
            square = trunk.transpose(1, 2).unflatten(2, (side, side))
            return self._dense_losses(batch, trunk, self.model.vision_encoder.neck.fpn_layers[2](square))
        vision = self.model.vision_encoder(batch.pixels)
        found = answer(self.model, vision, batch.picture_of, batch.ids, batch.mask, batch.exemplars, batch.labels)
        losses = detector_losses(self.model, batch, found, self.config.losses, self.config.mask_share, rng)
        losses["here"] = here_loss(self.heads.here, batch, found.memory)
        dense, seen = self._dense_losses(batch, found.trunk, found.levels[2])
        return losses | dense, seen

    def _dense_losses(self, batch, trunk, feature):
        losses, seen = {}, {}
        if self.step < self.config.optimizer.heads_first:
            trunk, feature = trunk.detach(), feature.detach()
        losses["dense"], seen["dense_accuracy"] = dense_loss(self.heads.dense, batch.dense, trunk)
        if batch.alignment:
            losses["align"], seen["align_accuracy"] = align_loss(
                self.model, self.heads.align, feature, batch.alignment, batch.dense.owners
            )
        if self.teacher:
            with torch.autocast(self.device.type, enabled=False):
                features = self.teacher(batch.pixels, math.isqrt(trunk.shape[1]))
            losses["teach"], seen["taught"] = teacher.teach_loss(self.heads.teach, features, trunk)
        return losses, seen

    def _rate(self):
        """Share of the full learning rates."""
        numbers = self.config.optimizer
        warmth = min(1.0, (self.step + 1) / numbers.warm)
        return warmth * (numbers.last + (1 - numbers.last) * 0.5 * (1 + math.cos(math.pi * self.progress())))

    def tell(self):
        """Logs means since the last line, and forgets them; the means."""
        facts = dict(
            step=self.step,
            progress=round(self.progress(), 4),
            minutes=round(self.elapsed / 60, 2),
            side=self.stage().side,
            rate=self._rate(),
        )
        return self.log.tell(facts, self.elapsed, self.run_config.processes)

    def save(self):
        """The checkpoint, written aside first, by the first process."""
        self.saved_at = self.elapsed
        if self.rank > 0:
            return
        state = dict(
            model=self.model.state_dict(),
            heads=self.heads.state_dict(),
            optimizer=self.flat.state_dict(),
            averaged=self.averaged,
            ids=self.text.ids,
            shape=vars(self.config.model),
            step=self.step,
            elapsed=self.elapsed,
        )
        if self.averaged is not None:
            state["averaged_model"] = self._averaged_model()
        torch.save(state, self.out / "unfinished.pt")
        os.replace(self.out / "unfinished.pt", self.out / CHECKPOINT)
        print(f"step {self.step}, {self.progress():.0%} of the run, {self.out / CHECKPOINT}", flush=True)

    def _averaged_model(self):
        """The averaged weights by name."""
        own = self.flat.weights.data.clone()
        self.flat.weights.data.copy_(self.averaged)
        named = {name: weight.clone() for name, weight in self.model.state_dict().items()}
        self.flat.weights.data.copy_(own)
        return named

    def _resume(self, state):
        if state["shape"] != vars(self.config.model):
            raise SystemExit(f"{self.out / CHECKPOINT} has the model {state['shape']}, not that of the configuration")
        self.model.load_state_dict(state["model"])
        self.heads.load_state_dict(state["heads"])
        self.flat.load_state_dict(state["optimizer"])
        if self.averaged is not None and state["averaged"] is not None:
            self.averaged.copy_(state["averaged"])
        self.step, self.elapsed = state["step"], state["elapsed"]
        self.log.go_on(self.step, self.elapsed)


def load_weights(model, folder, text, parts=("",)):
    """The weights of a model folder whose names begin with one of `parts`; rows of words it does not know begin as its
    unknown word."""
    weights, config = architecture.read_folder(folder)
    weights[architecture.TOKEN_TABLE] = compacted(weights[architecture.TOKEN_TABLE], text)
    own = {name: weight for name, weight in model.state_dict().items() if name.startswith(parts)}
    other = [name for name in own if name not in weights or weights[name].shape != own[name].shape]
    if other:
        kind = architecture.shape_of(config)
        raise SystemExit(f"{folder} is another model, {kind}: {len(other)} weights differ, {other[0]} among them")
    model.load_state_dict({name: weights[name] for name in own}, strict=parts == ("",))


def make_parser():
    """The options."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=RUN)
    parser.add_argument("--minutes", type=float, default=9.0, help="of this slice")
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoint in --out")
    parser.add_argument("--from", dest="begin", type=Path, help="model folder whose weights the run begins with")
    parser.add_argument("--encoders-from", type=Path, help="model folder whose trunk and text encoder the run begins with")
    parser.add_argument("--pictures", type=Path, help="folder of labelled photographs")
    parser.add_argument("--labels", type=Path, help="folder of their outlines, lines of: class x y x y …, 0 to 1")
    return parser


def main():
    args = make_parser().parse_args()
    if bool(args.pictures) != bool(args.labels):
        raise SystemExit("--pictures and --labels belong together: a folder of JPEG files and one of their outlines")
    args.out.mkdir(parents=True, exist_ok=True)
    processes.start(read_config(args.config).run.processes, train, args)


def train(rank, args):
    """The part of one process."""
    config = read_config(args.config)
    torch.set_num_threads(config.run.threads)
    # On a GPU: fast products of the few matrices that stay float32
    torch.set_float32_matmul_precision("high")
    folders = (args.pictures, args.labels) if args.pictures else None
    trainer = Trainer(config, args.out, rank, folders, args.begin, args.encoders_from, args.resume)
    trainer.run(args.minutes)


if __name__ == "__main__":
    main()
