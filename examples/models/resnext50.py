"""ResNeXt-50 (32 x 4d) at inference, 224 x 224: ResNet-50 with 3 x 3 convolutions in 32 groups.

After Xie, Girshick, Dollar, Tu, He, "Aggregated Residual Transformations for Deep Neural Networks"
(2016), table 1.
"""

from __future__ import annotations

import jax
from jax import Array

from examples.models.layers import Model, Params, dense, dense_shapes, shape
from examples.models.resnet import body, body_shapes

GROUPS = 32
WIDTH = 4  # channels of a group in the first stage


def resnext50(params: Params, image: Array) -> Array:
    """[1, 224, 224, 3] -> logits [1, 1000]."""
    x = body(params, image, groups=GROUPS)
    with jax.named_scope("head"):
        return dense(params["head"], x.mean(axis=(1, 2)))


def model() -> Model:
    params = body_shapes(GROUPS * WIDTH, GROUPS) | {"head": dense_shapes(2048, 1000)}
    return resnext50, (params, shape(1, 224, 224, 3))
