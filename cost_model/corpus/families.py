"""Every family of the corpus by name."""

from __future__ import annotations

from cosmalloc.cost_model.corpus.compounds import COMPOUNDS
from cosmalloc.cost_model.corpus.draw import Family
from cosmalloc.cost_model.corpus.images import IMAGES
from cosmalloc.cost_model.corpus.sequences import SEQUENCES
from cosmalloc.cost_model.corpus.training import train

_TRAINED = (
    "resnet",
    "plain_cnn",
    "mobilenet",
    "squeezenet",
    "convnext",
    "shufflenet",
    "preact_resnet",
    "regnet",
)
FAMILIES: dict[str, Family] = (
    IMAGES | SEQUENCES | COMPOUNDS | {f"train_{name}": train(IMAGES[name]) for name in _TRAINED}
)
