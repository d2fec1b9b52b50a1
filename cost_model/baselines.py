"""What a learned cost model has to beat.

operation count     log y = a + b log operations, by least squares
fitted roofline     `roofline`, of seconds only
gradient boosting   trees on what the roofline sees of a kernel; for seconds they learn what the
                    fitted roofline leaves over: log y = log roofline + trees
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from cosmalloc.cost_model.dataset import Dataset
from cosmalloc.cost_model.estimator import TARGETS, Array, Fitted, Target, labels
from cosmalloc.cost_model.roofline import Roofline, fit_roofline, quantities
from cosmalloc.cost_model.summary import Book, Summary
from cosmalloc.cost_model.work import KINDS, WIDTHS
from cosmalloc.errors import InputError

_PATIENCE = 100  # rounds without gain on the validation rows
_LEAVES = (31, 127)  # both are tried


@dataclass(frozen=True)
class OperationCount:
    """The paper's naive rival: more operations, more seconds."""

    book: Book = field(default_factory=Book)
    name: str = "operation count"

    def fit(self, train: Dataset, valid: Dataset, *, seed: int) -> Fitted:
        counts = self.counts(train.text)
        lines = {each: np.polyfit(counts, np.log(labels(train, each)), 1) for each in TARGETS}
        return _Lines(self, {each: (float(a), float(b)) for each, (b, a) in lines.items()})

    def counts(self, texts: Sequence[str]) -> Array:
        """Logarithms, of at least one operation."""
        return np.log([max(1, each.operations) for each in self.book.of(texts)])


@dataclass(frozen=True)
class _Lines:
    """Per target (a, b)."""

    model: OperationCount
    lines: Mapping[Target, tuple[float, float]]

    def predict(self, texts: Sequence[str]) -> Mapping[Target, Array]:
        counts = self.model.counts(texts)
        return {each: np.exp(a + b * counts) for each, (a, b) in self.lines.items()}


@dataclass(frozen=True)
class FittedRoofline:
    """Launch, work and bytes at fitted rates."""

    book: Book = field(default_factory=Book)
    name: str = "fitted roofline"

    def fit(self, train: Dataset, valid: Dataset, *, seed: int) -> FittedSeconds:
        return FittedSeconds(self.book, fit_roofline(self.book.of(train.text), train.seconds))


@dataclass(frozen=True)
class FittedSeconds:
    """A roofline that reads texts."""

    book: Book
    roofline: Roofline

    def predict(self, texts: Sequence[str]) -> Mapping[Target, Array]:
        return {"seconds": self.roofline.seconds(self.book.of(texts))}


@dataclass(frozen=True)
class Trees:
    """Gradient-boosted trees; stopped, and their leaves chosen, by the validation rows."""

    book: Book = field(default_factory=Book)
    rounds: int = 4000  # at most
    name: str = "gradient-boosted trees"

    def fit(self, train: Dataset, valid: Dataset, *, seed: int) -> Fitted:
        seen = tuple(self.book.of(data.text) for data in (train, valid))
        base = fit_roofline(seen[0], train.seconds)
        boosters = {}
        for target in TARGETS:
            sets = [
                (features(found, base), np.log(labels(data, target)) - _base(base, found, target))
                for data, found in zip((train, valid), seen, strict=True)
            ]
            boosters[target] = _boost(sets, seed, self.rounds)
        return _Forest(self.book, base, boosters)


@dataclass(frozen=True)
class _Forest:
    book: Book
    base: Roofline
    boosters: Mapping[Target, Any]

    def predict(self, texts: Sequence[str]) -> Mapping[Target, Array]:
        found = self.book.of(texts)
        seen = features(found, self.base)
        return {
            target: np.exp(booster.predict(seen, num_threads=1) + _base(self.base, found, target))
            for target, booster in self.boosters.items()
        }


def _boost(sets: Sequence[tuple[Array, Array]], seed: int, rounds: int) -> Any:
    """The best on the second set of those that learn from the first."""
    lightgbm = _lightgbm()
    fits = []
    for leaves in _LEAVES:
        given = lightgbm.Dataset(*sets[0])
        booster = lightgbm.train(
            _options(leaves, seed),
            given,
            rounds,
            valid_sets=[lightgbm.Dataset(*sets[1], reference=given)],
            callbacks=[lightgbm.early_stopping(_PATIENCE, verbose=False)],
        )
        fits.append((booster.best_score["valid_0"]["l1"], leaves, booster))
    return min(fits, key=lambda fit: fit[:2])[2]


def features(summaries: Sequence[Summary], base: Roofline) -> Array:
    """What trees see: logarithms of work, calls, bytes and the roofline's seconds: [N, F]."""
    given = quantities(summaries)
    rest = np.array(
        [
            (
                *np.log1p((each.read, each.written, each.between, each.operations, each.flops)),
                np.log1p(each.flops) - np.log1p(each.data),
                KINDS.index(each.heaviest),
                WIDTHS.index(each.width),
            )
            for each in summaries
        ]
    )
    seconds = np.log(base.of(given))[:, None]
    return np.concatenate([np.log1p(given.work), np.log1p(given.overhead), rest, seconds], 1)


def _base(base: Roofline, summaries: Sequence[Summary], target: Target) -> Array:
    """What the trees add to: [N], log-seconds of the roofline; 0 for bytes."""
    zeros = np.zeros(len(summaries))
    return np.log(base.seconds(summaries)) if target == "seconds" else zeros


def _options(leaves: int, seed: int) -> dict[str, Any]:
    return {
        "objective": "regression_l1",  # the median, which relative errors are about
        "metric": "l1",
        "num_leaves": leaves,
        "learning_rate": 0.05,
        "min_data_in_leaf": 5,
        "feature_fraction": 0.7,
        "bagging_fraction": 0.8,
        "bagging_freq": 1,
        "seed": seed,
        "deterministic": True,
        "force_row_wise": True,
        "num_threads": 1,
        "verbosity": -1,
    }


def _lightgbm() -> Any:
    try:
        import lightgbm
    except ImportError:
        raise InputError(
            "gradient-boosted trees are lightgbm's, which is not installed",
            "pip install 'cosmalloc[cost]'",
        ) from None
    return lightgbm
