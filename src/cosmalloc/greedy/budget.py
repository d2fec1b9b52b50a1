"""Seconds that a search may take: soft, it ends soon after."""

from __future__ import annotations

import time
from dataclasses import dataclass


@dataclass(frozen=True)
class Budget:
    """until: on the clock of `time.perf_counter`."""

    until: float

    @classmethod
    def of(cls, seconds: float) -> Budget:
        """From now on."""
        return cls(time.perf_counter() + seconds)

    def left(self) -> float:
        """Seconds, at least 0."""
        return max(0.0, self.until - time.perf_counter())
