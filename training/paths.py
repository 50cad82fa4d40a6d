"""Where the recipe reads and writes. What is made goes below `out/training`, which git ignores, so that a trial run
never touches what the repository ships."""

from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
# The shipped model: the tokenizer that training reads, and what the evaluations measure by default.
MODEL = REPOSITORY / "models" / "sa3-nano"
# The shipped clip with its ground truth.
CLIP = REPOSITORY / "examples" / "media" / "clip"
# Fixture pictures that the parity tests use, a part of what fixtures.py makes.
PICTURES = REPOSITORY / "tests" / "parity" / "pictures"

WORK = REPOSITORY / "out" / "training"
ASSETS = WORK / "assets"
RUN = WORK / "run"
EXPORTED = WORK / "model"
FIXTURES = WORK / "fixtures"
