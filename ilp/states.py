"""The native search over states: facts in, a path and a bound out.

The lattice of the sets of operators that can have run gives a lower bound for every state (the
dual of a linear program, climbed step by step) and loses the sets that no good order uses; a walk
over the states with ever more of them per set ends when none had to be left out. How, say
`states_lattice.hpp` and `states_walk.hpp` beside the allocator.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from cosmalloc._native import StateFacts
from cosmalloc.ilp.facts import Facts
from cosmalloc.ilp.steps import Path

Ints = npt.NDArray[np.int64]
Bits = npt.NDArray[np.uint8]
MOST = 4096  # operators, and tensors
NODES = 1 << 20  # sets of operators at most
MEMORY = 3 << 29  # bytes at most


@dataclass(frozen=True, slots=True)
class Searched:
    """path: the best found below the limit, or None. bound: bytes; no path moves less, or none
    moves less than the limit. proven: no path moves less than the path, or none is below the limit.

    states: how many were looked at. sets: of operators, 0 where the lattice would be too large.
    left: of those, how many may be on a best path. rounds: of the dual. dual: bytes, the bound of
    the lattice alone.
    """

    path: Path | None
    bound: int
    proven: bool
    states: int
    sets: int
    left: int
    rounds: int
    dual: float


def search_states(
    facts: Facts,
    seconds: float,
    below: int,
    order: tuple[int, ...] | None = None,
    *,
    nodes: int = NODES,
    memory: int = MEMORY,
    widest: int = 0,
    duals: bool = True,
    fixing: bool = True,
) -> Searched:
    """The path with the least traffic under `below` bytes, over all orders or for the one given.

    nodes: sets of operators at most. memory: bytes at most. widest: above 0, one walk
    without the lattice, with so many states per step at most. duals: with the lattice. fixing:
    sets leave it. Same arguments, same answer, unless the time runs out. Raises KeyboardInterrupt.
    """
    found: dict[str, Any] = native_facts(facts).search(
        float(seconds),
        min(below, 2**60),
        np.asarray(order if order is not None else (), np.int64),
        nodes,
        memory,
        widest,
        duals,
        fixing,
    )
    if found["interrupted"]:
        raise KeyboardInterrupt
    path = path_of(found) if found["found"] else None
    return Searched(
        path,
        found["bound"],
        found["proven"],
        found["states"],
        found["lattice"],
        found["left"],
        found["rounds"],
        found["dual_bound"],
    )


def path_of(found: dict[str, Any]) -> Path:
    """The path in the words of `steps`."""
    drops = [0] * len(found["order"])
    for step, tensor in zip(found["drop_steps"].tolist(), found["dropped"].tolist(), strict=True):
        drops[step] |= 1 << tensor
    return Path(tuple(found["order"].tolist()), tuple(drops), found["paid"])


def native_facts(facts: Facts) -> StateFacts:
    """The masks as rows of 0 and 1."""
    operators, tensors = facts.operators, len(facts.size)
    return StateFacts(
        ints(facts.size),
        ints(facts.bytes),
        bits(facts.readers, operators),
        ints(facts.maker),
        bits(facts.before, operators),
        bits(facts.reads, tensors),
        bits(facts.makes, tensors),
        ints(facts.fixed),
        lendings(facts),
        bits((facts.spills, facts.brim_tensors), tensors),
        bits((facts.brim_operators,), operators),
        facts.room,
        facts.brim,
    )


def ints(values: Sequence[int]) -> Ints:
    return np.asarray(values, np.int64)


def bits(masks: Sequence[int], count: int) -> Bits:
    """uint8[len(masks), count]."""
    length = max(1, -(-count // 8))
    raw = b"".join(mask.to_bytes(length, "little") for mask in masks)
    rows = np.frombuffer(raw, np.uint8).reshape(len(masks), length)
    return np.ascontiguousarray(np.unpackbits(rows, axis=1, bitorder="little")[:, :count])


def lendings(facts: Facts) -> Ints:
    """int64[R, 5]: operator, group, 0 for an operand or 1 for a result, tensor or -1, size."""
    rows = [
        row
        for operator, groups in enumerate(facts.lends)
        for group, (operands, results) in enumerate(groups)
        for row in (
            *((operator, group, 0, tensor, size) for tensor, size in operands),
            *((operator, group, 1, -1, size) for size in results),
        )
    ]
    return np.asarray(rows, np.int64).reshape(len(rows), 5)
