"""The settings of a paper model, chosen by its error on the validation rows.

One setting after the other: short trainings on some of the rows, the better value stays.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from cosmalloc.cost_model.dataset import Dataset
from cosmalloc.cost_model.estimator import Fitted
from cosmalloc.cost_model.papers.tokens import Style
from cosmalloc.cost_model.papers.training import NetworkName, Settings
from cosmalloc.cost_model.papers.training import train as learn

ROWS, EPOCHS = 4000, 6  # of a trial
TRIALS: tuple[tuple[str, Any], ...] = (
    ("rate", 3e-3),
    ("rate", 3e-4),
    ("width", 128),
    ("longest", 48),
    ("hidden", 0.0),
    ("hidden", 0.2),
    ("decay", 0.1),
)


def tune(
    error: Callable[[Settings], float],
    start: Settings,
    progress: Callable[[str, float], None] | None = None,
) -> Settings:
    """Like `start`, with the values of TRIALS that did better. progress: told every trial."""
    best, least = start, error(start)
    if progress:
        progress("start", least)
    for name, value in TRIALS:
        trial = replace(best, **{name: value})
        found = error(trial)
        if progress:
            progress(f"{name} {value:g}", found)
        if found < least:
            best, least = trial, found
    return best


@dataclass(frozen=True)
class PaperModel:
    """One of the six. settings: None to tune first, from `start`; progress: told lines of
    text."""

    network: NetworkName
    style: Style
    settings: Settings | None = None
    start: Settings = field(default_factory=Settings)
    progress: Callable[[str], None] | None = None

    @property
    def name(self) -> str:
        return f"{self.network}, {self.style}"

    def fit(self, train: Dataset, valid: Dataset, *, seed: int) -> Fitted:
        settings = self.settings or self.tuned(train, valid, seed)

        def say(epoch: int, error: float) -> None:
            if self.progress:
                self.progress(f"{self.name}: epoch {epoch} of {settings.epochs}: {error:.4f}")

        return learn(self.network, self.style, train, valid, settings, seed, say)

    def tuned(self, train: Dataset, valid: Dataset, seed: int) -> Settings:
        """The settings that `fit` takes where none are given: of trials on some of the rows."""
        rng = np.random.default_rng(seed)
        some = train.rows(np.sort(rng.permutation(len(train))[:ROWS]))

        def error(settings: Settings) -> float:
            short = replace(settings, epochs=EPOCHS)
            return min(learn(self.network, self.style, some, valid, short, seed).errors)

        def say(trial: str, error: float) -> None:
            if self.progress:
                self.progress(f"{self.name}: {trial}: {error:.4f}")

        return tune(error, self.start, say)
