"""Learning curves of training runs, for benchmarks.agent: a picture and a CSV.

Runs that are called VARIANT-SEED are one curve: the mean over the seeds, and from the least to the
most of them.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from benchmarks.doc_csv import write_table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Against = Literal["moves", "seconds"]
Exams = Literal["exam", "check"]
FIELDS = ("round", "moves", "seconds", "exam", "check")
TITLE = "Examinations of an agent in training"
COMMAND = "python -m benchmarks.agent curves RUN ..."
NOTE = "latency over the better of `msa` and `greedy`; busy machine, 2 cores, no GPU"
LABELS = {"moves": "moves of self-play", "seconds": "seconds of training"}


@dataclass(frozen=True)
class Exam:
    """One examination. seconds: of training before it. exam, of families never seen, and check, of
    those trained on: less is better, below 1 it beats both rivals."""

    run: str
    round: float
    moves: float
    seconds: float
    exam: float
    check: float


def exams_of(run: Path) -> list[Exam]:
    """What the metrics of a run say; nothing where it has not begun."""
    file = run / "metrics.csv"
    if not file.is_file():
        return []
    with file.open() as rows:
        return [
            Exam(run.name, *(float(row[key]) for key in FIELDS))
            for row in csv.DictReader(rows)
            if row.get("exam")
        ]


def kind_of(run: str) -> str:
    """Its variant, where the name ends in a seed, or its name."""
    word, _, seed = run.rpartition("-")
    return word.replace("-", " ") if word and seed.isdigit() else run


def band(runs: Sequence[Sequence[Exam]], key: Against, exam: Exams) -> NDArray[np.float64]:
    """float[4, P]: what the curve is drawn against, mean, least and most, where all are."""
    ends = [[getattr(row, key) for row in run] for run in runs]
    start, stop = max(min(each) for each in ends), min(max(each) for each in ends)
    grid = np.array(ends[0]) if len(runs) == 1 else np.linspace(start, stop, 40)
    values = np.array(
        [
            np.interp(grid, each, [getattr(row, exam) for row in run])
            for each, run in zip(ends, runs, strict=True)
        ]
    )
    return np.array([grid, values.mean(0), values.min(0), values.max(0)])


def draw(rows: Sequence[Exam], output: str) -> None:
    """OUTPUT.svg and OUTPUT.csv."""
    from matplotlib.figure import Figure

    names = dict.fromkeys(row.run for row in rows)
    kinds: dict[str, list[list[Exam]]] = {}
    for name in names:
        kinds.setdefault(kind_of(name), []).append([row for row in rows if row.run == name])
    figure = Figure(figsize=(8, 3.4), layout="constrained")
    axes = figure.subplots(1, 2, sharey=True)
    keys: tuple[Against, Against] = ("moves", "seconds")
    for axis, key in zip(axes, keys, strict=True):
        for number, (kind, runs) in enumerate(kinds.items()):
            _curve(axis, band(runs, key, "exam"), f"C{number}", "-", f"{kind}, exam")
            if len(kinds) == 1:
                _curve(axis, band(runs, key, "check"), f"C{number}", ":", f"{kind}, check")
        axis.set_xlabel(LABELS[key])
        axis.axhline(1.0, color="grey", linewidth=0.8)
    axes[0].set_ylabel("latency / better of msa, greedy")
    axes[1].legend()
    figure.savefig(f"{output}.svg", metadata={"Date": None})
    cells = [[row.run, *(f"{getattr(row, key):.6g}" for key in FIELDS)] for row in rows]
    write_table(Path(f"{output}.csv"), TITLE, COMMAND, ("run", *FIELDS), cells, NOTE)


def _curve(axis: Axes, values: NDArray[np.float64], color: str, style: str, label: str) -> None:
    grid, middle, least, most = values
    axis.plot(grid, middle, style, color=color, label=label)
    axis.fill_between(grid, least, most, color=color, alpha=0.15, linewidth=0)
