"""Models and phrases for the evaluations. Imported by them; no step by itself."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer
from transformers import Sam3Model

from batches import NO_BOX
from detections import detect
from export import load_full
from forward import answer
from model import set_size
from paths import MODEL
from prompts import ONE_UNKNOWN, UNKNOWN

END_TOKEN = 49407
# A word that training never saw.
UNKNOWN_WORD = "zxqv"


def load(path, side):
    """A checkpoint of detector_train.py, or a folder in Hugging Face's layout, for pictures of `side` pixels."""
    if str(path).endswith(".pt"):
        return load_full(path, side)
    model = Sam3Model.from_pretrained(path, dtype=torch.float32).eval()
    set_size(model, side)
    return model


def uses_geometry_token(path):
    """Whether a prompt of text alone passes the geometry encoder, with a box that does not count. The shipped model of
    the first recipe was trained without."""
    file = Path(path) / "sa3.json"
    return json.loads(file.read_text()).get("text_prompt_uses_geometry_token", True) if file.exists() else True


def with_geometry_token(inputs, path):
    """A processor's inputs of a prompt of text alone, with a box that does not count where the model of `path` wants it."""
    if "input_boxes" not in inputs and uses_geometry_token(path):
        inputs["input_boxes"] = torch.full((1, 1, 4), 0.5)
        inputs["input_boxes_labels"] = torch.full((1, 1), NO_BOX)
    return inputs


def make_tokenizer():
    """CLIP's, without padding."""
    tokenizer = Tokenizer.from_file(str(MODEL / "tokenizer.json"))
    tokenizer.no_padding()
    return tokenizer


TOKENIZER = make_tokenizer()


def encode(phrases):
    """[phrases, tokens] ids and attention mask."""
    rows = [TOKENIZER.encode(UNKNOWN_WORD if p in (UNKNOWN, ONE_UNKNOWN) else p).ids for p in phrases]
    length = max(map(len, rows))
    ids = torch.full((len(rows), length), END_TOKEN)
    mask = torch.zeros((len(rows), length), dtype=torch.long)
    for i, row in enumerate(rows):
        ids[i, : len(row)] = torch.tensor(row)
        mask[i, : len(row)] = 1
    return ids, mask


@dataclass
class Detector:
    """A model as sa3 asks it: with the geometry token or, where it was trained so, without; `device` and precision are
    those of the forward pass."""

    model: Sam3Model
    has_geometry_token: bool = True
    device: str = "cpu"
    is_bf16: bool = False

    @staticmethod
    def read(path, side, device="cpu", is_bf16=False):
        """From a checkpoint or a folder."""
        return Detector(load(path, side).to(device), uses_geometry_token(path), device, is_bf16)

    @torch.no_grad()
    def ask(self, pictures, picture_of, phrases, exemplars=None, labels=None):
        """`forward.Answer` to phrases [P] about pictures [I, 3, S, S] from 0 to 1, `picture_of` [P]; exemplars
        [P, n, 4] are centres and sizes with labels [P, n]."""
        ids, mask = encode(phrases)
        if exemplars is None and self.has_geometry_token:
            exemplars = torch.full((len(phrases), 1, 4), 0.5)
            labels = torch.full((len(phrases), 1), NO_BOX)
        given = [picture_of, ids, mask, exemplars, labels]
        given = [x.to(self.device) if x is not None else None for x in given]
        with torch.autocast(self.device, torch.bfloat16, enabled=self.is_bf16):
            vision = self.model.vision_encoder(pictures.to(self.device) * 2 - 1)
            return answer(self.model, vision, *given)

    def detections(self, found, side, least):
        """`detections.Detections` of each phrase of an answer."""
        with torch.autocast(self.device, torch.bfloat16, enabled=self.is_bf16):
            return detect(self.model, found, side, least)


def predict(detector, pictures, phrases, threshold=0.5):
    """One phrase for each picture [S, S, 3] uint8: for each a dictionary of scores, masks at the picture's size, boxes
    (corners, 0 to 1), presence (`pres`) and the scores of all queries (`all`), as numpy arrays."""
    stacked = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).float() / 255
    found = detector.ask(stacked, torch.arange(len(phrases)), phrases)
    scores = found.logits[-1].sigmoid() * found.presence[-1].sigmoid()[:, None]
    return [
        dict(
            scores=one.scores.numpy(),
            masks=one.masks.numpy(),
            boxes=one.boxes.numpy(),
            pres=one.presence,
            all=scores[p].cpu().numpy(),
        )
        for p, one in enumerate(detector.detections(found, stacked.shape[-1], threshold))
    ]


def ratio(a, b):
    """IoU of two masks, 0 when both are empty."""
    return (a & b).sum() / max(1, (a | b).sum())


def rounded(numbers):
    """For printing."""
    return {a: (round(b, 3) if isinstance(b, float) else b) for a, b in numbers.items()}
