"""The same model by the runtime it was made for: onnxruntime, LiteRT, torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

Array = Any


def inputs(shapes: Sequence[tuple[tuple[int, ...], np.dtype[Any]]], seed: int) -> list[Array]:
    """Arrays like a model's own: images and sounds that change slowly, bytes, words.

    A whole number of one element is a sampling rate, 16,000.
    """
    dice = np.random.default_rng(seed)
    found = []
    for shape, kind in shapes:
        if kind.kind in "iu":
            size = int(np.prod(shape))
            value = np.full(shape, 16_000) if size == 1 else dice.integers(0, 256, shape)
        else:
            value = _smooth(shape, dice)
        found.append(np.asarray(value, kind))
    return found


def _smooth(shape: tuple[int, ...], dice: np.random.Generator) -> Array:
    """Waves along every long axis, with strokes of an edge, in [-1, 1]."""
    total = np.zeros(shape)
    for axis, size in enumerate(shape):
        if size > 4:
            waves = np.sin(np.arange(size) * dice.uniform(0.05, 0.5) + dice.uniform(0, 6))
            total = total + waves.reshape([-1 if d == axis else 1 for d in range(len(shape))])
    total = np.where(np.sin(total * 9) > 0.7, -1.0, total / max(1.0, np.abs(total).max()))
    return total + 0.05 * dice.standard_normal(shape)


def run(path: Path, given: Sequence[Array], fixed: Mapping[str, float]) -> list[Array]:
    """Outputs of the file's own runtime. fixed: inputs of one number, by name, not in `given`."""
    if path.suffix == ".onnx":
        return _onnx(path, given, fixed)
    return _lite(path, given) if path.suffix == ".tflite" else _torch(path, given)


def _onnx(path: Path, given: Sequence[Array], fixed: Mapping[str, float]) -> list[Array]:
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    names = [each.name for each in session.get_inputs() if each.name not in fixed]
    known = {name: np.asarray(value) for name, value in fixed.items()}
    return list(session.run(None, dict(zip(names, given, strict=True)) | known))


def _lite(path: Path, given: Sequence[Array]) -> list[Array]:
    from ai_edge_litert.interpreter import Interpreter

    machine = Interpreter(model_path=str(path))
    machine.allocate_tensors()
    for slot, value in zip(machine.get_input_details(), given, strict=True):
        machine.set_tensor(slot["index"], value)
    machine.invoke()
    return [machine.get_tensor(slot["index"]) for slot in machine.get_output_details()]


def _torch(path: Path, given: Sequence[Array]) -> list[Array]:
    import torch

    module = torch.export.load(path).module()
    found = module(*(torch.from_numpy(value) for value in given))
    several = found if isinstance(found, (list, tuple)) else (found,)
    return [each.detach().numpy() for each in several]


def distance(mine: Sequence[Array], theirs: Sequence[Array]) -> float:
    """max |mine - theirs| / max |theirs|, of the outputs' largest."""
    worst = 0.0
    for left, right in zip(mine, theirs, strict=True):
        if left.shape != right.shape:
            return float("inf")
        wide, other = np.asarray(left, np.float64), np.asarray(right, np.float64)
        size = max(float(np.abs(other).max(initial=0)), 1e-30)
        worst = max(worst, float(np.abs(wide - other).max(initial=0)) / size)
    return worst
