"""Whole models for `benchmarks.cost_model`: the sum of predicted kernels against the measured time
of the model compiled as one program."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cosmalloc.cost_model.kernels_of_model import predict_model
from cosmalloc.cost_model.measuring import Timer
from cosmalloc.cost_model.operators import without_launch
from cosmalloc.cost_model.prediction import Predictor
from cosmalloc.files import write_whole
from cosmalloc.passes import context, read_model
from cosmalloc.passes.grouping import Way

LIMIT = 600.0  # seconds for compiling and timing one model
WAYS: tuple[Way, ...] = ("fuse", "single")


@dataclass(frozen=True)
class Program:
    """Seconds of one call, measured and predicted by each model; operators: that were summed;
    outside: share of them unlike anything the first model learned from."""

    name: str
    operators: int
    measured: float
    predicted: dict[str, float]
    outside: float


def measure(path: Path, journal: Path, core: int) -> float:
    """Seconds of a model as one XLA program, pinned to a core; kept in a JSON file."""
    known: dict[str, float] = json.loads(journal.read_text()) if journal.exists() else {}
    if path.stem not in known:
        with Timer("cpu", core, LIMIT) as timer:
            found = timer.time(repeatable(path))
        if "error" in found:
            raise AssertionError(f"{path.stem}: {found['error']}")
        known[path.stem] = float(found["seconds"])
        write_whole(journal, json.dumps(known, indent=1))
    return known[path.stem]


def repeatable(path: Path) -> str:
    """The model's text; no argument is given away, so that it can be called again."""
    module = read_model(path)[0]
    main = context.entry(module.operation)
    if "arg_attrs" in main.attributes:
        del main.attributes["arg_attrs"]
    return context.to_text(module)


def compare(
    path: Path, models: Sequence[Predictor], journal: Path, core: int, way: Way = "fuse"
) -> Program:
    """One row. models: the first is ours."""
    measured = measure(path, journal, core)
    predicted: dict[str, float] = {}
    operators, outside = 0, 0.0
    for index, model in enumerate(models):
        names, found = predict_model(path, way, model)
        inner = without_launch(found.seconds, model.launch_seconds)
        predicted[model.name] = float(inner.sum()) + model.launch_seconds
        if index == 0:
            operators, outside = len(names), float(np.mean(~found.inside))
    return Program(path.stem, operators, measured, predicted, outside)
