"""The ImageNet network of DARTS at inference, 224 x 224: 14 cells, 48 channels, second order.

After Liu, Simonyan, Yang, "DARTS: Differentiable Architecture Search" (2018), figures 4 and 5 and
section 3.3. Without the auxiliary head, which only trains.
"""

from __future__ import annotations

import jax
from jax import Array

from examples.models.cell_operations import relu_conv
from examples.models.cells import Cell, outputs, run, stack_shapes
from examples.models.layers import Model, Params, conv, conv_shapes, dense, dense_shapes, shape

NORMAL = Cell(
    (
        ((1, "sep3"), (0, "sep3")),
        ((1, "sep3"), (0, "sep3")),
        ((0, "sep3"), (1, "identity")),
        ((1, "identity"), (2, "dil3")),
    ),
    joined=(2, 3, 4, 5),
)
REDUCTION = Cell(
    (
        ((1, "max3"), (0, "max3")),
        ((2, "identity"), (0, "max3")),
        ((1, "max3"), (2, "identity")),
        ((2, "identity"), (0, "max3")),
    ),
    joined=(2, 3, 4, 5),
    stride=2,
)
CHANNELS = 48
STACK = (
    *[(NORMAL, CHANNELS)] * 4,
    (REDUCTION, 2 * CHANNELS),
    *[(NORMAL, 2 * CHANNELS)] * 4,
    (REDUCTION, 4 * CHANNELS),
    *[(NORMAL, 4 * CHANNELS)] * 4,
)


def darts(params: Params, image: Array) -> Array:
    """[1, 224, 224, 3] -> logits [1, 1000]."""
    with jax.named_scope("stem"):
        x = conv(params["stem"][0], image, stride=2)
        before = relu_conv(params["stem"][1], x, stride=2)
        now = relu_conv(params["stem"][2], before, stride=2)
    x = run(STACK, params["cells"], now, before)
    with jax.named_scope("head"):
        return dense(params["head"], x.mean(axis=(1, 2)))


def model() -> Model:
    stem = [
        conv_shapes(3, 3, CHANNELS // 2),
        conv_shapes(3, CHANNELS // 2, CHANNELS),
        conv_shapes(3, CHANNELS, CHANNELS),
    ]
    params = {
        "stem": stem,
        "cells": stack_shapes(STACK, CHANNELS, CHANNELS, halved=True, keep=False),
        "head": dense_shapes(outputs(*STACK[-1]), 1000),
    }
    return darts, (params, shape(1, 224, 224, 3))
