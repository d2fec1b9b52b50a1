"""out[...] = sum a[...] * b[...]: a dot_general, or a convolution where one map has sums.

Dimensions of the iteration space are told apart by who names them:
    both operands and the result   batch (of a convolution: groups)
    both operands, reduced         contracted (of a convolution: input features)
    one operand and the result     free
    o in the result with k in the other operand, as stride * o + dilation * k: a window
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

import jax.numpy as jnp
import numpy as np
from jax import lax

from cosmalloc.passes.foreign import Value
from cosmalloc.passes.linalg.maps import back, lay, pure

if TYPE_CHECKING:
    from cosmalloc.passes.linalg.generic import Nest

_PRODUCTS = ("arith.mulf", "arith.muli")
_WIDENING = ("arith.extf", "arith.extsi", "arith.sitofp")


def contraction(nest: Nest, value: Any, place: int, kind: np.dtype[Any]) -> Value | None:
    """The product of two operands that `value` of the body is, summed; None where it is not."""
    factors = _factors(nest, value)
    if factors is None:
        return None
    left, right = factors
    maps = nest.maps
    if pure(maps[left]) is not None and pure(maps[right]) is not None:
        return _dot(nest, left, right, place, kind)
    if pure(maps[left]) is None and pure(maps[right]) is not None:
        return _convolution(nest, left, right, place, kind)
    if pure(maps[right]) is None and pure(maps[left]) is not None:
        return _convolution(nest, right, left, place, kind)
    return None


def _factors(nest: Nest, value: Any) -> tuple[int, int] | None:
    """The inputs that are multiplied, perhaps widened before."""
    maker = value.owner
    if getattr(maker, "name", "") not in _PRODUCTS:
        return None
    arguments = list(nest.block.arguments)[: len(nest.inputs)]
    found = []
    for operand in maker.operands:
        while getattr(operand.owner, "name", "") in _WIDENING:
            operand = operand.owner.operands[0]
        if operand not in arguments:
            return None
        found.append(arguments.index(operand))
    return (found[0], found[1]) if found[0] != found[1] else None


def _dot(nest: Nest, left: int, right: int, place: int, kind: np.dtype[Any]) -> Value | None:
    a, b, out = (pure(nest.maps[each]) or [] for each in (left, right, place))
    contracted = [d for d in a if d in b and d not in out]
    batch = [d for d in a if d in b and d in out]
    if set(nest.reduced) != set(contracted) or set(out) != set(nest.kept):
        return None
    if any(d not in a and d not in b for d in out):
        return None
    numbers = (
        ([a.index(d) for d in contracted], [b.index(d) for d in contracted]),
        ([a.index(d) for d in batch], [b.index(d) for d in batch]),
    )
    x, y = (lay(nest.inputs[each]).astype(kind) for each in (left, right))
    made = lax.dot_general(x, y, numbers)
    rest = [d for d in a if d not in b] + [d for d in b if d not in a]
    return back(made, nest.maps[place], batch + rest, nest.op)


def _convolution(
    nest: Nest, image: int, kernel: int, place: int, kind: np.dtype[Any]
) -> Value | None:
    found = _windows(nest, image, kernel)
    k, out = pure(nest.maps[kernel]) or [], pure(nest.maps[place]) or []
    if found is None or set(out) != set(nest.kept):
        return None
    slides, axes = found
    spatial = [slide[0] for slide in slides]
    windows = [slide[1] for slide in slides]
    plain = [d for d in axes if d is not None]
    batch = [d for d in plain if d in out and d not in k]
    groups = [d for d in plain if d in out and d in k]
    inputs = [d for d in plain if d in nest.reduced and d in k]
    made_of = [d for d in k if d in out and d not in plain]
    if sorted(inputs + windows) != sorted(nest.reduced) or set(plain) != {*batch, *groups, *inputs}:
        return None
    x, w = (lay(nest.inputs[each]).astype(kind) for each in (image, kernel))
    axis = [
        spatial[[s[2] for s in slides].index(i)] if d is None else d for i, d in enumerate(axes)
    ]
    x, x_layout = _arranged(x, axis, batch, groups + inputs, spatial)
    if groups or len(made_of) != 1 or len(inputs) != 1:
        order = [*windows, *inputs, *groups, *made_of]
        w = jnp.transpose(w, [k.index(d) for d in order])
        sizes = nest.sizes
        features = prod(sizes[d] for d in inputs)
        w = w.reshape(
            [*(sizes[d] for d in windows), features, prod(sizes[d] for d in groups + made_of)]
        )
        w_layout = "0123456789"[: len(windows)] + "IO"
    else:
        letters = {
            **dict(zip(windows, "0123456789", strict=False)),
            inputs[0]: "I",
            made_of[0]: "O",
        }
        w_layout = "".join(letters[d] for d in k)
    simple = len(batch) == 1 and len(groups + made_of) == 1
    letters = dict(zip(spatial, "0123456789", strict=False))
    if simple:
        letters |= {batch[0]: "N", (groups + made_of)[0]: "C"}
        layout = "".join(letters[d] for d in out)
    else:
        layout = "N" + "0123456789"[: len(spatial)] + "C"
    made = lax.conv_general_dilated(
        x,
        w,
        [slide[3] for slide in slides],
        [(0, 0)] * len(slides),
        rhs_dilation=[slide[4] for slide in slides],
        dimension_numbers=(x_layout, w_layout, layout),
        feature_group_count=prod(nest.sizes[d] for d in groups),
    )
    made = _trimmed(made, layout, [nest.sizes[d] for d in spatial])
    if simple:
        return made
    order = [*batch, *spatial, *groups, *made_of]
    made = made.reshape([nest.sizes[d] for d in order])
    return back(made, nest.maps[place], order, nest.op)


def _trimmed(made: Value, layout: str, sizes: list[int]) -> Value:
    """An input may be larger than its windows reach."""
    wanted = [sizes[int(c)] if c.isdigit() else n for c, n in zip(layout, made.shape, strict=True)]
    return made if list(made.shape) == wanted else lax.slice(made, [0] * made.ndim, wanted)


def _windows(
    nest: Nest, image: int, kernel: int
) -> tuple[list[tuple[int, ...]], list[int | None]] | None:
    """(out, window, axis, stride, dilation) per sum of the image's map; its plain dimensions."""
    slides: list[tuple[int, ...]] = []
    axes: list[int | None] = []
    for axis, linear in enumerate(nest.maps[image]):
        axes.append(linear.dimension)
        if linear.dimension is not None:
            continue
        outs = [(d, f) for d, f in linear.factors if d not in nest.reduced]
        taps = [(d, f) for d, f in linear.factors if d in nest.reduced]
        if len(outs) != 1 or len(taps) != 1 or linear.constant or min(outs[0][1], taps[0][1]) < 1:
            return None
        slides.append((outs[0][0], taps[0][0], axis, outs[0][1], taps[0][1]))
    return slides, axes


def _arranged(
    x: Value, axis: list[int], batch: list[int], features: list[int], spatial: list[int]
) -> tuple[Value, str]:
    """The image with one batch and one feature dimension, and its layout."""
    letters = dict(zip(spatial, "0123456789", strict=False))
    if len(batch) == 1 and len(features) == 1:
        letters |= {batch[0]: "N", features[0]: "C"}
        return x, "".join(letters[d] for d in axis)
    order = [axis.index(d) for d in (*batch, *spatial, *features)]
    sizes = [x.shape[i] for i in order]
    b, s = len(batch), len(spatial)
    moved = jnp.transpose(x, order)
    shape = [prod(sizes[:b]), *sizes[b : b + s], prod(sizes[b + s :])]
    return moved.reshape(shape), "N" + "0123456789"[:s] + "C"
