"""Figures of benchmarks.agent, one by one.

Every figure is a cell (program, share, column, seconds, seed), a line of JSON; cells that the file
has are not run again, so a run that was ended goes on, and several may fill one file. All solvers
have the same seconds; every plan is verified.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import mean

from benchmarks.agent_players import CLOSE, Agent
from cosmalloc.problem import Problem
from cosmalloc.rl_agent.mapping_arena import uses_of

Figure = Callable[[Problem, Agent, int], float]
Row = dict[str, float]


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


class Book:
    """The cells of a file, and those that are made."""

    def __init__(self, file: Path | None) -> None:
        self._file = file
        self._known = {cell.key: cell for cell in kept(file)}

    def value(
        self,
        name: str,
        case: Problem,
        share: float,
        columns: Mapping[str, Figure],
        column: str,
        agent: Agent,
        seed: int,
    ) -> Cell:
        """Of the file, or measured now."""
        asked = Cell(name, uses_of(case), share, column, agent.seconds, seed, 0.0)
        cell = self._known.get(asked.key)
        if cell is None:
            cell = replace(asked, value=columns[column](case, agent, seed))
            self._known[cell.key] = cell
            if self._file is not None:
                with self._file.open("a") as lines:
                    lines.write(json.dumps(asdict(cell)) + "\n")
        return cell


def rows_of(cells: Sequence[Cell], seconds: float) -> dict[tuple[str, float, int], Row]:
    """Values by column after these seconds, for each program, share and seed."""
    rows: dict[tuple[str, float, int], Row] = {}
    for cell in cells:
        if cell.seconds == seconds:
            row = rows.setdefault((cell.program, cell.share, cell.seed), {"uses": cell.uses})
            row[cell.column] = cell.value
    return rows


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
