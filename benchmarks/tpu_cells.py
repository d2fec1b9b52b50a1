"""Cells of `benchmarks.tpu`: kept as lines of JSON, shown as tables with their means."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import mean


@dataclass(frozen=True)
class Cell:
    """One program at one budget; seconds. None where there is none.

    xla, alone: XLA with and without cross-program prefetch; estimates are the compiler's own.
    ours: per seconds of search. told: XLA after our overrides; followed: of our plan, 0 to 1.
    """

    program: str
    topology: str
    budget: str
    operators: int
    all_hbm: float
    xla: float
    xla_estimate: float
    alone: float
    alone_estimate: float
    msa: float | None
    ours: dict[str, float]
    told: float | None
    told_estimate: float | None
    followed: float | None
    bound: float
    force: str | None = None
    solver: str = ""

    @property
    def key(self) -> tuple[str, str, str]:
        return self.topology, self.program, self.budget

    @property
    def theirs(self) -> float:
        return min(self.xla, self.alone)

    @property
    def limit(self) -> str:
        """Seconds of the search whose plan was told to XLA."""
        return self.solver.split(",")[-1].split(" ")[-1]

    @property
    def last(self) -> float:
        """Ours after that search."""
        return self.ours.get(self.limit, list(self.ours.values())[-1])

    def gain_after(self, limit: str) -> float | None:
        """None where nothing was searched for so long."""
        return 1 - self.ours[limit] / self.theirs if limit in self.ours else None

    @property
    def gain(self) -> float:
        return 1 - self.last / self.theirs

    @property
    def closed(self) -> float | None:
        """None where XLA is at the bound."""
        way = self.theirs - self.bound
        return (self.theirs - self.last) / way if way > 1e-3 * self.theirs else None

    @property
    def survived(self) -> float | None:
        """Share of our gain that XLA's own plan shows after the overrides; None without gain."""
        won = self.theirs - self.last
        if self.told is None or won < 1e-3 * self.theirs:
            return None
        return (self.theirs - self.told) / won


def kept(file: Path | None) -> Iterator[Cell]:
    """The cells of earlier runs; a line that a killed run did not finish is none."""
    if file is not None and file.is_file():
        for line in file.read_text().splitlines():
            try:
                yield Cell(**json.loads(line))
            except ValueError:
                continue


def merged(cells: Sequence[Cell]) -> list[Cell]:
    """One cell per program, machine and budget: of runs with other time limits the first, with the
    plans of the others beside its own and the highest bound."""
    found: dict[tuple[str, str, str], Cell] = {}
    for each in cells:
        first = found.setdefault(each.key, each)
        if first is not each:
            ours = {**each.ours, **first.ours}
            ours = {limit: ours[limit] for limit in sorted(ours, key=float)}
            least = min(max(first.bound, each.bound), *ours.values())
            found[each.key] = replace(first, ours=ours, bound=least)
    return list(found.values())


def limits_of(cells: Sequence[Cell]) -> list[str]:
    """Every time limit of the cells."""
    return sorted({limit for each in cells for limit in each.ours}, key=float)


def rows(cells: Sequence[Cell]) -> Iterator[list[str]]:
    """Heading first."""
    limits = limits_of(cells)
    head = ["program", "MiB", "ops", "HBM", "XLA", "alone", "msa"]
    rest = ["told", "bound", "gain", "closed", "survived", "followed"]
    yield [*head, *(f"{limit} s" for limit in limits), *rest]
    for c in cells:
        yield [
            c.program,
            c.budget,
            str(c.operators),
            *map(_micro, (c.all_hbm, c.xla, c.alone, c.msa)),
            *(_micro(c.ours.get(limit)) for limit in limits),
            _micro(c.told),
            _micro(c.bound),
            *map(_share, (c.gain, c.closed, c.survived, c.followed)),
        ]


def _micro(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds * 1e6:.1f}"


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.0%}"


def table(lines: Sequence[Sequence[str]]) -> str:
    """Markdown, numbers to the right."""
    head, *body = lines
    marks = ["---", *["---:"] * (len(head) - 1)]
    return "\n".join(f"| {' | '.join(line)} |" for line in (head, marks, *body))


def summary(cells: Sequence[Cell]) -> str:
    """Means over programs x budgets."""
    gains = {limit: [c.gain_after(limit) for c in cells] for limit in limits_of(cells)}
    told = [
        f"{_mean(_known(each)):.1%} after {limit} s ({len(_known(each))})"
        for limit, each in gains.items()
    ]
    most = mean(1 - c.bound / c.theirs for c in cells)
    closed, survived = _known([c.closed for c in cells]), _known([c.survived for c in cells])
    followed = _known([c.followed for c in cells])
    kept = [1 - min(c.told or c.theirs, c.theirs) / c.theirs for c in cells]
    msa = [c.msa / c.theirs - 1 for c in cells if c.msa is not None]
    worse = [f"{c.program}/{c.budget}" for c in cells if c.last > c.theirs * (1 + 1e-9)]
    parts = [
        f"{len(cells)} cells: mean gain {', '.join(told)}, at most {most:.1%} by the bound",
        f"closed {_mean(closed):.0%} of the way to the bound over {len(closed)}",
        f"XLA after our overrides {mean(kept):.1%} faster, {_mean(survived):.0%} of the gain"
        f" over {len(survived)}, followed {_mean(followed):.0%}",
        f"msa {_mean(msa):+.1%} of XLA, {_mean([abs(m) for m in msa]):.1%} off on average",
        f"above XLA: {', '.join(worse) or 'none'}",
    ]
    return "; ".join(parts)


def _mean(values: Sequence[float]) -> float:
    return mean(values) if values else 0.0


def overview(cells: Sequence[Cell]) -> Iterator[list[str]]:
    """The means per machine and over all; heading first."""
    limits = limits_of(cells)
    head = [*(f"gain, {limit} s" for limit in limits), "at most", "closed", "XLA, told"]
    yield ["topology", "cells", *head, "survived", "followed", "msa off"]
    groups = {m: [c for c in cells if c.topology == m] for m in dict.fromkeys(_machines(cells))}
    for name, here in {**groups, "all": cells}.items():
        gains = [[c.gain_after(limit) for c in here] for limit in limits]
        shares: list[list[float | None]] = [
            *gains,
            [1 - c.bound / c.theirs for c in here],
            [c.closed for c in here],
            [1 - min(c.told or c.theirs, c.theirs) / c.theirs for c in here],
            [c.survived for c in here],
            [c.followed for c in here],
            [None if c.msa is None else abs(c.msa / c.theirs - 1) for c in here],
        ]
        yield [name, str(len(here)), *(f"{_mean(_known(each)):.1%}" for each in shares)]


def _machines(cells: Sequence[Cell]) -> list[str]:
    return [c.topology for c in cells]


def _known(values: Sequence[float | None]) -> list[float]:
    return [value for value in values if value is not None]


def grid(cells: Sequence[Cell]) -> Iterator[list[str]]:
    """Gain of every cell in percent, and what the bound leaves for the best; heading first."""
    budgets = list(dict.fromkeys(c.budget for c in cells))
    yield ["program", *(f"{budget} MiB" if budget.isdigit() else budget for budget in budgets)]
    for program in dict.fromkeys(c.program for c in cells):
        here = {c.budget: c for c in cells if c.program == program}
        yield [program, *(_gain(here.get(budget)) for budget in budgets)]


def _gain(cell: Cell | None) -> str:
    if cell is None:
        return "-"
    return f"{100 * cell.gain:.1f} of {100 * (1 - cell.bound / cell.theirs):.1f}"


def shown(cells: Sequence[Cell]) -> Iterator[str]:
    """A table, its means and its gains per machine, then all means."""
    for machine in dict.fromkeys(_machines(cells)):
        here = [c for c in cells if c.topology == machine]
        yield f"{machine}, microseconds\n\n{table(list(rows(here)))}\n\n{summary(here)}\n"
        yield f"{table(list(grid(here)))}\n"
    if cells:
        yield table(list(overview(cells)))
