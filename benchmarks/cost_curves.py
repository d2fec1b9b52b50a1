"""Curves of `benchmarks.cost_model`: errors against kernels to learn from, and against kernels of
a machine that the model has not seen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.cost_rivals import OURS, Sets, Workshop, by_predictor, shipped
from cosmalloc.cost_model.dataset import Dataset
from cosmalloc.cost_model.metrics import Metrics, metrics
from cosmalloc.cost_model.prediction import Predictor
from cosmalloc.cost_model.roofline import Roofline, fit_roofline

SIZES = (1_000, 5_000, 20_000)  # and all
LEARNERS = ("fitted roofline", "gradient-boosted trees", "conv1d, operations", OURS)
FEW = (0, 10, 30, 100, 300)
PULL = 1.0  # to the old machine's rates, of a roofline fitted to few kernels
_ROOFLINE = 6000  # kernels of the old machine that its roofline is fitted to
Adapt = Callable[[Predictor, Dataset], Predictor]


def learning(
    shop: Workshop, sets: Sets, models: Sequence[str]
) -> list[tuple[str, int, Metrics, float]]:
    """(model, training kernels, errors on the test models, CPU seconds of training)"""
    rows = []
    order = np.random.default_rng(shop.seed).permutation(len(sets.train))
    for size in (*(size for size in SIZES if size < len(order)), len(order)):
        some = sets.train.rows(np.sort(order[:size]))
        part = replace(sets, name=f"first {size}", train=some) if size < len(order) else sets
        for name in models:
            found = shop.predicted(name, part)
            error = metrics(sets.test.seconds, found.values["seconds"])
            rows.append((name, len(some), error, found.cpu_seconds))
            shop.say(f"{name}, {len(some)} kernels: MAPE {error.mape:.1%}")
    return rows


def adaptation(
    shop: Workshop, old: Dataset, new: Dataset, adapt: Adapt, repeats: int = 3
) -> list[tuple[str, int, Metrics]]:
    """(way, kernels of the new machine, errors on its test models), the middle of some draws.

    old, new: kernels of the machine the weights are for, and of the new one.
    """
    ours = shipped(shop.weights)
    train = old.only("train")
    base = train.rows(np.random.default_rng(shop.seed).permutation(len(train))[:_ROOFLINE])
    start = fit_roofline(shop.book.of(base.text), base.seconds)
    pool, test = new.only("train"), new.only("test")
    rows = []
    for count in FEW:
        errors: dict[str, list[Metrics]] = {"roofline": [], OURS: []}
        for draw in range(repeats if count else 1):
            rng = np.random.default_rng((shop.seed, count, draw))
            few = pool.rows(rng.permutation(len(pool))[:count])
            adapted = adapt(ours, few) if count else ours
            found = by_predictor(adapted, test)
            errors[OURS].append(metrics(test.seconds, found.values["seconds"]))
            seconds = _roofline(shop, start, few).seconds(shop.book.of(test.text))
            errors["roofline"].append(metrics(test.seconds, seconds))
        for way, each in errors.items():
            middle = sorted(each, key=lambda found: found.mape)[len(each) // 2]
            rows.append((way, count, middle))
            shop.say(f"{way}, {count} kernels: MAPE {middle.mape:.1%}")
    return rows


def _roofline(shop: Workshop, start: Roofline, few: Dataset) -> Roofline:
    if not len(few):
        return start
    return fit_roofline(shop.book.of(few.text), few.seconds, start, PULL)


def draw_curves(
    path: Path, rows: Sequence[tuple[str, int, Metrics]], label: str, least: int = 1
) -> None:
    """MAPE against kernels, one line a model, both axes logarithmic. least: stands for none."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5, 3.2), layout="constrained")
    axis = figure.subplots()
    for name in dict.fromkeys(row[0] for row in rows):
        mine = [(max(least, count), found.mape * 100) for way, count, found in rows if way == name]
        axis.plot(*zip(*mine, strict=True), marker="o", label=name)
    axis.set(xscale="log", yscale="log", xlabel=label, ylabel="MAPE on held-out models, %")
    if rows:
        axis.legend()
    figure.savefig(path)
