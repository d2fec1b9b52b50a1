"""NASNet-A (4 @ 1056), the mobile size, at inference, 224 x 224: 12 normal and 4 reduction cells.

After Zoph, Vasudevan, Shlens, Le, "Learning Transferable Architectures for Scalable Image
Recognition" (2017), figures 2 and 4 and appendix A.
"""

from __future__ import annotations

import jax
from jax import Array

from examples.models.cells import Cell, outputs, run, stack_shapes
from examples.models.layers import Model, Params, conv, conv_shapes, dense, dense_shapes, shape

NORMAL = Cell(
    (
        ((0, "sep5"), (1, "sep3")),
        ((1, "sep5"), (1, "sep3")),
        ((0, "avg3"), (1, "identity")),
        ((1, "avg3"), (1, "avg3")),
        ((0, "sep3"), (0, "identity")),
    ),
    joined=(1, 2, 3, 4, 5, 6),
)
REDUCTION = Cell(
    (
        ((0, "sep5"), (1, "sep7")),
        ((0, "max3"), (1, "sep7")),
        ((0, "avg3"), (1, "sep5")),
        ((2, "avg3"), (3, "identity")),
        ((2, "sep3"), (0, "max3")),
    ),
    joined=(3, 4, 5, 6),
    stride=2,
)
CHANNELS = 44  # of a normal cell before the second reduction; its result has 6 times as many
REPEAT = 4
STACK = (
    (REDUCTION, CHANNELS // 4),
    (REDUCTION, CHANNELS // 2),
    *[(NORMAL, CHANNELS)] * REPEAT,
    (REDUCTION, 2 * CHANNELS),
    *[(NORMAL, 2 * CHANNELS)] * REPEAT,
    (REDUCTION, 4 * CHANNELS),
    *[(NORMAL, 4 * CHANNELS)] * REPEAT,
)


def nasnet_a_mobile(params: Params, image: Array) -> Array:
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
    return nasnet_a_mobile, (params, shape(1, 224, 224, 3))
