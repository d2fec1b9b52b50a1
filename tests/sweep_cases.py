"""The cases that the tests of sweeps share."""

from __future__ import annotations

from dataclasses import replace

from cosmalloc.plan import Objective
from cosmalloc.sweep import Case
from tests.nets import chain

SIZES = (4_096, 8_192, 12_288, 16_384, 24_576, 32_768)
NET, OTHER = chain(40, seed=2), replace(chain(25, seed=5), name="other")


def cases(objective: Objective = "traffic") -> list[Case]:
    return [Case(net, size, "greedy", objective) for net in (NET, OTHER) for size in SIZES]
