"""What a learned cost model has to beat.

operation count     log y = a + b log operations, by least squares
fitted roofline     `roofline`, of seconds only
gradient boosting   trees on what the roofline sees of a kernel; for seconds they learn what the
                    fitted roofline leaves over: log y = log roofline + trees
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from cosmalloc.cost_model.dataset import Dataset
from cosmalloc.cost_model.estimator import Array, Fitted, Target, labels
from cosmalloc.cost_model.roofline import Roofline, fit_roofline, quantities
from cosmalloc.cost_model.summary import Book, Summary
from cosmalloc.cost_model.work import KINDS, WIDTHS
from cosmalloc.errors import InputError

_ROUNDS = 4000
_PATIENCE = 100  # rounds without gain on the validation rows
_LEAVES = (31, 127)  # both are tried


@dataclass(frozen=True)
class OperationCount:
    """The paper's naive rival: more operations, more seconds."""

    book: Book = field(default_factory=Book)
    name: str = "operation count"

    def fit(
        self, train: Dataset, valid: Dataset, *, seed: int, target: Target = "seconds"
    ) -> Fitted:
        slope, start = np.polyfit(self._counts(train.text), np.log(labels(train, target)), 1)
        return _Line(self, float(slope), float(start))

    def _counts(self, texts: Sequence[str]) -> Array:
        return np.log([max(1, each.operations) for each in self.book.of(texts)])


@dataclass(frozen=True)
class _Line:
    model: OperationCount
    slope: float
    start: float

    def predict(self, texts: Sequence[str]) -> Array:
        found: Array = np.exp(self.start + self.slope * self.model._counts(texts))
        return found


@dataclass(frozen=True)
class FittedRoofline:
    """Launch, work and bytes at fitted rates."""

    book: Book = field(default_factory=Book)
    name: str = "fitted roofline"

    def fit(
        self, train: Dataset, valid: Dataset, *, seed: int, target: Target = "seconds"
    ) -> FittedSeconds:
        if target != "seconds":
            raise InputError(f"a roofline knows seconds, not {target}", "leave it out")
        return FittedSeconds(self.book, fit_roofline(self.book.of(train.text), train.seconds))


@dataclass(frozen=True)
class FittedSeconds:
    """A roofline that reads texts."""

    book: Book
    roofline: Roofline

    def predict(self, texts: Sequence[str]) -> Array:
        return self.roofline.seconds(self.book.of(texts))


@dataclass(frozen=True)
class Trees:
    """Gradient-boosted trees; stopped, and their leaves chosen, by the validation rows."""

    book: Book = field(default_factory=Book)
    name: str = "gradient-boosted trees"

    def fit(
        self, train: Dataset, valid: Dataset, *, seed: int, target: Target = "seconds"
    ) -> Fitted:
        lightgbm = _lightgbm()
        base = None
        if target == "seconds":
            base = fit_roofline(self.book.of(train.text), train.seconds)
        sets = [
            (features(found, base), np.log(labels(data, target)) - _base(base, found))
            for data in (train, valid)
            for found in (self.book.of(data.text),)
        ]
        fits = []
        for leaves in _LEAVES:
            given = lightgbm.Dataset(*sets[0])
            booster = lightgbm.train(
                _options(leaves, seed),
                given,
                _ROUNDS,
                valid_sets=[lightgbm.Dataset(*sets[1], reference=given)],
                callbacks=[lightgbm.early_stopping(_PATIENCE, verbose=False)],
            )
            fits.append((booster.best_score["valid_0"]["l2"], leaves, booster))
        return _Forest(self.book, base, min(fits, key=lambda fit: fit[:2])[2])


@dataclass(frozen=True)
class _Forest:
    book: Book
    base: Roofline | None
    booster: Any

    def predict(self, texts: Sequence[str]) -> Array:
        found = self.book.of(texts)
        left: Array = self.booster.predict(features(found, self.base), num_threads=1)
        return np.exp(left + _base(self.base, found))


def features(summaries: Sequence[Summary], base: Roofline | None = None) -> Array:
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
    columns = [
        np.log1p(given.work),
        np.log1p(given.overhead),
        rest,
        _base(base, summaries)[:, None],
    ]
    return np.concatenate(columns, 1)


def _base(base: Roofline | None, summaries: Sequence[Summary]) -> Array:
    """Log-seconds that the trees add to: [N], 0 without a roofline."""
    return np.log(base.seconds(summaries)) if base else np.zeros(len(summaries))


def _options(leaves: int, seed: int) -> dict[str, Any]:
    return {
        "objective": "regression",
        "metric": "l2",
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
