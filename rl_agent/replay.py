"""What was played, and what of it the learner sees next.

A ring of positions. A batch takes a few programs, then positions of each, both drawn by priority:

    P(position) = p^a / sum p^a        p = |value seen - value learned| + floor
    w = (1 / (count P))^b, over the largest of the batch       (Schaul et al. 2016)

Targets of the position t, with K = unroll moves behind it:

    z_t = r_t + g r_{t+1} + ... + g^{n-1} r_{t+n-1} + g^n v_{t+n}      n steps, or to the end

v is the value that search gave when the game was played or reanalysed.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]
FLOOR = 0.05  # priority of a position whose value is known exactly


@dataclass(frozen=True, slots=True)
class Sampling:
    """batch: positions, a multiple of `programs`. unroll: K. steps: n. discount: g.
    alpha, beta: of the priorities; alpha 0 draws evenly."""

    batch: int = 128
    programs: int = 8
    unroll: int = 4
    steps: int = 48
    discount: float = 0.99
    alpha: float = 0.6
    beta: float = 0.4


class Episode(NamedTuple):
    """A game from its first move to its last, T moves, or a part of one.

    board: float16[T, H, W, C]; features: float16[T, F]; node: int32[T]; legal: bool[T, A];
    moves: int32[T]; rewards: float32[T], in moves' worth; policy: float32[T, A], to be learned;
    values: float32[T], of the search.
    """

    program: int
    board: Floats
    features: Floats
    node: NDArray[np.int32]
    legal: NDArray[np.bool_]
    moves: NDArray[np.int32]
    rewards: Floats
    policy: Floats
    values: Floats


class Batch(NamedTuple):
    """B positions with K moves behind each. graph: which of `programs` a position belongs to.
    inside: 1.0 where a position of the row is still in the game. at: where they lie."""

    programs: NDArray[np.int32]  # [G], padded by repeating
    graph: NDArray[np.int32]  # [B]
    board: Floats  # [B, H, W, C]
    features: Floats  # [B, F]
    node: NDArray[np.int32]  # [B]
    legal: NDArray[np.bool_]  # [B, A], of the first position
    moves: NDArray[np.int32]  # [B, K]
    rewards: Floats  # [B, K]
    policy: Floats  # [B, K + 1, A]
    values: Floats  # [B, K + 1]
    inside: Floats  # [B, K + 1]
    weight: Floats  # [B]
    at: NDArray[np.int64]  # [B]


class Replay:
    """The last `capacity` positions."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.count = 0  # positions ever added
        self._rows: dict[str, NDArray[Any]] = {}

    def __len__(self) -> int:
        return min(self.count, self.capacity)

    def add(self, episode: Episode, priority: float = 1.0) -> None:
        """The oldest positions make room."""
        length = len(episode.moves)
        if length > self.capacity:
            raise ValueError(f"a game of {length} moves, a replay of {self.capacity} positions")
        fields = {name: getattr(episode, name) for name in Episode._fields if name != "program"}
        fields["program"] = np.full(length, episode.program, np.int32)
        fields["left"] = np.arange(length, 0, -1, dtype=np.int32)
        fields["priority"] = np.full(length, priority, np.float32)
        if not self._rows:
            self._rows = {
                name: np.zeros((self.capacity, *row.shape[1:]), row.dtype)
                for name, row in fields.items()
            }
        at = np.arange(self.count, self.count + length) % self.capacity
        for name, row in fields.items():
            self._rows[name][at] = row
        self.count += length

    def sample(self, rng: np.random.Generator, how: Sampling) -> Batch:
        """A batch by priority."""
        rows, size = self._rows, len(self)
        mass = rows["priority"][:size].astype(np.float64) ** how.alpha
        index, graph, programs, chance = _draw(rng, rows["program"][:size], mass, how)
        weight = (1 / (size * chance)) ** how.beta
        ahead = index[:, None] + np.arange(how.unroll + 1)  # the ring may turn inside a row
        inside = np.arange(how.unroll + 1) < self._left(index)[:, None]
        ahead = np.where(inside, ahead, index[:, None]) % self.capacity
        return Batch(
            programs,
            graph,
            rows["board"][index].astype(np.float32),
            rows["features"][index].astype(np.float32),
            rows["node"][index].astype(np.int32),
            rows["legal"][index].astype(np.bool_),
            rows["moves"][ahead[:, :-1]].astype(np.int32),
            rows["rewards"][ahead[:, :-1]].astype(np.float32) * inside[:, :-1],
            rows["policy"][ahead].astype(np.float32),
            self._returns(ahead, how).astype(np.float32) * inside,
            inside.astype(np.float32),
            (weight / weight.max()).astype(np.float32),
            index,
        )

    def oldest(self, rng: np.random.Generator, how: Sampling) -> Batch:
        """Evenly drawn positions, to be searched once more."""
        return self.sample(rng, replace(how, alpha=0.0, unroll=0))

    def refresh(self, index: NDArray[np.int64], policy: Floats, values: Floats) -> None:
        """Reanalysed positions: what a search says about them now."""
        self._rows["policy"][index] = policy
        self._rows["values"][index] = values

    def reprioritise(self, index: NDArray[np.int64], error: Floats) -> None:
        """error: |value seen - value learned|."""
        self._rows["priority"][index] = np.abs(error) + FLOOR

    def state(self) -> dict[str, NDArray[Any]]:
        """Everything, for a checkpoint."""
        return {"count": np.array(self.count), **self._rows}

    def restore(self, state: dict[str, NDArray[Any]]) -> None:
        """What `state` gave."""
        self.count = int(state["count"])
        self._rows = {name: np.array(row) for name, row in state.items() if name != "count"}

    def digest(self) -> str:
        """A fingerprint of what is kept."""
        words = hashlib.sha256(str(self.count).encode())
        for name in sorted(self._rows):
            words.update(name.encode() + self._rows[name].tobytes())
        return words.hexdigest()[:16]

    def _left(self, index: NDArray[np.int64]) -> NDArray[np.int64]:
        """Moves from here to the end of the game, as far as they are still kept."""
        left = self._rows["left"][index].astype(np.int64)
        if self.count <= self.capacity:
            return left
        seam = self.count % self.capacity  # the oldest position stands here
        return np.where(index < seam, np.minimum(left, seam - index), left)

    def _returns(self, index: NDArray[np.int64], how: Sampling) -> Floats:
        """z of these positions, [...] like index."""
        flat = index.reshape(-1)
        left = self._left(flat)
        ahead = np.arange(how.steps)
        at = (flat[:, None] + ahead) % self.capacity
        rewards = self._rows["rewards"][at] * (ahead < left[:, None])
        total = (rewards * how.discount**ahead).sum(1)
        there = (flat + how.steps) % self.capacity
        more = left > how.steps
        total = total + more * how.discount**how.steps * self._rows["values"][there]
        return np.asarray(total).reshape(index.shape)


def _draw(
    rng: np.random.Generator,
    program: NDArray[Any],
    mass: Floats,
    how: Sampling,
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int32], Floats]:
    """Positions, their places among the programs drawn, these, and the chance of each position."""
    names, kind = np.unique(program, return_inverse=True)
    weight = np.bincount(kind, mass, len(names))
    count = min(how.programs, len(names))
    chosen = rng.choice(len(names), count, replace=False, p=weight / weight.sum())
    chosen = np.resize(chosen, how.programs)
    each = how.batch // how.programs
    index = np.concatenate(
        [
            rng.choice(at, each, p=mass[at] / mass[at].sum())
            for at in (np.flatnonzero(kind == one) for one in chosen)
        ]
    )
    graph = np.repeat(np.arange(how.programs, dtype=np.int32), each)
    return index, graph, names[chosen].astype(np.int32), mass[index] / mass.sum()
