"""Draws scenes with their questions, to look at. Imported by scenes.py; no step by itself."""

import random

import cv2
import numpy as np
from PIL import Image

from prompts import Asker

COLUMNS = 6


def drawn(picture, owner, questions):
    """A scene as [S, S, 3] uint8: what the first question means in green, exemplars as frames, all questions as
    text."""
    image = (picture.permute(1, 2, 0).cpu().numpy() * 255).astype(np.uint8).copy()
    owner = owner.cpu().numpy()
    for index in questions[0].targets if questions else []:
        image[owner == index + 1] = image[owner == index + 1] // 2 + np.array([0, 127, 0], np.uint8)
    for row, question in enumerate(questions):
        for index, is_positive in question.exemplars:
            ys, xs = np.nonzero(owner == index + 1)
            colour = (0, 255, 255) if is_positive else (255, 0, 0)
            cv2.rectangle(image, (int(xs.min()), int(ys.min())), (int(xs.max()), int(ys.max())), colour, 1)
        text = f"{question.phrase} {len(question.targets)}"
        for colour, width in ((0, 0, 0), 3), ((255, 90, 255), 1):
            cv2.putText(image, text, (3, 12 + 13 * row), cv2.FONT_HERSHEY_SIMPLEX, 0.4, colour, width, cv2.LINE_AA)
    return image


def scene_sheet(maker, seeds, path, side=252):
    """Writes scenes of these seeds as a picture; a third of the questions has exemplars."""
    made = maker.make(seeds, side)
    cells = []
    for b, seed in enumerate(seeds):
        asker = Asker(random.Random(f"questions {seed}"), made.things[b], made.is_open[b], 48)
        questions = asker.questions(3)
        questions = [asker.with_exemplars(q) if k == 0 and b % 3 == 0 else q for k, q in enumerate(questions)]
        cells.append(drawn(made.pictures[b], made.owner[b], questions))
    rows = [np.concatenate(cells[i : i + COLUMNS], 1) for i in range(0, len(cells) - COLUMNS + 1, COLUMNS)]
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.concatenate(rows, 0)).save(path)
