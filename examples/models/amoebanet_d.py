"""AmoebaNet-D at inference, 224 x 224: 12 normal and 4 reduction cells, of a mobile size.

After Real, Aggarwal, Huang, Le, "Regularized Evolution for Image Classifier Architecture Search"
(2018), with the states that TensorFlow's reference joins in a normal cell. We know no published
mobile size of D; 56 channels is the largest multiple of 4 with less than 600 M multiplications (527
M). `shapes(18, 208)` is the network of Huang et al., "GPipe" (2018), table 1.
"""

from __future__ import annotations

import jax
from jax import Array

from examples.models.cells import Cell, Stack, outputs, run, stack_shapes
from examples.models.layers import Model, Params, conv, conv_shapes, dense, dense_shapes, shape

NORMAL = Cell(
    (
        ((1, "conv1"), (1, "max3")),
        ((1, "identity"), (0, "conv7")),
        ((0, "conv1"), (0, "conv7")),
        ((2, "max3"), (2, "identity")),
        ((1, "avg3"), (5, "conv1")),
    ),
    joined=(0, 3, 4, 6),
)
REDUCTION = Cell(
    (
        ((0, "max2"), (0, "max3")),
        ((2, "identity"), (1, "conv3")),
        ((2, "conv7"), (2, "max3")),
        ((3, "identity"), (1, "max2")),
        ((2, "avg3"), (3, "conv1")),
    ),
    joined=(4, 5, 6),
    stride=2,
)
LAYERS, FILTERS = 12, 56  # normal cells; channels of the first ones


def stack(layers: int, filters: int) -> Stack:
    """Two reduction cells, then three times normal cells, with a reduction cell between them."""
    repeat = layers // 3
    return (
        (REDUCTION, filters // 2),
        (REDUCTION, filters),
        *[(NORMAL, filters)] * repeat,
        (REDUCTION, 2 * filters),
        *[(NORMAL, 2 * filters)] * repeat,
        (REDUCTION, 4 * filters),
        *[(NORMAL, 4 * filters)] * repeat,
    )


def amoebanet_d(params: Params, image: Array) -> Array:
    """[1, 224, 224, 3] -> logits [1, 1000]."""
    with jax.named_scope("stem"):
        x = conv(params["stem"], image, stride=2)
    x = run(stack(LAYERS, FILTERS), params["cells"], x, x)
    with jax.named_scope("head"):
        return dense(params["head"], x.mean(axis=(1, 2)))


def shapes(layers: int, filters: int) -> Params:
    cells = stack(layers, filters)
    stem = filters // 4
    return {
        "stem": conv_shapes(3, 3, stem),
        "cells": stack_shapes(cells, stem, stem, halved=False),
        "head": dense_shapes(outputs(*cells[-1]), 1000),
    }


def model() -> Model:
    return amoebanet_d, (shapes(LAYERS, FILTERS), shape(1, 224, 224, 3))
