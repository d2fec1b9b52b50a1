"""ONNX operators that move elements, or only rename them."""

from __future__ import annotations

from math import prod
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax

from cosmalloc.passes.onnx.common import (
    SMALL,
    array,
    axes_of,
    axis_of,
    checked_shape,
    from_front,
    known,
    names,
    op,
    take,
)
from cosmalloc.passes.onnx.graph import Node, Value
from cosmalloc.passes.onnx.tensors import element_type


@op("Constant")
def _constant(node: Node) -> Value:
    for name, kind in (
        ("value_float", "f4"),
        ("value_floats", "f4"),
        ("value_int", "i8"),
        ("value_ints", "i8"),
    ):
        if name in node.attributes:
            return np.array(node.attributes[name], kind)
    found = node.attributes.get("value")
    if not isinstance(found, np.ndarray):
        raise node.fault("holds no tensor of numbers")
    return found


@op("ConstantOfShape")
def _constant_of_shape(node: Node, shape: Value) -> Value:
    sizes = checked_shape(node, node.integers(0) or [])
    value = node.attr("value", np.zeros(1, np.float32)).reshape(())
    return np.full(sizes, value) if prod(sizes) <= SMALL else jnp.full(sizes, value)


@op("Shape")
def _shape(node: Node, x: Value) -> Value:
    start, end = node.attr("start", 0), node.attr("end", len(x.shape))
    return np.array(x.shape, np.int64)[start:end]


@op("Size")
def _size(node: Node, x: Value) -> Value:
    return np.array(prod(x.shape), np.int64)


@op("Reshape")
def _reshape(node: Node, x: Value, shape: Value = None) -> Value:
    sizes = node.integers(1, "shape")
    if sizes is None:
        raise node.fault("has no shape")
    if not node.attr("allowzero", 0):
        sizes = [x.shape[i] if size == 0 else size for i, size in enumerate(sizes)]
    if sizes.count(-1) == 1:
        rest = prod(size for size in sizes if size != -1)
        sizes[sizes.index(-1)] = x.size // rest if rest else 0
    return names(x).reshape(x, checked_shape(node, sizes))


@op("Flatten")
def _flatten(node: Node, x: Value) -> Value:
    axis = node.attr("axis", 1)
    axis = axis + x.ndim if axis < 0 else axis
    return x.reshape(prod(x.shape[:axis]), prod(x.shape[axis:]))


@op("Squeeze")
def _squeeze(node: Node, x: Value, axes: Value = None) -> Value:
    given = node.integers(1, "axes")
    if given is None:
        given = [i for i, size in enumerate(x.shape) if size == 1]
    gone = axes_of(node, given, x.ndim)
    if any(x.shape[axis] != 1 for axis in gone):
        raise node.fault(f"drops dimensions {list(gone)} of the shape {list(x.shape)}")
    return x.reshape(tuple(size for i, size in enumerate(x.shape) if i not in gone))


@op("Unsqueeze")
def _unsqueeze(node: Node, x: Value, axes: Value = None) -> Value:
    given = node.integers(1, "axes") or []
    new = axes_of(node, given, x.ndim + len(given))
    sizes = iter(x.shape)
    return x.reshape(tuple(1 if i in new else next(sizes) for i in range(x.ndim + len(given))))


@op("Expand")
def _expand(node: Node, x: Value, shape: Value) -> Value:
    sizes = np.broadcast_shapes(x.shape, tuple(node.integers(1) or []))
    checked_shape(node, sizes)
    return (np if known(x) and prod(sizes) <= SMALL else jnp).broadcast_to(x, sizes)


@op("Tile")
def _tile(node: Node, x: Value, repeats: Value) -> Value:
    times = node.integers(1) or []
    checked_shape(node, [a * b for a, b in zip(x.shape, times, strict=True)])
    return jnp.tile(x, times) if x.size * prod(times) > SMALL else names(x).tile(x, times)


@op("Concat")
def _concat(node: Node, *values: Value) -> Value:
    axis = axis_of(node, node.attr("axis", 1), values[0].ndim)
    return names(*values).concatenate(values, axis)


@op("Split")
def _split(node: Node, x: Value, sizes: Value = None) -> list[Value]:
    axis = axis_of(node, node.attr("axis", 0), x.ndim)
    parts = node.integers(1, "split")
    if parts is None:
        count = node.attr("num_outputs", len(node.outputs))
        each = -(-x.shape[axis] // max(1, count))
        parts = [min(each, max(0, x.shape[axis] - i * each)) for i in range(count)]
    if sum(parts) != x.shape[axis]:
        raise node.fault(f"splits {x.shape[axis]} elements into {parts}")
    ends = np.cumsum(parts)
    return [cut(x, axis, int(end) - size, int(end)) for end, size in zip(ends, parts, strict=True)]


def cut(x: Value, axis: int, start: int, stop: int, step: int = 1) -> Value:
    """Elements [start, stop) along one axis, every `step`-th."""
    index = tuple(slice(start, stop, step) if d == axis else slice(None) for d in range(x.ndim))
    if isinstance(x, np.ndarray):
        return x[index]
    return lax.slice_in_dim(x, start, max(start, stop), step, axis)


@op("Slice")
def _slice(node: Node, x: Value, *rest: Value) -> Value:
    starts, ends = node.integers(1, "starts") or [], node.integers(2, "ends") or []
    axes = axes_of(node, node.integers(3, "axes") or range(len(starts)), x.ndim)
    steps = node.integers(4) or [1] * len(starts)
    for axis, start, end, step in zip(axes, starts, ends, steps, strict=True):
        first, stop, by = slice(start, end, step).indices(x.shape[axis])
        if by < 0:
            count = max(0, -(-(first - stop) // -by))
            x = names(x).flip(x, axis)
            first, by = x.shape[axis] - 1 - first, -by
            stop = first + (count - 1) * by + 1 if count else first
        x = cut(x, axis, min(first, x.shape[axis]), max(min(first, x.shape[axis]), stop), by)
    return x


@op("Gather")
def _gather(node: Node, x: Value, indices: Value) -> Value:
    axis = axis_of(node, node.attr("axis", 0), x.ndim)
    return take(x, from_front(indices, x.shape[axis]), axis)


@op("GatherElements")
def _gather_elements(node: Node, x: Value, indices: Value) -> Value:
    axis = axis_of(node, node.attr("axis", 0), x.ndim)
    index = from_front(indices, x.shape[axis])
    return names(x, indices).take_along_axis(x, index, axis)


@op("GatherND")
def _gather_nd(node: Node, x: Value, indices: Value) -> Value:
    if node.attr("batch_dims", 0):
        raise node.fault("has batch dimensions, which this reader does not know")
    parts = [from_front(indices[..., i], x.shape[i]) for i in range(indices.shape[-1])]
    return x[tuple(parts)] if known(x, indices) else jnp.asarray(x)[tuple(parts)]


@op("ScatterND")
def _scatter_nd(node: Node, x: Value, indices: Value, updates: Value) -> Value:
    place = jnp.asarray(x).at[tuple(indices[..., i] for i in range(indices.shape[-1]))]
    return _scattered(node, place, updates)


@op("ScatterElements", "Scatter")
def _scatter_elements(node: Node, x: Value, indices: Value, updates: Value) -> Value:
    axis = axis_of(node, node.attr("axis", 0), x.ndim)
    grid = list(np.ix_(*(np.arange(size) for size in indices.shape)))
    grid[axis] = from_front(indices, x.shape[axis])
    return _scattered(node, jnp.asarray(x).at[tuple(grid)], updates)


def _scattered(node: Node, place: Any, updates: Value) -> Value:
    how = {"none": "set", "add": "add", "mul": "multiply", "max": "max", "min": "min"}
    reduction = node.attr("reduction", "none")
    if reduction not in how:
        raise node.fault(f"has the reduction `{reduction}`")
    return getattr(place, how[reduction])(updates)


@op("Transpose")
def _transpose(node: Node, x: Value) -> Value:
    order = node.attr("perm", list(range(x.ndim))[::-1])
    return names(x).transpose(x, tuple(order))


@op("Pad")
def _pad(
    node: Node, x: Value, pads: Value = None, value: Value = None, axes: Value = None
) -> Value:
    given = node.integers(1, "pads") or []
    chosen = axes_of(node, node.integers(3) or range(x.ndim), x.ndim)
    if len(given) != 2 * len(chosen):
        raise node.fault(f"has {len(given)} pads for {len(chosen)} dimensions")
    both = [(0, 0)] * x.ndim
    for place, axis in enumerate(chosen):
        both[axis] = (given[place], given[place + len(chosen)])
    checked_shape(
        node, [size + low + high for size, (low, high) in zip(x.shape, both, strict=True)]
    )
    mode = node.attr("mode", "constant")
    if mode != "constant":
        return names(x).pad(x, both, mode=mode)
    fill = node.attr("value", 0.0) if value is None else value.reshape(())
    fill = jnp.asarray(fill).astype(x.dtype)
    return lax.pad(jnp.asarray(x), fill, [(low, high, 0) for low, high in both])


@op("Range")
def _range(node: Node, *_: Value) -> Value:
    start, limit, step = (node.known(i) for i in range(3))
    if start is None or limit is None or step is None:
        raise node.fault("lacks a number")
    count = max(0, int(np.ceil((limit.item() - start.item()) / step.item())))
    checked_shape(node, [count])
    if count > SMALL:
        return jnp.arange(count, dtype=start.dtype) * step.item() + start.item()
    return (start.item() + np.arange(count) * step.item()).astype(start.dtype)


@op("EyeLike")
def _eye_like(node: Node, x: Value) -> Value:
    number = node.attr("dtype", 0)
    kind = element_type(number, node.where) if number else x.dtype
    return jnp.eye(x.shape[0], x.shape[1], k=node.attr("k", 0), dtype=kind)


@op("OneHot")
def _one_hot(node: Node, indices: Value, depth: Value, values: Value) -> Value:
    sizes = node.known(1)
    assert sizes is not None
    count = int(sizes.reshape(()))
    axis = node.attr("axis", -1)
    axis = axis + indices.ndim + 1 if axis < 0 else axis
    index = jnp.expand_dims(from_front(indices, count), axis)
    shape = tuple(count if d == axis else 1 for d in range(indices.ndim + 1))
    hot = index == np.arange(count).reshape(shape).astype(index.dtype)
    return jnp.where(hot, values[1], values[0])


@op("Trilu")
def _trilu(node: Node, x: Value, k: Value = None) -> Value:
    offset = (node.integers(1) or [0])[0]
    return (jnp.triu if node.attr("upper", 1) else jnp.tril)(x, offset)


@op("DepthToSpace")
def _depth_to_space(node: Node, x: Value) -> Value:
    n, c, h, w = x.shape
    b = node.attr("blocksize", 1)
    if node.attr("mode", "DCR") == "DCR":
        parts = x.reshape(n, b, b, c // b**2, h, w).transpose(0, 3, 4, 1, 5, 2)
    else:
        parts = x.reshape(n, c // b**2, b, b, h, w).transpose(0, 1, 4, 2, 5, 3)
    return parts.reshape(n, c // b**2, h * b, w * b)


@op("SpaceToDepth")
def _space_to_depth(node: Node, x: Value) -> Value:
    n, c, h, w = x.shape
    b = node.attr("blocksize", 1)
    if node.attr("mode", "DCR") != "DCR":
        raise node.fault("has a mode that this reader does not know")
    parts = x.reshape(n, c, h // b, b, w // b, b).transpose(0, 3, 5, 1, 2, 4)
    return parts.reshape(n, c * b * b, h // b, w // b)


@op("CumSum")
def _cumsum(node: Node, x: Value, axis: Value) -> Value:
    along = axis_of(node, (node.integers(1) or [0])[0], x.ndim)
    back = bool(node.attr("reverse", 0))
    total = lax.cumsum(jnp.asarray(x), along, reverse=back)
    return total - x if node.attr("exclusive", 0) else total


@op("TopK")
def _top_k(node: Node, x: Value, k: Value = None) -> Any:
    count = (node.integers(1) or [node.attr("k", 1)])[0]
    axis = axis_of(node, node.attr("axis", -1), x.ndim)
    moved = jnp.moveaxis(x, axis, -1)
    largest = node.attr("largest", 1)
    found, index = lax.top_k(moved if largest else -moved, count)
    found = found if largest else -found
    return jnp.moveaxis(found, -1, axis), jnp.moveaxis(index.astype(np.int64), -1, axis)


@op("ArgMax", "ArgMin")
def _arg(node: Node, x: Value) -> Value:
    axis = axis_of(node, node.attr("axis", 0), x.ndim)
    last = bool(node.attr("select_last_index", 0))
    x = jnp.flip(x, axis) if last else jnp.asarray(x)
    found = (lax.argmax if node.op == "ArgMax" else lax.argmin)(x, axis, np.int64)
    found = array(x.shape[axis] - 1, found) - found if last else found
    return jnp.expand_dims(found, axis) if node.attr("keepdims", 1) else found
