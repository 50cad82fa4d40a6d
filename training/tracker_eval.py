"""J&F of a tracker on clips that training never saw, from a first mask, box or click:

    python training/tracker_eval.py out/training/tracker/last.pt [--clips 20] [--frames 120] [--sheet FILE]

J is the overlap of the masks, F that of their outlines; both are 1 where object and mask are absent, means over the
frames after the first and over the objects. Clips, sprites and backgrounds have seeds of their own; with --pictures and
--labels, name photographs that training did not see. The frames are led by the rules that training uses.
"""

import argparse
import json
import random
from pathlib import Path

import torch
import torch.nn.functional as F

import tracker_losses
import tracker_model
from clips import ClipMaker, add_photograph_options, load_photographs, painted, photograph_folders, write_sheet
from paths import MODEL
from sprites import make_sprites
from tracker_forward import Tracker
from tracker_roll import Plan, Roll, gather

# Far from any seed of a training.
FIRST_SEED = 7_000_000
# Outlines may miss each other by this part of the picture's diagonal, as in DAVIS.
TOLERANCE = 0.008
# Parts of a path from frame to frame: of 120 frames half of it to all.
STRIDES = (0.5 / 120, 1 / 120)
# Frames of a clip on the sheet.
SHOWN = 8


def outlines(masks):
    """Pixels of each mask with a neighbour outside, [N, S, S] bool each."""
    inside = masks[:, None].float()
    return (masks & (-F.max_pool2d(-inside, 3, 1, 1))[:, 0].eq(0)) if len(masks) else masks


def boundary_f(masks, truth):
    """F-measure of outlines, [N, S, S] bool each → [N]; 1 where both are empty."""
    side = masks.shape[-1]
    reach = max(1, round(TOLERANCE * 2**0.5 * side))
    own, wanted = outlines(masks), outlines(truth)

    def near(lines):
        return F.max_pool2d(lines[:, None].float(), 2 * reach + 1, 1, reach)[:, 0] > 0

    def share(lines, of):
        count = lines.flatten(1).sum(1).float()
        return (lines & near(of)).flatten(1).sum(1) / count.clamp(min=1)

    precision, recall = share(own, wanted), share(wanted, own)
    f = 2 * precision * recall / (precision + recall).clamp(min=1e-6)
    is_empty = ~own.flatten(1).any(1) & ~wanted.flatten(1).any(1)
    return torch.where(is_empty, 1.0, f)


def scores(guessed, truth):
    """J and F of each object on each frame, [T, N] each. guessed, truth: [T, N, S, S] bool."""
    logits = guessed.float() - 0.5
    j = tracker_losses.iou(logits, truth.float())
    return j, torch.stack([boundary_f(g, t) for g, t in zip(guessed, truth)])


@torch.no_grad()
def followed(tracker, batch, kind, generator, device):
    """Masks of all frames, [T, N, S, S] bool."""
    with torch.autocast(torch.device(device).type, torch.bfloat16):
        roll = Roll(tracker, batch, Plan(kind), generator)
        roll.run()
    side = batch.masks.shape[-1]
    enlarged = [F.interpolate(m[:, None].float(), size=(side, side), mode="bilinear")[:, 0] for m in roll.final]
    return torch.stack(enlarged) > 0


def held_out_clips(args, side):
    """Batches of one clip each, with up to four objects."""
    sprites = make_sprites(FIRST_SEED, 64, photograph_folders(args), are_held_out=True)
    maker = ClipMaker(FIRST_SEED, side, args.frames, sprites, load_photographs(args, True), args.device, STRIDES)
    for index in range(args.clips):
        batch = None
        attempt = 0
        while batch is None:
            maker.begin(FIRST_SEED + 1000 * index + attempt)
            batch = gather([maker.make()], 4, random.Random(index))
            attempt += 1
        yield batch


def sheet_rows(batch, guessed):
    """A clip with the truth, and below it with what was followed."""
    frames = batch.frames[0]
    shown = torch.linspace(0, len(frames) - 1, SHOWN).long().to(frames.device)
    return [painted(frames[shown], batch.masks[:, shown]), painted(frames[shown], guessed.transpose(0, 1)[:, shown])]


def evaluate(args, tracker, side):
    """Numbers of all clips, and rows of the sheet."""
    sums = {}
    rows = []
    for index, batch in enumerate(held_out_clips(args, side)):
        generator = torch.Generator().manual_seed(index)
        guessed = followed(tracker, batch, args.kind, generator, args.device)[1:]
        truth = batch.masks.transpose(0, 1)[1:]
        j, f = scores(guessed, truth)
        is_there = truth.flatten(2).any(2)
        says_there = guessed.flatten(2).any(2)
        for name, value in dict(
            J=j,
            F=f,
            J_where_visible=j[is_there],
            J_of_last_quarter=j[-(len(j) // 4 or 1) :],
            absent_found_absent=(~says_there)[~is_there].float(),
            visible_found_visible=says_there[is_there].float(),
        ).items():
            total, count = sums.get(name, (0.0, 0))
            sums[name] = (total + float(value.sum()), count + value.numel())
        if index < 6:
            first = batch.masks.transpose(0, 1)[:1]
            rows += sheet_rows(batch, torch.cat([first, guessed]))
    numbers = {name: round(total / max(count, 1), 4) for name, (total, count) in sums.items()}
    return dict(JF=round((numbers["J"] + numbers["F"]) / 2, 4), **numbers), rows


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--detector", type=Path, default=MODEL, help="model folder with which the tracker was trained")
    parser.add_argument("--clips", type=int, default=20)
    parser.add_argument("--frames", type=int, default=120)
    parser.add_argument("--kind", choices=["mask", "box", "click"], default="mask", help="first prompt")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--sheet", type=Path, help="draws the first clips: the truth, and below it what was followed")
    add_photograph_options(parser)
    args = parser.parse_args()
    torch.set_num_threads(1)
    model = tracker_model.build(args.detector).to(args.device).eval()
    state = torch.load(args.checkpoint, map_location=args.device, weights_only=True)
    tracker_model.load_tracker(model, state["tracker"])
    side = model.config.detector_config.vision_config.backbone_config.image_size
    numbers, rows = evaluate(args, Tracker(model), side)
    print(json.dumps(dict(first=args.kind, clips=args.clips, frames=args.frames, **numbers)))
    if args.sheet:
        write_sheet(rows, args.sheet)


if __name__ == "__main__":
    main()
