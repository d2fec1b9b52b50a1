"""ResNet-50 at inference, 224 x 224: 53 convolutions, 16 bottleneck blocks in four stages.

After He, Zhang, Ren, Sun, "Deep Residual Learning for Image Recognition" (2015), table 1.
"""

from __future__ import annotations

import jax
from jax import Array

from examples.models.layers import Model, Params, dense, dense_shapes, shape
from examples.models.resnet import body, body_shapes


def resnet50(params: Params, image: Array) -> Array:
    """[1, 224, 224, 3] -> logits [1, 1000]."""
    x = body(params, image)
    with jax.named_scope("head"):
        return dense(params["head"], x.mean(axis=(1, 2)))


def model() -> Model:
    params = body_shapes() | {"head": dense_shapes(2048, 1000)}
    return resnet50, (params, shape(1, 224, 224, 3))
