"""What the networks for segmentation share: logits per pixel, and the resize that gives them."""

from __future__ import annotations

import jax.numpy as jnp
from jax import Array

from examples.models.layers import Params, convolve, kernel_shapes, shape

CLASSES = 21  # of PASCAL VOC, background included


def classify_shapes(inputs: int) -> Params:
    return kernel_shapes(1, inputs, CLASSES) | {"b": shape(CLASSES)}


def classify(params: Params, x: Array) -> Array:
    """[1, h, w, c] -> [1, h, w, 21]."""
    return convolve(params, x) + params["b"]


def resize(x: Array, height: int, width: int) -> Array:
    """[1, h, w, c] -> [1, height, width, c], bilinear between centres of pixels.

    One product an axis: first with [height, h], then with [width, w], both made of `iota`.
    """
    x = jnp.einsum("yh,bhwc->bywc", _interpolation(x.shape[1], height), x)
    return jnp.einsum("xw,bywc->byxc", _interpolation(x.shape[2], width), x)


def _interpolation(before: int, after: int) -> Array:
    """float32[after, before]: what each old element gives to each new one.

    at[i] = clip((i + 1/2) * before / after - 1/2, 0, before - 1)
    share[i, j] = max(0, 1 - |at[i] - j|)
    """
    at = (jnp.arange(after) + 0.5) * (before / after) - 0.5
    at = jnp.minimum(jnp.maximum(at, 0), before - 1)
    return jnp.maximum(1 - jnp.abs(at[:, None] - jnp.arange(before)), 0)
