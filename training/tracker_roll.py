"""A tracker led through a batch of clips: a first prompt, then frame after frame by its own memories, with
corrections now and then. Imported by tracker_train.py and tracker_eval.py; no step by itself."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F

import tracker_prompts
from tracker_forward import Remembered


@dataclass
class Batch:
    """frames: [C, T, 3, S, S] from -1 to 1; masks: [N, T, S, S] bool; clip_of: [N], which clip an object is in. All
    objects are visible on the first frame."""

    frames: torch.Tensor
    masks: torch.Tensor
    clip_of: torch.Tensor


@dataclass
class Plan:
    """kind: "mask", "box" or "click"; corrections: how many clicks correct the first frame's answer (not of a mask);
    corrected_frame: on which frame a click corrects what was followed, or None."""

    kind: str
    corrections: int = 0
    corrected_frame: int | None = None


def choose_plan(rng, frames):
    """Mostly masks; of the others half get corrections on the first frame; one clip in five gets one later."""
    kind = rng.choice(["mask", "mask", "mask", "box", "click"])
    corrections = rng.choice([0, 0, 1, 2]) if kind != "mask" else 0
    later = rng.randrange(1, frames) if frames > 2 and rng.random() < 0.2 else None
    return Plan(kind, corrections, later)


def gather(clips, most_objects, rng, least_pixels=90):
    """A batch of clips of the same length, with objects that are visible on their first frame; None without any."""
    chosen, clip_of = [], []
    for index, clip in enumerate(clips):
        visible = (clip.masks[:, 0].flatten(1).sum(1) >= least_pixels).nonzero().flatten().tolist()
        rng.shuffle(visible)
        for row in visible[: max(1, most_objects // len(clips))]:
            chosen.append(clip.masks[row])
            clip_of.append(index)
    if not chosen:
        return None
    frames = torch.stack([clip.frames for clip in clips])
    return Batch(frames, torch.stack(chosen), torch.tensor(clip_of, device=frames.device))


class Roll:
    """One batch under way. `answers` are (frame, Seen) of everything that the tracker said and that has a truth."""

    def __init__(self, tracker, batch, plan, generator):
        self.tracker, self.batch, self.plan, self.generator = tracker, batch, plan, generator
        self.bank, self.answers = {}, []
        # The mask of each frame as logits, [N, 4G, 4G]; of a given mask the truth
        self.final = []
        clips, frames = batch.frames.shape[:2]
        pyramid = tracker.pyramid(batch.frames.flatten(0, 1))
        self.pyramids = [pyramid.rows(batch.clip_of * frames + t) for t in range(frames)]

    def run(self):
        """All frames; the answers."""
        for at in range(self.batch.frames.shape[1]):
            if at > 0:
                self._follow(at)
            elif self.plan.kind == "mask":
                self._take_masks()
            else:
                self._take_clicks()
        return self.answers

    def _take_masks(self):
        pyramid, side = self.pyramids[0], 16 * self.tracker.grid
        truth = self.batch.masks[:, 0].float()
        masks = (F.interpolate(truth[:, None], size=(side, side), mode="bilinear")[:, 0] > 0.5).float()
        is_there = masks.flatten(1).any(1)
        coarse = F.interpolate(masks[:, None] * 2 - 1, scale_factor=0.25, mode="bilinear", antialias=True)[:, 0]
        memory = self.tracker.remember(pyramid, self.tracker.hard(coarse), is_there)
        self.bank[0] = Remembered(memory, self.tracker.given(pyramid, masks), is_given=True)
        self.final.append(F.adaptive_avg_pool2d(truth, 4 * self.tracker.grid) * 20 - 10)

    def _take_clicks(self):
        prompt = getattr(tracker_prompts, self.plan.kind)
        points, labels = prompt(self.batch.masks[:, 0], self.generator)
        seen = self._answered(0, self.tracker.clicked(self.pyramids[0], points, labels))
        for _ in range(self.plan.corrections):
            seen, points, labels = self._corrected(0, seen, points, labels)
        self._keep(0, seen, is_given=True)

    def _follow(self, at):
        seen = self._answered(at, self.tracker.followed(self.pyramids[at], self.bank, at))
        is_corrected = at == self.plan.corrected_frame
        if is_corrected:
            seen, _, _ = self._corrected(at, seen)
        self._keep(at, seen, is_given=is_corrected)

    def _corrected(self, at, seen, points=None, labels=None):
        """One more click on an answer; the new answer, and all points so far."""
        truth = self.batch.masks[:, at]
        guess = F.interpolate(seen.best.detach()[:, None], size=truth.shape[-2:], mode="bilinear")[:, 0] > 0
        more = tracker_prompts.correction(truth, guess, self.generator)
        points = more[0] if points is None else torch.cat([points, more[0]], 1)
        labels = more[1] if labels is None else torch.cat([labels, more[1]], 1)
        seen = self.tracker.clicked(self.pyramids[at], points, labels, seen.best.detach())
        return self._answered(at, seen), points, labels

    def _answered(self, at, seen):
        self.answers.append((at, seen))
        return seen

    def _keep(self, at, seen, is_given):
        # In training soft masks, so that gradients reach the mask
        is_hard = is_given and not self.tracker.own.training
        probabilities = self.tracker.hard(seen.best) if is_hard else self.tracker.enlarged(seen.best).sigmoid()
        memory = self.tracker.remember(self.pyramids[at], probabilities, seen.scores > 0)
        self.bank[at] = Remembered(memory, seen.pointers, is_given)
        self.final.append(seen.best)
        for old in [f for f in self.bank if f < at - 16 and not self.bank[f].is_given]:
            del self.bank[old]
