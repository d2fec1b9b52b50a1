"""Time mixed by sums whose weights decay, channels by squares; each sees the place before."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from cosmalloc.cost_model.corpus.draw import Draw, Model
from cosmalloc.cost_model.corpus.fit import MOST_ELEMENTS, at_most, budget, fit
from cosmalloc.cost_model.corpus.scans import scan
from cosmalloc.cost_model.corpus.sequence_layers import (
    Layer,
    dense,
    embedding,
    floats,
    integers,
    norm,
    residual,
    stack,
)

Shape = tuple[int, int, int, int]  # batch, length, width, hidden units
LONGEST_LOOP = 256  # places of a sequence that a loop goes along
SMALLEST = -1e30

Sum = Callable[[Array, Array, Array, Array], Array]
"""(decay d, bonus u, keys k, values v) -> sum of weights times v over the sum of weights.

decay, bonus: float[width]; keys, values: float[batch, length, width]. At place t the weights are
    exp(k[i] + (t - 1 - i) d)  for i < t,     exp(k[t] + u)  for t itself.
"""


def rwkv(draw: Draw) -> Model:
    """One or two blocks over tokens or vectors; scores of every place or of the last (Peng,
    2023)."""
    flops, whole = budget(draw), draw.one((1, 8, 16, 32))

    def block(tokens: tuple[int, int] | None) -> Shape:
        def sample() -> Shape:
            wide = draw.one((1, 8, 16, 32))
            given = tokens or (draw.size(1, 32), draw.size(max(4, whole), 1024, whole))
            return (*given, draw.size(16, 768, wide), draw.size(32, 3072, wide))

        return fit(flops, sample, _cost)

    drawn = [block(None)]
    batch, length, width, _ = drawn[0]
    drawn += [block((batch, length)) for _ in range(draw.one((0, 1, 1)))]
    run, between = _way(draw, length), draw.flip()
    made = [(own[2], _block(draw, own[2], own[3], run, between)) for own in drawn]
    text, last, body = draw.flip(0.6), draw.flip(0.4), stack(draw, width, made)
    outputs, entries = made[-1][0], draw.size(64, min(32_000, MOST_ELEMENTS // width))
    classes = at_most(draw, 2, 4096, MOST_ELEMENTS / outputs, MOST_ELEMENTS / (batch * length))
    final, head = norm(draw, outputs, "layer"), dense(draw, outputs, classes, bias=False)
    parts = {"body": body, "final": final, "head": head}
    if text:
        parts["words"] = embedding(draw, entries, width)

    def apply(params: Any, x: Array) -> Any:
        x = body.apply(params["body"], parts["words"].apply(params["words"], x) if text else x)
        return head.apply(params["head"], final.apply(params["final"], x[:, -1] if last else x))

    given = integers(batch, length) if text else floats(draw, batch, length, width)
    return apply, ({name: part.shapes for name, part in parts.items()}, given)


def _cost(shape: Shape) -> tuple[float, float]:
    batch, length, width, hidden = shape
    rows, wide = batch * length, max(width, hidden)
    return 2 * rows * width * wide, max(rows * wide, width * wide)


def _block(draw: Draw, width: int, hidden: int, run: Sum, between: bool) -> Layer:
    first = residual(draw, width, _over_time(draw, width, run, between), "layer")
    second = residual(draw, width, _over_channels(draw, width, hidden, between), "layer")

    def apply(params: Any, x: Array) -> Any:
        return second.apply(params[1], first.apply(params[0], x))

    return Layer((first.shapes, second.shapes), apply)


def _over_time(draw: Draw, width: int, run: Sum, between: bool) -> Layer:
    layers = [dense(draw, width, width, bias=False) for _ in range(4)]
    wide = draw.flip()  # the sums in float32
    shapes = {"layers": [layer.shapes for layer in layers], "shares": floats(draw, 3, width)}
    shapes |= {"decay": floats(draw, width), "bonus": floats(draw, width)}

    def apply(params: Any, x: Array) -> Any:
        mixed = _mixed(x, params["shares"], between)
        pairs = zip(layers, params["layers"], mixed, strict=False)
        gate, keys, values = (layer.apply(own, y) for layer, own, y in pairs)
        given = [-jnp.exp(params["decay"]), params["bonus"], keys, values]
        y = run(*(a.astype("float32") if wide else a for a in given)).astype(x.dtype)
        return layers[3].apply(params["layers"][3], jax.nn.sigmoid(gate) * y)

    return Layer(shapes, apply)


def _over_channels(draw: Draw, width: int, hidden: int, between: bool) -> Layer:
    sizes = ((width, hidden), (width, width), (hidden, width))
    up, gate, down = layers = [dense(draw, low, high, bias=False) for low, high in sizes]
    shapes = {"layers": [layer.shapes for layer in layers], "shares": floats(draw, 2, width)}

    def apply(params: Any, x: Array) -> Any:
        own = params["layers"]
        raised, gating = _mixed(x, params["shares"], between)
        inner = jnp.square(jax.nn.relu(up.apply(own[0], raised)))
        return jax.nn.sigmoid(gate.apply(own[1], gating)) * down.apply(own[2], inner)

    return Layer(shapes, apply)


def _before(x: Array) -> Array:
    """The place before: zeros, then all but the last place (axis 1)."""
    return jnp.pad(x[:, :-1], ((0, 0), (1, 0), *((0, 0),) * (x.ndim - 2)))


def _mixed(x: Array, shares: Array, between: bool) -> list[Array]:
    """x and the place before it in the shares of each row: a sum of two products, or of one."""
    past = _before(x)
    if between:
        return [past + (x - past) * share for share in shares]
    return [x * share + past * (1 - share) for share in shares]


def _way(draw: Draw, length: int) -> Sum:
    """A loop, a scan, or blocks of some places."""
    blocks = [n for n in (4, 8, 16, 32) if length % n == 0 and n < length]
    kinds: list[Sum] = [_scanned] if length > LONGEST_LOOP else [_scanned, _looped]
    return _closed(draw.one(blocks)) if blocks and draw.flip() else draw.one(kinds)


def _looped(decay: Array, bonus: Array, keys: Array, values: Array) -> Array:
    """Step by step; the largest exponent so far is kept apart, so no power is above 1."""

    def step(state: tuple[Array, ...], now: tuple[Array, Array]) -> tuple[Any, Array]:
        (above, below, largest), (k, v) = state, now
        top = jnp.maximum(largest, bonus + k)
        old, new = jnp.exp(largest - top), jnp.exp(bonus + k - top)
        y = (old * above + new * v) / (old * below + new)
        top = jnp.maximum(largest + decay, k)
        old, new = jnp.exp(largest + decay - top), jnp.exp(k - top)
        return (old * above + new * v, old * below + new, top), y

    zeros = jnp.zeros_like(keys[:, 0])
    turned = (keys.swapaxes(0, 1), values.swapaxes(0, 1))
    found = jax.lax.scan(step, (zeros, zeros, jnp.full_like(zeros, SMALLEST)), turned)[1]
    return found.swapaxes(0, 1)


def _scanned(decay: Array, bonus: Array, keys: Array, values: Array) -> Array:
    weights, factors = _weights(keys), jnp.broadcast_to(jnp.exp(decay), (1, *keys.shape[1:]))
    own = jnp.exp(bonus)
    sums = [_before(scan(factors, part)) + own * part for part in (weights * values, weights)]
    return sums[0] / sums[1]


def _closed(size: int) -> Sum:
    """Inside blocks of `size` places a product with all weights, between blocks a scan."""

    def run(decay: Array, bonus: Array, keys: Array, values: Array) -> Array:
        places = jnp.arange(size, dtype=decay.dtype)[:, None]
        apart = (places - 1 - places.T)[..., None]  # (size, size, 1): of row and column
        inside = jnp.where(apart >= 0, jnp.exp(decay * jnp.maximum(apart, 0)), 0)
        inside = jnp.where(apart == -1, jnp.exp(bonus), inside).astype(decay.dtype)

        def total(part: Array) -> Array:
            cut = part.reshape(part.shape[0], -1, size, part.shape[-1])
            ends = jnp.einsum("jd,bnjd->bnd", jnp.exp(decay * (size - 1 - places)), cut)
            factors = jnp.broadcast_to(jnp.exp(decay * size), (1, *ends.shape[1:]))
            came = _before(scan(factors, ends))[:, :, None] * jnp.exp(decay * places)
            return (jnp.einsum("ijd,bnjd->bnid", inside, cut) + came).reshape(part.shape)

        weights = _weights(keys)
        return total(weights * values) / total(weights)

    return run


def _weights(keys: Array) -> Array:
    """Powers of the keys, none above 1."""
    return jnp.exp(keys - jax.lax.stop_gradient(keys.max(1, keepdims=True)))
