"""The solver `search`: simulated annealing over a plan in the making.

It starts from the better of `msa` and `greedy`. A move gives one tensor other stays: brings a use
on chip, keeps or drops one, starts a copy earlier or later. Whatever stands in the way leaves, or
keeps what it can of its stay, and comes back elsewhere if that pays. Most moves are made where the
timeline loses seconds: at steps that wait for off-chip bytes and at borders that wait for copies.
The compiled clock tells what a move is worth; one that costs seconds stays with probability
exp(-cost / temperature) (Kirkpatrick, Gelatt and Vecchi 1983), and the temperature falls in rounds.
Native code, see native/search_latency.hpp.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from cosmalloc.greedy import solve as greedy
from cosmalloc.history import Standing
from cosmalloc.latency.draft import Drafting, Rows
from cosmalloc.latency.msa import Msa, decoded, outcome_of, unfit
from cosmalloc.objective import bound, objective_value
from cosmalloc.plan import Objective, Outcome, Plan
from cosmalloc.problem import Problem

Progress = Callable[[str, float], None]
LEAST = 0.5  # of the time is for annealing, however long `greedy` took
STARTS = (Msa(), Msa(preferred=1.0), Msa(preferred=4.0), Msa(least=0.5, preferred=1.0))


@dataclass(frozen=True, slots=True)
class Annealing:
    """hot, cold: temperature at the start and the end of a round, as a share of the latency.
    rounds: each starts from the best so far, the later ones less hot. moves: in all, 0 for as many
    as the time allows; only with a number of moves does a seed alone decide the answer.
    """

    hot: float = 3e-3
    cold: float = 2e-6
    rounds: int = 3
    moves: int = 0


@dataclass(frozen=True, slots=True)
class Found:
    """plan: the best. curve: (seconds since the search started, latency) of every improvement.
    moves, accepted: how many were tried and kept. interrupted: by Ctrl-C."""

    plan: Plan
    latency: float
    curve: tuple[tuple[float, float], ...]
    moves: int
    accepted: int
    interrupted: bool


def anneal(
    drafting: Drafting,
    start: Rows,
    *,
    seconds: float,
    seed: int = 0,
    how: Annealing | None = None,
    report: Callable[[float, float], None] | None = None,
) -> Found:
    """The best plan found from these stays on. report: called after each round with the latency
    and the share of the time that is over."""
    how = how or Annealing()
    began = time.perf_counter()
    draft = drafting.empty()
    draft.set_stays(start)
    rows, latency = start, draft.latency()
    curve: list[tuple[float, float]] = [(0.0, latency)]
    moves = accepted = 0
    interrupted = False
    for number in range(how.rounds):
        gone = time.perf_counter() - began
        left = (seconds - gone) / (how.rounds - number)
        if left <= 0 or interrupted:
            break
        draft.set_stays(rows)
        found, value, tried, kept, points, interrupted = draft.search(
            left,
            seed * how.rounds + number,
            how.moves // how.rounds if how.moves else 0,
            how.hot / 3**number,
            how.cold,
        )
        moves, accepted = moves + tried, accepted + kept
        curve += [(gone + at, point) for at, _, point in points if point < curve[-1][1]]
        if value < latency:
            rows, latency = found, value
        if report is not None:
            report(latency, min(1.0, (time.perf_counter() - began) / seconds))
    plan = drafting.plan(rows)
    return Found(plan, latency, tuple(curve), moves, accepted, interrupted)


def solve(
    problem: Problem,
    *,
    objective: Objective = "latency",
    seconds: float = 10.0,
    seed: int = 0,
    progress: Progress | None = None,
) -> Outcome:
    """As every solver; never worse than `msa` and `greedy`. Under the rule `resident` the answer is
    greedy's. Ctrl-C brings the best plan so far."""
    if objective != "latency":
        why = f"it searches for less latency, not for objective `{objective}`"
        return Outcome(problem.name, "search", "unknown", objective, reason=why)
    began = time.perf_counter()
    first = greedy(problem, objective="latency", seconds=seconds / 5, seed=seed, progress=progress)
    if first.status == "optimal" or unfit(problem, objective):
        return replace(first, solver="search")
    assert first.plan is not None  # everything off-chip is a plan
    left = max(LEAST * seconds, seconds - (time.perf_counter() - began))
    return improved(problem, [first.plan], seconds=left, seed=seed, progress=progress)


def improved(
    problem: Problem,
    plans: Sequence[Plan],
    *,
    seconds: float = 10.0,
    seed: int = 0,
    progress: Progress | None = None,
) -> Outcome:
    """Never worse than any of these legal plans, which have one order, nor than `msa` in it.

    InputError for a target with the rule `resident`, or an operator without seconds.
    """
    report = progress or _silent
    drafting = Drafting.of(problem, plans[0].order)
    start = _best_start(drafting, plans)
    candidates = [*plans, drafting.plan(start)]
    if seconds > 0:
        least = bound(problem, "latency")

        def tell(latency: float, share: float) -> None:
            report(Standing("annealing", latency, min(least, latency)), share)

        candidates.append(anneal(drafting, start, seconds=seconds, seed=seed, report=tell).plan)
    best = min(candidates, key=lambda plan: objective_value(problem, plan, "latency"))
    return outcome_of(problem, "search", "latency", best)


def _silent(phase: str, share: float) -> None:
    """Nobody listens."""


def _best_start(drafting: Drafting, plans: Sequence[Plan]) -> Rows:
    """The stays of least latency among `msa` in several manners and these plans."""
    drafts = [decoded(drafting, rules) for rules in STARTS]
    for plan in plans:
        drafts.append(drafting.empty())
        drafts[-1].set_stays(drafting.rows(plan), by_half=True)
    return min(drafts, key=lambda draft: draft.latency()).stays()


__all__ = ["Annealing", "Found", "anneal", "improved", "solve"]
