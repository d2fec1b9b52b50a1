"""Why a tensor is where it is: its stays, its absences, and what either costs."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from itertools import pairwise

from cosmalloc.explain.changes import Price, evicted, kept, price
from cosmalloc.explain.space import (
    least_in_the_way,
    lowest_free,
    meeting,
    occupied,
    shared_in_place,
)
from cosmalloc.lifetimes import Lifetimes, Steps, lifetimes
from cosmalloc.plan import Plan, Residency, Transfer
from cosmalloc.problem import Problem
from cosmalloc.traffic import TensorTraffic, traffic
from cosmalloc.working_set import working_set_bytes

MOST = 5  # neighbours listed, the largest first
MOST_RESTS = 12  # of a stay, the longest ones: each price takes a judge and a clock


@dataclass(frozen=True, slots=True)
class Neighbour:
    """Another tensor on chip. bytes: its size. used: an operator of the steps asked about touches
    it. next_use: the first step from those on that does, None if it has none."""

    tensor: int
    name: str
    bytes: int
    used: bool
    next_use: int | None


@dataclass(frozen=True, slots=True)
class Rest:
    """Steps [start, stop) of a stay in which nobody touches the tensor. evicting: what storing (if
    there is no copy) and loading it again would cost, None where the plan can't be changed so."""

    start: int
    stop: int
    evicting: Price | None


@dataclass(frozen=True, slots=True)
class Stay:
    """On chip in steps [start, stop) at `offset`.

    begins: how. load: window of the load. uses: steps that touch it. lowest: the lowest offset free
    in all its steps with everybody else where they are; its own, if there is no lower one.
    in_place_of: the operand whose bytes it takes. rests: the longest ones, by step.
    """

    start: int
    stop: int
    offset: int
    begins: str
    load: tuple[int, int] | None
    uses: tuple[int, ...]
    lowest: int
    in_place_of: str | None
    rests: tuple[Rest, ...]


@dataclass(frozen=True, slots=True)
class Absence:
    """Not on chip in steps [start, stop) between its first and its last use.

    uses: steps that touch it off-chip meanwhile. keeping: what keeping it would add, had it bytes
    of its own (mostly it saves); None where the plan can't be changed so.
    step, operator: the tightest step. occupied: bytes in use there. own: those of the operator's
    operands and results. short: bytes missing there for the tensor, 0 if it would fit in bytes.
    steps_short: steps at which bytes are missing.
    unavoidable: no plan runs that operator while this tensor is on chip.
    blockers: who is on chip at the tightest step, the largest first.
    free_offset: free in all of the steps, with everybody else where they are; None if none is.
    displaced_offset, displaced: the bytes with least in the way, and who would have to go.
    """

    start: int
    stop: int
    uses: tuple[int, ...]
    keeping: Price | None
    step: int
    operator: str
    occupied: int
    own: int
    short: int
    steps_short: int
    unavoidable: bool
    blockers: tuple[Neighbour, ...]
    free_offset: int | None
    displaced_offset: int | None
    displaced: tuple[Neighbour, ...]


@dataclass(frozen=True, slots=True)
class TensorStory:
    """maker: operator and step that produce it, None for inputs and weights. readers: operators and
    steps. stores: windows. moved: its traffic, None if it is not tracked."""

    tensor: int
    name: str
    bytes: int
    kind: str
    tracked: bool
    maker: tuple[str, int] | None
    readers: tuple[tuple[str, int], ...]
    stays: tuple[Stay, ...]
    absences: tuple[Absence, ...]
    stores: tuple[tuple[int, int], ...]
    moved: TensorTraffic | None


def explain_tensor(problem: Problem, plan: Plan, tensor: int) -> TensorStory:
    """The story of one tensor under a legal plan."""
    life = lifetimes(problem, plan.order)
    entry = problem.tensors[tensor]
    maker = problem.producer[tensor]
    names = problem.operators
    return TensorStory(
        tensor,
        entry.name,
        entry.bytes,
        entry.kind,
        entry.tracked,
        None if maker is None else (names[maker].name, life.step[maker]),
        tuple(sorted(((names[o].name, life.step[o]) for o in problem.readers[tensor]), key=_step)),
        tuple(_stay(problem, plan, life, stay) for stay in _stays(plan, tensor)),
        tuple(_absences(problem, plan, life, tensor)) if entry.tracked else (),
        tuple((c.start, c.stop) for c in _copies(plan, tensor, "store")),
        next((t for t in traffic(problem, plan).tensors if t.tensor == tensor), None),
    )


def _length(gap: tuple[int, int]) -> int:
    return gap[0] - gap[1]


def _step(reader: tuple[str, int]) -> int:
    return reader[1]


def _stays(plan: Plan, tensor: int) -> list[Residency]:
    mine = (r for r in plan.residencies if r.tensor == tensor)
    return sorted(mine, key=lambda r: r.start)


def _copies(plan: Plan, tensor: int, kind: str) -> list[Transfer]:
    return sorted(c for c in plan.transfers if c.tensor == tensor and c.kind == kind)


def _stay(problem: Problem, plan: Plan, life: Lifetimes, stay: Residency) -> Stay:
    load = next((c for c in _copies(plan, stay.tensor, "load") if c.start == stay.start), None)
    maker = problem.producer[stay.tensor]
    produced = maker is not None and life.step[maker] == stay.start
    uses = tuple(s for s in life.uses[stay.tensor] if stay.start <= s < stay.stop)
    others = meeting(plan, stay.start, stay.stop, stay.tensor)
    free = lowest_free(problem, others, problem.tensors[stay.tensor].bytes)
    under = (old.tensor for old, new in shared_in_place(problem, plan) if new == stay)
    lender = next((problem.tensors[t].name for t in under), None)
    gaps = sorted(((a + 1, b) for a, b in pairwise(uses) if b > a + 1), key=_length)
    longest = sorted(gaps[:MOST_RESTS])
    rests = (
        Rest(a, b, price(problem, plan, evicted(problem, plan, stay, a, b))) for a, b in longest
    )
    return Stay(
        stay.start,
        stay.stop,
        stay.offset,
        "production" if produced or load is None else "load",
        None if produced or load is None else (load.start, load.stop),
        uses,
        stay.offset if free is None else min(free, stay.offset),
        lender,
        tuple(rests),
    )


def _absences(problem: Problem, plan: Plan, life: Lifetimes, tensor: int) -> list[Absence]:
    start, last = life.span(tensor)
    found = []
    curve = occupied(problem, plan)
    for stay in [*_stays(plan, tensor), None]:
        stop = last if stay is None else min(stay.start, last)
        if start < stop:
            found.append(_absence(problem, plan, life, tensor, start, stop, curve))
        start = max(start, last if stay is None else stay.stop)
    return found


def _absence(
    problem: Problem,
    plan: Plan,
    life: Lifetimes,
    tensor: int,
    start: int,
    stop: int,
    curve: Steps,
) -> Absence:
    size, room = problem.tensors[tensor].bytes, problem.target.scratchpad_bytes
    short = [max(0, int(held) + size - room) for held in curve[start:stop]]
    step = start + max(range(stop - start), key=lambda k: (short[k], int(curve[start + k]), -k))
    operator = plan.order[step]
    node = problem.operators[operator]
    others = meeting(plan, start, stop, tensor)
    here = meeting(plan, step, step + 1, tensor)
    touched = {*node.inputs, *node.outputs}
    way = least_in_the_way(problem, others, size)
    change = kept(problem, plan, tensor, start, stop)
    return Absence(
        start,
        stop,
        tuple(s for s in life.uses[tensor] if start <= s < stop),
        price(problem, plan, change),
        step,
        node.name,
        int(curve[step]),
        sum(problem.tensors[r.tensor].bytes for r in here if r.tensor in touched),
        max(short),
        sum(each > 0 for each in short),
        tensor not in touched
        and problem.target.operand_rule == "resident"
        and working_set_bytes(problem, operator) + size > room,
        neighbours(problem, life, here, step, step + 1)[:MOST],
        lowest_free(problem, others, size),
        None if way is None else way[0],
        () if way is None else neighbours(problem, life, way[1], start, stop)[:MOST],
    )


def neighbours(
    problem: Problem, life: Lifetimes, stays: list[Residency], start: int, stop: int
) -> tuple[Neighbour, ...]:
    """The tensors of `stays`, the largest first, as seen from steps [start, stop)."""
    found = []
    for tensor in {r.tensor for r in stays}:
        uses = life.uses[tensor]
        at = bisect_left(uses, start)
        use = uses[at] if at < len(uses) else None
        entry = problem.tensors[tensor]
        used = use is not None and use < stop
        found.append(Neighbour(tensor, entry.name, entry.bytes, used, use))
    return tuple(sorted(found, key=lambda n: (-n.bytes, n.tensor)))
