"""linalg.generic, the form that all of linalg's named operations take.

    every dimension parallel                   the body, over the iteration space
    out = out + a * b, maps of dimensions      dot_general
    out = out + a * b, one map of sums         convolution
    out = combine(out, a), one map of sums     reduce_window
    out = combine(out, body)                   the body over the iteration space, then a reduction

combine is a sum, a product, a maximum, a minimum, an and or an or. What the reduction starts from
is combined behind it, unless it changes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax

from cosmalloc.passes.foreign import Handler, Op, Value, run_block
from cosmalloc.passes.linalg.contraction import contraction
from cosmalloc.passes.linalg.maps import Map, back, lay, map_of, sizes_of, spread
from cosmalloc.passes.linalg.pooling import pooling
from cosmalloc.passes.linalg.tensors import filled

_COMBINE = {
    **dict.fromkeys(("arith.addf", "arith.addi"), "sum"),
    **dict.fromkeys(("arith.mulf", "arith.muli"), "prod"),
    **dict.fromkeys(("arith.maximumf", "arith.maxnumf", "arith.maxsi"), "max"),
    **dict.fromkeys(("arith.minimumf", "arith.minnumf", "arith.minsi"), "min"),
    "arith.andi": "all",
    "arith.ori": "any",
}
_JOIN: dict[str, Any] = {
    "sum": jnp.add,
    "prod": jnp.multiply,
    "max": jnp.maximum,
    "min": jnp.minimum,
    "all": jnp.bitwise_and,
    "any": jnp.bitwise_or,
}


@dataclass(frozen=True)
class Nest:
    """One generic operation: maps per operand, iterations per dimension, reduced dimensions."""

    op: Op
    inputs: list[Value]
    starts: list[Value]
    maps: list[Map]
    sizes: list[int]
    reduced: list[int]

    @property
    def kept(self) -> list[int]:
        return [d for d in range(len(self.sizes)) if d not in self.reduced]

    @property
    def block(self) -> Any:
        return self.op.handle.regions[0].blocks[0]


def generic(op: Op, *_: Value) -> list[Value]:
    """Results of a linalg.generic. Raises InputError."""
    values = [op.values[operand] for operand in op.handle.operands]
    count = op.ints("operandSegmentSizes")[0]
    maps = [map_of(each, op) for each in op.attribute("indexing_maps")]
    kinds = re.findall(r"iterator_type<(\w+)>", str(op.attribute("iterator_types")))
    sizes = sizes_of(maps, values, len(kinds), op)
    reduced = [d for d, kind in enumerate(kinds) if kind == "reduction"]
    nest = Nest(op, values[:count], values[count:], maps, sizes, reduced)
    return _reduction(nest) if reduced else _parallel(nest)


def _parallel(nest: Nest) -> list[Value]:
    constants = [_constant(nest, slot) for slot in range(len(nest.starts))]
    if all(each is not None for each in constants):
        return constants
    made = _body(nest, range(len(nest.inputs) + len(nest.starts)))
    outputs = nest.maps[len(nest.inputs) :]
    whole = [jnp.broadcast_to(each, nest.sizes) for each in made]
    return [back(v, m, nest.kept, nest.op) for v, m in zip(whole, outputs, strict=True)]


def _constant(nest: Nest, slot: int) -> Value | None:
    """A result that is one known number everywhere, as `linalg.fill` makes it."""
    returned = list(nest.block.operations)[-1].operation.operands[slot]
    arguments = list(nest.block.arguments)[: len(nest.inputs)]
    value = nest.op.values.get(returned)
    if returned in arguments:
        value = nest.inputs[arguments.index(returned)]
    if not isinstance(value, np.ndarray) or value.size != 1:
        return None
    start = nest.starts[slot]
    return filled(value.reshape(()), tuple(start.shape), start.dtype)


def _body(nest: Nest, used: Sequence[int], stop: Any = None) -> list[Value]:
    """The body over the iteration space; its arguments `used` are needed."""
    values = dict(nest.op.values)
    given = [*nest.inputs, *nest.starts]
    for place in used:
        argument = nest.block.arguments[place]
        if next(iter(argument.uses), None) is not None:
            values[argument] = spread(given[place], nest.maps[place], nest.sizes)
    values["sizes"] = nest.sizes
    return run_block(nest.block, values, nest.op.reading, stop)


def index(op: Op) -> Value:
    """The place in one dimension of the iteration space around."""
    return lax.broadcasted_iota(np.int64, tuple(op.values["sizes"]), op.number("dim"))


def _reduction(nest: Nest) -> list[Value]:
    """Each result on its own; a body that joins them in another way is an error."""
    end = list(nest.block.operations)[-1].operation
    return [_one(nest, slot, end.operands[slot]) for slot in range(len(nest.starts))]


def _one(nest: Nest, slot: int, returned: Any) -> Value:
    place = len(nest.inputs) + slot
    argument = nest.block.arguments[place]
    maker = returned.owner
    how = _COMBINE.get(getattr(maker, "name", ""))
    users = [use.owner for use in argument.uses]
    if how is None or len(users) != 1 or argument not in list(maker.operands):
        raise nest.op.fault("reduces in a way that this reader does not know")
    other = next(each for each in maker.operands if each != argument)
    if argument == maker.operands[0] == maker.operands[1]:
        raise nest.op.fault("reduces in a way that this reader does not know")
    kind = np.dtype(nest.starts[slot].dtype)
    made = contraction(nest, other, place, kind) if how == "sum" else None
    if made is None:
        made = pooling(nest, other, place, how)
    if made is None:
        whole = jnp.broadcast_to(_value(nest, other), nest.sizes)
        if how in ("all", "any") and kind != np.bool_:
            raise nest.op.fault("reduces bits, which this reader does not know")
        total = getattr(jnp, how)(whole, tuple(nest.reduced)).astype(kind)
        made = back(total, nest.maps[place], nest.kept, nest.op)
    return _with_start(how, made, nest.starts[slot])


def _value(nest: Nest, value: Any) -> Value:
    """A value of the body over the iteration space."""
    inputs = range(len(nest.inputs))
    (found,) = _body(nest, inputs, stop=value)
    return found


def _with_start(how: str, made: Value, start: Value) -> Value:
    if isinstance(start, np.ndarray) and not any(start.strides) and start.size:
        first, kind = start.flat[0], start.dtype
        floating = jnp.issubdtype(kind, jnp.floating)
        least = -np.inf if floating else np.iinfo(kind).min if kind.kind in "iu" else False
        most = np.inf if floating else np.iinfo(kind).max if kind.kind in "iu" else True
        limits: Any = jnp.finfo
        lowest = limits(kind).min if floating else least
        highest = limits(kind).max if floating else most
        neutral = {
            "sum": (0,),
            "prod": (1,),
            "max": (least, lowest),
            "min": (most, highest),
            "all": (True,),
            "any": (False,),
        }
        if any(first == each for each in neutral[how]):
            return made
    return _JOIN[how](made, lay(start))


HANDLERS: dict[str, Handler] = {"linalg.generic": generic, "linalg.index": index}
