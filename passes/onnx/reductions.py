"""ONNX operators that sum along dimensions."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from cosmalloc.passes.onnx.common import HANDLERS, array, axes_of, axis_of, names, op
from cosmalloc.passes.onnx.graph import Node, Value

Reduce = Callable[[Any, Value, tuple[int, ...], bool], Value]


def _sum(xp: Any, x: Value, axes: tuple[int, ...], keep: bool) -> Value:
    return xp.sum(x, axes, keepdims=keep, dtype=x.dtype)


def _mean(xp: Any, x: Value, axes: tuple[int, ...], keep: bool) -> Value:
    count = prod(x.shape[axis] for axis in axes)
    total = _sum(xp, x, axes, keep)
    return total // array(count, x) if x.dtype.kind in "iu" else total / array(count, x)


def _of_nothing(x: Value, sign: int) -> dict[str, Any]:
    """What the largest (sign -1) or the least of no elements is, where there are none."""
    if x.size:
        return {}
    if x.dtype.kind == "b":
        return {"initial": sign > 0}
    if x.dtype.kind in "iu":
        ends = np.iinfo(x.dtype)
        return {"initial": ends.max if sign > 0 else ends.min}
    return {"initial": sign * np.inf}


_REDUCTIONS: dict[str, Reduce] = {
    "ReduceSum": _sum,
    "ReduceMean": _mean,
    "ReduceMax": lambda xp, x, axes, keep: xp.max(x, axes, keepdims=keep, **_of_nothing(x, -1)),
    "ReduceMin": lambda xp, x, axes, keep: xp.min(x, axes, keepdims=keep, **_of_nothing(x, 1)),
    "ReduceProd": lambda xp, x, axes, keep: xp.prod(x, axes, keepdims=keep, dtype=x.dtype),
    "ReduceL1": lambda xp, x, axes, keep: _sum(xp, xp.abs(x), axes, keep),
    "ReduceL2": lambda xp, x, axes, keep: xp.sqrt(_sum(xp, x * x, axes, keep)),
    "ReduceSumSquare": lambda xp, x, axes, keep: _sum(xp, x * x, axes, keep),
    "ReduceLogSum": lambda xp, x, axes, keep: xp.log(_sum(xp, x, axes, keep)),
    "ReduceLogSumExp": lambda xp, x, axes, keep: jax.nn.logsumexp(x, axes, keepdims=keep),
}


def _reduction(reduce: Reduce) -> Callable[..., Value]:
    def handler(node: Node, x: Value, axes: Value = None) -> Value:
        given = node.integers(1, "axes")
        if not given:
            if node.attr("noop_with_empty_axes", 0):
                return x
            given = list(range(x.ndim))
        return reduce(names(x), x, axes_of(node, given, x.ndim), bool(node.attr("keepdims", 1)))

    return handler


for _name, _reduce in _REDUCTIONS.items():
    HANDLERS[_name] = _reduction(_reduce)


@op("Softmax", "LogSoftmax", "Hardmax")
def _softmax(node: Node, x: Value) -> Value:
    axis = axis_of(node, node.attr("axis", 1 if node.version < 13 else -1), x.ndim)
    axes = tuple(range(axis, x.ndim)) if node.version < 13 else (axis,)
    if node.op == "Hardmax":
        return jax.nn.one_hot(jnp.argmax(x, axis), x.shape[axis], dtype=x.dtype, axis=axis)
    moved = x - jnp.max(x, axes, keepdims=True)
    powers = jnp.exp(moved)
    total = jnp.sum(powers, axes, keepdims=True)
    return powers / total if node.op == "Softmax" else moved - jnp.log(total)


@op("LpNormalization")
def _lp_normalization(node: Node, x: Value) -> Value:
    axis, p = axis_of(node, node.attr("axis", -1), x.ndim), node.attr("p", 2)
    size = jnp.sum(jnp.abs(x) if p == 1 else x * x, axis, keepdims=True)
    length = size if p == 1 else jnp.sqrt(size)
    return jnp.where(length == 0, array(0, x), x / length)


@op("MeanVarianceNormalization")
def _mean_variance(node: Node, x: Value) -> Value:
    axes = axes_of(node, node.attr("axes", [0, 2, 3]), x.ndim)
    away = x - _mean(jnp, x, axes, True)
    return away / (jnp.sqrt(_mean(jnp, away * away, axes, True)) + array(1e-9, x))


@op("BatchNormalization")
def _batch_normalization(
    node: Node, x: Value, scale: Value, bias: Value, mean: Value, variance: Value
) -> Value:
    if node.attr("training_mode", 0):
        raise node.fault("is in training mode", "export the model for inference")
    shape = (1, -1, *(1,) * (x.ndim - 2))
    factor = scale / jnp.sqrt(variance + array(node.attr("epsilon", 1e-5), variance))
    moved = bias - mean * factor
    return (x * factor.reshape(shape) + moved.reshape(shape)).astype(x.dtype)


def _normalised(x: Value, axes: tuple[int, ...], epsilon: float) -> Value:
    away = x - _mean(jnp, x, axes, True)
    return away * (array(1, x) / jnp.sqrt(_mean(jnp, away * away, axes, True) + array(epsilon, x)))


@op("LayerNormalization", "SimplifiedLayerNormalization")
def _layer_normalization(node: Node, x: Value, scale: Value, bias: Value = None) -> Any:
    axes = tuple(range(axis_of(node, node.attr("axis", -1), x.ndim), x.ndim))
    mean = _mean(jnp, x, axes, True)
    away = x - mean
    spread = jnp.sqrt(_mean(jnp, away * away, axes, True) + array(node.attr("epsilon", 1e-5), x))
    inverse = array(1, x) / spread
    made = away * inverse * scale
    return (made if bias is None else made + bias), mean, inverse


@op("RMSNormalization")
def _rms_normalization(node: Node, x: Value, scale: Value) -> Value:
    axes = tuple(range(axis_of(node, node.attr("axis", -1), x.ndim), x.ndim))
    square = _mean(jnp, x * x, axes, True) + array(node.attr("epsilon", 1e-5), x)
    return x / jnp.sqrt(square) * scale


@op("InstanceNormalization")
def _instance_normalization(node: Node, x: Value, scale: Value, bias: Value) -> Value:
    shape = (1, -1, *(1,) * (x.ndim - 2))
    made = _normalised(x, tuple(range(2, x.ndim)), node.attr("epsilon", 1e-5))
    return made * scale.reshape(shape) + bias.reshape(shape)


@op("GroupNormalization")
def _group_normalization(node: Node, x: Value, scale: Value, bias: Value) -> Value:
    groups = node.attr("num_groups", 1)
    parts = x.reshape(x.shape[0], groups, x.shape[1] // groups, *x.shape[2:])
    made = _normalised(parts, tuple(range(2, parts.ndim)), node.attr("epsilon", 1e-5))
    shape = (1, -1, *(1,) * (x.ndim - 2))
    if scale.size == groups != x.shape[1]:  # operator set 18: one a group
        scale, bias = (jnp.repeat(v, x.shape[1] // groups) for v in (scale, bias))
    return made.reshape(x.shape) * scale.reshape(shape) + bias.reshape(shape)


@op("LRN")
def _lrn(node: Node, x: Value) -> Value:
    size = node.attr("size", 1)
    low = (size - 1) // 2
    window = (1, size, *(1,) * (x.ndim - 2))
    pads = [(0, 0), (low, size - 1 - low), *[(0, 0)] * (x.ndim - 2)]
    sums = jax.lax.reduce_window(
        x * x, np.zeros((), x.dtype), jax.lax.add, window, (1,) * x.ndim, pads
    )
    alpha, beta, bias = node.attr("alpha", 1e-4), node.attr("beta", 0.75), node.attr("bias", 1.0)
    return x / jnp.power(array(bias, x) + array(alpha / size, x) * sums, array(beta, x))
