"""ONNX operators that work element by element."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from cosmalloc.passes.onnx.common import HANDLERS, array, axis_of, known, names, op
from cosmalloc.passes.onnx.graph import Node, Value
from cosmalloc.passes.onnx.tensors import element_type

_NUMPY = {
    "Abs": "abs",
    "Ceil": "ceil",
    "Floor": "floor",
    "Neg": "negative",
    "Sqrt": "sqrt",
    "Exp": "exp",
    "Log": "log",
    "Sin": "sin",
    "Cos": "cos",
    "Tan": "tan",
    "Asin": "arcsin",
    "Acos": "arccos",
    "Atan": "arctan",
    "Sinh": "sinh",
    "Cosh": "cosh",
    "Asinh": "arcsinh",
    "Acosh": "arccosh",
    "Atanh": "arctanh",
    "Tanh": "tanh",
    "Sign": "sign",
    "Round": "round",
    "IsNaN": "isnan",
    "Not": "logical_not",
    "BitwiseNot": "invert",
    "Add": "add",
    "Sub": "subtract",
    "Mul": "multiply",
    "And": "logical_and",
    "Or": "logical_or",
    "Xor": "logical_xor",
    "BitwiseAnd": "bitwise_and",
    "BitwiseOr": "bitwise_or",
    "BitwiseXor": "bitwise_xor",
    "Equal": "equal",
    "Less": "less",
    "LessOrEqual": "less_equal",
    "Greater": "greater",
    "GreaterOrEqual": "greater_equal",
}


def _same(name: str) -> Callable[..., Any]:
    def handler(node: Node, *values: Value) -> Value:
        return getattr(names(*values), name)(*values)

    return handler


for _onnx, _numpy in _NUMPY.items():
    HANDLERS[_onnx] = _same(_numpy)


@op("IsInf")
def _is_inf(node: Node, x: Value) -> Value:
    above, below = node.attr("detect_positive", 1), node.attr("detect_negative", 1)
    large, small = x == array(np.inf, x), x == array(-np.inf, x)
    return (large & bool(above)) | (small & bool(below))


@op("Reciprocal")
def _reciprocal(node: Node, x: Value) -> Value:
    return array(1, x) / x


@op("Erf")
def _erf(node: Node, x: Value) -> Value:
    return jax.scipy.special.erf(jnp.asarray(x))


@op("Relu")
def _relu(node: Node, x: Value) -> Value:
    return names(x).maximum(x, array(0, x))


@op("Sigmoid")
def _sigmoid(node: Node, x: Value) -> Value:
    return lax.logistic(jnp.asarray(x))


@op("LeakyRelu")
def _leaky_relu(node: Node, x: Value) -> Value:
    return jnp.where(x >= 0, x, x * array(node.attr("alpha", 0.01), x))


@op("PRelu")
def _prelu(node: Node, x: Value, slope: Value) -> Value:
    return jnp.where(x >= 0, x, x * slope)


@op("ThresholdedRelu")
def _thresholded(node: Node, x: Value) -> Value:
    return jnp.where(x > array(node.attr("alpha", 1.0), x), x, array(0, x))


@op("Elu")
def _elu(node: Node, x: Value) -> Value:
    return jnp.where(x >= 0, x, array(node.attr("alpha", 1.0), x) * jnp.expm1(x))


@op("Celu")
def _celu(node: Node, x: Value) -> Value:
    alpha = array(node.attr("alpha", 1.0), x)
    return jnp.maximum(x, array(0, x)) + jnp.minimum(array(0, x), alpha * jnp.expm1(x / alpha))


@op("Selu")
def _selu(node: Node, x: Value) -> Value:
    alpha, gamma = (
        array(node.attr("alpha", 1.6732632423543772), x),
        array(node.attr("gamma", 1.0507009873554805), x),
    )
    return gamma * jnp.where(x > 0, x, alpha * jnp.expm1(x))


@op("HardSigmoid")
def _hard_sigmoid(node: Node, x: Value) -> Value:
    return _clipped(x * array(node.attr("alpha", 0.2), x) + array(node.attr("beta", 0.5), x))


@op("HardSwish")
def _hard_swish(node: Node, x: Value) -> Value:
    return x * _clipped(x * array(1 / 6, x) + array(0.5, x))


def _clipped(x: Value) -> Value:
    return jnp.minimum(jnp.maximum(x, array(0, x)), array(1, x))


@op("Softplus")
def _softplus(node: Node, x: Value) -> Value:
    return jnp.logaddexp(x, array(0, x))


@op("Softsign")
def _softsign(node: Node, x: Value) -> Value:
    return x / (array(1, x) + jnp.abs(x))


@op("Mish")
def _mish(node: Node, x: Value) -> Value:
    return x * jnp.tanh(_softplus(node, x))


@op("Swish")
def _swish(node: Node, x: Value) -> Value:
    return x * lax.logistic(x * array(node.attr("alpha", 1.0), x))


@op("Gelu")
def _gelu(node: Node, x: Value) -> Value:
    return jax.nn.gelu(x, approximate=node.attr("approximate", "none") == "tanh")


@op("Div")
def _div(node: Node, a: Value, b: Value) -> Value:
    if a.dtype.kind not in "iu":
        return a / b
    if known(a, b):
        quotient = np.abs(a.astype(np.int64)) // np.abs(b.astype(np.int64))
        return (quotient * np.sign(a.astype(np.int64)) * np.sign(b.astype(np.int64))).astype(
            a.dtype
        )
    return lax.div(*jnp.broadcast_arrays(a, b))


@op("Mod")
def _mod(node: Node, a: Value, b: Value) -> Value:
    xp = names(a, b)
    return xp.fmod(a, b) if node.attr("fmod", 0) else xp.mod(a, b)


@op("Pow")
def _pow(node: Node, a: Value, b: Value) -> Value:
    """Small whole exponents are products, as exporters write squares as powers."""
    if known(b) and b.size == 1 and not known(a):
        exponent = float(b.reshape(()))
        if exponent in (0.5, 1.0, 2.0, 3.0):
            shaped = jnp.broadcast_to(a, jnp.broadcast_shapes(a.shape, b.shape))
            return jnp.sqrt(shaped) if exponent == 0.5 else lax.integer_pow(shaped, int(exponent))
    return names(a, b).power(a, b.astype(a.dtype)).astype(a.dtype)


@op("BitShift")
def _bit_shift(node: Node, a: Value, b: Value) -> Value:
    right = node.attr("direction", "LEFT") == "RIGHT"
    return jnp.right_shift(a, b) if right else jnp.left_shift(a, b)


def _variadic(name: str) -> Callable[..., Any]:
    def handler(node: Node, *values: Value) -> Value:
        return reduce(getattr(names(*values), name), values)

    return handler


for _onnx, _numpy in {"Max": "maximum", "Min": "minimum", "Sum": "add"}.items():
    HANDLERS[_onnx] = _variadic(_numpy)


@op("Mean")
def _mean(node: Node, *values: Value) -> Value:
    return reduce(jnp.add, values) / array(len(values), values[0])


@op("Where")
def _where(node: Node, condition: Value, a: Value, b: Value) -> Value:
    return names(condition, a, b).where(condition, a, b)


@op("Clip")
def _clip(node: Node, x: Value, low: Value = None, high: Value = None) -> Value:
    if node.version < 11:
        low = array(node.attr("min", -3.4028234663852886e38), x)
        high = array(node.attr("max", 3.4028234663852886e38), x)
    xp = names(x, low, high)
    x = x if low is None else xp.maximum(x, low)
    return x if high is None else xp.minimum(x, high)


@op("Cast")
def _cast(node: Node, x: Value) -> Value:
    kind = element_type(node.attr("to", 0), node.where)
    if kind == np.bool_:
        return x != array(0, x)
    return x.astype(kind)


@op("CastLike")
def _cast_like(node: Node, x: Value, other: Value) -> Value:
    return x != array(0, x) if other.dtype == np.bool_ else x.astype(other.dtype)


@op("Identity")
def _identity(node: Node, x: Value) -> Value:
    return x


@op("Dropout")
def _dropout(node: Node, x: Value, ratio: Value = None, training: Value = None) -> Any:
    if training is not None and bool(np.any(node.known(2))):
        raise node.fault("is in training mode", "export the model for inference")
    if len(node.outputs) < 2:
        return x
    return x, jnp.ones(x.shape, bool)


@op("QuantizeLinear")
def _quantize(node: Node, x: Value, scale: Value, zero: Value = None) -> Value:
    kind = np.dtype(np.uint8) if zero is None else zero.dtype
    limits = np.iinfo(kind)
    scale, zero = _per_axis(node, x, scale), _per_axis(node, x, zero)
    moved = jnp.round(x / scale)
    if zero is not None:
        moved = moved + zero.astype(moved.dtype)
    return jnp.clip(moved, limits.min, limits.max).astype(kind)


@op("DequantizeLinear")
def _dequantize(node: Node, x: Value, scale: Value, zero: Value = None) -> Value:
    kind = scale.dtype
    scale, zero = _per_axis(node, x, scale), _per_axis(node, x, zero)
    moved = x.astype(np.int32)
    if zero is not None:
        moved = moved - zero.astype(np.int32)
    return moved.astype(kind) * scale


def _per_axis(node: Node, x: Value, value: Value) -> Value:
    if value is None or value.ndim == 0 or value.size == 1:
        return None if value is None else value.reshape(())
    if node.attr("block_size", 0):
        raise node.fault("scales blocks, which this reader does not know")
    axis = axis_of(node, node.attr("axis", 1), x.ndim)
    return value.reshape(tuple(-1 if d == axis else 1 for d in range(x.ndim)))


@op("DynamicQuantizeLinear")
def _dynamic_quantize(node: Node, x: Value) -> Any:
    low = jnp.minimum(x.min(), array(0, x))
    scale = (jnp.maximum(x.max(), array(0, x)) - low) / array(255, x)
    zero = jnp.clip(jnp.round(-low / scale), 0, 255).astype(np.uint8)
    moved = jnp.round(x / scale) + zero.astype(x.dtype)
    return jnp.clip(moved, 0, 255).astype(np.uint8), scale, zero
