"""Packing problems for `benchmarks.offsets`: files, and generators with a seed.

Where the generator cut the buffers from a rectangle, `capacity` bytes are enough and none is spare.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cosmalloc.buffers_csv import capacity_in_name, read_buffers
from cosmalloc.problem import Problem

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Instance:
    """lower, upper, size: int64[N]. capacity: bytes that are known or asked to be enough."""

    name: str
    lower: Ints
    upper: Ints
    size: Ints
    capacity: int


def from_files(folder: Path) -> Iterator[Instance]:
    """MiniMalloc's files, `A.1048576.csv` with the capacity in the name."""
    for path in sorted(folder.glob("*.csv")):
        table = read_buffers(path)
        capacity = capacity_in_name(path)
        if capacity is not None:
            yield Instance(path.name.split(".")[0], table.lower, table.upper, table.size, capacity)


def _instance(name: str, rows: list[tuple[int, int, int]], capacity: int) -> Instance:
    lower, upper, size = np.ascontiguousarray(np.array(rows, dtype=np.int64).T)
    return Instance(name, lower, upper, size, capacity)


def lifetimes(problem: Problem) -> Instance:
    """Tracked tensors in source order: from the step that makes one (0 if none does) past the last
    that reads it (past the end for outputs). Capacity: what the target has."""
    end = len(problem.operators)
    first = dict.fromkeys(range(len(problem.tensors)), 0)
    last = {i: end if t.kind == "output" else 1 for i, t in enumerate(problem.tensors)}
    for step, operator in enumerate(problem.operators):
        first.update(dict.fromkeys(operator.outputs, step))
        for tensor in (*operator.inputs, *operator.outputs):
            last[tensor] = max(last[tensor], step + 1)
    rows = [(first[i], last[i], t.bytes) for i, t in enumerate(problem.tensors) if t.tracked]
    return _instance(problem.name, rows, problem.target.scratchpad_bytes)


def hidden(count: int, seed: int) -> Instance:
    """A rectangle of 2**20 bytes, the largest piece cut in two until there are `count`."""
    random = np.random.default_rng(seed)
    pieces = [(0.0, 0, 10 * count, 0, 2**20)]
    while len(pieces) < count:
        _, a, b, low, high = heapq.heappop(pieces)
        share = random.uniform(0.1, 0.9)
        if (random.random() < 0.5 and b - a > 1) or high - low < 2:
            cut = min(max(a + round((b - a) * share), a + 1), b - 1)
            halves = [(a, cut, low, high), (cut, b, low, high)]
        else:
            cut = min(max(low + round((high - low) * share), low + 1), high - 1)
            halves = [(a, b, low, cut), (a, b, cut, high)]
        for half in halves:
            heapq.heappush(pieces, (-float(half[1] - half[0]) * (half[3] - half[2]), *half))
    rows = [(a, b, high - low) for _, a, b, low, high in pieces]
    return _instance(f"hidden-{count}-{seed}", rows, 2**20)


def nested(count: int, seed: int) -> Instance:
    """Pinwheels within pinwheels: the largest piece becomes four arms round a hub, until there are
    `count` or a few more. No straight cut divides a piece that was cut, at any depth."""
    return _instance(f"nested-{count}-{seed}", _pinwheeled(count, seed, 10 * count), 2**20)


def coarse(count: int, seed: int) -> Instance:
    """As `nested`, over a quarter as many steps as buffers: many start and stop in one step, and
    which belong together cannot be read off the lifetimes. What is too thin is cut straight."""
    return _instance(f"coarse-{count}-{seed}", _pinwheeled(count, seed, count // 4), 2**20)


def _pinwheeled(count: int, seed: int, steps: int) -> list[tuple[int, int, int]]:
    random = np.random.default_rng(seed)
    pieces = [(0.0, 0, steps, 0, 2**20)]
    while len(pieces) < count:
        _, a, b, low, high = heapq.heappop(pieces)
        for c, d, p, q in _parts(random, a, b, low, high):
            heapq.heappush(pieces, (-float(d - c) * (q - p), c, d, p, q))
    return [(a, b, high - low) for _, a, b, low, high in pieces]


def _parts(
    random: np.random.Generator, a: int, b: int, low: int, high: int
) -> list[tuple[int, int, int, int]]:
    if b - a < 3 or high - low < 3:
        cut = min(max(low + round((high - low) * random.uniform(0.1, 0.9)), low + 1), high - 1)
        return [(a, b, low, cut), (a, b, cut, high)]
    x, y = _two_between(random, a, b)
    u, v = _two_between(random, low, high)
    arms = [(a, y, low, u), (y, b, low, v), (x, b, v, high), (a, x, u, high), (x, y, u, v)]
    if random.random() < 0.5:
        arms = [(a + b - d, a + b - c, p, q) for c, d, p, q in arms]
    return arms


def _two_between(random: np.random.Generator, low: int, high: int) -> tuple[int, int]:
    """low < x < y < high, not near the ends where there is room."""
    third = (high - low) / 3
    x = min(max(low + round(third * random.uniform(0.3, 1.7)), low + 1), high - 2)
    return x, min(max(x + round((high - x) * random.uniform(0.2, 0.8)), x + 1), high - 1)


def pinwheels(count: int, seed: int) -> Instance:
    """One after the other, pinwheels of four arms round a hub: no straight cut divides one."""
    random = np.random.default_rng(seed)
    rows: list[tuple[int, int, int]] = []
    high = 2**20
    for start in range(0, 12 * ((count + 4) // 5), 12):
        x, y = sorted(random.choice(np.arange(1, 12), 2, replace=False).tolist())
        u, v = sorted(random.choice(np.arange(1, 1024), 2, replace=False).tolist())
        u, v = u * 1024, v * 1024
        rows += [(start, start + y, u), (start + y, start + 12, v)]
        rows += [(start + x, start + 12, high - v), (start, start + x, high - u)]
        rows += [(start + x, start + y, v - u)]
    return _instance(f"pinwheels-{len(rows)}-{seed}", rows, high)


def staircase(count: int, seed: int) -> Instance:
    """Each buffer starts a step after the last and ends two later than it; random sizes."""
    size = np.random.default_rng(seed).integers(1, 1000, count)
    lower = np.arange(count, dtype=np.int64)
    upper = 2 * lower + count // 4 + 1
    load = np.zeros(int(upper.max()) + 1, dtype=np.int64)
    np.add.at(load, lower, size)
    np.subtract.at(load, upper, size)
    return Instance(f"staircase-{count}-{seed}", lower, upper, size, int(np.cumsum(load).max()))


def tiling(count: int, seed: int) -> Instance:
    """A trace of sqrt(count)/2 lanes of random bytes, filled back to back, 1 to 99 steps each."""
    random = np.random.default_rng(seed)
    lanes = max(1, int(count**0.5 / 2))
    each = -(-count // lanes)
    ends = np.cumsum(random.integers(1, 100, (lanes, each)), axis=1)
    starts = np.concatenate([np.zeros((lanes, 1), dtype=np.int64), ends[:, :-1]], axis=1)
    size = np.repeat(random.integers(1, 10**5, (lanes, 1)), each, axis=1)
    lower, upper, bytes_ = (column.ravel()[:count] for column in (starts, ends, size))
    return Instance(f"tiling-{count}-{seed}", lower, upper, bytes_, int(size[:, 0].sum()))
