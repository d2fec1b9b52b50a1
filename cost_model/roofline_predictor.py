"""A fitted roofline as a predictor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cosmalloc.cost_model.prediction import Prediction
from cosmalloc.cost_model.roofline import Roofline
from cosmalloc.cost_model.summary import summaries


@dataclass(frozen=True)
class RooflinePredictor:
    """roofline: rates of a machine. It knows physics alone: no spread, no bytes, and no kernel is
    outside of what it knows."""

    roofline: Roofline
    name: str = "roofline"

    @property
    def launch_seconds(self) -> float:
        """What every prediction contains."""
        return self.roofline.launch

    def predict(self, kernels: Sequence[str]) -> Prediction:
        """As of `Predictor`."""
        count = len(kernels)
        seconds = self.roofline.seconds(summaries(kernels)) if count else np.zeros(0)
        none = np.full(count, np.nan)
        return Prediction(seconds, np.full(count, np.inf), np.ones(count, bool), none, none)
