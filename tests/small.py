"""Words to write small problems and plans by hand."""

from __future__ import annotations

from collections.abc import Sequence

from cosmalloc.plan import Residency, Transfer
from cosmalloc.problem import Operator, Problem, Tensor, TensorKind
from cosmalloc.target import OperandRule, Target


def toy(
    scratchpad: int, rule: OperandRule = "resident", alignment: int = 1, engines: int = 2
) -> Target:
    """One byte per second off-chip in each direction, on chip so fast that it adds nothing."""
    return Target("toy", scratchpad, alignment, rule, 1.0, 1.0, 2.0**40, 2.0**40, None, engines)


def tensor(
    name: str,
    size: int,
    kind: TensorKind = "intermediate",
    group: int | None = None,
    tracked: bool = True,
) -> Tensor:
    """A tensor."""
    return Tensor(name, size, kind, tracked, group)


def operator(
    tensors: Sequence[Tensor],
    inputs: Sequence[int],
    outputs: Sequence[int],
    seconds: float = 0.0,
    name: str = "op",
) -> Operator:
    """An operator that accesses every byte of its operands and results."""
    sizes = [tuple(tensors[t].bytes for t in ends) for ends in (inputs, outputs)]
    return Operator(name, "toy", tuple(inputs), tuple(outputs), *sizes, seconds)


def problem(target: Target, tensors: Sequence[Tensor], operators: Sequence[Operator]) -> Problem:
    """A problem called `small`."""
    return Problem("small", target, tuple(tensors), tuple(operators))


def stay(tensor: int, offset: int, start: int, stop: int) -> Residency:
    """A residency."""
    return Residency(tensor, offset, start, stop)


def load(tensor: int, start: int, stop: int | None = None) -> Transfer:
    """A load; blocking if no stop is given."""
    return Transfer(tensor, "load", start, start if stop is None else stop)


def store(tensor: int, start: int, stop: int | None = None) -> Transfer:
    """A store; blocking if no stop is given."""
    return Transfer(tensor, "store", start, start if stop is None else stop)
