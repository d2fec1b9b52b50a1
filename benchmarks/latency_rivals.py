"""`search` against plans that others made: a folder of problems, and of plans beside them.

NAME.problem.json goes with every NAME.plan.json and NAME.ANYTHING.plan.json. The best of those that
the judge has nothing against is the rival. Beside it: the better of `msa` with and without its
pinned weight, `search` in some seconds, and the bound proven for the problem's own order in some
more. `closed` is the share of the way from the rival to the bound; rows where that way is less than
a ten thousandth leave nothing to gain and are left out of its mean.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import mean

from cosmalloc.ilp.latency import latency_bound
from cosmalloc.interchange import read_problem
from cosmalloc.latency.msa import Msa, msa_plan
from cosmalloc.lifetimes import source_order
from cosmalloc.plan import Plan
from cosmalloc.plan_json import read_outcome
from cosmalloc.problem import Problem
from cosmalloc.simulate import simulate
from cosmalloc.solve import solve
from cosmalloc.verify import verify

HEAD = ("program", "steps", "rivals", "msa", "search", "bound", "less", "closed")
NOTHING = 1e-4  # of the rival's latency


@dataclass(frozen=True)
class Duel:
    """All in seconds but the first two. others: every legal plan beside the problem."""

    program: str
    steps: int
    others: tuple[float, ...]
    msa: float
    search: float
    bound: float

    @property
    def rival(self) -> float:
        return min(self.others)

    @property
    def less(self) -> float:
        return 1 - self.search / self.rival

    @property
    def closed(self) -> float | None:
        way = self.rival - self.bound
        return (self.rival - self.search) / way if way > NOTHING * self.rival else None


def duels(folder: Path, words: Sequence[str], seconds: float, proving: float) -> Iterator[Duel]:
    """Every problem of the folder whose name has one of the words (all, if there are none) and that
    has a legal plan beside it. seconds: of search; proving: of the bound."""
    for path in sorted(folder.glob("*.problem.json")):
        name = path.name.removesuffix(".problem.json")
        if words and not any(word in name for word in words):
            continue
        problem = read_problem(path)
        others = tuple(_legal_latencies(folder, name, problem))
        if others:
            yield _duel(name, problem, others, seconds, proving)


def _duel(
    name: str, problem: Problem, others: tuple[float, ...], seconds: float, proving: float
) -> Duel:
    plan = solve(problem, objective="latency", solver="search", seconds=seconds).plan
    rules = Msa.of(problem.target)
    manners = (replace(rules, cross_program=pinned) for pinned in (False, True))
    msa = min(_latency(problem, msa_plan(problem, each)) for each in manners)
    least = latency_bound(problem, source_order(problem), proving)
    search = _latency(problem, plan)
    if least > search * (1 + 1e-9):
        raise AssertionError(f"{name}: a plan of {search} s below the bound {least} s")
    return Duel(name, len(problem.operators), others, msa, search, least)


def _legal_latencies(folder: Path, name: str, problem: Problem) -> Iterator[float]:
    for path in sorted(folder.glob(f"{name}.*plan.json")):
        plan = read_outcome(path, problem).plan
        if plan is not None and plan.order == source_order(problem) and not verify(problem, plan):
            yield simulate(problem, plan).latency


def _latency(problem: Problem, plan: Plan | None) -> float:
    if plan is None:
        raise AssertionError("everything off-chip is a plan")
    faults = verify(problem, plan)
    if faults:
        raise AssertionError(f"{problem.name}: {faults[0]}")
    return simulate(problem, plan).latency


def cells(duel: Duel) -> tuple[str, ...]:
    return (
        duel.program,
        f"{duel.steps:,}",
        " / ".join(f"{each * 1e6:,.1f}" for each in duel.others),
        *(f"{each * 1e6:,.1f}" for each in (duel.msa, duel.search, duel.bound)),
        f"{duel.less:.1%}",
        "-" if duel.closed is None else f"{duel.closed:.0%}",
    )


def summary(rows: Sequence[Duel]) -> str:
    """The means, and the row where it goes worst."""
    ways = [row.closed for row in rows if row.closed is not None]
    worst = min(rows, key=lambda row: row.less)
    away = mean(abs(row.msa / row.rival - 1) for row in rows)
    return (
        f"{len(rows)} rows: {mean(row.less for row in rows):.1%} less than the best rival;"
        f" {mean(ways) if ways else 1:.0%} of the way to the bound closed, where there is one"
        f" ({len(ways)} rows); at worst {worst.less:.2%} ({worst.program});"
        f" msa is {away:.1%} away from the best rival"
    )
