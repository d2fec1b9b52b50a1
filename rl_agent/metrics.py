"""Metrics of a training run as CSV, one row a round."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from math import isfinite
from pathlib import Path

from cosmalloc.files import read_text, write_whole

NAME = "metrics.csv"


class Metrics:
    """A table that grows by rows, and by columns where a row brings a new one."""

    def __init__(self, folder: str | Path, rounds: int) -> None:
        """What the file holds of the first `rounds` rounds stays; later rows were not saved by a
        checkpoint and come again."""
        self._path = Path(folder) / NAME
        self._rows: list[dict[str, str]] = []
        if self._path.exists():
            found = csv.DictReader(io.StringIO(read_text(self._path)))
            self._rows = [row for row in found if float(row["round"]) <= rounds]

    def add(self, row: Mapping[str, float]) -> None:
        """A row more, on disk at once."""
        self._rows.append({name: f"{value:.6g}" for name, value in row.items()})
        names = list(dict.fromkeys(name for each in self._rows for name in each))
        text = io.StringIO()
        writer = csv.DictWriter(text, names, lineterminator="\n")
        writer.writeheader()
        writer.writerows(self._rows)
        write_whole(self._path, text.getvalue())


def last_of(folder: str | Path) -> dict[str, float]:
    """The numbers of the last row of a run that has one; empty where it has none."""
    path = Path(folder) / NAME
    rows = list(csv.DictReader(io.StringIO(read_text(path)))) if path.exists() else []
    told = {name: float(text) for name, text in rows[-1].items() if text} if rows else {}
    return {name: value for name, value in told.items() if isfinite(value)}
