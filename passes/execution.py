"""A plan run on real data: a byte buffer as large as the scratchpad, an off-chip store, copies.

Each operator reads its operands' bytes where the plan has them at its step, XLA:CPU evaluates its
kernel, and the results' bytes go where the plan puts them; before that they are garbage, unless the
kernel works in place. Copies are timed as badly as the plan
allows: a load's bytes are garbage until it must be complete; a store reads its bytes as late as it
may, and writes garbage if they changed since it was issued. So a plan that is wrong gives wrong
data or an `ExecutionError`, even though nothing here knows the laws of a plan.

A planned byte stands for `unit` bytes of data, the least whole number for which every tensor fits
(4 where one-byte elements are planned and float32 run).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from jaxlib.mlir import ir

from cosmalloc.errors import InputError
from cosmalloc.passes.kernels import Kernels
from cosmalloc.passes.numpy_types import array_bytes, array_of, numpy_type, shape_of
from cosmalloc.passes.plan_in import read_program
from cosmalloc.passes.program import Program
from cosmalloc.plan import Plan, Transfer

Bytes = npt.NDArray[np.uint8]
Array = npt.NDArray[Any]
_GARBAGE = 0xA5


class ExecutionError(Exception):
    """The plan asks for bytes that are not there."""


def execute(module: ir.Module, arguments: Sequence[Any], plan: Plan | None = None) -> list[Array]:
    """Outputs of a mapped module, computed through its plan's addresses and copies.

    arguments: arrays in the order of `main`'s arguments (`jax.tree.leaves` of a function's).
    plan: run this instead of the module's own. Raises InputError, ExecutionError.
    """
    with module.context, ir.Location.unknown():
        mapped = read_program(module.operation)
        chosen = plan or mapped.outcome.plan
        assert chosen is not None
        return _Machine(mapped.program, chosen, arguments).run()


def execute_unmapped(module: ir.Module, arguments: Sequence[Any]) -> list[Array]:
    """The same kernels in the same order on plain values: no scratchpad, no copies."""
    with module.context, ir.Location.unknown():
        mapped = read_program(module.operation)
        assert mapped.outcome.plan is not None
        machine = _Machine(mapped.program, Plan(mapped.outcome.plan.order), arguments)
        return machine.run(everywhere=True)


@dataclass(frozen=True)
class _Stay:
    offset: int
    start: int
    ready: int  # first step at which its bytes are there
    stop: int


class _Machine:
    def __init__(self, program: Program, plan: Plan, arguments: Sequence[Any]) -> None:
        self.program, self.problem, self.plan = program, program.problem, plan
        self.kernels = Kernels(program)
        block = program.main.regions[0].blocks[0]
        self.home: dict[int, Bytes] = {}  # off-chip bytes per tensor
        self._take(block, arguments)
        self.unit = self._unit()
        size = self.problem.target.scratchpad_bytes * self.unit if plan.residencies else 0
        self.chip = np.full(size, _GARBAGE, np.uint8)
        complete = {(t.tensor, t.start): t.stop for t in plan.transfers if t.kind == "load"}
        self.stays: dict[int, list[_Stay]] = {}
        for r in plan.residencies:
            ready = complete.get((r.tensor, r.start), r.start)
            self.stays.setdefault(r.tensor, []).append(_Stay(r.offset, r.start, ready, r.stop))
        self.snapshots: dict[Transfer, Bytes] = {}

    def run(self, *, everywhere: bool = False) -> list[Array]:
        """everywhere: ignore residencies; every tensor is read and written off-chip."""
        issued: dict[int, list[Transfer]] = {}
        due: dict[int, list[Transfer]] = {}
        for transfer in self.plan.transfers:
            issued.setdefault(transfer.start, []).append(transfer)
            due.setdefault(transfer.stop, []).append(transfer)
        steps = len(self.plan.order)
        for step in range(steps + 1):
            self._border(issued.get(step, []), due.get(step, []))
            if step < steps:
                self._operate(step, self.plan.order[step], everywhere)
        block = self.program.main.regions[0].blocks[0]
        terminator = block.operations[len(block.operations) - 1]
        return [self._output(value) for value in terminator.operands]

    def _border(self, issued: list[Transfer], due: list[Transfer]) -> None:
        """Asynchronous copies complete, blocking stores, blocking loads, then new ones begin."""
        for transfer in due:
            if transfer.start < transfer.stop:
                self._complete(transfer)
        for kind in ("store", "load"):
            for transfer in issued:
                if transfer.start == transfer.stop and transfer.kind == kind:
                    self._begin(transfer)
                    self._complete(transfer)
        for transfer in issued:
            if transfer.start < transfer.stop:
                self._begin(transfer)

    def _begin(self, transfer: Transfer) -> None:
        if transfer.kind == "load":
            self._window(transfer.tensor, transfer.start, after=True)[:] = _GARBAGE
        else:
            window = self._window(transfer.tensor, transfer.start, after=False)
            self.snapshots[transfer] = window.copy()

    def _complete(self, transfer: Transfer) -> None:
        tensor = transfer.tensor
        if transfer.kind == "load":
            window = self._window(tensor, transfer.start, after=True)
            data = self._at_home(tensor)
            window[: data.size] = data
            return
        before = self.snapshots.pop(transfer)
        now = self._window(tensor, transfer.start, after=False)
        data = now.copy() if np.array_equal(before, now) else np.full_like(now, _GARBAGE)
        self.home[tensor] = data[: self._size(tensor)]

    def _window(self, tensor: int, border: int, *, after: bool) -> Bytes:
        """The scratchpad bytes of a tensor at a border: the stay that begins there, or lasts."""
        for stay in self.stays.get(tensor, ()):
            if stay.start == border if after else stay.start < border <= stay.stop:
                begin = stay.offset * self.unit
                window = self.chip[begin : begin + self.problem.tensors[tensor].bytes * self.unit]
                if window.size == self.problem.tensors[tensor].bytes * self.unit:
                    return window
        raise ExecutionError(f"tensor {self._name(tensor)} is not on chip at border {border}")

    def _operate(self, step: int, operator: int, everywhere: bool) -> None:
        handle = self.program.operations[operator]
        for tensor in () if everywhere else self.problem.operators[operator].outputs:
            self._spoil(tensor, step, operator)
        operands = [
            array_of(self._read(self.program.tensors[value], step, everywhere), value.type)
            for value in self.kernels.inputs(operator)
        ]
        results = self.kernels.run(operator, operands)
        outputs = self.problem.operators[operator].outputs
        for tensor in outputs[len(results) :]:  # a workspace: it clobbers its bytes
            self._write(tensor, step, np.full(0, 0, np.uint8), everywhere)
        for tensor, result, value in zip(outputs, results, handle.results, strict=False):
            data = array_bytes(np.asarray(result, numpy_type(value.type)))
            self._write(tensor, step, data, everywhere)

    def _spoil(self, tensor: int, step: int, operator: int) -> None:
        """A kernel may write a result before it has read its operands, unless it works in place."""
        begun = [stay for stay in self.stays.get(tensor, ()) if stay.start == step]
        group = self.problem.tensors[tensor].alias_group
        inputs = self.problem.operators[operator].inputs
        partners = [t for t in inputs if self.problem.tensors[t].alias_group == group]
        taken = {
            stay.offset
            for partner in (partners if group is not None else ())
            for stay in self.stays.get(partner, ())
            if stay.ready <= step < stay.stop
        }
        for stay in begun:
            if stay.offset not in taken:
                begin = stay.offset * self.unit
                size = self.problem.tensors[tensor].bytes * self.unit
                self.chip[begin : begin + size] = _GARBAGE

    def _read(self, tensor: int, step: int, everywhere: bool) -> Bytes:
        if not everywhere:
            for stay in self.stays.get(tensor, ()):
                if stay.ready <= step < stay.stop:
                    begin = stay.offset * self.unit
                    return self.chip[begin : begin + self._size(tensor)]
        return self._at_home(tensor)

    def _write(self, tensor: int, step: int, data: Bytes, everywhere: bool) -> None:
        for stay in () if everywhere else self.stays.get(tensor, ()):
            if stay.start == step:
                begin = stay.offset * self.unit
                window = self.chip[begin : begin + self.problem.tensors[tensor].bytes * self.unit]
                if window.size < data.size:
                    raise ExecutionError(f"tensor {self._name(tensor)} lies beyond the scratchpad")
                window[:] = _GARBAGE
                window[: data.size] = data
                return
        self.home[tensor] = data

    def _at_home(self, tensor: int) -> Bytes:
        if tensor not in self.home:
            raise ExecutionError(f"tensor {self._name(tensor)} has no copy off-chip")
        return self.home[tensor]

    def _output(self, value: ir.Value[Any]) -> Array:
        return array_of(self._at_home(self.program.tensors[value]), value.type).copy()

    def _name(self, tensor: int) -> str:
        return f"{tensor} (`{self.problem.tensors[tensor].name}`)"

    def _take(self, block: ir.Block, arguments: Sequence[Any]) -> None:
        if len(arguments) != len(block.arguments):
            raise InputError(
                f"the program has {len(block.arguments)} arguments, {len(arguments)} were given",
                "give the leaves of the arguments; JAX drops those that the function does not read",
            )
        for place, (value, given) in enumerate(zip(block.arguments, arguments, strict=True)):
            array = np.asarray(given)
            want = (shape_of(value.type), numpy_type(value.type))
            if (array.shape, array.dtype) != want:
                raise InputError(
                    f"argument {place} is {array.dtype}{list(array.shape)},"
                    f" the program wants {want[1]}{list(want[0])}"
                )
            self.home[self.program.tensors[value]] = array_bytes(array)
        for operation in block:
            if operation.operation.name == "stablehlo.constant":
                value = operation.results[0]
                data = np.array(operation.attributes["value"])
                full = np.broadcast_to(data, shape_of(value.type)).astype(numpy_type(value.type))
                self.home[self.program.tensors[value]] = array_bytes(full)

    def _unit(self) -> int:
        """Bytes of data per planned byte."""
        real = {t: _data_bytes(value.type) for value, t in self.program.tensors.items()}
        self.real = real
        return max(
            (-(-count // self.problem.tensors[tensor].bytes) for tensor, count in real.items()),
            default=1,
        )

    def _size(self, tensor: int) -> int:
        return self.real[tensor]


def _data_bytes(kind: ir.Type) -> int:
    return int(np.prod(shape_of(kind), dtype=np.int64)) * numpy_type(kind).itemsize
