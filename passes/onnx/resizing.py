"""ONNX's Resize and Upsample: along each axis a few taps, each an index and a weight a place."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cosmalloc.passes.onnx.common import axes_of, checked_shape, op
from cosmalloc.passes.onnx.graph import Node, Value
from cosmalloc.passes.onnx.tensors import Array
from cosmalloc.passes.taps import Tap, along


@op("Upsample")
def _upsample(node: Node, x: Value, scales: Value = None) -> Value:
    given = node.known(1) if scales is not None else np.array(node.attr("scales", []))
    assert given is not None
    factors = [float(each) for each in given.reshape(-1)]
    sizes = [int(size * factor) for size, factor in zip(x.shape, factors, strict=True)]
    return _resized(node, x, range(x.ndim), sizes, factors, "asymmetric", "floor")


@op("Resize")
def _resize(
    node: Node, x: Value, roi: Value = None, scales: Value = None, sizes: Value = None
) -> Value:
    axes = axes_of(node, node.attr("axes", list(range(x.ndim))), x.ndim)
    place = 1 if node.version < 11 else 2
    given, wanted = node.known(place), node.integers(3)
    if wanted:
        factors = [size / x.shape[axis] for size, axis in zip(wanted, axes, strict=True)]
        policy = node.attr("keep_aspect_ratio_policy", "stretch")
        if policy != "stretch":
            one = min(factors) if policy == "not_larger" else max(factors)
            factors = [one] * len(axes)
            wanted = [int(np.floor(x.shape[a] * one + 0.5)) for a in axes]
    elif given is not None and given.size:
        factors = [float(each) for each in given.reshape(-1)]
        wanted = [int(np.floor(x.shape[a] * f)) for a, f in zip(axes, factors, strict=True)]
    else:
        raise node.fault("has neither scales nor sizes")
    default = "asymmetric" if node.version < 11 else "half_pixel"
    how = node.attr("coordinate_transformation_mode", default)
    if node.attr("antialias", 0) or how == "tf_crop_and_resize":
        raise node.fault("smooths or crops, which this reader does not know")
    nearest = node.attr("nearest_mode", "floor" if node.version < 11 else "round_prefer_floor")
    return _resized(node, x, axes, wanted, factors, how, nearest)


def _resized(
    node: Node,
    x: Value,
    axes: Sequence[int],
    sizes: Sequence[int],
    factors: Sequence[float],
    how: str,
    nearest: str,
) -> Value:
    checked_shape(node, sizes)
    mode = node.attr("mode", "nearest")
    for axis, size, factor in zip(axes, sizes, factors, strict=True):
        if size == x.shape[axis] and factor == 1:
            continue
        at = _source(node, how, size, x.shape[axis], factor)
        x = along(x, axis, _taps(node, mode, nearest, at, x.shape[axis]))
    return x


def _source(node: Node, how: str, size: int, before: int, factor: float) -> Array:
    """Where in the input each place of the output lies."""
    places = np.arange(size, dtype=np.float64)
    if how == "asymmetric":
        return places / factor
    if how == "align_corners":
        last = before * factor - 1
        return places * (before - 1) / last if size > 1 else places * 0
    if how == "pytorch_half_pixel" and size == 1:
        return places * 0
    if how == "half_pixel_symmetric":
        middle = before / 2 * (1 - size / (before * factor))
        return middle + (places + 0.5) / factor - 0.5
    if how == "tf_half_pixel_for_nn":
        return (places + 0.5) / factor
    if how in ("half_pixel", "pytorch_half_pixel"):
        return (places + 0.5) / factor - 0.5
    raise node.fault(f"places its elements by `{how}`, which this reader does not know")


def _taps(node: Node, mode: str, nearest: str, at: Array, before: int) -> list[Tap]:
    if mode == "nearest":
        rounded = {
            "floor": np.floor(at),
            "ceil": np.ceil(at),
            "round_prefer_floor": np.ceil(at - 0.5),
            "round_prefer_ceil": np.floor(at + 0.5),
        }
        if nearest not in rounded:
            raise node.fault(f"rounds by `{nearest}`, which this reader does not know")
        return [Tap(_inside(rounded[nearest], before), None)]
    if mode == "linear":
        at = np.clip(at, 0, before - 1)
        low = np.floor(at)
        part = at - low
        return [Tap(_inside(low, before), 1 - part), Tap(_inside(low + 1, before), part)]
    if mode == "cubic":
        return _cubic(node, at, before)
    raise node.fault(f"has the mode `{mode}`, which this reader does not know")


def _cubic(node: Node, at: Array, before: int) -> list[Tap]:
    """Keys' cubic convolution with the coefficient a (Keys 1981)."""
    a = node.attr("cubic_coeff_a", -0.75)
    low = np.floor(at)
    places = [low + step for step in (-1, 0, 1, 2)]
    weights = []
    for place in places:
        d = np.abs(at - place)
        near = (a + 2) * d**3 - (a + 3) * d**2 + 1
        far = a * d**3 - 5 * a * d**2 + 8 * a * d - 4 * a
        weights.append(np.where(d <= 1, near, np.where(d < 2, far, 0.0)))
    if node.attr("exclude_outside", 0):
        inside = [(p >= 0) & (p < before) for p in places]
        weights = [np.where(keep, w, 0.0) for keep, w in zip(inside, weights, strict=True)]
        total = sum(weights)
        weights = [w / total for w in weights]
    return [Tap(_inside(p, before), w) for p, w in zip(places, weights, strict=True)]


def _inside(places: Array, size: int) -> Array:
    return np.clip(places, 0, size - 1).astype(np.int32)
