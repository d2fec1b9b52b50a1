"""The flow of a scheduled HLO module: what runs, in order, and which storage it reads and writes.

Loops are unrolled where that stays small, else their body stands once and counts `trips` times;
XLA's own memory space assignment does the latter. A *value* is one array in storage of its own.
Views (`bitcast`, `tuple`, `get-tuple-element`, parameters of loops) have none: their leaves are the
values that they view.
"""

from __future__ import annotations

from dataclasses import dataclass

from cosmalloc.errors import InputError
from cosmalloc.passes.xla_in_place import in_place
from cosmalloc.passes.xla_loops import called, trip_count
from cosmalloc.passes.xla_shape import Array, Index, leaves
from cosmalloc.passes.xla_text import Computation, Instruction, Module

VIEWS = frozenset(
    (
        "bitcast",
        "get-tuple-element",
        "tuple",
        "opt-barrier",
        "add-dependency",
        "domain",
        "after-all",
    )
)
MAX_STEPS = 200_000
MAX_CALLS = 50
Leaves = dict[Index, int]  # value per array of a shape


@dataclass(frozen=True, slots=True)
class Value:
    """One array in storage of its own.

    instruction, index: where it is born. trip: of each loop around, from outside in.
    step: that writes it; None for parameters and constants, which are there from the start.
    """

    instruction: str
    index: Index
    trip: tuple[int, ...]
    array: Array
    step: int | None


@dataclass(frozen=True, slots=True)
class Step:
    """One run of an instruction.

    reads: (operand number, index in it, value). writes: (index, value). trips: how often it stands
    for. view: it only names what is there.
    """

    computation: str
    instruction: Instruction
    trip: tuple[int, ...]
    trips: int
    reads: tuple[tuple[int, Index, int], ...]
    writes: tuple[tuple[Index, int], ...]
    view: bool


@dataclass(frozen=True, slots=True)
class Loop:
    """One run of a `while`: its name, what it carries in at first, its steps [start, stop)."""

    instruction: str
    carried: Leaves
    start: int
    stop: int


@dataclass(frozen=True)
class Flow:
    """parameters: value per leaf of the entry's parameters, by number. outputs: of its root.

    ties: (old, new) values that must lie in one storage: updates in place and loop carries.
    """

    module: Module
    steps: tuple[Step, ...]
    values: tuple[Value, ...]
    parameters: tuple[int, ...]
    outputs: tuple[int, ...]
    ties: tuple[tuple[int, int], ...]
    loops: tuple[Loop, ...] = ()


def flow(module: Module, unroll: int = 0, place: str = "the module") -> Flow:
    """Follow the module. unroll: most steps that an unrolled loop may have. InputError."""
    if not module.scheduled:
        raise InputError(
            f"{place} is not scheduled: its instructions stand in no order",
            "take the dump `after_optimizations`, whose first line has is_scheduled=true",
        )
    return _Walk(module, unroll, place).flow()


class _Walk:
    def __init__(self, module: Module, unroll: int, place: str) -> None:
        self.module = module
        self.unroll = unroll
        self.place = place
        self.steps: list[Step] = []
        self.values: list[Value] = []
        self.ties: list[tuple[int, int]] = []
        self.loops: list[Loop] = []
        self.constants: dict[tuple[str, str], Leaves] = {}
        self.depth = 0

    def flow(self) -> Flow:
        entry = self.module.computations[self.module.entry]
        arguments = [self._born(parameter, (), None) for parameter in entry.parameters()]
        root = self._run(entry, arguments, (), 1)
        return Flow(
            self.module,
            tuple(self.steps),
            tuple(self.values),
            tuple(value for each in arguments for value in each.values()),
            tuple(root.values()),
            tuple(self.ties),
            tuple(self.loops),
        )

    def _run(
        self, body: Computation, arguments: list[Leaves], trip: tuple[int, ...], trips: int
    ) -> Leaves:
        """Append the steps of a computation; the leaves of its root."""
        self.depth += 1
        if self.depth > MAX_CALLS:
            raise InputError(f"{self.place} calls computations more than {MAX_CALLS} deep")
        known: dict[str, Leaves] = {}
        for instruction in body.instructions:
            known[instruction.name] = self._step(body, instruction, known, arguments, trip, trips)
        self.depth -= 1
        return known[body.root.name]

    def _step(
        self,
        body: Computation,
        instruction: Instruction,
        known: dict[str, Leaves],
        arguments: list[Leaves],
        trip: tuple[int, ...],
        trips: int,
    ) -> Leaves:
        operands = [known[name] for name in instruction.operands]
        opcode = instruction.opcode
        if opcode == "parameter":
            number = int(instruction.literal)
            if number >= len(arguments):
                raise self._wrong(instruction, f"is parameter {number} of {len(arguments)}")
            self._append(body, instruction, trip, trips, (), (), True)
            return arguments[number]
        if opcode == "while":
            return self._loop(body, instruction, operands, trip, trips)
        inner = called(self.module, instruction, "to_apply") if opcode == "call" else None
        if inner is not None:
            return self._run(inner, operands, trip, trips)
        if opcode == "constant":
            key = (body.name, instruction.name)
            if key not in self.constants:
                self.constants[key] = self._born(instruction, (), None)
            self._append(body, instruction, trip, trips, (), (), True)
            return self.constants[key]
        reads = tuple(
            (number, index, value)
            for number, found in enumerate(operands)
            for index, value in found.items()
        )
        if opcode in VIEWS and (operands or opcode in ("tuple", "after-all")):
            self._append(body, instruction, trip, trips, (), (), True)
            return self._view(instruction, operands)
        made = self._made(instruction, operands, trip)
        fresh = tuple(
            (index, value)
            for index, value in made.items()
            if self.values[value].step == len(self.steps)
        )
        for index, number, inside in in_place(self.module, instruction):
            old, new = operands[number].get(inside), made.get(index)
            if old is not None and new is not None and old != new:
                self.ties.append((old, new))
        self._append(body, instruction, trip, trips, reads, fresh, False)
        return made

    def _made(
        self, instruction: Instruction, operands: list[Leaves], trip: tuple[int, ...]
    ) -> Leaves:
        """Leaves of what an instruction makes; asynchronous pairs hand their operands on."""
        opcode = instruction.opcode
        if opcode.endswith("-done") or opcode == "async-update":
            return self._done(instruction, operands, trip)
        made = self._born(instruction, trip, len(self.steps))
        if opcode == "copy-start":
            made[(1,)] = operands[0].get((), made[(1,)])
        elif opcode == "async-start":
            for number, found in enumerate(operands):
                for index, value in found.items():
                    if (0, number, *index) in made:
                        made[(0, number, *index)] = value
        return made

    def _done(
        self, instruction: Instruction, operands: list[Leaves], trip: tuple[int, ...]
    ) -> Leaves:
        """`copy-done` gives leaf 0 of its start, others leaf 1; where that fits."""
        slot = 0 if instruction.opcode == "copy-done" else 1
        wanted = [index for index, _ in leaves(instruction.shape)]
        if instruction.opcode == "async-update":
            return operands[0]
        if operands and all((slot, *index) in operands[0] for index in wanted):
            return {index: operands[0][(slot, *index)] for index in wanted}
        return self._born(instruction, trip, len(self.steps))

    def _view(self, instruction: Instruction, operands: list[Leaves]) -> Leaves:
        opcode = instruction.opcode
        if opcode == "tuple":
            return {
                (number, *index): value
                for number, found in enumerate(operands)
                for index, value in found.items()
            }
        if opcode == "get-tuple-element":
            word = instruction.attributes.get("index", "")
            number = int(word) if word.isdecimal() and len(word) < 9 else -1
            found = {
                index[1:]: value for index, value in operands[0].items() if index[:1] == (number,)
            }
            if not found:
                raise self._wrong(instruction, f"takes element {word or '?'}, which is not there")
            return found
        if opcode == "after-all":
            return self._born(instruction, (), None)
        return operands[0]

    def _loop(
        self,
        around: Computation,
        loop: Instruction,
        operands: list[Leaves],
        trip: tuple[int, ...],
        trips: int,
    ) -> Leaves:
        condition = called(self.module, loop, "condition")
        body = called(self.module, loop, "body")
        if condition is None or body is None or len(operands) != 1:
            raise self._wrong(loop, "names no body and condition for one operand")
        count = trip_count(self.module, around, loop)
        size = len(body.instructions) + len(condition.instructions)
        runs = count if count * size <= self.unroll else 1
        carried = first = operands[0]
        begin = len(self.steps)
        for run in range(runs):
            here = (*trip, run) if runs > 1 else trip
            times = trips if runs > 1 else trips * count
            self._run(condition, [carried], here, times)
            grown = self._run(body, [carried], here, times)
            if grown.keys() != carried.keys():
                raise self._wrong(loop, "carries another shape than its body returns")
            self.ties += [
                (carried[index], value) for index, value in grown.items() if carried[index] != value
            ]
            carried = grown
        self.loops.append(Loop(loop.name, first, begin, len(self.steps)))
        return carried

    def _born(self, instruction: Instruction, trip: tuple[int, ...], step: int | None) -> Leaves:
        made = {}
        for index, array in leaves(instruction.shape):
            made[index] = len(self.values)
            self.values.append(Value(instruction.name, index, trip, array, step))
        return made

    def _append(
        self,
        body: Computation,
        instruction: Instruction,
        trip: tuple[int, ...],
        trips: int,
        reads: tuple[tuple[int, Index, int], ...],
        writes: tuple[tuple[Index, int], ...],
        view: bool,
    ) -> None:
        if len(self.steps) >= MAX_STEPS:
            raise InputError(f"{self.place} runs more than {MAX_STEPS} steps")
        self.steps.append(Step(body.name, instruction, trip, trips, reads, writes, view))

    def _wrong(self, instruction: Instruction, words: str) -> InputError:
        return InputError(f"{self.place}, line {instruction.line}: `{instruction.name}` {words}")


def schedule(module: Module) -> dict[str, int]:
    """Logical time per instruction as XLA counts it: computations of a loop, then the loop."""
    times: dict[str, int] = {}
    _count(module, module.computations[module.entry], times, 0)
    return times


def _count(module: Module, body: Computation, times: dict[str, int], depth: int) -> None:
    for instruction in body.instructions if depth <= MAX_CALLS else ():
        if instruction.opcode in ("while", "call"):
            for key in ("condition", "body", "to_apply"):
                inner = called(module, instruction, key)
                if inner is not None:
                    _count(module, inner, times, depth + 1)
        times[instruction.name] = len(times)
