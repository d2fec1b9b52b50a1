"""Cost models that tests know by heart."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from cosmalloc.cost_model import choose
from cosmalloc.cost_model.prediction import Prediction

LAUNCH = 1e-6


class Fake:
    """seconds: of a kernel's text, launch left out. strange: a word that makes kernels outside."""

    name = "learned:fake"
    launch_seconds = LAUNCH

    def __init__(
        self,
        seconds: Callable[[str], float] = len,
        strange: str = "no such word",
        spread: float = 0.1,
    ) -> None:
        self.seconds, self.strange, self.spread = seconds, strange, spread
        self.asked: list[list[str]] = []

    def predict(self, kernels: Sequence[str]) -> Prediction:
        self.asked.append(list(kernels))
        count = len(kernels)
        return Prediction(
            seconds=np.array([LAUNCH + self.seconds(text) for text in kernels], float),
            spread=np.full(count, self.spread),
            inside=np.array([self.strange not in text for text in kernels], bool),
            temporary_bytes=np.zeros(count),
            code_bytes=np.zeros(count),
        )


def install(monkeypatch: pytest.MonkeyPatch, folder: Path, fake: Fake) -> Path:
    """A file of weights that is read as `fake`."""
    path = folder / "fake.safetensors"
    path.write_bytes(b"")
    monkeypatch.setattr(choose, "_load", lambda _: fake)
    return path
