"""TOSA's operators that work element by element."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from cosmalloc.passes.foreign import Handler, Op, Value

HANDLERS: dict[str, Handler] = {}


def tosa(*names: str) -> Callable[[Handler], Handler]:
    """Registers what one TOSA operator does."""

    def register(handler: Handler) -> Handler:
        HANDLERS.update({f"tosa.{name}": handler for name in names})
        return handler

    return register


_PLAIN: dict[str, Callable[..., Any]] = {
    "abs": jnp.abs,
    "add": jnp.add,
    "bitwise_and": jnp.bitwise_and,
    "bitwise_not": jnp.invert,
    "bitwise_or": jnp.bitwise_or,
    "bitwise_xor": jnp.bitwise_xor,
    "ceil": jnp.ceil,
    "clz": lax.clz,
    "cos": jnp.cos,
    "equal": jnp.equal,
    "erf": jax.scipy.special.erf,
    "exp": jnp.exp,
    "floor": jnp.floor,
    "greater": jnp.greater,
    "greater_equal": jnp.greater_equal,
    "identity": lambda x: x,
    "log": jnp.log,
    "logical_and": jnp.logical_and,
    "logical_left_shift": jnp.left_shift,
    "logical_not": jnp.logical_not,
    "logical_or": jnp.logical_or,
    "logical_right_shift": lambda a, b: lax.shift_right_logical(*jnp.broadcast_arrays(a, b)),
    "logical_xor": jnp.logical_xor,
    "pow": jnp.power,
    "rsqrt": lambda x: lax.rsqrt(jnp.asarray(x)),
    "select": jnp.where,
    "sigmoid": lambda x: lax.logistic(jnp.asarray(x)),
    "sin": jnp.sin,
    "sub": jnp.subtract,
    "tanh": jnp.tanh,
    "maximum": jnp.maximum,
    "minimum": jnp.minimum,
}


def _plain(function: Callable[..., Any]) -> Handler:
    def handler(op: Op, *values: Value) -> Value:
        return function(*values)

    return handler


for _name, _function in _PLAIN.items():
    HANDLERS[f"tosa.{_name}"] = _plain(_function)


def like(value: Any, x: Value) -> Any:
    """A number of the element type of `x`."""
    return np.asarray(value).astype(x.dtype)


@tosa("reciprocal")
def _reciprocal(op: Op, x: Value) -> Value:
    return like(1, x) / x


@tosa("intdiv")
def _intdiv(op: Op, a: Value, b: Value) -> Value:
    return lax.div(*jnp.broadcast_arrays(a, b))


@tosa("negate")
def _negate(op: Op, x: Value, zero_in: Value = None, zero_out: Value = None) -> Value:
    if x.dtype.kind not in "iu" or zero_in is None or x.dtype.itemsize > 1:
        return -x
    wide = x.astype(np.int32)
    made = zero_in.astype(np.int32) + zero_out.astype(np.int32) - wide
    limits = np.iinfo(np.dtype(x.dtype))
    return jnp.clip(made, limits.min, limits.max).astype(x.dtype)


@tosa("clamp")
def _clamp(op: Op, x: Value) -> Value:
    low, high = op.number("min_val"), op.number("max_val")
    if x.dtype.kind in "iu":
        limits = np.iinfo(np.dtype(x.dtype))
        return jnp.clip(x, like(max(low, limits.min), x), like(min(high, limits.max), x))
    limits_ = np.finfo(np.float32)
    x = x if low <= limits_.min else jnp.maximum(x, like(low, x))
    return x if high >= limits_.max else jnp.minimum(x, like(high, x))


@tosa("mul")
def _mul(op: Op, a: Value, b: Value, shift: Value = None) -> Value:
    """i32 products may be shifted right, rounded to the nearest."""
    kind = op.result()[1]
    by = 0 if shift is None else int(np.asarray(shift).reshape(-1)[0])
    if by:
        wide = a.astype(np.int64) * b.astype(np.int64) + (1 << (by - 1))
        return (wide >> by).astype(kind)
    return a.astype(kind) * b.astype(kind)


@tosa("arithmetic_right_shift")
def _arithmetic_right_shift(op: Op, a: Value, b: Value) -> Value:
    made = jnp.right_shift(a, b)
    if not op.flag("round"):
        return made
    last = jnp.right_shift(a, jnp.maximum(b, like(1, b)) - like(1, b)) & like(1, a)
    return made + jnp.where(b > 0, last, like(0, a))


@tosa("cast")
def _cast(op: Op, x: Value) -> Value:
    """To whole numbers: rounded to the nearest even, and held within the type's range."""
    kind = op.result()[1]
    if kind == np.bool_:
        return x != like(0, x)
    if jnp.issubdtype(x.dtype, jnp.floating) and kind.kind in "iu":
        limits = np.iinfo(kind)
        wide = jnp.round(x.astype(np.float64 if kind.itemsize > 2 else np.float32))
        return jnp.clip(wide, limits.min, limits.max).astype(kind)
    return x.astype(kind)


@tosa("table")
def _table(op: Op, x: Value, table: Value) -> Value:
    """i8: an entry a value. i16: 513 entries, between which lies a straight line of 7 bits."""
    flat = jnp.asarray(table).reshape(-1)
    if x.dtype == np.int8:
        return jnp.take(flat, x.astype(np.int32) + 128, mode="clip")
    wide = x.astype(np.int32) + 32768
    index, part = wide >> 7, wide & 127
    low = jnp.take(flat, index, mode="clip").astype(np.int32)
    high = jnp.take(flat, index + 1, mode="clip").astype(np.int32)
    return (low << 7) + (high - low) * part


@tosa("rescale")
def _rescale(
    op: Op, x: Value, multiplier: Value, shift: Value, zero_in: Value = None, zero_out: Value = None
) -> Value:
    """((x - zero_in) * multiplier + half) >> shift, + zero_out, held within the result's range."""
    kind = op.result()[1]
    if zero_in is None:
        zero_in, zero_out = np.array(op.number("input_zp")), np.array(op.number("output_zp"))
    wide = _unsigned(op, x, "input_unsigned").astype(np.int64)
    wide = wide - _unsigned(op, zero_in, "input_unsigned").astype(np.int64)
    factor, by = multiplier.astype(np.int64), shift.astype(np.int64)
    half = np.int64(1) << (by - 1)
    made = wide * factor
    if op.word("rounding_mode") == "DOUBLE_ROUND" or op.flag("double_round"):
        more = jnp.where(wide >= 0, np.int64(1 << 30), np.int64(-(1 << 30)))
        half = half + jnp.where(by > 31, more, np.int64(0))
    made = ((made + half) >> by) + _unsigned(op, zero_out, "output_unsigned").astype(np.int64)
    unsigned = op.flag("output_unsigned")
    limits = np.iinfo(np.dtype(f"u{kind.name}") if unsigned and kind.kind == "i" else kind)
    made = jnp.clip(made, limits.min, limits.max)
    return made.astype(limits.dtype).astype(kind) if unsigned else made.astype(kind)


def _unsigned(op: Op, x: Value, flag: str) -> Value:
    if op.flag(flag) and x.dtype.kind == "i":
        return jnp.asarray(x).view(np.dtype(f"u{np.dtype(x.dtype).name}"))
    return x


@tosa("apply_scale")
def _apply_scale(op: Op, x: Value, multiplier: Value, shift: Value) -> Value:
    return _rescale(op, x, multiplier, shift, np.int32(0), np.int32(0))
