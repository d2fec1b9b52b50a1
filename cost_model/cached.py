"""A predictor that is asked about every kernel once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields

import numpy as np

from cosmalloc.cost_model.kernel import digest
from cosmalloc.cost_model.prediction import Prediction, Predictor
from cosmalloc.errors import InputError

_FIELDS = tuple(field.name for field in fields(Prediction))


class Cached:
    """`inner` with a memory: the kernels of a call that are new go to it in one batch.

    A kernel that `inner` can't read, as a loop whose trips depend on data, has nan everywhere and
    is outside.
    """

    def __init__(self, inner: Predictor) -> None:
        self.name, self.launch_seconds = inner.name, inner.launch_seconds
        self._inner = inner
        self._known: dict[str, tuple[float, ...]] = {}

    def predict(self, kernels: Sequence[str]) -> Prediction:
        """As of `Predictor`."""
        keys = [digest(text) for text in kernels]
        fresh = {k: t for k, t in zip(keys, kernels, strict=True) if k not in self._known}
        if fresh:
            self._known.update(zip(fresh, self._rows(list(fresh.values())), strict=True))
        rows = [self._known[key] for key in keys]
        columns_ = zip(*rows, strict=True) if rows else ((),) * len(_FIELDS)
        return Prediction(
            **{
                name: np.array(column, bool if name == "inside" else float)
                for name, column in zip(_FIELDS, columns_, strict=True)
            }
        )

    def _rows(self, kernels: list[str]) -> list[tuple[float, ...]]:
        """A row for each kernel, columns as in `_FIELDS`."""
        try:
            found = self._inner.predict(kernels)
        except InputError:
            if len(kernels) == 1:
                return [tuple(0.0 if name == "inside" else np.nan for name in _FIELDS)]
            half = len(kernels) // 2
            return self._rows(kernels[:half]) + self._rows(kernels[half:])
        return list(zip(*(getattr(found, name) for name in _FIELDS), strict=True))
