"""Model families that the agent never saw, at shares of their peak, for benchmarks.agent.

Every figure is a cell (program, share, column, seconds, seed), a line of JSON; cells that the file
has are not run again, so a run that was ended goes on, and several may fill one file. All solvers
have the same seconds; every plan is verified.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import mean

from benchmarks.agent_players import CLOSE, EVEN, Agent, head, liked, line, solved
from cosmalloc.ilp.latency import latency_bound
from cosmalloc.lifetimes import source_order
from cosmalloc.problem import Problem
from cosmalloc.rl_agent.budgets import at_share
from cosmalloc.rl_agent.compile import Compiling
from cosmalloc.rl_agent.mapping_arena import uses_of

Figure = Callable[[Problem, Agent, int], float]
COLUMNS: dict[str, Figure] = {
    "bound": lambda p, agent, _: latency_bound(p, source_order(p), agent.seconds / 2),
    "msa": lambda p, agent, seed: solved(p, "msa", agent.seconds, seed),
    "greedy": lambda p, agent, seed: solved(p, "greedy", agent.seconds, seed),
    "likeliest": lambda p, agent, _: liked(p, agent.network),
    "evolution": lambda p, agent, seed: agent.plays(p, EVEN, seed),
    "evolution, annealed": lambda p, agent, seed: agent.plays(
        p, replace(EVEN, polish=Compiling().polish), seed
    ),
    "search": lambda p, agent, seed: solved(p, "search", agent.seconds, seed),
    "raw": lambda p, agent, seed: agent.plays(p, Compiling(), seed),
    "prod": lambda p, agent, seed: solved(p, "rl", agent.seconds, seed),
}


@dataclass(frozen=True)
class Cell:
    """value: seconds of the plan. uses: of the program. seconds: that the solver had."""

    program: str
    uses: int
    share: float
    column: str
    seconds: float
    seed: int
    value: float

    @property
    def key(self) -> tuple[str, float, str, float, int]:
        return self.program, self.share, self.column, self.seconds, self.seed


def kept(file: Path | None) -> Iterator[Cell]:
    """Of earlier runs; a line that a killed run did not finish is none."""
    if file is not None and file.is_file():
        for text in file.read_text().splitlines():
            try:
                yield Cell(**json.loads(text))
            except (ValueError, TypeError):
                continue


def fill(
    programs: Sequence[Problem],
    shares: Sequence[float],
    columns: Sequence[str],
    agent: Agent,
    seed: int,
    file: Path | None,
) -> list[Cell]:
    """The cells asked for, those of the file among them."""
    known = {cell.key: cell for cell in kept(file)}
    cells = []
    for share in shares:
        for problem in programs:
            case = at_share(problem, share)
            for column in columns:
                at = (problem.name, uses_of(case), share, column, agent.seconds, seed)
                asked = Cell(*at, value=0.0)
                cell = known.get(asked.key)
                if cell is None:
                    cell = replace(asked, value=COLUMNS[column](case, agent, seed))
                    note(cell, file)
                cells.append(cell)
    return cells


def note(cell: Cell, file: Path | None) -> None:
    """One line more."""
    if file is not None:
        with file.open("a") as lines:
            lines.write(json.dumps(asdict(cell)) + "\n")


Row = dict[str, float]


def rows_of(cells: Sequence[Cell], seconds: float) -> dict[tuple[str, float, int], Row]:
    """Values by column after these seconds, for each program, share and seed."""
    rows: dict[tuple[str, float, int], Row] = {}
    for cell in cells:
        if cell.seconds == seconds:
            row = rows.setdefault((cell.program, cell.share, cell.seed), {"uses": cell.uses})
            row[cell.column] = cell.value
    return rows


def show(cells: Sequence[Cell], columns: Sequence[str], seconds: float) -> None:
    """Microseconds, then means and duels."""
    rows = rows_of(cells, seconds)
    head(("program", "uses", "share", *columns, "prod against msa"))
    for (program, share, _), row in sorted(rows.items(), key=lambda each: each[0][:2]):
        values = [micro(row.get(name)) for name in columns]
        gain = f"{row['prod'] / row['msa'] - 1:+.1%}" if {"prod", "msa"} <= row.keys() else "-"
        line((program, f"{row['uses']:,.0f}", f"{share:.0%}", *values, gain))
    print()
    for name in columns:
        print(f"{name}: {against(list(rows.values()), name, 'msa')}")
    for mine in ("raw", "prod"):
        for other in ("greedy", "evolution", "evolution, annealed", "search"):
            print(f"{mine}: {against(list(rows.values()), mine, other)}")


def show_longer(cells: Sequence[Cell], seconds: float, longer: float) -> None:
    """What more seconds bring, learning of this program among them."""
    before, after = rows_of(cells, seconds), rows_of(cells, longer)
    names = [name for name in COLUMNS if any(name in row for row in after.values())]
    ends = (f"{seconds:g} s", f"{longer:g} s")
    print()
    head(("program", "share", *(f"{name}, {end}" for name in names for end in ends)))
    both: list[Row] = []
    for key in sorted(before.keys() & after.keys()):
        pair = (before[key], after[key])
        line((key[0], f"{key[1]:.0%}", *(micro(row.get(name)) for name in names for row in pair)))
        both.append({**before[key], **{f"{k}, {ends[1]}": v for k, v in after[key].items()}})
    print()
    for name in names:
        print(f"{name}, {ends[1]}: {against(both, f'{name}, {ends[1]}', name)}")


def micro(value: float | None) -> str:
    return "-" if value is None else f"{value * 1e6:,.1f}"


def against(rows: Sequence[Row], one: str, other: str) -> str:
    """Mean difference, and on how many rows it is less or more."""
    pairs = [(row[one], row[other]) for row in rows if one in row and other in row]
    if not pairs:
        return f"nothing to compare with {other}"
    less = sum(a < b * (1 - CLOSE) for a, b in pairs)
    more = sum(a > b * (1 + CLOSE) for a, b in pairs)
    off = mean(a / b - 1 for a, b in pairs)
    return f"{off:+.2%} against {other}; less on {less}, more on {more}, of {len(pairs)}"
