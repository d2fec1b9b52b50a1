"""Objective `latency` under a fixed order: a lower bound for every plan of it, and a good plan.

    relaxation <= program <= latency of every legal plan in this order         (see `latency_rows`)

The relaxation's bound is exact by weak duality. That of branch and bound is taken a millionth
lower, for what the solver's tolerances may hide; so a plan is called optimal only where the
relaxation, or a bound by counting, meets it.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass

from cosmalloc.ilp.latency_plan import choice_of_plan, plans_near, plans_of, solution_with
from cosmalloc.ilp.latency_rows import Program, latency_program
from cosmalloc.ilp.sparse import Floats
from cosmalloc.objective import bound as counted_bound
from cosmalloc.plan import Plan
from cosmalloc.problem import Problem
from cosmalloc.seconds import Cost, compute_seconds
from cosmalloc.simulate import simulate

ROOMS = (1.0, 0.96, 0.9)  # shares of the scratchpad to plan for: the rest is for holes
PROVING = 0.5  # of the seconds
RELAXING = 0.75  # of the seconds at most, where branch and bound comes after
WORTH = 0.4  # of the seconds: with less left, branch and bound is not begun
Order = tuple[int, ...]


def latency_bound(
    problem: Problem, order: Order, seconds: float, cost: Cost = compute_seconds
) -> float:
    """Seconds; no legal plan in this order takes less. Infinite if there is no such plan.

    InputError where an operator has no seconds.
    """
    stop = time.perf_counter() + seconds
    program = latency_program(problem, order, cost=cost)
    return max(counted_bound(problem, "latency", cost), _proven(program, stop).bound)


def best_latency(
    problem: Problem,
    order: Order,
    seconds: float,
    seed: int = 0,
    cost: Cost = compute_seconds,
    hint: Plan | None = None,
) -> tuple[Plan | None, float]:
    """The best plan found in this order, and the bound; None where none was found in time.

    hint: a plan in this order to better; it is not handed back.
    """
    stop = time.perf_counter() + seconds
    least = counted_bound(problem, "latency", cost)
    best: tuple[float, Plan] | None = None
    for plan, proven in _offers(problem, order, stop, seed, cost, hint):
        least = max(least, proven)
        if plan is not None:
            value = simulate(problem, plan, cost).latency
            if best is None or value < best[0]:
                best = value, plan
    return (None if best is None else best[1]), least


def _offers(
    problem: Problem, order: Order, stop: float, seed: int, cost: Cost, hint: Plan | None
) -> Iterator[tuple[Plan | None, float]]:
    """Plans, and bounds proven on the way."""
    room = problem.target.scratchpad_bytes
    for share in ROOMS:
        left = stop - time.perf_counter()
        if left <= 0:
            return
        until = time.perf_counter() + PROVING * left
        program = latency_program(problem, order, room=int(share * room), cost=cost)
        proof = _proven(program, until, seed, hint if share == 1 else None)
        yield None, proof.bound if share == 1 else 0.0
        for make, x in ((plans_of, proof.x), (plans_near, proof.relaxed)):
            if x is not None:
                for plan in make(program, x, max(0.0, stop - time.perf_counter()) / 4, seed):
                    yield plan, 0.0


@dataclass(frozen=True)
class Offer:
    """plan: as far as one came out. bound: proven so far, seconds. whole: of branch and bound, not
    near the relaxation."""

    plan: Plan | None
    bound: float
    whole: bool


def first_offers(
    problem: Problem, order: Order, seconds: float, seed: int = 0, cost: Cost = compute_seconds
) -> Iterator[Offer]:
    """For whoever searches on from them: plans near the relaxation, then, where that was quick,
    those of branch and bound. A soft limit of seconds."""
    stop = time.perf_counter() + seconds
    least = counted_bound(problem, "latency", cost)
    program = latency_program(problem, order, cost=cost)
    loose = program.rows.solve(RELAXING * (stop - time.perf_counter()), whole=False, seed=seed)
    least = max(least, loose.bound * program.unit)
    yield Offer(None, least, False)
    if loose.x is not None:
        left = max(0.0, stop - time.perf_counter())
        for plan in plans_near(program, loose.x, left / 4, seed):
            yield Offer(plan, least, False)
    left = stop - time.perf_counter()
    if left < WORTH * seconds:
        return
    tight = program.rows.solve(left, seed=seed)
    least = max(least, tight.bound * program.unit)
    yield Offer(None, least, True)
    if tight.x is not None:
        for plan in plans_of(program, tight.x, seconds / 4, seed):
            yield Offer(plan, least, True)


@dataclass(frozen=True)
class Proof:
    """bound: seconds. x: the best solution. relaxed: that of the relaxation."""

    bound: float
    x: Floats | None
    relaxed: Floats | None


def _proven(program: Program, stop: float, seed: int = 0, hint: Plan | None = None) -> Proof:
    rows = program.rows
    loose = rows.solve(stop - time.perf_counter(), whole=False, seed=seed)
    if loose.ending == "infeasible":
        return Proof(math.inf, None, None)
    start = None
    if hint is not None:
        start = solution_with(program, *choice_of_plan(program, hint), stop - time.perf_counter())
    tight = rows.solve(stop - time.perf_counter(), seed=seed, start=start)
    if tight.ending == "infeasible":
        return Proof(math.inf, None, None)
    return Proof(max(loose.bound, tight.bound) * program.unit, tight.x, loose.x)
