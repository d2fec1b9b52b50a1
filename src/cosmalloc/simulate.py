"""The clock: when every step and every copy of a plan happens.

At border s, in this order: asynchronous copies with stop == s complete; blocking stores; blocking
loads; asynchronous copies with start == s join their queues, stores before loads. The step waits
(stalls) for the first three, the channel meanwhile all theirs; then it runs, and leaves the channel
to the queues for the share of its time in which it moves no off-chip bytes of its own.
Copy engines: 2 = a queue for loads and one for stores, 1 = one queue for both, 0 = every copy
blocks, loads at their stop border, stores at their start border.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from cosmalloc.channel import Channel
from cosmalloc.errors import InputError
from cosmalloc.plan import Plan
from cosmalloc.presence import Presence
from cosmalloc.problem import Problem
from cosmalloc.seconds import Cost, Rule, compute_seconds, copy_seconds, operator_seconds


@dataclass(frozen=True, slots=True)
class Timeline:
    """All in seconds since the program started; n steps, one entry per copy as listed in the plan.

    step_start, step_stop: float[n].
    transfer_start, transfer_stop: float[copies]; a copy starts when it reaches the queue's head.
    stall: float[n + 1], waiting at border s; the last one is the wait after the last step.
    latency: everything is done, copies too.
    """

    step_start: tuple[float, ...]
    step_stop: tuple[float, ...]
    transfer_start: tuple[float, ...]
    transfer_stop: tuple[float, ...]
    stall: tuple[float, ...]
    latency: float


def simulate(
    problem: Problem,
    plan: Plan,
    cost: Cost = compute_seconds,
    rule: Rule = operator_seconds,
    queues: type[Channel] = Channel,
) -> Timeline:
    """The timeline of a legal plan; InputError for one with steps or copies that don't exist.

    cost: seconds of an operator's arithmetic; rule: how they and its bytes become its time;
        queues: how copies move meanwhile.
    """
    _check(problem, plan)
    here = Presence.of(plan)
    need = [copy_seconds(problem, copy) for copy in plan.transfers]
    shared = problem.target.copy_engines == 1
    queue_of = [0 if shared or copy.kind == "load" else 1 for copy in plan.transfers]
    channel = queues(need, queue_of)
    borders = _borders(problem, plan)
    now = 0.0
    start, stop, stall = [], [], []
    for step, operator in enumerate(plan.order):
        begin = _cross(channel, borders[step], now)
        time = rule(problem, operator, partial(here.on_chip, step=step), cost)
        if time.total > 0:
            channel.run(begin, time.total, (time.total - time.off_chip) / time.total)
        stall.append(begin - now)
        now = begin + time.total
        start.append(begin)
        stop.append(now)
    end = _cross(channel, borders[-1], now)
    stall.append(end - now)
    return Timeline(
        tuple(start), tuple(stop), tuple(channel.start), tuple(channel.stop), tuple(stall), end
    )


@dataclass(slots=True)
class _Border:
    """Copies, as indices in the plan, by what happens to them at one border."""

    due: list[int]
    stores: list[int]
    loads: list[int]
    issued_stores: list[int]
    issued_loads: list[int]


def _cross(channel: Channel, border: _Border, now: float) -> float:
    """The moment at which the step behind the border may start."""
    now = _wait(channel, border.due, now)
    for blocking in (border.stores, border.loads):
        for copy in blocking:
            channel.issue(copy, now)
        now = _wait(channel, blocking, now)
    for copy in (*border.issued_stores, *border.issued_loads):
        channel.issue(copy, now)
    return now


def _wait(channel: Channel, copies: Sequence[int], now: float) -> float:
    for copy in copies:
        now = channel.wait(copy, now)
    return now


def _borders(problem: Problem, plan: Plan) -> list[_Border]:
    borders = [_Border([], [], [], [], []) for _ in range(len(plan.order) + 1)]
    for copy, (start, stop) in enumerate(_windows(problem, plan)):
        load = plan.transfers[copy].kind == "load"
        if start == stop:
            (borders[start].loads if load else borders[start].stores).append(copy)
        else:
            (borders[start].issued_loads if load else borders[start].issued_stores).append(copy)
            borders[stop].due.append(copy)
    return borders


def _windows(problem: Problem, plan: Plan) -> Iterator[tuple[int, int]]:
    for copy in plan.transfers:
        if problem.target.copy_engines > 0:
            yield copy.start, copy.stop
        elif copy.kind == "load":
            yield copy.stop, copy.stop
        else:
            yield copy.start, copy.start


def _check(problem: Problem, plan: Plan) -> None:
    steps = len(problem.operators)
    hint = "verify the plan: only a legal one has a timeline"
    if sorted(plan.order) != list(range(steps)):
        raise InputError("the plan's order does not run every operator once", hint)
    for index, copy in enumerate(plan.transfers):
        if copy.stop > steps or copy.tensor >= len(problem.tensors):
            raise InputError(
                f"transfer {index} of tensor {copy.tensor} ends at border {copy.stop}, the problem"
                f" has {len(problem.tensors)} tensors and {steps} steps",
                hint,
            )
