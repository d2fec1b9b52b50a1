"""A mapped model run on data beside the original one.

Three runs on the same random arguments:
    mapped    through the plan's addresses and copies (`passes.execution`)
    kernels   the same kernels in the same order on plain values
    original  the module as it came, as XLA:CPU compiles the whole of it
The first two must agree bit for bit: between them there is only the plan. The third may fuse other
operations and so round otherwise: there the distance counts,
    distance = max |mapped - original| / max |original|      per output, the largest
and integers and booleans must be equal.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from cosmalloc.map_model import MappedModel

if TYPE_CHECKING:
    from jaxlib.mlir import ir

    from cosmalloc.passes.doors import Opening

TOLERANCE = 1e-3  # of floating point against the whole program, where kernels agree bit for bit
Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Checked:
    """same_bits: mapped and kernels agree. distance: from the original, 0 without outputs.
    outputs: how many. finite: no output of the original has an infinity or a NaN."""

    same_bits: bool
    distance: float
    outputs: int
    finite: bool

    @property
    def good(self) -> bool:
        """Whether the mapped model computes what the original does."""
        return self.same_bits and self.distance <= TOLERANCE


def check(
    model: Any, mapped: MappedModel, seed: int = 0, opening: Opening | None = None
) -> Checked:
    """Runs and compares. model: what was mapped: a path, text, bytes or an MLIR module;
    opening: how it was read.

    Raises InputError for element types that can't be run.
    """
    from cosmalloc.passes import context, execute, execute_unmapped, read_model
    from cosmalloc.passes.kernels import compile_module, run_compiled

    assert mapped.module is not None
    original, _ = read_model(model, opening=opening)
    arguments = random_arguments(original, seed)
    through_plan = execute(mapped.module, arguments)
    kernels = execute_unmapped(mapped.module, arguments)
    whole = run_compiled(compile_module(context.to_bytecode(original)), arguments)
    same = all(map(_same_bits, through_plan, kernels))
    pairs = list(zip(through_plan, whole, strict=True))
    distance = max((_distance(mine, theirs) for mine, theirs in pairs), default=0.0)
    finite = all(np.isfinite(_wide(theirs)).all() for _, theirs in pairs)
    return Checked(same, distance, len(pairs), bool(finite))


def random_arguments(module: ir.Module, seed: int) -> list[Array]:
    """Arrays for the arguments of `main`: of order one and positive where they are vectors (scales,
    variances), normal with variance 1 / fan-in elsewhere; integers 0 or 1; the same for the same
    seed.
    """
    from cosmalloc.passes import context
    from cosmalloc.passes.numpy_types import numpy_type, shape_of

    dice = np.random.default_rng(seed)
    with module.context:
        block = context.entry(module.operation).regions[0].blocks[0]
        kinds = [(shape_of(a.type), numpy_type(a.type)) for a in block.arguments]
    return [_draw(dice, shape, kind) for shape, kind in kinds]


def _draw(dice: np.random.Generator, shape: tuple[int, ...], kind: np.dtype[Any]) -> Array:
    if kind.kind in "iub" or "int" in kind.name:
        return dice.integers(0, 2, shape).astype(kind)
    if len(shape) < 2:
        return np.asarray(dice.uniform(0.5, 1.5, shape)).astype(kind)
    fan_in = max(1, math.prod(shape[:-1]))
    return np.asarray(dice.standard_normal(shape, np.float32) / math.sqrt(fan_in)).astype(kind)


def _same_bits(left: Array, right: Array) -> bool:
    return left.shape == right.shape and left.tobytes() == right.tobytes()


def _wide(array: Array) -> Array:
    return np.asarray(array, np.complex128 if array.dtype.kind == "c" else np.float64)


def _distance(mine: Array, theirs: Array) -> float:
    if mine.shape != theirs.shape:
        return math.inf
    if mine.dtype.kind in "iub" or "int" in mine.dtype.name:
        return 0.0 if np.array_equal(mine, theirs) else math.inf
    left, right = _wide(mine), _wide(theirs)
    odd = ~np.isfinite(left) | ~np.isfinite(right)
    if not np.array_equal(left[odd], right[odd], equal_nan=True):
        return math.inf
    plain = ~odd
    if not plain.any():
        return 0.0
    largest = max(float(np.abs(right[plain]).max()), 1e-30)
    return float(np.abs(left[plain] - right[plain]).max()) / largest
