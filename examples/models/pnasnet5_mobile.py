"""PNASNet-5, the mobile size, at inference, 224 x 224: 11 cells of one kind, four with stride 2.

After Liu et al., "Progressive Neural Architecture Search" (2017), figure 1; N = 3, F = 54, and the
two cells of the stem as in NASNet.
"""

from __future__ import annotations

from dataclasses import replace

import jax
from jax import Array

from examples.models.cells import Cell, outputs, run, stack_shapes
from examples.models.layers import Model, Params, conv, conv_shapes, dense, dense_shapes, shape

CELL = Cell(
    (
        ((1, "sep5"), (1, "max3")),
        ((0, "sep7"), (0, "max3")),
        ((0, "sep5"), (0, "sep3")),
        ((4, "sep3"), (0, "max3")),
        ((1, "sep3"), (0, "identity")),
    ),
    joined=(2, 3, 4, 5, 6),
)
STEP = replace(CELL, stride=2)
CHANNELS = 54
STACK = (
    (STEP, CHANNELS // 4),
    (STEP, CHANNELS // 2),
    *[(CELL, CHANNELS)] * 3,
    (STEP, 2 * CHANNELS),
    *[(CELL, 2 * CHANNELS)] * 2,
    (STEP, 4 * CHANNELS),
    *[(CELL, 4 * CHANNELS)] * 2,
)


def pnasnet5_mobile(params: Params, image: Array) -> Array:
    """[1, 224, 224, 3] -> logits [1, 1000]."""
    with jax.named_scope("stem"):
        x = conv(params["stem"], image, stride=2, padding="VALID")
    x = run(STACK, params["cells"], x, x)
    with jax.named_scope("head"):
        return dense(params["head"], jax.nn.relu(x).mean(axis=(1, 2)))


def model() -> Model:
    params = {
        "stem": conv_shapes(3, 3, 32),
        "cells": stack_shapes(STACK, 32, 32, halved=False, raw=True),
        "head": dense_shapes(outputs(*STACK[-1]), 1000),
    }
    return pnasnet5_mobile, (params, shape(1, 224, 224, 3))
