"""Several networks as one.

    log_seconds = mean of the members
    spread^2    = mean of their squared spreads + variance of their log_seconds

A member's spread is a Laplace scale b, whose standard deviation is sqrt(2) b.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import equinox as eqx
import jax
import numpy as np
import numpy.typing as npt

from cosmalloc.cost_model.batches import MOST_NODES, Batch, in_batches
from cosmalloc.cost_model.features.flat import FlatGraphs, trimmed
from cosmalloc.cost_model.network import Network, Output

Array = npt.NDArray[Any]


class Known(NamedTuple):
    """Of N kernels: expected log-seconds and their spread, [N]; memory as of `Output`, [N, 4];
    embedding: the members' side by side, [N, D]; makeup: mean of the members', [N, M]."""

    log_seconds: npt.NDArray[np.float64]
    spread: npt.NDArray[np.float64]
    memory: npt.NDArray[np.float64]
    embedding: npt.NDArray[np.float32]
    makeup: npt.NDArray[np.float32]

    def part(self, chosen: npt.NDArray[np.intp]) -> Known:
        """Of some of the kernels, in this order."""
        return Known(*(each[chosen] for each in self))  # type: ignore[arg-type]


class Ensemble:
    """Networks of one width, compiled once per shape of batch."""

    def __init__(self, members: Sequence[Network]) -> None:
        self.members = list(members)
        self._run = _compiled(self.members)

    def known(self, graphs: FlatGraphs) -> Known:
        """What the members say together of every kernel."""
        small = trimmed(graphs, MOST_NODES)
        parts = [(rows, self._batch(batch, places)) for rows, places, batch in in_batches(small)]
        order = np.argsort(np.concatenate([rows for rows, _ in parts]), kind="stable")
        found = [known for _, known in parts]
        return Known(*(np.concatenate(each) for each in zip(*found, strict=True))).part(order)

    def _batch(self, batch: Batch, places: npt.NDArray[np.intp]) -> Known:
        outs: Any = jax.tree.map(lambda part: np.asarray(part)[places], self._run(batch))
        seconds, spread = combined([(out.log_seconds, out.log_spread) for out in outs])
        memory, makeup = (
            np.mean([getattr(out, name) for out in outs], axis=0) for name in ("memory", "makeup")
        )
        embedding = np.concatenate([out.embedding for out in outs], axis=1)
        return Known(seconds, spread, memory, embedding, makeup)


def combined(members: Sequence[tuple[Array, Array]]) -> tuple[Array, Array]:
    """(log_seconds, spread) of members' (log_seconds, log b), each of N."""
    seconds = np.stack([seconds for seconds, _ in members]).astype(np.float64)
    own = 2 * np.exp(2 * np.stack([np.clip(spread, -6, 3) for _, spread in members]))
    return seconds.mean(axis=0), np.sqrt(own.mean(axis=0) + seconds.var(axis=0))


def _compiled(members: list[Network]) -> Callable[[Batch], list[Output]]:
    """The weights are on the device from the start."""
    weights, rest = eqx.partition(members, eqx.is_array)

    @jax.jit
    def run(weights: list[Network], batch: Batch) -> list[Output]:
        return [member(batch) for member in eqx.combine(weights, rest)]

    return partial(run, jax.device_put(weights))
