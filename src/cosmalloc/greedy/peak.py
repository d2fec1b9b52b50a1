"""Objective `peak`: every tensor stays from its first to its last use, as low as packing gets.

Under `resident` that is every tensor. Under `anywhere` a tensor that can be accessed directly with
compulsory bytes alone needs no place; any other has to be there at all of its uses.
"""

from __future__ import annotations

import numpy as np

from cosmalloc import native
from cosmalloc.greedy.links import Choice, traffic
from cosmalloc.greedy.outcome import best_of
from cosmalloc.greedy.stays import Stays, stays_of
from cosmalloc.greedy.transfers import blocking_copies, plan_of
from cosmalloc.greedy.uses import Ints, Uses
from cosmalloc.greedy.working_set import Pair
from cosmalloc.objective import bound
from cosmalloc.plan import Outcome, Plan


def solve_peak(uses: Uses, pairs: tuple[Pair, ...], seconds: float, seed: int) -> Outcome:
    """Every tensor stays; no transfers but compulsory ones. In-place pairs share bytes, or, where
    that leaves more than one step needs, none do if that is lower."""
    problem = uses.problem
    least, room = bound(problem, "peak"), problem.target.scratchpad_bytes
    best: tuple[int, int, Plan] | None = None
    for joined in (pairs, ()) if pairs else ((),):
        choice, stays = whole_stays(uses, joined)
        offsets, height, low = lowest(uses, stays, seconds / 2, seed)
        if best is None or height < best[0]:
            copies = blocking_copies(uses, choice, stays, offsets, stays.before >= 0)
            best = height, low, plan_of(uses, copies)
        if height <= least:
            break
    assert best is not None
    height, low, plan = best
    if height <= room:
        return best_of(problem, [plan], "peak")
    return Outcome(
        problem.name,
        "greedy",
        "infeasible" if least > room else "unknown",
        "peak",
        reason="without transfers but compulsory ones, the tensors alive at once need"
        f" {low:,} bytes in source order, and {height:,} as packed; the scratchpad has {room:,}",
        smallest_scratchpad=height,
    )


def whole_stays(uses: Uses, pairs: tuple[Pair, ...]) -> tuple[Choice, Stays]:
    """The choice with compulsory transfers only that holds least, and its stays."""
    on = np.ones(len(uses.step), np.bool_)
    if uses.problem.target.operand_rule == "anywhere":
        nothing = np.zeros(len(uses.step), np.bool_)
        on = (traffic(uses, Choice(nothing, nothing)) > 0)[uses.tensor]
    choice = Choice(on, on & ~uses.last)
    return choice, stays_of(uses, choice, pairs)


def lowest(uses: Uses, stays: Stays, seconds: float = 1.0, seed: int = 0) -> tuple[Ints, int, int]:
    """Offsets int64[K], their peak, and bytes below which these stays have no offsets."""
    found = native.minimize(
        stays.start,
        stays.stop,
        stays.bytes,
        alignment=uses.problem.target.alignment,
        alias=stays.group,
        seconds=seconds,
        seed=seed,
    )
    return found.offsets, found.peak, found.bound
