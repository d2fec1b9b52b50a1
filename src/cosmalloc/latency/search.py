"""The solver `search`: starts of several kinds race, simulated annealing bettering them.

The starts are the best of `msa`, `greedy` where the time allows it, and plans near the optimum of
the fixed-order program and of its relaxation (see `starts`). In the first heat each of the best few
is annealed for a share of the time, in the next the two best, then the best alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from cosmalloc.greedy import solve as greedy
from cosmalloc.history import Standing
from cosmalloc.latency.anneal import Annealing, Found, anneal, heat
from cosmalloc.latency.draft import Drafting
from cosmalloc.latency.msa import outcome_of, unfit
from cosmalloc.latency.starts import Start, decided, planned, programmed
from cosmalloc.objective import bound, objective_value
from cosmalloc.plan import Objective, Outcome, Plan
from cosmalloc.problem import Problem

Progress = Callable[[str, float], None]
Tell = Callable[[float, float], None]  # latency, share of the time
MSA = 0.1  # of the time, for its manners but the first
GREEDY = 0.2  # of the time, at most, for `greedy`
PROGRAM = 0.25  # of the time for the fixed-order program
STEPS = 200  # a second, that `greedy` and the program can do with
ENOUGH = 2e-6  # relative: so near to the bound nothing is looked for


@dataclass(frozen=True, slots=True)
class Round:
    """The `runners` best anneal for a `share` of the time, from `hot` (None: as they like) down to
    `cold`."""

    runners: int
    share: float
    hot: float | None
    cold: float = 2e-6


ROUNDS = (
    Round(4, 0.4, None),
    Round(2, 0.3, 1e-3),
    Round(1, 0.25, 3e-4),
    Round(1, 0.05, 1e-5, 1e-10),  # what others do to the last digit
)


def solve(
    problem: Problem,
    *,
    objective: Objective = "latency",
    seconds: float = 10.0,
    seed: int = 0,
    progress: Progress | None = None,
) -> Outcome:
    """As every solver; never worse than `msa`, nor than `greedy` where the time allows that (200
    steps a second). Under the rule `resident` the answer is greedy's. Ctrl-C brings the best plan
    so far."""
    if objective != "latency":
        why = f"it searches for less latency, not for objective `{objective}`"
        return Outcome(problem.name, "search", "unknown", objective, reason=why)
    stop = time.perf_counter() + seconds
    plans: list[Plan] = []
    if unfit(problem, objective) or len(problem.operators) <= STEPS * seconds:
        limit = GREEDY * seconds
        first = greedy(problem, objective="latency", seconds=limit, seed=seed, progress=progress)
        if first.status == "optimal" or unfit(problem, objective):
            return replace(first, solver="search")
        plans += [] if first.plan is None else [first.plan]
    return improved(
        problem, plans, seconds=max(0.0, stop - time.perf_counter()), seed=seed, progress=progress
    )


def improved(
    problem: Problem,
    plans: Sequence[Plan],
    *,
    seconds: float = 10.0,
    seed: int = 0,
    progress: Progress | None = None,
) -> Outcome:
    """Never worse than any of these legal plans, which have one order, nor than `msa` in it; the
    source order, if there are none.

    InputError for a target with the rule `resident`, or an operator without seconds.
    """
    report = progress or _silent
    stop = time.perf_counter() + seconds
    drafting = Drafting.of(problem, plans[0].order if plans else None)
    best = decided(drafting, MSA * seconds)
    least = bound(problem, "latency")

    def tell(latency: float, share: float) -> None:
        report(Standing("annealing", latency, min(least, latency)), share)

    if seconds > 0:
        best = _raced(drafting, best, plans, stop, seed, tell)
    candidates = [*plans, drafting.plan(best.rows)]
    winner = min(candidates, key=lambda plan: objective_value(problem, plan, "latency"))
    return outcome_of(problem, "search", "latency", winner)


def _raced(
    drafting: Drafting, first: Start, plans: Sequence[Plan], stop: float, seed: int, tell: Tell
) -> Start:
    """All starts are found, then they race; after Ctrl-C the best so far."""
    seconds = stop - time.perf_counter()
    given = planned(drafting, plans)
    starts = [first] if given is None else [first, given]
    least = bound(drafting.problem, "latency")
    tell(min(start.latency for start in starts), 0.0)
    try:
        if len(drafting.order) <= STEPS * seconds:
            for start, proven in programmed(drafting, PROGRAM * seconds, seed):
                starts += [] if start is None else [start]
                least = max(least, proven)
                if min(each.latency for each in starts) <= least * (1 + ENOUGH):
                    break
        return race(drafting, starts, stop - time.perf_counter(), seed, least, tell)
    except KeyboardInterrupt:
        return min(starts, key=_latency)


def race(
    drafting: Drafting,
    starts: Sequence[Start],
    seconds: float,
    seed: int,
    least: float,
    tell: Tell,
    rounds: Sequence[Round] = ROUNDS,
) -> Start:
    """The best after all rounds. least: a bound; who comes so low wins at once."""
    began = time.perf_counter()
    pool = sorted(starts, key=_latency)
    until = 0.0
    most = rounds[0].runners
    for number, each in enumerate(rounds):
        until += each.share * seconds
        pool = _apart(pool)[: each.runners]
        ran: list[Start] = []
        for place, start in enumerate(pool):
            if min([*pool, *ran], key=_latency).latency <= least * (1 + ENOUGH):
                return min([*pool, *ran], key=_latency)
            left = (until - (time.perf_counter() - began)) / (len(pool) - place)
            if left > 0:
                dice = (seed * len(rounds) + number) * most + place
                hot = start.hot if each.hot is None else each.hot
                how = Annealing(cold=each.cold)
                found = heat(drafting, start.rows, seconds=left, seed=dice, hot=hot, how=how)
                ran.append(replace(start, rows=found.rows, latency=found.latency))
                if found.interrupted:
                    return min([*pool, *ran], key=_latency)
            gone = (time.perf_counter() - began) / seconds if seconds > 0 else 1.0
            tell(min([*pool, *ran], key=_latency).latency, min(1.0, gone))
        pool = sorted([*ran, *pool[len(ran) :]], key=_latency)
    return pool[0]


def _apart(pool: Sequence[Start]) -> list[Start]:
    """One of each latency: those that are equal are most likely the same."""
    return list({start.latency: start for start in reversed(pool)}.values())[::-1]


def _latency(start: Start) -> float:
    return start.latency


def _silent(phase: str, share: float) -> None:
    """Nobody listens."""


__all__ = ["Annealing", "Found", "anneal", "improved", "race", "solve"]
