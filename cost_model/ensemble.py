"""Several networks as one.

    log_seconds = mean of the members
    spread^2    = mean of their squared spreads + variance of their log_seconds

A member's spread is a Laplace scale b, whose standard deviation is sqrt(2) b.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


def combined(members: Sequence[tuple[Array, Array]]) -> tuple[Array, Array]:
    """(log_seconds, spread) of members' (log_seconds, log b), each of N."""
    seconds = np.stack([seconds for seconds, _ in members])
    own = 2 * np.exp(2 * np.stack([np.clip(spread, -6, 3) for _, spread in members]))
    return seconds.mean(axis=0), np.sqrt(own.mean(axis=0) + seconds.var(axis=0))
