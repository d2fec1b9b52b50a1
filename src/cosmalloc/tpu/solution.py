"""What memory space assignment decided, read out of the program that it left, as a `Plan`.

The module after it has the same operators, in the same order, and copies between: `copy-start` and
`copy-done`; slices (`async-start` of a slice, `async-done`) that a `ConcatBitcast` joins. Layouts
name the memory of every value, the buffer assignment its offset. A copy becomes a transfer from the
border at which it is issued to the border at which it is done; a sliced one spans its slices.
"""

from __future__ import annotations

from dataclasses import dataclass

from cosmalloc.passes.xla_flow import Flow, Step, flow
from cosmalloc.passes.xla_problem import XlaProgram, value_name
from cosmalloc.passes.xla_shape import Index
from cosmalloc.passes.xla_text import parse_hlo
from cosmalloc.plan import Plan, Residency, Transfer
from cosmalloc.tpu.buffers import read_buffers
from cosmalloc.tpu.compile import Compiled
from cosmalloc.tpu.extract import UNROLLED
from cosmalloc.tpu.topology import Topology

Key = tuple[str, str, tuple[int, ...]]  # computation, instruction, trip


@dataclass(frozen=True)
class Solution:
    """plan: in the words of the problem.

    sliced: loads that the compiler cut. replaced: operators that it turned into copies. unplaced:
    values in the fast memory that the problem does not plan.
    """

    plan: Plan
    sliced: int
    replaced: tuple[str, ...]
    unplaced: tuple[str, ...]


@dataclass
class _Stay:
    """A value of the module after, in the fast memory. start, ready, stop: borders and steps."""

    tensor: int
    offset: int
    start: int
    ready: int | None  # of a load
    stop: int
    queue: int  # place among the copies issued


def read_solution(
    program: XlaProgram, compiled: Compiled, topology: Topology, *, as_it_ran: bool = False
) -> Solution:
    """The compiler's own plan for `program`, extracted from the same compilation.

    as_it_ran: in the order of the program that it left, where views have moved, and with copies
    that are issued before another is waited for at the same border one border earlier, where only
    a view is between: nearer to what was simulated, perhaps no legal plan. Else in the problem's
    order, and at a border all waits come before what is issued there.
    """
    unrolled = any(step.trip for step in program.flow.steps)
    module = parse_hlo(compiled.after, "the compiler's solution")
    after = flow(module, UNROLLED if unrolled else 0)
    offsets = read_buffers(compiled.buffers, topology.space)
    reader = _Reader(program, after, offsets, topology.space)
    if as_it_ran:
        reader.order_of_run()
        reader.early = True
    return reader.solution()


class _Reader:
    def __init__(
        self, program: XlaProgram, after: Flow, offsets: dict[tuple[str, Index], int], space: int
    ) -> None:
        self.program = program
        self.before = program.flow
        self.after = after
        self.offsets = offsets
        self.space = space
        self.steps = {_key(step): n for n, step in enumerate(self.before.steps)}
        self.origin: dict[int, int] = {}  # value after -> value before
        self.stays: dict[int, _Stay] = {}  # value after -> its stay
        self.stores: list[Transfer] = []
        self.queue: dict[tuple[int, str, int, int], int] = {}
        self.sequence = tuple(range(len(program.problem.operators)))
        self.place = list(self.sequence)  # of each operator in it
        self.unplaced: set[str] = set()
        self.sliced = 0
        self.issued = 0
        self.early = False  # whether what is issued before a wait keeps its place
        self.pending: dict[int, tuple[int, int, int]] = {}  # copied value -> source, border, queue

    def order_of_run(self) -> None:
        """Operators in the order of the module after."""
        ran = [self.steps[_key(step)] for step in self.after.steps if _key(step) in self.steps]
        operators = [o for o in map(self.program.operator_of.__getitem__, ran) if o is not None]
        self.sequence = tuple(dict.fromkeys([*operators, *self.sequence]))
        for place, operator in enumerate(self.sequence):
            self.place[operator] = place

    def solution(self) -> Solution:
        for old, new in zip(self.before.parameters, self.after.parameters, strict=True):
            self.origin[new] = old
        constants = _constants(self.before)
        for name, new in _constants(self.after).items():
            if name in constants:
                self.origin[new] = constants[name]
        at = 0  # the next operator: the border that copies here belong to
        seen: set[int] = set()
        for step in self.after.steps:
            known = self.steps.get(_key(step))
            if known is not None:
                seen.add(known)
                operator = self.program.operator_of[known]
                place = None if operator is None else self.place[operator]
                if not step.view:
                    self._match(step, self.before.steps[known], place, at)
                if place is not None and (not step.view or place == at):
                    at = place + 1  # views may have moved
            elif not step.view:
                self._copy(step, at)
        replaced = tuple(
            step.instruction.name
            for n, step in enumerate(self.before.steps)
            if n not in seen and not step.view and self.program.operator_of[n] is not None
        )
        return Solution(self._plan(), self.sliced, replaced, tuple(sorted(self.unplaced)))

    def _match(self, step: Step, old: Step, place: int | None, at: int) -> None:
        """A step of the program itself."""
        here = at if place is None else place
        if len(step.reads) == len(old.reads):
            for (_, _, value), (_, _, meant) in zip(step.reads, old.reads, strict=True):
                self._use(value, meant, here)
        writes = dict(old.writes)
        for index, value in step.writes:
            if index in writes:
                self.origin[value] = writes[index]
                self._arrive(value, here, None)

    def _use(self, value: int, meant: int, step: int) -> None:
        stay = self.stays.get(value)
        if stay is None:
            return
        tensor = self.program.tensor_of[meant]
        if tensor is not None and tensor != stay.tensor:
            stay.tensor = tensor  # a copy that the compiler made asynchronous
        stay.stop = max(stay.stop, step + 1)

    def _arrive(self, value: int, start: int, ready: int | None, queue: int = -1) -> None:
        """A value that is written into the fast memory."""
        if self.after.values[value].array.space != self.space:
            return
        born = self.after.values[value]
        offset = self.offsets.get((born.instruction, born.index))
        tensor = self.program.tensor_of[self.origin[value]] if value in self.origin else None
        if tensor is None or offset is None or not self.program.problem.tensors[tensor].tracked:
            self.unplaced.add(value_name(born))
            return
        stop = (start if ready is None else ready) + 1
        self.stays[value] = _Stay(tensor, offset, start, ready, stop, queue)

    def _copy(self, step: Step, at: int) -> None:
        """A step that memory space assignment added."""
        opcode = step.instruction.opcode
        if opcode in ("copy-start", "async-start") and step.reads and step.writes:
            source = step.reads[0][2]
            for index, value in step.writes:
                if index == ((0,) if opcode == "copy-start" else (1,)):
                    self.issued += 1
                    self.pending[value] = (source, at, self.issued)
        elif opcode == "copy-done":
            value = next((v for _, index, v in step.reads if index == (0,)), -1)
            if self.early and at > 0 and self._is_view(at - 1):
                self._issue_before(at, value)
            if value in self.pending:
                source, start, queue = self.pending[value]
                self._moved(value, source, start, at, queue)
        elif opcode == "custom-call" and step.writes:
            parts = [self.pending[v] for _, _, v in step.reads if v in self.pending]
            if parts:
                self.sliced += 1
                source, start, queue = min(parts, key=lambda part: part[1:])
                self._moved(step.writes[0][1], source, start, at, queue)

    def _issue_before(self, at: int, waited: int) -> None:
        """Whatever was issued at this border, but the copy waited for, goes to the one before."""
        for value, (source, start, queue) in self.pending.items():
            if start == at and value != waited:
                self.pending[value] = (source, at - 1, queue)

    def _is_view(self, place: int) -> bool:
        steps = self.program.step_of[self.sequence[place]]
        return self.before.steps[steps[0]].view

    def _moved(self, value: int, source: int, start: int, stop: int, queue: int) -> None:
        if source not in self.origin:
            return
        self.origin[value] = self.origin[source]
        self._arrive(value, start, stop, queue)
        stay = self.stays.get(source)
        if stay is not None and self.after.values[value].array.space == 0:
            self.stores.append(Transfer(stay.tensor, "store", start, stop))
            self.queue[stay.tensor, "store", start, stop] = queue
            stay.stop = max(stay.stop, stop)

    def _plan(self) -> Plan:
        stays, transfers = [], list(self.stores)
        steps = len(self.program.problem.operators)
        for stay in {id(stay): stay for stay in self.stays.values()}.values():
            if stay.stop <= stay.start or stay.start >= steps:
                continue
            stop = min(stay.stop, steps)
            stays.append(Residency(stay.tensor, stay.offset, stay.start, stop))
            if stay.ready is not None:
                ready = min(stay.ready, stop - 1)
                transfers.append(Transfer(stay.tensor, "load", stay.start, ready))
                self.queue[stay.tensor, "load", stay.start, ready] = stay.queue
        transfers.sort(
            key=lambda c: (c.start, self.queue.get((c.tensor, c.kind, c.start, c.stop), 0))
        )
        return Plan(self.sequence, tuple(sorted(stays)), tuple(transfers))


def _constants(program: Flow) -> dict[str, int]:
    """Values that nobody makes, by the name of their instruction."""
    given = set(program.parameters)
    return {
        value.instruction: number
        for number, value in enumerate(program.values)
        if value.step is None and number not in given
    }


def _key(step: Step) -> Key:
    return step.computation, step.instruction.name, step.trip
