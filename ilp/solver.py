"""The solver `ilp`: the best order and replacement first, offsets for it after.

    bound(all plans) = least traffic of any path without regard to offsets <= optimum <= the plan's

A path whose stays can be packed is therefore an optimum. Where they can't, other paths are packed:
in the same order with less room, so that there is slack for holes.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from cosmalloc.greedy import solve as greedy
from cosmalloc.history import Standing
from cosmalloc.ilp.facts import Facts, facts_of
from cosmalloc.ilp.finish import finished
from cosmalloc.ilp.floor import floor_of_all_orders
from cosmalloc.ilp.links import best_replacement
from cosmalloc.ilp.packing import plan_in_low, plan_of_path
from cosmalloc.ilp.peak import lowest_order
from cosmalloc.ilp.search import beam, best_first
from cosmalloc.ilp.steps import Path
from cosmalloc.lifetimes import source_order
from cosmalloc.objective import bound, objective_value
from cosmalloc.plan import Objective, Outcome, Plan, Status
from cosmalloc.problem import Problem

Progress = Callable[[str, float], None]
WIDTHS = (4, 32)  # of the beams that look for a first path
ROOMS = (0.98, 0.95, 0.9, 0.85)  # of the scratchpad, where a path could not be packed
LARGEST = 4000  # operators; sets of more are too large for the search
PACKING = 0.4  # of the time left, for the packing of one path
SHARE = 0.6  # of the time, for the search that proves


@dataclass
class Best:
    """The least plan so far and the bound; both only get better."""

    problem: Problem
    objective: Objective
    seed: int
    plan: Plan | None = None
    value: float = float("inf")
    bound: float = 0.0
    hopeless: bool = False  # no plan exists

    def offer(self, plan: Plan | None) -> None:
        """Takes the plan if it is better."""
        if plan is not None:
            value = objective_value(self.problem, plan, self.objective)
            if value < self.value:
                self.plan, self.value = plan, value

    @property
    def proven(self) -> bool:
        return self.value <= self.bound

    def outcome(self, otherwise: Outcome) -> Outcome:
        """The end; without a plan, the reason of `otherwise`."""
        status: Status
        if self.plan is None:
            status = "infeasible" if self.hopeless else "unknown"
            return replace(otherwise, solver="ilp", status=status)
        status = "optimal" if self.proven else "feasible"
        least = min(self.bound, self.value)
        return Outcome(
            self.problem.name, "ilp", status, self.objective, self.plan, self.value, least
        )


def solve(
    problem: Problem,
    *,
    objective: Objective = "traffic",
    seconds: float = 10.0,
    seed: int = 0,
    progress: Progress | None = None,
) -> Outcome:
    """A plan no worse than `greedy`'s and a bound, proven the best where the time allows.

    Exact under `resident` for `traffic` and `peak`; else the plan of `greedy` with its bound.
    """
    stop = time.perf_counter() + seconds
    first = greedy(problem, objective=objective, seconds=seconds, seed=seed)
    return improved(problem, first, left(stop), seed, progress)


def improved(
    problem: Problem, first: Outcome, seconds: float, seed: int, progress: Progress | None
) -> Outcome:
    """An outcome no worse than `first`, another solver's; Ctrl-C ends it with the best so far."""
    stop, objective = time.perf_counter() + seconds, first.objective
    if not knows_more(problem, objective):
        return replace(first, solver="ilp")
    best = Best(problem, objective, seed, bound=bound(problem, objective))
    best.offer(first.plan)
    best.bound = max(best.bound, first.bound or 0)
    if best.proven:
        return best.outcome(first)
    improve = improve_traffic if objective == "traffic" else improve_peak
    listener = progress or (lambda words, share: None)
    say(best, listener, 0.0)
    try:
        improve(best, facts_of(problem), stop, listener)
        if best.plan is not None and objective == "traffic":
            best.plan = finished(problem, best.plan)
    except KeyboardInterrupt:
        if best.plan is None:
            raise
    return best.outcome(first)


def knows_more(problem: Problem, objective: Objective) -> bool:
    """Whether there is more to say here than `greedy` does."""
    resident = problem.target.operand_rule == "resident"
    return resident and objective != "latency" and len(problem.operators) <= LARGEST


def improve_traffic(best: Best, facts: Facts, stop: float, progress: Progress) -> None:
    """Betters plan and bound until proven or late: a beam, the best replacement in its order, the
    search that proves."""
    place = place_in(source_order(best.problem), facts.operators)
    for width in WIDTHS:
        path = beam(facts, width, left(stop) / 6, place)
        if path is None:
            break
        best.offer(plan_of_path(facts, path, PACKING * left(stop), best.seed))
        say(best, progress, 0.1)
        if best.proven:
            return
    replace_in_order(best, None, left(stop) / 6)
    if not best.proven:
        best.bound = max(best.bound, floor_of_all_orders(facts, left(stop) / 10))
    say(best, progress, 0.2)
    prove(best, facts, stop)
    say(best, progress, 0.8)
    for path in slack_paths(facts, stop):
        if best.proven or left(stop) <= 0:
            break
        best.offer(plan_of_path(facts, path, PACKING * left(stop), best.seed))
    say(best, progress, 1.0)


def prove(best: Best, facts: Facts, stop: float) -> None:
    """The least path of any order: a bound, and a plan where it can be packed."""
    if best.proven:
        return
    below = 2**62 if best.plan is None else int(best.value)
    found = best_first(facts, SHARE * left(stop), below)
    best.bound = max(best.bound, found.bound)
    best.hopeless = found.proven and found.path is None and best.plan is None
    if found.path is not None:
        best.offer(plan_of_path(facts, found.path, PACKING * left(stop), best.seed))
        replace_in_order(best, found.path, left(stop) / 2)


def say(best: Best, progress: Progress, share: float) -> None:
    """The plan, the bound and the gap so far."""
    if best.plan is not None:
        gap = 0.0 if best.proven else 1 - best.bound / best.value
        words = f"{best.value:,.0f} bytes, at least {best.bound:,.0f}, gap {gap:.1%}"
        progress(Standing(words, best.value, min(best.bound, best.value)), share)


def replace_in_order(best: Best, path: Path | None, seconds: float) -> None:
    """The best replacement in the order of the path, or of the plan so far."""
    if best.proven or seconds <= 0:
        return
    hint = best.plan
    if path is not None and (hint is None or hint.order != path.order):
        hint = None
    order = path.order if path is not None else hint.order if hint is not None else None
    if order is not None:
        best.offer(best_replacement(best.problem, order, seconds, best.seed, hint).plan)


def slack_paths(facts: Facts, stop: float) -> Iterator[Path]:
    """Best paths with less room."""
    for share in ROOMS:
        tight = replace(facts, room=int(facts.room * share), brim=0)
        found = best_first(tight, left(stop) / 4, 2**62)
        if found.path is not None:
            yield found.path


def improve_peak(best: Best, facts: Facts, stop: float, progress: Progress) -> None:
    """As `improve_traffic`."""
    found = lowest_order(facts, left(stop))
    slack = facts.problem.target.alignment - 1
    best.bound = max(best.bound, found.bound - slack)
    if found.order is not None:
        best.offer(plan_in_low(facts.problem, found.order, left(stop), best.seed))
    if best.plan is None and best.bound > best.problem.target.scratchpad_bytes:
        best.hopeless = True


def place_in(order: tuple[int, ...], count: int) -> tuple[int, ...]:
    """Per operator its place in an order."""
    place = [0] * count
    for step, operator in enumerate(order):
        place[operator] = step
    return tuple(place)


def left(stop: float) -> float:
    """Seconds until `stop`, at least 0."""
    return max(0.0, stop - time.perf_counter())
