"""The solver `ilp`: the best order and replacement first, offsets for it after.

    bound(all plans) = least traffic of any path without regard to offsets <= optimum <= the plan's

A path whose stays can be packed is therefore an optimum. Where they can't, other paths are packed:
in the same order with less room, so that there is slack for holes.
"""

from __future__ import annotations

import time
from dataclasses import replace

from cosmalloc.greedy import solve as greedy
from cosmalloc.history import Interrupted
from cosmalloc.ilp.best import Best, Progress, left, say
from cosmalloc.ilp.beyond import goes_beyond, improve_beyond
from cosmalloc.ilp.facts import Facts, facts_of
from cosmalloc.ilp.finish import finished
from cosmalloc.ilp.packing import plan_in_low
from cosmalloc.ilp.peak import lowest_order
from cosmalloc.ilp.phases import improve_traffic
from cosmalloc.objective import bound
from cosmalloc.plan import Objective, Outcome
from cosmalloc.problem import Problem

LARGEST = 20_000  # operators; who runs before whom takes the square of it in bits, twice


def solve(
    problem: Problem,
    *,
    objective: Objective = "traffic",
    seconds: float = 10.0,
    seed: int = 0,
    progress: Progress | None = None,
) -> Outcome:
    """A plan no worse than `greedy`'s and a bound, proven the best where the time allows.

    The bound is for every order. `latency` and the rule `anywhere` are in `beyond`.
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
    best.raise_bound(first.bound or 0)
    if best.proven:
        return best.outcome(first)
    listener = progress or (lambda words, share: None)
    if objective != "latency":
        say(best, listener, 0.0)
    try:
        if goes_beyond(problem, objective):
            improve_beyond(best, stop, listener)
        else:
            improve = improve_traffic if objective == "traffic" else improve_peak
            improve(best, facts_of(problem), stop, listener)
        resident = problem.target.operand_rule == "resident"
        if best.plan is not None and objective == "traffic" and resident:
            best.plan = finished(problem, best.plan)
    except KeyboardInterrupt:
        if best.plan is None:
            raise
        listener(Interrupted("interrupted"), 1.0)
    return best.outcome(first)


def knows_more(problem: Problem, objective: Objective) -> bool:
    """Whether there is more to say here than `greedy` does."""
    if problem.target.operand_rule == "resident" and objective != "latency":
        return len(problem.operators) <= LARGEST
    return goes_beyond(problem, objective)


def improve_peak(best: Best, facts: Facts, stop: float, progress: Progress) -> None:
    """The order with the least load of its fullest step, packed as low as it gets."""
    found = lowest_order(facts, left(stop))
    slack = facts.problem.target.alignment - 1
    best.raise_bound(found.bound - slack)
    if found.order is not None:
        best.offer(plan_in_low(facts.problem, found.order, left(stop), best.seed))
    if best.plan is None and best.bound > best.problem.target.scratchpad_bytes:
        best.hopeless = True
