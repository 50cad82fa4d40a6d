"""The numbers of a run of detector_train.py, from a TOML file (training/configs). Imported by the detector's steps; no
step by itself."""

import dataclasses
import tomllib
from dataclasses import dataclass, field

from model import Shape
from planner import Mixture


@dataclass
class Run:
    """`minutes` of all slices together, or `steps` where it is not 0. A process has `threads` threads; `ema` is the
    share that averaged weights keep in a step, 0 for none; a line is logged each `every` steps, a checkpoint saved each
    `save_minutes`."""

    minutes: float = 150.0
    steps: int = 0
    seed: int = 0
    device: str = "cpu"
    processes: int = 2
    threads: int = 1
    precision: str = "bf16"
    attention: str = "eager"
    every: int = 50
    save_minutes: float = 4.0
    ema: float = 0.0


@dataclass
class Optimizer:
    """Learning rates of Muon and AdamW; `warm` steps until they are full; they end at the share `last`; `clip` is the
    longest gradient. In the first `heads_first` steps the dense heads, which are never part of a model folder, learn on
    features that they do not move yet: for runs that begin with trained weights."""

    lr: float = 3.6e-3
    adam_lr: float = 1.2e-3
    decay: float = 0.02
    warm: int = 60
    last: float = 0.015
    clip: float = 2.0
    heads_first: int = 0


@dataclass
class Stage:
    """From the share `start` of the run on: `side` pixels, `pictures` in a batch of a process, `phrases` for each (0:
    the trunk alone, with dense losses), things of at least `least` of the side."""

    start: float = 0.0
    side: int = 168
    pictures: int = 5
    phrases: int = 4
    least: float = 0.07


@dataclass
class Data:
    """How many generated backdrops; shares of questions with exemplar boxes and of absent phrases; how often which
    backdrops and things are in a scene."""

    backdrops: int = 400
    exemplars: float = 0.33
    absent: float = 0.35
    mixture: Mixture = field(default_factory=Mixture)


# Weights of the losses. `many` is one-to-many for boxes, `teach` a pretrained network's features; 0 for none.
LOSSES = dict(
    dense=0.7, align=1.0, teach=0.0, here=1.0, cls=3.0, pres=1.5, l1=5.0, giou=2.0, many=0.0, mask=2.0, dice=2.5, sem=1.0
)


@dataclass
class Config:
    """All sections of the file. `mask_share` is the share of phrases whose masks are learnt in one step."""

    run: Run = field(default_factory=Run)
    model: Shape = field(default_factory=Shape)
    optimizer: Optimizer = field(default_factory=Optimizer)
    data: Data = field(default_factory=Data)
    losses: dict = field(default_factory=lambda: dict(LOSSES))
    mask_share: float = 0.5
    stages: list = field(default_factory=lambda: [Stage()])


def filled(kind, values, where):
    """A dataclass or dictionary with these values over its defaults; an unknown name is an error."""
    names = {f.name for f in dataclasses.fields(kind)}
    unknown = set(values) - names
    if unknown:
        raise SystemExit(f"{where}: {sorted(unknown)} is not known; there are {sorted(names)}")
    return kind(**values)


def read_config(path):
    """The configuration in a file."""
    return from_values(tomllib.loads(path.read_text()), str(path))


def from_values(values, where="configuration"):
    """The configuration of nested dictionaries."""
    values = dict(values)
    config = Config()
    for name, kind in (("run", Run), ("model", Shape), ("optimizer", Optimizer)):
        setattr(config, name, filled(kind, values.pop(name, {}), f"{where} [{name}]"))
    data = dict(values.pop("data", {}))
    mixture = Mixture()
    for name in ("backdrops_of", "things"):
        getattr(mixture, name.split("_")[0]).update(data.pop(name, {}))
    config.data = filled(Data, data | dict(mixture=mixture), f"{where} [data]")
    losses = values.pop("losses", {})
    if set(losses) - set(LOSSES):
        raise SystemExit(
            f"{where} [losses]: {sorted(set(losses) - set(LOSSES))} is not known; there are {sorted(LOSSES)}"
        )
    config.losses |= losses
    config.mask_share = values.pop("mask_share", config.mask_share)
    config.stages = [filled(Stage, stage, f"{where} [[stages]]") for stage in values.pop("stages", [{}])]
    if values:
        raise SystemExit(f"{where}: {sorted(values)} is not known")
    if config.stages[0].start != 0 or any(stage.side % 14 for stage in config.stages):
        raise SystemExit(f"{where}: the first stage starts at 0, and sides are multiples of 14")
    return config
