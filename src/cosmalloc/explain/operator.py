"""What an operator waits for, where its operands lie, and who else is on chip while it runs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from cosmalloc.errors import InputError
from cosmalloc.explain.space import meeting, occupied
from cosmalloc.explain.tensor import MOST, Neighbour, neighbours
from cosmalloc.lifetimes import lifetimes
from cosmalloc.plan import Plan, Transfer
from cosmalloc.presence import Presence
from cosmalloc.problem import Problem
from cosmalloc.seconds import compute_seconds, operator_seconds
from cosmalloc.simulate import simulate
from cosmalloc.working_set import working_set_bytes


@dataclass(frozen=True, slots=True)
class Operand:
    """role: `reads` or `writes`. place: `on chip`, `off-chip` or `streams` (not tracked). offset,
    since, until: of its residency, None where it has none."""

    tensor: int
    name: str
    role: str
    bytes: int
    bytes_accessed: int
    place: str
    offset: int | None
    since: int | None
    until: int | None


@dataclass(frozen=True, slots=True)
class Wait:
    """A copy that must be complete before the step. issued: its border. started, done: seconds."""

    tensor: int
    name: str
    kind: str
    bytes: int
    issued: int
    started: float
    done: float


@dataclass(frozen=True, slots=True)
class Clock:
    """Seconds. stall: waiting at the border before the step. compute: of the arithmetic. off_chip,
    on_chip: moving what it accesses; it runs for max(compute, off_chip + on_chip)."""

    start: float
    stop: float
    stall: float
    compute: float
    off_chip: float
    on_chip: float
    waits: tuple[Wait, ...]


@dataclass(frozen=True, slots=True)
class OperatorStory:
    """occupied: bytes in use at its step. own: those of its operands and results on chip. needed:
    no plan runs it with fewer on chip. others: who else is there, the largest first.
    clock: None where operators have no seconds.
    """

    operator: int
    name: str
    kind: str
    location: str
    step: int
    operands: tuple[Operand, ...]
    scratchpad: int
    occupied: int
    own: int
    needed: int
    others: tuple[Neighbour, ...]
    clock: Clock | None


def explain_operator(problem: Problem, plan: Plan, operator: int) -> OperatorStory:
    """The story of one operator under a legal plan."""
    node = problem.operators[operator]
    step = plan.order.index(operator)
    touched = {*node.inputs, *node.outputs}
    here = meeting(plan, step, step + 1, but=-1)
    life = lifetimes(problem, plan.order)
    others = [r for r in here if r.tensor not in touched]
    return OperatorStory(
        operator,
        node.name,
        node.kind,
        node.location,
        step,
        tuple(_operands(problem, plan, operator, step)),
        problem.target.scratchpad_bytes,
        int(occupied(problem, plan)[step]),
        sum(problem.tensors[r.tensor].bytes for r in here if r.tensor in touched),
        working_set_bytes(problem, operator) if _all_on_chip(problem) else 0,
        neighbours(problem, life, others, step, step + 1)[:MOST],
        _clock(problem, plan, operator, step),
    )


def _all_on_chip(problem: Problem) -> bool:
    return problem.target.operand_rule == "resident"


def _operands(problem: Problem, plan: Plan, operator: int, step: int) -> list[Operand]:
    node = problem.operators[operator]
    here = Presence.of(plan)
    stays = {r.tensor: r for r in plan.residencies if r.start <= step < r.stop}
    found = []
    for role, ends, accessed in (
        ("reads", node.inputs, node.input_bytes_accessed),
        ("writes", node.outputs, node.output_bytes_accessed),
    ):
        for tensor, count in zip(ends, accessed, strict=True):
            entry = problem.tensors[tensor]
            stay = stays.get(tensor) if here.on_chip(tensor, step) else None
            place = "streams" if not entry.tracked else "off-chip" if stay is None else "on chip"
            where = (None,) * 3 if stay is None else (stay.offset, stay.start, stay.stop)
            found.append(Operand(tensor, entry.name, role, entry.bytes, count, place, *where))
    return found


def _clock(problem: Problem, plan: Plan, operator: int, step: int) -> Clock | None:
    here = Presence.of(plan)
    try:
        timeline = simulate(problem, plan)
    except InputError:
        return None
    on_chip = partial(here.on_chip, step=step)
    moving = operator_seconds(problem, operator, on_chip, lambda _problem, _operator: 0.0)
    waits = [
        Wait(
            copy.tensor,
            problem.tensors[copy.tensor].name,
            copy.kind,
            problem.tensors[copy.tensor].bytes,
            copy.start,
            timeline.transfer_start[index],
            timeline.transfer_stop[index],
        )
        for index, copy in enumerate(plan.transfers)
        if _due(problem, copy) == step
    ]
    return Clock(
        timeline.step_start[step],
        timeline.step_stop[step],
        timeline.stall[step],
        compute_seconds(problem, operator),
        moving.off_chip,
        moving.total - moving.off_chip,
        tuple(sorted(waits, key=lambda wait: -wait.done)),
    )


def _due(problem: Problem, copy: Transfer) -> int:
    """The border at which a step waits for the copy."""
    blocks = problem.target.copy_engines == 0 and copy.kind == "store"
    return copy.start if blocks else copy.stop
