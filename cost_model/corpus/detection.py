"""Networks that find objects: heads over a grid, boxes, the best scores; channels last."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from cosmalloc.cost_model.corpus.draw import Draw, Model
from cosmalloc.cost_model.corpus.image_blocks import NEW, OLD, block
from cosmalloc.cost_model.corpus.image_layers import conv
from cosmalloc.cost_model.corpus.image_network import Network


def detector(draw: Draw) -> Model:
    """A short backbone and anchors at every point of one or two grids (Liu, 2016)."""
    net = Network(draw)
    return net.model(_detector, net.picture())


def _detector(net: Network, x: Array) -> tuple[Array, ...]:
    draw = net.draw
    net.habits((*OLD, *NEW), ("batch", "batch", "none"))
    anchors, classes = draw.one((1, 2, 3, 5)), draw.size(1, 60)
    found = []
    for _ in range(draw.one((1, 2))):
        for _ in range(draw.one((1, 2))):
            x = block(net, x, kernel=draw.one((1, 3, 3)), stride=draw.one((1, 2, 2)))
        found.append(_head(net, x, anchors, classes))
    scores = jnp.concatenate([score for score, _ in found], axis=1)
    boxes = jnp.concatenate([box for _, box in found], axis=1)
    return _best(net, scores, boxes)


def _head(net: Network, x: Array, anchors: int, classes: int) -> tuple[Array, Array]:
    """Scores float[n, points, classes] and corners float[n, points, 4] of one grid."""
    n, rows, columns, _ = x.shape
    if net.draw.flip():
        x = block(net, x)
    kernel = net.draw.one((1, 3))
    raw = conv(net, x, anchors * classes, kernel=kernel).reshape(n, -1, classes)
    scores = jax.nn.softmax(raw) if net.draw.flip(0.4) else lax.logistic(raw)
    moved = conv(net, x, anchors * 4, kernel=kernel).reshape(n, rows, columns, anchors, 4)
    sizes = net.parameter(anchors, 2)
    places = np.stack(np.meshgrid(range(rows), range(columns), indexing="ij"), axis=-1)
    middle = (lax.logistic(moved[..., :2]) + jnp.asarray(places, x.dtype)[:, :, None]) * (8 / rows)
    half = 0.5 * jnp.exp(jnp.minimum(moved[..., 2:], 4)) * sizes
    corners = jnp.concatenate([middle - half, middle + half], axis=-1)
    return scores, jnp.clip(corners, 0, 8).reshape(n, -1, 4)


def _best(net: Network, scores: Array, boxes: Array) -> tuple[Array, ...]:
    """The points of the best scores: sorted, or the first k of them with their boxes."""
    highest = jnp.max(scores, axis=-1)
    how = net.draw.one(("top", "top", "sort", "overlap", "all"))
    if how == "all":
        return scores, boxes
    if how == "sort":
        order = jnp.argsort(-highest, axis=-1)
        return jnp.take_along_axis(highest, order, axis=-1), jnp.argmax(scores, axis=-1)
    kept = min(net.draw.one((10, 32, 64, 100)), highest.shape[1])
    values, at = lax.top_k(highest, kept)
    chosen = jnp.take_along_axis(boxes, at[..., None], axis=1)
    return (values, chosen, _overlap(chosen)) if how == "overlap" else (values, chosen)


def _overlap(boxes: Array) -> Array:
    """Intersection over union of every two boxes: float[n, k, k]."""
    low = jnp.maximum(boxes[:, :, None, :2], boxes[:, None, :, :2])
    high = jnp.minimum(boxes[:, :, None, 2:], boxes[:, None, :, 2:])
    shared = jnp.prod(jnp.maximum(high - low, 0), axis=-1)
    area = jnp.prod(boxes[..., 2:] - boxes[..., :2], axis=-1)
    return shared / (area[:, :, None] + area[:, None] - shared + 1e-6)
