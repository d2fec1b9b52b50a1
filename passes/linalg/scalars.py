"""Operations of arith and math, which work element by element on tensors and within bodies."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from cosmalloc.passes.foreign import Handler, Op, Value

HANDLERS: dict[str, Handler] = {}


def _both(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of `lax`, which wants operands of one shape."""
    return lambda *values: function(*jnp.broadcast_arrays(*values))


def _unsigned(function: Callable[..., Any]) -> Callable[..., Any]:
    def call(*values: Value) -> Value:
        kind = np.dtype(values[0].dtype)
        wide = [jnp.asarray(v).view(np.dtype(f"u{kind.name}")) for v in values]
        return function(*wide).view(kind)

    return call


_PLAIN: dict[str, Callable[..., Any]] = {
    "arith.addf": jnp.add,
    "arith.addi": jnp.add,
    "arith.andi": jnp.bitwise_and,
    "arith.ceildivsi": lambda a, b: -jnp.floor_divide(-a, b),
    "arith.divf": jnp.divide,
    "arith.divsi": _both(lax.div),
    "arith.divui": _unsigned(_both(lax.div)),
    "arith.floordivsi": jnp.floor_divide,
    "arith.maximumf": jnp.maximum,
    "arith.maxnumf": jnp.fmax,
    "arith.maxsi": jnp.maximum,
    "arith.maxui": _unsigned(jnp.maximum),
    "arith.minimumf": jnp.minimum,
    "arith.minnumf": jnp.fmin,
    "arith.minsi": jnp.minimum,
    "arith.minui": _unsigned(jnp.minimum),
    "arith.mulf": jnp.multiply,
    "arith.muli": jnp.multiply,
    "arith.negf": jnp.negative,
    "arith.ori": jnp.bitwise_or,
    "arith.remf": _both(lax.rem),
    "arith.remsi": _both(lax.rem),
    "arith.remui": _unsigned(_both(lax.rem)),
    "arith.select": jnp.where,
    "arith.shli": jnp.left_shift,
    "arith.shrsi": jnp.right_shift,
    "arith.shrui": _both(lax.shift_right_logical),
    "arith.subf": jnp.subtract,
    "arith.subi": jnp.subtract,
    "arith.xori": jnp.bitwise_xor,
    "math.absf": jnp.abs,
    "math.absi": jnp.abs,
    "math.atan": jnp.arctan,
    "math.atan2": jnp.arctan2,
    "math.cbrt": jnp.cbrt,
    "math.ceil": jnp.ceil,
    "math.cos": jnp.cos,
    "math.cosh": jnp.cosh,
    "math.ctlz": lambda x: lax.clz(jnp.asarray(x)),
    "math.erf": jax.scipy.special.erf,
    "math.exp": jnp.exp,
    "math.exp2": jnp.exp2,
    "math.expm1": jnp.expm1,
    "math.floor": jnp.floor,
    "math.fma": lambda a, b, c: a * b + c,
    "math.fpowi": lambda a, b: jnp.power(a, b).astype(a.dtype),
    "math.log": jnp.log,
    "math.log10": jnp.log10,
    "math.log1p": jnp.log1p,
    "math.log2": jnp.log2,
    "math.powf": jnp.power,
    "math.round": lambda x: lax.round(jnp.asarray(x)),
    "math.roundeven": jnp.round,
    "math.rsqrt": lambda x: lax.rsqrt(jnp.asarray(x)),
    "math.sin": jnp.sin,
    "math.sinh": jnp.sinh,
    "math.sqrt": jnp.sqrt,
    "math.tan": jnp.tan,
    "math.tanh": jnp.tanh,
    "math.trunc": jnp.trunc,
}
_CASTS = (
    *("extf", "truncf", "extsi", "trunci", "sitofp", "fptosi", "index_cast", "extui", "uitofp"),
    *("fptoui", "index_castui", "bitcast"),
)
_ORDER = ("equal", "not_equal", "less", "less_equal", "greater", "greater_equal")
_FLOAT = {1: 0, 2: 4, 3: 5, 4: 2, 5: 3, 6: 1, 8: 0, 9: 4, 10: 5, 11: 2, 12: 3, 13: 1}


def _plain(function: Callable[..., Any]) -> Handler:
    def handler(op: Op, *values: Value) -> Value:
        return function(*values)

    return handler


for _name, _function in _PLAIN.items():
    HANDLERS[_name] = _plain(_function)


def _cast(op: Op, x: Value) -> Value:
    kind = op.result()[1]
    if op.name == "arith.bitcast":
        return lax.bitcast_convert_type(jnp.asarray(x), kind)
    source = np.dtype(x.dtype)
    if op.name in ("arith.extui", "arith.uitofp", "arith.index_castui") and source.kind == "i":
        x = jnp.asarray(x).view(np.dtype(f"u{source.name}"))
    return x.astype(kind)


for _name in _CASTS:
    HANDLERS[f"arith.{_name}"] = _cast


def _compare(op: Op, a: Value, b: Value) -> Value:
    predicate = op.number("predicate")
    if op.name == "arith.cmpf":
        if predicate not in _FLOAT:
            raise op.fault("compares in a way that this reader does not know")
        return getattr(jnp, _ORDER[_FLOAT[predicate]])(a, b)
    if predicate > 5:
        kind = np.dtype(f"u{np.dtype(a.dtype).name}")
        a, b = (jnp.asarray(v).view(kind) for v in (a, b))
        predicate -= 4
    return getattr(jnp, _ORDER[predicate])(a, b)


HANDLERS["arith.cmpf"] = HANDLERS["arith.cmpi"] = _compare


def _constant(op: Op) -> Value:
    attribute, (shape, kind) = op.attribute("value"), op.result()
    if shape or str(op.handle.results[0].type).startswith("tensor"):
        return op.dense(attribute)
    text = str(attribute)
    value = text == "true" if text in ("true", "false") else attribute.value
    return np.asarray(value).astype(kind)


HANDLERS["arith.constant"] = _constant
