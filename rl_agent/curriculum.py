"""Which programs an agent is trained on, and which it never sees before it is measured.

Whole model families are kept out of training: nets with skips of a U, nets of dense blocks,
mobile nets, attention and training steps.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from cosmalloc.errors import InputError
from cosmalloc.map_model import problem_of
from cosmalloc.problem import Problem
from cosmalloc.rl_agent.budgets import SHARES, at_share

TARGET = "tpu-v5e"
FAMILIES = ("chain", "residual", "cells")  # of the generator's
TRAINED = (
    "amoebanet_d",
    "cnn",
    "darts",
    "deeplabv3_resnet50",
    "fcn_resnet50",
    "mlp",
    "nasnet_a_mobile",
    "pnasnet5_mobile",
    "r2plus1d_18",
    "recurrent",
    "resnet50",
    "resnext50",
    "s3d",
)
HELD_OUT = {  # family -> models
    "attention": (
        "bert_base",
        "decode_step",
        "gpt2_small",
        "transformer_base",
        "transformer_layer",
        "vit_b16",
    ),
    "dense blocks": ("densenet121",),
    "mobile": ("lraspp_mobilenet_v3", "mobilenet_v2"),
    "train step": ("train_step",),
    "u": ("unet",),
}


def models(names: Iterable[str], folder: str | Path) -> list[Problem]:
    """The example models of these names in a folder, every tensor tracked. Raises InputError."""
    found = []
    for name in names:
        path = Path(folder) / f"{name}.mlirbc"
        if not path.exists():
            raise InputError(f"there is no {path}", "give the folder of the example models")
        found.append(problem_of(str(path), target=TARGET, track="all"))
    return found


def at_shares(programs: Sequence[Problem], shares: Sequence[float] = SHARES) -> list[Problem]:
    """Each program at each share of its peak."""
    return [at_share(problem, share) for problem in programs for share in shares]


def at_random(
    programs: Sequence[Problem], each: int, rng: np.random.Generator, low: float = 0.08
) -> list[Problem]:
    """Each program at some shares, even in their logarithm from `low` to the whole peak."""
    return [
        at_share(problem, float(np.exp(rng.uniform(np.log(low), 0.0))))
        for problem in programs
        for _ in range(each)
    ]
