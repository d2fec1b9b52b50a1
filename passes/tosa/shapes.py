"""TOSA's operators that move elements, its constants, and control flow."""

from __future__ import annotations

import re
from math import prod
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax

from cosmalloc.errors import InputError
from cosmalloc.passes.foreign import Array, Op, Value, run_block
from cosmalloc.passes.taps import Tap, along
from cosmalloc.passes.tosa.elementwise import HANDLERS, like, tosa

LARGE = 4096  # bytes of a constant that is a weight


@tosa("const", "const_shape")
def _const(op: Op) -> Value:
    found = op.dense(op.attribute("values" if op.has("values") else "value"))
    if op.reading.lift is not None and found.nbytes >= LARGE:
        return op.reading.lift(op, found)
    return found


def _sizes(op: Op, value: Value, name: str) -> list[int]:
    """A shape: an operand, or an attribute in older texts."""
    return op.ints(name) if value is None else op.known(value)


@tosa("reshape")
def _reshape(op: Op, x: Value, shape: Value = None) -> Value:
    return x.reshape(op.result()[0])


@tosa("transpose")
def _transpose(op: Op, x: Value, perms: Value = None) -> Value:
    return jnp.transpose(x, _sizes(op, perms, "perms"))


@tosa("concat")
def _concat(op: Op, *values: Value) -> Value:
    return jnp.concatenate(values, op.number("axis"))


@tosa("slice")
def _slice(op: Op, x: Value, start: Value = None, size: Value = None) -> Value:
    first, count = _sizes(op, start, "start"), _sizes(op, size, "size")
    return lax.slice(x, first, [a + b for a, b in zip(first, count, strict=True)])


@tosa("pad")
def _pad(op: Op, x: Value, pads: Value, value: Value = None) -> Value:
    both = op.known(pads)
    fill = like(0, x) if value is None else jnp.asarray(value).reshape(()).astype(x.dtype)
    return lax.pad(x, fill, [(a, b, 0) for a, b in zip(both[::2], both[1::2], strict=True)])


@tosa("tile")
def _tile(op: Op, x: Value, times: Value = None) -> Value:
    if prod(op.result()[0]) > 2**40:
        raise op.fault("makes a tensor that can't be")
    return jnp.tile(x, _sizes(op, times, "multiples"))


@tosa("reverse")
def _reverse(op: Op, x: Value) -> Value:
    return jnp.flip(x, op.number("axis"))


@tosa("gather")
def _gather(op: Op, x: Value, indices: Value) -> Value:
    """x: [n, k, c], indices: [n, w] -> [n, w, c]."""
    numbers = lax.GatherDimensionNumbers(
        offset_dims=(2,),
        collapsed_slice_dims=(1,),
        start_index_map=(1,),
        operand_batching_dims=(0,),
        start_indices_batching_dims=(0,),
    )
    mode = lax.GatherScatterMode.PROMISE_IN_BOUNDS
    return lax.gather(jnp.asarray(x), indices[..., None], numbers, (1, 1, x.shape[2]), mode=mode)


@tosa("scatter")
def _scatter(op: Op, x: Value, indices: Value, updates: Value) -> Value:
    batch = np.arange(x.shape[0], dtype=np.int32)[:, None]
    return jnp.asarray(x).at[batch, indices].set(updates)


@tosa("resize")
def _resize(op: Op, x: Value, scale: Value, offset: Value, border: Value) -> Value:
    """Rows, then columns: in = (out * down + offset) / up, in whole numbers."""
    up_y, down_y, up_x, down_x = _sizes(op, scale, "scale")
    offsets = _sizes(op, offset, "offset")
    shape, kind = op.result()
    nearest = op.word("mode") == "NEAREST_NEIGHBOR"
    whole = x.dtype.kind in "iu"
    if whole and not nearest:
        x = x.astype(kind)
    for axis, up, down, move in ((1, up_y, down_y, offsets[0]), (2, up_x, down_x, offsets[1])):
        at = np.arange(shape[axis], dtype=np.int64) * down + move
        low, part = at // up, at % up
        x = along(x, axis, _taps(low, part, up, x.shape[axis], nearest, whole))
    return x.astype(kind)


def _taps(low: Array, part: Array, up: int, size: int, nearest: bool, whole: bool) -> list[Tap]:
    def inside(index: Array) -> Array:
        return np.clip(index, 0, size - 1).astype(np.int32)

    if nearest:
        return [Tap(inside(low + (2 * part >= up)), None)]
    if whole:  # weights stay whole numbers; the result is larger by `up`
        return [Tap(inside(low), up - part), Tap(inside(low + 1), part)]
    near, far = inside(low), inside(low + 1)
    weight = np.where(near == far, 0.0, part / up)
    return [Tap(near, 1 - weight), Tap(far, weight)]


@tosa("cond_if")
def _cond_if(op: Op, condition: Value, *inputs: Value) -> Any:
    def branch(index: int) -> Any:
        block = op.handle.regions[index].blocks[0]
        inner = dict(op.values)
        inner.update(zip(block.arguments, inputs, strict=True))
        return tuple(map(jnp.asarray, run_block(block, inner, op.reading)))

    return list(lax.cond(jnp.reshape(condition, ()), lambda: branch(0), lambda: branch(1)))


@tosa("while_loop")
def _while_loop(op: Op, *inputs: Value) -> Any:
    def region(index: int, carried: Any) -> Any:
        block = op.handle.regions[index].blocks[0]
        inner = dict(op.values)
        inner.update(zip(block.arguments, carried, strict=True))
        return tuple(map(jnp.asarray, run_block(block, inner, op.reading)))

    start = tuple(map(jnp.asarray, inputs))
    made = lax.while_loop(
        lambda carried: jnp.reshape(region(0, carried)[0], ()), lambda c: region(1, c), start
    )
    return list(made)


def _call(op: Op, *inputs: Value) -> Any:
    name = str(op.attribute("callee")).lstrip("@").strip('"')
    function = op.reading.functions.get(name)
    if function is None:
        raise op.fault(f"calls `{name}`, which does not exist")
    depth = int(op.values.get("depth", 0)) + 1
    if depth > 64:
        raise op.fault("calls functions more than 64 deep")
    block = function.regions[0].blocks[0]
    inner = dict(zip(block.arguments, inputs, strict=True)) | {"depth": depth}
    return run_block(block, inner, op.reading)


HANDLERS["func.call"] = _call


def _sparse(op: Op) -> Value:
    """TFLite's constant of few numbers: rows of a tree of dimensions, dense or compressed."""
    text = str(op.attribute("s_param"))
    order = _list(text, "traversal_order")
    if _list(text, "block_map"):
        raise op.fault("holds numbers in blocks, which are not read")
    levels = re.findall(
        r"format =\s+(\w+), dense_size = (\d+), segments = (\[[^\]]*\]), indices = (\[[^\]]*\])",
        text,
    )
    values = op.dense(op.attribute("compressed_data")).reshape(-1)
    shape, kind = op.result()
    if len(levels) != len(shape) or sorted(order) != list(range(len(shape))):
        raise op.fault("holds a sparse tensor whose levels do not fit its shape")
    places = np.zeros((1, 0), np.int64)  # one row per number that is left, one column per level
    parents = np.zeros(1, np.int64)
    for name, size, segments, indices in levels:
        if name == "DENSE":
            count = int(size)
            rows = np.repeat(np.arange(len(places)), count)
            column = np.tile(np.arange(count), len(places))
            parents = np.repeat(parents, count) * count + column
        else:
            begins, columns = (np.array(_numbers(t), np.int64) for t in (segments, indices))
            spans = begins[parents + 1] - begins[parents]
            rows = np.repeat(np.arange(len(places)), spans)
            parents = np.concatenate([np.arange(begins[p], begins[p + 1]) for p in parents])
            column = columns[parents]
        places = np.concatenate([places[rows], column[:, None]], 1)
    dense = np.zeros([shape[d] for d in order], kind)
    dense[tuple(places.T)] = values[parents]
    found = np.transpose(dense, np.argsort(order)).copy()
    return op.reading.lift(op, found) if op.reading.lift and found.nbytes >= LARGE else found


def _list(text: str, name: str) -> list[int]:
    found = re.search(rf"{name} = (\[[^\]]*\])", text)
    if found is None:
        raise InputError(f"a sparse constant lacks `{name}`")
    return _numbers(found[1])


def _numbers(text: str) -> list[int]:
    return [int(each) for each in re.findall(r"-?\d+", text)]


def _densify(op: Op, x: Value) -> Value:
    return x


HANDLERS["tfl.pseudo_sparse_const"] = _sparse
HANDLERS["tfl.densify"] = _densify
