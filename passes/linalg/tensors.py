"""Operations of tensor: shapes, cuts, paddings."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax

from cosmalloc.passes.foreign import Handler, Op, Value

HANDLERS: dict[str, Handler] = {}
_DYNAMIC = -(2**63)


def filled(value: Any, shape: tuple[int, ...], kind: Any) -> Value:
    """One number everywhere, in no memory."""
    return np.broadcast_to(np.asarray(value).astype(kind), shape)


def _reshape(op: Op, x: Value, *_: Value) -> Value:
    return x.reshape(op.result()[0])


for _name in ("expand_shape", "collapse_shape", "reshape"):
    HANDLERS[f"tensor.{_name}"] = _reshape


def _empty(op: Op, *_: Value) -> Value:
    shape, kind = op.result()
    return filled(0, shape, kind)


def _splat(op: Op, x: Value, *_: Value) -> Value:
    return jnp.broadcast_to(x, op.result()[0])


def _cast(op: Op, x: Value) -> Value:
    shape, _ = op.result()
    if tuple(x.shape) != shape:
        raise op.fault("changes a shape")
    return x


def _concat(op: Op, *values: Value) -> Value:
    return jnp.concatenate(values, op.number("dim"))


def _from_elements(op: Op, *values: Value) -> Value:
    shape, kind = op.result()
    return jnp.stack([jnp.asarray(v, kind) for v in values]).reshape(shape)


def _extract(op: Op, x: Value, *indices: Value) -> Value:
    """Indices are arrays over the iteration space where this stands in a body."""
    return jnp.asarray(x)[tuple(indices)] if indices else x


def _dim(op: Op, x: Value, index: Value) -> Value:
    return np.array(x.shape[op.known(index)[0]], np.int64)


def _static(op: Op, name: str, rest: list[Value]) -> list[int]:
    """Offsets, sizes or paddings: numbers, or operands that are known."""
    return [
        op.known(rest.pop(0))[0] if each == _DYNAMIC else each for each in op.ints(f"static_{name}")
    ]


def _extract_slice(op: Op, x: Value, *rest: Value) -> Value:
    given = list(rest)
    start, size, step = (_static(op, name, given) for name in ("offsets", "sizes", "strides"))
    ends = [a + (n - 1) * s + 1 if n else a for a, n, s in zip(start, size, step, strict=True)]
    return lax.slice(jnp.asarray(x), start, ends, step).reshape(op.result()[0])


def _insert_slice(op: Op, x: Value, into: Value, *rest: Value) -> Value:
    given = list(rest)
    start, size, step = (_static(op, name, given) for name in ("offsets", "sizes", "strides"))
    if any(each != 1 for each in step):
        raise op.fault("strides, which this reader does not know")
    zeros = [np.int32(each) for each in start]
    return lax.dynamic_update_slice(jnp.asarray(into), jnp.asarray(x).reshape(size), zeros)


def _pad(op: Op, x: Value, *rest: Value) -> Value:
    given = list(rest)
    low, high = _static(op, "low", given), _static(op, "high", given)
    block = op.handle.regions[0].blocks[0]
    operations = list(block.operations)
    end = operations[-1].operation
    values = dict(op.values)
    for each in operations[:-1]:
        inner = Op(each.operation, op.reading, values)
        if inner.name != "arith.constant":
            raise op.fault("pads with numbers that are not constant")
        values[each.operation.results[0]] = op.reading.handlers[inner.name](inner)
    fill = values[end.operands[0]]
    return lax.pad(
        jnp.asarray(x),
        jnp.asarray(fill).reshape(()).astype(x.dtype),
        [(a, b, 0) for a, b in zip(low, high, strict=True)],
    )


HANDLERS |= {
    "tensor.empty": _empty,
    "tensor.splat": _splat,
    "tensor.cast": _cast,
    "tensor.concat": _concat,
    "tensor.from_elements": _from_elements,
    "tensor.extract": _extract,
    "tensor.dim": _dim,
    "tensor.extract_slice": _extract_slice,
    "tensor.insert_slice": _insert_slice,
    "tensor.pad": _pad,
}
