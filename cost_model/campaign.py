"""A run of `cost measure`: which kernels, their labels, and how far labels are to be trusted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import tee
from pathlib import Path
from typing import Any

import numpy as np

from cosmalloc.cost_model.corpus.split import split_of, without_leaks
from cosmalloc.cost_model.dataset import Dataset, from_rows
from cosmalloc.cost_model.kernel import digest
from cosmalloc.cost_model.measuring import Labels, measure_all
from cosmalloc.cost_model.prediction import Predictor
from cosmalloc.errors import InputError

Row = dict[str, Any]
_SINGLES = {
    "convolution": 0.11,
    "small_convolution": 0.02,
    "product": 0.06,
    "pooling": 0.015,
    "reduction": 0.015,
}


def model_rows(models: Iterable[str | Path]) -> Iterator[Row]:
    """The kernels of models, each with its split. Raises InputError."""
    from cosmalloc.cost_model.corpus.generate import module_kernels
    from cosmalloc.passes import read_model

    for path in models:
        module, name = read_model(path)
        yield from map(_with_split, module_kernels(module, name, name))


def corpus_rows(count: int, seed: int) -> Iterator[Row]:
    """About `count` kernels, each with its split: a fifth of them single operations, the others of
    drawn networks, as many of each family."""
    from cosmalloc.cost_model.corpus.families import FAMILIES
    from cosmalloc.cost_model.corpus.generate import generate
    from cosmalloc.cost_model.corpus.singles import singles

    alone = {name: round(count * share) for name, share in _SINGLES.items()}
    yield from map(_with_split, singles(alone, seed))
    yield from map(_with_split, generate(FAMILIES, count - sum(alone.values()), seed))


def unsure_rows(rows: Sequence[Row], model: Predictor, count: int, seed: int) -> list[Row]:
    """`count` of the rows, drawn the oftener the less sure the model is of their kernels; in their
    order. Rows have chances spread^1.5; ones outside the model's domain come first. Labels where a
    model is unsure teach it more than labels drawn blindly (Settles: Active learning, 2009)."""
    spread = model.predict([row["text"] for row in rows]).spread
    luck = np.random.default_rng(seed).gumbel(size=len(rows))
    order = np.argsort(-(1.5 * np.log(np.maximum(spread, 1e-3)) + luck), kind="stable")
    return [rows[index] for index in sorted(order[:count].tolist())]


def again_rows(data: Dataset, count: int, seed: int) -> list[Row]:
    """A random sample of measured kernels, to be timed again."""
    chosen = np.random.default_rng(seed).permutation(len(data))[:count]
    names = ("text", "source", "family", "policy", "split")
    return [{name: getattr(data, name)[i] for name in names} for i in sorted(chosen)]


def measured(
    rows: Iterable[Row],
    journal: Path,
    timer: Labels,
    progress: Callable[[int, Row], None] | None = None,
) -> Iterator[Row]:
    """Each row with its labels. A kernel that several models share is timed once, and every row
    keeps the model that it came from."""
    given, fed = tee(rows)
    for row, labels in zip(given, measure_all(fed, journal, timer, progress), strict=True):
        yield labels | row


def collected(rows: Sequence[Row], about: dict[str, Any]) -> Dataset:
    """The rows as a dataset, without kernels that two splits share. Raises InputError."""
    kept = without_leaks(rows)
    failed = [row for row in kept if "error" in row]
    if len(failed) == len(kept):
        why = f": {failed[0]['error']}" if failed else ""
        raise InputError(f"no kernel was timed{why}", "give models, or `--corpus N`")
    return from_rows(kept, about | {"failed": len(failed)})


@dataclass(frozen=True)
class Noise:
    """Of N kernels timed twice: median and mean of |ln(second / first)|."""

    kernels: int
    median: float
    mean: float


def noise(first: Dataset, second: Dataset) -> Noise:
    """How far two measurements of the same kernels lie apart. Raises InputError."""
    known = {digest(text): seconds for text, seconds in zip(first.text, first.seconds, strict=True)}
    ratios = [
        abs(float(np.log(seconds / known[digest(text)])))
        for text, seconds in zip(second.text, second.seconds, strict=True)
        if digest(text) in known
    ]
    if not ratios:
        raise InputError("the two measurements have no kernel in common")
    return Noise(len(ratios), float(np.median(ratios)), float(np.mean(ratios)))


def _with_split(row: Row) -> Row:
    return row | {"split": split_of(row["family"])}
