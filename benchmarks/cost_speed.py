"""How fast a cost model answers, for `benchmarks.cost_model`."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cosmalloc.cost_model.prediction import Predictor

ONES = 200  # kernels asked one by one


@dataclass(frozen=True)
class Speed:
    """batch: kernels per second of one call with all of them, the quickest of three after a first.
    one, slow: milliseconds of a call with one kernel never asked before, median and 99th."""

    batch: float
    one: float
    slow: float


def speed(model: Predictor, texts: Sequence[str]) -> Speed:
    """texts: distinct kernels; the model must not remember what it was asked."""
    model.predict(texts)  # compiles
    batches = [_seconds(model, texts) for _ in range(3)]
    step = max(1, len(texts) // ONES)
    singles = [_seconds(model, [text]) for text in texts[::step] for _ in range(2)]
    warm = np.array(singles[1::2]) * 1e3  # the first of a shape compiles
    return Speed(len(texts) / min(batches), float(np.median(warm)), float(np.percentile(warm, 99)))


def _seconds(model: Predictor, texts: Sequence[str]) -> float:
    began = time.perf_counter()
    model.predict(texts)
    return time.perf_counter() - began
