"""The roofline of the textbook, its three rates fitted to measured kernels.

    seconds = launch + max(flops / F, bytes / B)              bytes: of arguments and results

(Williams, Waterman, Patterson: Roofline, CACM 2009; the launch is ours, since kernels are measured
with it.) What it leaves is what `roofline`, which tells kinds of work apart, is for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from cosmalloc.cost_model.dataset import Dataset
from cosmalloc.cost_model.estimator import Array, Target
from cosmalloc.cost_model.summary import Book, Summary

_SOFT = 0.05  # an error of log-seconds from which on it counts linearly


@dataclass(frozen=True)
class TextbookRoofline:
    """An `Estimator`."""

    book: Book = field(default_factory=Book)
    name: str = "textbook roofline"

    def fit(self, train: Dataset, valid: Dataset, *, seed: int) -> TextbookSeconds:
        return TextbookSeconds(self.book, fit_rates(self.book.of(train.text), train.seconds))


@dataclass(frozen=True)
class TextbookSeconds:
    """rates: launch in seconds, seconds per flop, seconds per byte: [3]."""

    book: Book
    rates: Array

    def predict(self, texts: Sequence[str]) -> Mapping[Target, Array]:
        return {"seconds": _seconds(self.rates, _amounts(self.book.of(texts)))}


def fit_rates(summaries: Sequence[Summary], seconds: Array) -> Array:
    """The rates with the least errors of log-seconds, large ones counted linearly: [3]."""
    from scipy.optimize import least_squares

    amounts, target = _amounts(summaries), np.log(seconds)

    def error(logs: Array) -> npt.NDArray[np.float64]:
        left: npt.NDArray[np.float64] = np.log(_seconds(np.exp(logs), amounts)) - target
        return left

    start = np.log([float(np.min(seconds)), 1e-10, 1e-10])
    found = least_squares(error, start, loss="soft_l1", f_scale=_SOFT)
    rates: Array = np.exp(found.x)
    return rates


def _amounts(summaries: Sequence[Summary]) -> Array:
    """Flops and bytes: [N, 2]."""
    return np.array([(each.flops, each.read + each.written) for each in summaries], np.float64)


def _seconds(rates: Array, amounts: Array) -> Array:
    seconds: Array = rates[0] + (amounts * rates[1:]).max(axis=1)
    return seconds
