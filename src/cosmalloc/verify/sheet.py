"""What the laws look up: the plan sorted by tensor."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, NamedTuple

from cosmalloc.plan import Plan, Transfer
from cosmalloc.problem import Problem
from cosmalloc.verify.order import broken_edges, first_steps, is_permutation

Cause = Literal["production", "load", "nothing"]


class Stay(NamedTuple):
    """One residency as the judge sees it.

    number: of the residency in the plan. cause: what starts it. ready: first border at which its
    bytes are whole: the end of its load, else its start.
    """

    start: int
    stop: int
    number: int
    ready: int
    cause: Cause


@dataclass(frozen=True)
class Sheet:
    """The plan by tensor, residencies and transfers of unknown and untracked tensors left out.

    steps: operators of the problem = steps of a plan.
    step: per operator its first step, None if it never runs.
    asked: per tensor whether laws 4 to 7 are asked of it: tracked, and law 1 says when its
        operators run.
    stays: per tensor its residencies by start. merged: the same with overlapping ones made one.
    loads, stores: per tensor its transfers, (index in the plan, transfer) as listed.
    valid_from: per tensor the first border at which its off-chip copy is valid, None if never.
    """

    problem: Problem
    plan: Plan
    steps: int
    step: Sequence[int | None]
    asked: Sequence[bool]
    stays: dict[int, list[Stay]]
    merged: dict[int, list[Stay]]
    loads: dict[int, list[tuple[int, Transfer]]]
    stores: dict[int, list[tuple[int, Transfer]]]
    valid_from: Sequence[int | None]

    @classmethod
    def of(cls, problem: Problem, plan: Plan) -> Sheet:
        """Any plan, however broken."""
        step = first_steps(problem, plan.order)
        loads, stores = (_by_tensor(problem, plan, kind) for kind in ("load", "store"))
        stays = _stays(problem, plan, step, loads)
        return cls(
            problem,
            plan,
            len(problem.operators),
            step,
            _asked(problem, plan, step),
            stays,
            {tensor: _merged(group) for tensor, group in stays.items()},
            loads,
            stores,
            _valid_from(problem, step, stays, stores),
        )

    def produced_at(self, tensor: int) -> int | None:
        """The step that produces `tensor`, None for inputs and where no step does."""
        made_by = self.problem.producer[tensor]
        return None if made_by is None else self.step[made_by]

    def stay_at(self, tensor: int, step: int) -> Stay | None:
        """The stay of `tensor` that covers `step`, complete or not."""
        group = self.merged.get(tensor, ())
        at = bisect_right(group, step, key=_start) - 1
        return group[at] if at >= 0 and step < group[at].stop else None

    def starts_stay(self, load: Transfer) -> bool:
        """Whether some residency starts by this load."""
        group = self.stays.get(load.tensor, [])
        at = bisect_left(group, load.start, key=_start)
        return at < len(group) and group[at].start == load.start and group[at].cause == "load"

    def known(self, tensor: int) -> bool:
        """Whether the tensor exists and is tracked."""
        return tensor < len(self.problem.tensors) and self.problem.tensors[tensor].tracked


def _start(stay: Stay) -> int:
    return stay.start


def _asked(problem: Problem, plan: Plan, step: Sequence[int | None]) -> list[bool]:
    if not is_permutation(problem, plan.order):
        return [False] * len(problem.tensors)
    asked = [tensor.tracked for tensor in problem.tensors]
    for edge in broken_edges(problem, step):
        for operator in (problem.operators[edge.maker], problem.operators[edge.reader]):
            for tensor in (*operator.inputs, *operator.outputs):
                asked[tensor] = False
    return asked


def _by_tensor(problem: Problem, plan: Plan, kind: str) -> dict[int, list[tuple[int, Transfer]]]:
    found: dict[int, list[tuple[int, Transfer]]] = defaultdict(list)
    for index, transfer in enumerate(plan.transfers):
        known = transfer.tensor < len(problem.tensors) and problem.tensors[transfer.tensor].tracked
        if known and transfer.kind == kind:
            found[transfer.tensor].append((index, transfer))
    return dict(found)


def _stays(
    problem: Problem,
    plan: Plan,
    step: Sequence[int | None],
    loads: dict[int, list[tuple[int, Transfer]]],
) -> dict[int, list[Stay]]:
    """A residency at the producing step is by production, whatever loads there are."""
    ready: dict[tuple[int, int], int] = {}
    for tensor, group in loads.items():
        for _, load in group:
            key = (tensor, load.start)
            ready[key] = min(load.stop, ready.get(key, load.stop))
    stays: dict[int, list[Stay]] = defaultdict(list)
    for index, stay in enumerate(plan.residencies):
        if stay.tensor >= len(problem.tensors) or not problem.tensors[stay.tensor].tracked:
            continue
        made_by = problem.producer[stay.tensor]
        loaded = ready.get((stay.tensor, stay.start))
        cause: Cause = "nothing" if loaded is None else "load"
        if made_by is not None and step[made_by] == stay.start:
            cause, loaded = "production", None
        whole = stay.start if loaded is None else loaded
        stays[stay.tensor].append(Stay(stay.start, stay.stop, index, whole, cause))
    for found in stays.values():
        found.sort()
    return dict(stays)


def _merged(group: list[Stay]) -> list[Stay]:
    if all(a.stop <= b.start for a, b in pairwise(group)):
        return group
    merged = group[:1]
    for stay in group[1:]:
        last = merged[-1]
        if stay.start < last.stop:
            merged[-1] = last._replace(
                stop=max(last.stop, stay.stop), ready=min(last.ready, stay.ready)
            )
        else:
            merged.append(stay)
    return merged


def _valid_from(
    problem: Problem,
    step: Sequence[int | None],
    stays: dict[int, list[Stay]],
    stores: dict[int, list[tuple[int, Transfer]]],
) -> list[int | None]:
    """Inputs from border 0; else from the first store's end, or, `anywhere`, from the border after
    the producing step if no residency starts there."""

    anywhere = problem.target.operand_rule == "anywhere"

    def borders(tensor: int) -> Iterator[int]:
        made_by = problem.producer[tensor]
        if made_by is None:
            yield 0
            return
        yield from (store.stop for _, store in stores.get(tensor, ()))
        made_at = step[made_by]
        on_chip = any(stay.start == made_at for stay in stays.get(tensor, ()))
        if anywhere and made_at is not None and not on_chip:
            yield made_at + 1

    return [min(borders(tensor), default=None) for tensor in range(len(problem.tensors))]
