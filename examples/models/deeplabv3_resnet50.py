"""DeepLabV3 on a dilated ResNet-50 at inference, 224 x 224: one class of 21 for every pixel.

After Chen, Papandreou, Schroff, Adam, "Rethinking Atrous Convolution for Semantic Image
Segmentation" (2017), section 3.3, with the rates for maps of 1/8 of the image. Without the
auxiliary head, which only trains.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax import Array

from examples.models.layers import Model, Params, conv, conv_shapes, shape
from examples.models.resnet import DILATED, body, body_shapes
from examples.models.segmentation import classify, classify_shapes, resize

RATES = (12, 24, 36)
CHANNELS = 256


def deeplabv3_resnet50(params: Params, image: Array) -> Array:
    """[1, 224, 224, 3] -> logits per pixel [1, 224, 224, 21]."""
    x = body(params, image, DILATED)
    with jax.named_scope("pyramid"):
        x = _pyramid(params["pyramid"], x)
    with jax.named_scope("head"):
        x = jax.nn.relu(conv(params["head"]["conv"], x))
        return resize(classify(params["head"]["classes"], x), *image.shape[1:3])


def _pyramid(params: Params, x: Array) -> Array:
    """Atrous spatial pyramid pooling: [1, h, w, 2048] -> [1, h, w, 256]."""
    maps = [jax.nn.relu(conv(params["one"], x))]
    for branch, rate in zip(params["atrous"], RATES, strict=True):
        maps.append(jax.nn.relu(conv(branch, x, dilation=rate)))
    pooled = jax.nn.relu(conv(params["pooled"], x.mean(axis=(1, 2), keepdims=True)))
    maps.append(jnp.broadcast_to(pooled, maps[0].shape))
    return jax.nn.relu(conv(params["join"], jnp.concatenate(maps, axis=-1)))


def model() -> Model:
    pyramid = {
        "one": conv_shapes(1, 2048, CHANNELS),
        "atrous": [conv_shapes(3, 2048, CHANNELS) for _ in RATES],
        "pooled": conv_shapes(1, 2048, CHANNELS),
        "join": conv_shapes(1, (len(RATES) + 2) * CHANNELS, CHANNELS),
    }
    head = {"conv": conv_shapes(3, CHANNELS, CHANNELS), "classes": classify_shapes(CHANNELS)}
    params = body_shapes() | {"pyramid": pyramid, "head": head}
    return deeplabv3_resnet50, (params, shape(1, 224, 224, 3))
