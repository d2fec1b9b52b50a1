"""FCN on a dilated ResNet-50 at inference, 224 x 224: one class of 21 for every pixel.

After Long, Shelhamer, Darrell, "Fully Convolutional Networks for Semantic Segmentation" (2014). As
in torchvision: the last two stages dilate instead of stepping, so that one map of 1/8 of the image
is enough, and the result is resized bilinearly. Without the auxiliary head, which only trains.
"""

from __future__ import annotations

import jax
from jax import Array

from examples.models.layers import Model, Params, conv, conv_shapes, shape
from examples.models.resnet import DILATED, body, body_shapes
from examples.models.segmentation import classify, classify_shapes, resize


def fcn_resnet50(params: Params, image: Array) -> Array:
    """[1, 224, 224, 3] -> logits per pixel [1, 224, 224, 21]."""
    x = body(params, image, DILATED)
    with jax.named_scope("head"):
        x = jax.nn.relu(conv(params["head"]["conv"], x))
        return resize(classify(params["head"]["classes"], x), *image.shape[1:3])


def model() -> Model:
    head = {"conv": conv_shapes(3, 2048, 512), "classes": classify_shapes(512)}
    return fcn_resnet50, (body_shapes() | {"head": head}, shape(1, 224, 224, 3))
