"""A followed HLO module as a `Problem` under the rule `anywhere`, and the way back.

Operators are the steps that take time or touch storage; runs of views count as one operator of
their summed seconds and no tensors. Tensors are values, with padded bytes; values that must lie in
one storage (updates in place, carries of loops) share an alias group. A loop body that stands once
counts `trips` times in seconds and bytes accessed; its copies count once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from cosmalloc.passes.xla_flow import Flow, Step, Value
from cosmalloc.passes.xla_shape import Index
from cosmalloc.problem import Operator, Problem, Tensor, TensorKind
from cosmalloc.target import Target

CLOSE = 1e-5  # of the bytes: the compiler's log has six digits
NOISE = 1e-4  # of the bytes that a step accesses


@dataclass(frozen=True, slots=True)
class StepCost:
    """One trip. seconds: of the arithmetic, or None and flops.

    accessed: bytes in all. operands: by (number, index); results: by index.
    """

    seconds: float | None
    flops: int | None
    accessed: float
    operands: Mapping[tuple[int, Index], float]
    results: Mapping[Index, float]


@dataclass(frozen=True)
class XlaProgram:
    """problem: what to plan. flow: what it was read from.

    tensor_of: per value its tensor, None for one that has none (tokens, other memories).
    operator_of: per step its operator, None for one that takes no time.
    step_of: per operator its steps, in order.
    """

    problem: Problem
    flow: Flow
    tensor_of: tuple[int | None, ...]
    operator_of: tuple[int | None, ...]
    step_of: tuple[tuple[int, ...], ...]


def xla_program(
    flow: Flow,
    cost: Callable[[Step], StepCost],
    target: Target,
    name: str,
    *,
    merge_views: bool = True,
) -> XlaProgram:
    """The problem of a followed module. merge_views: False keeps an operator per view."""
    return _Builder(flow, cost, target, name, merge_views).program()


class _Builder:
    def __init__(
        self,
        flow: Flow,
        cost: Callable[[Step], StepCost],
        target: Target,
        name: str,
        merge_views: bool,
    ) -> None:
        self.flow = flow
        self.target = target
        self.name = name
        self.merge_views = merge_views
        self.costs = [cost(step) for step in flow.steps]

    def program(self) -> XlaProgram:
        groups = self._ties()
        tensors, tensor_of = self._tensors(groups)
        operators: list[Operator] = []
        steps: list[tuple[int, ...]] = []
        operator_of: list[int | None] = []
        views: list[int] = []
        for number, step in enumerate(self.flow.steps):
            if step.view and not self._views_end(views, step, number):
                views += [number] if self.costs[number].seconds else []
                operator_of.append(len(operators) if self.costs[number].seconds else None)
                continue
            if views:
                self._close(views, operators, steps)
            if step.view:
                views += [number] if self.costs[number].seconds else []
                operator_of.append(len(operators) if self.costs[number].seconds else None)
                continue
            made = self._operator(number, step, tensor_of, tensors)
            operator_of.append(None if made is None else len(operators))
            if made is not None:
                operators.append(made)
                steps.append((number,))
        if views:
            self._close(views, operators, steps)
        problem = Problem(self.name, self.target, tuple(tensors), tuple(operators))
        return XlaProgram(problem, self.flow, tuple(tensor_of), tuple(operator_of), tuple(steps))

    def _views_end(self, views: list[int], step: Step, number: int) -> bool:
        """Whether view `number` starts an operator of its own."""
        if not views or not self.costs[number].seconds:
            return False
        return not self.merge_views or self.flow.steps[views[0]].trips != step.trips

    def _close(
        self, views: list[int], operators: list[Operator], steps: list[tuple[int, ...]]
    ) -> None:
        """One operator for the views that wait."""
        first = self.flow.steps[views[0]]
        speed = self.target.offchip_write_bytes_per_second  # a tuple writes its table of addresses
        seconds = first.trips * sum(
            max(self.costs[n].seconds or 0.0, self.costs[n].accessed / speed) for n in views
        )
        name = f"{first.instruction.name}{_trip(first.trip)}"
        operators.append(Operator(name, "view", (), (), (), (), seconds))
        steps.append(tuple(views))
        views.clear()

    def _ties(self) -> dict[int, int]:
        """Alias group per value that has one."""
        leader: dict[int, int] = {}

        def find(value: int) -> int:
            while leader.setdefault(value, value) != value:
                value = leader[value]
            return value

        for old, new in self.flow.ties:
            if self._bytes(old) == self._bytes(new):
                leader[find(new)] = find(old)
        numbers = {each: n for n, each in enumerate(sorted({find(v) for v in leader}))}
        return {value: numbers[find(value)] for value in leader}

    def _bytes(self, value: int) -> int:
        return self.flow.values[value].array.padded_bytes

    def _tensors(self, groups: dict[int, int]) -> tuple[list[Tensor], list[int | None]]:
        used = {v for step in self.flow.steps for _, _, v in step.reads}
        used |= {v for step in self.flow.steps for _, v in step.writes}
        outputs, parameters = set(self.flow.outputs), set(self.flow.parameters)
        tensors: list[Tensor] = []
        tensor_of: list[int | None] = []
        for number, value in enumerate(self.flow.values):
            if number not in used or not _planned(value):
                tensor_of.append(None)
                continue
            kind: TensorKind = "output" if number in outputs else "intermediate"
            if value.step is None:
                kind = "input" if number in parameters else "weight"
            tensor_of.append(len(tensors))
            group = groups.get(number)
            size = self._bytes(number)
            tensors.append(Tensor(value_name(value), size, kind, alias_group=group))
        _drop_lone_groups(tensors)
        return tensors, tensor_of

    def _operator(
        self, number: int, step: Step, tensor_of: list[int | None], tensors: list[Tensor]
    ) -> Operator | None:
        cost = self.costs[number]
        read: dict[int, int] = {}
        written: dict[int, int] = {}
        repeated: set[int] = set()
        for operand, index, value in step.reads:
            tensor = tensor_of[value]
            if tensor is not None:
                count = self._count(cost.operands.get((operand, index), 0.0), value)
                repeated |= {tensor} if tensor in read else set()
                read[tensor] = read.get(tensor, 0) + count
        for index, value in step.writes:
            tensor = tensor_of[value]
            if tensor is not None:
                written[tensor] = self._count(cost.results.get(index, 0.0), value)
        if not read and not written and not cost.seconds and not cost.flops:
            return None
        rest = cost.accessed - sum(read.values()) - sum(written.values())
        for tensor in sorted(repeated):  # the compiler counts a repeated operand once
            less = min(max(0, round(-rest)), read[tensor])
            read[tensor] -= less
            rest += less
        if rest > max(1.0, NOISE * cost.accessed):
            name = f"{step.instruction.name}{_trip(step.trip)}.rest"
            read[len(tensors)] = round(rest)
            tensors.append(Tensor(name, round(rest), "input", tracked=False))
        trips = step.trips
        return Operator(
            name=f"{step.instruction.name}{_trip(step.trip)}",
            kind=step.instruction.opcode,
            inputs=tuple(read),
            outputs=tuple(written),
            input_bytes_accessed=tuple(count * trips for count in read.values()),
            output_bytes_accessed=tuple(count * trips for count in written.values()),
            compute_seconds=None if cost.seconds is None else cost.seconds * trips,
            flops=None if cost.flops is None else cost.flops * trips,
        )

    def _count(self, accessed: float, value: int) -> int:
        """Whole bytes; the size of the value where the log's digits say no other."""
        size = self._bytes(value)
        return size if abs(accessed - size) <= CLOSE * size else round(accessed)


def value_name(value: Value) -> str:
    """`fusion.3`, `fusion.3:1` for a leaf of a tuple, `fusion.3@7` in trip 7 of a loop."""
    leaf = "".join(f":{number}" for number in value.index)
    return f"{value.instruction}{leaf}{_trip(value.trip)}"


def _trip(trip: tuple[int, ...]) -> str:
    return "".join(f"@{number}" for number in trip)


def _planned(value: Value) -> bool:
    return value.array.space == 0 and value.array.padded_bytes > 0


def _drop_lone_groups(tensors: list[Tensor]) -> None:
    """An alias group of one tensor is none."""
    members: dict[int, int] = {}
    for tensor in tensors:
        if tensor.alias_group is not None:
            members[tensor.alias_group] = members.get(tensor.alias_group, 0) + 1
    for place, tensor in enumerate(tensors):
        if tensor.alias_group is not None and members[tensor.alias_group] == 1:
            tensors[place] = replace(tensor, alias_group=None)
