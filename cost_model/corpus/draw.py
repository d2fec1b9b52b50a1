"""Random choices that the families of the corpus share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias, TypeVar

import numpy as np

Model: TypeAlias = "tuple[Callable[..., Any], tuple[Any, ...]]"  # function, shapes of its arguments
Family: TypeAlias = "Callable[[Draw], Model]"

T = TypeVar("T")


class Draw:
    """A seeded source of sizes and structure; the same seed draws the same model.

    dtype: `float32` or `bfloat16`, one for a whole model.
    """

    def __init__(self, seed: int) -> None:
        self.generator = np.random.default_rng(seed)
        self.dtype = "bfloat16" if self.generator.random() < 0.25 else "float32"

    def one(self, choices: Sequence[T]) -> T:
        """Any of the choices, each equally likely."""
        return choices[int(self.generator.integers(len(choices)))]

    def flip(self, likely: float = 0.5) -> bool:
        return bool(self.generator.random() < likely)

    def size(self, low: int, high: int, multiple: int = 1) -> int:
        """A multiple of `multiple` in [low, high], its logarithm uniform."""
        drawn = np.exp(self.generator.uniform(np.log(low), np.log(high)))
        return int(np.clip(round(drawn / multiple), -(-low // multiple), high // multiple)) * (
            multiple
        )

    def channels(self, low: int = 8, high: int = 512) -> int:
        """Channels: mostly multiples of 8 or 16, now and then any number."""
        return self.size(low, high, self.one((1, 8, 8, 16, 16, 16, 32)))
