"""Layers of networks on pictures, sounds and films, in any number of dimensions of space."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import jax
import jax.numpy as jnp
from jax import Array, lax

from cosmalloc.cost_model.corpus.image_network import LARGEST, Network

Sizes = int | Sequence[int]
NAIVE = 8  # times a grouped convolution takes longer than its flops say, about
SPACE = {1: "W", 2: "HW", 3: "DHW"}


def space(net: Network, x: Array) -> tuple[int, ...]:
    return x.shape[2:] if net.first else x.shape[1:-1]


def channels(net: Network, x: Array) -> int:
    return int(x.shape[1] if net.first else x.shape[-1])


def axis(net: Network) -> int:
    """The axis of channels."""
    return 1 if net.first else -1


def each(sizes: Sizes, rank: int) -> tuple[int, ...]:
    return (sizes,) * rank if isinstance(sizes, int) else tuple(sizes)


def per_channel(net: Network, x: Array) -> Array:
    """A parameter for every channel of x, which broadcasts against x."""
    vector = net.parameter(channels(net, x))
    return vector.reshape(-1, *(1,) * len(space(net, x))) if net.first else vector


def conv(
    net: Network,
    x: Array,
    out: int = 0,
    kernel: Sizes = 3,
    stride: Sizes = 1,
    dilation: Sizes = 1,
    groups: int = 1,
    padding: Literal["SAME", "VALID"] = "SAME",
    bias: bool | None = None,
) -> Array:
    """A convolution; `out` 0 draws the channels, strides shrink no side below 2.

    `VALID` padding is used only where the window fits.
    """
    size = space(net, x)
    rank = len(size)
    window, spread = each(kernel, rank), each(dilation, rank)
    steps = tuple(s if n >= 2 * s else 1 for s, n in zip(each(stride, rank), size, strict=True))
    reach = [(k - 1) * d + 1 for k, d in zip(window, spread, strict=True)]
    padding = "VALID" if padding == "VALID" and all(map(int.__le__, reach, size)) else "SAME"
    positions = x.shape[0] * math.prod(-(-n // s) for n, s in zip(size, steps, strict=True))
    inner = channels(net, x) // groups
    out = out or wide(net, positions, math.prod(window) * inner, groups)
    weights = (out, inner, *window) if net.first else (*window, inner, out)
    letters = ("NC" + SPACE[rank], "OI" + SPACE[rank]) if net.first else (f"N{SPACE[rank]}C", "")
    y = lax.conv_general_dilated(
        x,
        net.parameter(*weights),
        steps,
        padding,
        rhs_dilation=spread,
        dimension_numbers=(letters[0], letters[1] or SPACE[rank] + "IO", letters[0]),
        feature_group_count=groups,
    )
    return y + per_channel(net, y) if (net.bias if bias is None else bias) else y


def wide(net: Network, positions: int, fan_in: int, groups: int = 1) -> int:
    """Drawn output channels, a multiple of the groups.

    So many at most that a 1 x 1 convolution from them to as many takes the model's flops twice.
    """
    slow = 1 if groups == 1 else NAIVE
    square = int(math.sqrt(net.flops / positions))
    most = min(net.largest // positions, LARGEST // fan_in, max(square, 8))
    drawn = net.width(2.0 * positions * fan_in * slow, most)
    return max(drawn // groups, 1) * groups


def depthwise(
    net: Network,
    x: Array,
    kernel: Sizes = 3,
    stride: Sizes = 1,
    dilation: Sizes = 1,
    times: int = 1,
) -> Array:
    inner = channels(net, x)
    return conv(net, x, inner * times, kernel, stride, dilation, groups=inner)


def transposed(net: Network, x: Array, out: int = 0, kernel: int = 4, stride: int = 2) -> Array:
    """A convolution that enlarges: zeros between the samples; channels last."""
    rank = x.ndim - 2
    positions = x.shape[0] * math.prod(x.shape[1:-1]) * stride**rank
    inner = x.shape[-1]
    out = out or wide(net, positions, kernel**rank * inner)
    letters = (f"N{SPACE[rank]}C", SPACE[rank] + "IO", f"N{SPACE[rank]}C")
    weights = net.parameter(*(kernel,) * rank, inner, out)
    y = lax.conv_transpose(x, weights, (stride,) * rank, "SAME", dimension_numbers=letters)
    return y + net.parameter(out) if net.bias else y


def dense(net: Network, x: Array, out: int = 0, bias: bool = True) -> Array:
    """A matrix product over the last axis."""
    inner = x.shape[-1]
    out = out or wide(net, math.prod(x.shape[:-1]), inner)
    y = x @ net.parameter(inner, out)
    return y + net.parameter(out) if bias else y


def pool(
    net: Network,
    x: Array,
    kind: Literal["max", "mean"],
    kernel: int = 2,
    stride: int = 2,
) -> Array:
    """Windows' largest or mean; with padding at the border; the mean counts the padding."""
    size = space(net, x)
    window = [min(kernel, n) for n in size]
    steps = [stride if n >= 2 * stride else 1 for n in size]
    around = (1, 1) if net.first else (1,), () if net.first else (1,)
    full, strides = (*around[0], *window, *around[1]), (*around[0], *steps, *around[1])
    if kind == "max":
        largest: Array = lax.reduce_window(x, -jnp.inf, lax.max, full, strides, "SAME")
        return largest
    total: Array = lax.reduce_window(x, 0.0, lax.add, full, strides, "SAME")
    return total / math.prod(window)


def everywhere(net: Network, x: Array, keep: bool = False) -> Array:
    """The mean over space."""
    axes = tuple(range(2, x.ndim)) if net.first else tuple(range(1, x.ndim - 1))
    return jnp.mean(x, axes, keepdims=keep)


def resize(x: Array, size: Sequence[int], method: str) -> Array:
    """x with other sizes of space, `nearest` or `linear`; channels last."""
    resized: Array = jax.image.resize(x, (x.shape[0], *size, x.shape[-1]), method)
    return resized


def fitted(x: Array, size: Sequence[int]) -> Array:
    """x cut or padded with zeros at the far ends of space to `size`; channels last."""
    x = x[(slice(None), *(slice(0, n) for n in size))]
    missing = [(0, n - have) for n, have in zip(size, x.shape[1:-1], strict=True)]
    return jnp.pad(x, [(0, 0), *missing, (0, 0)]) if any(map(sum, missing)) else x
