"""Objective `peak`: every tensor stays from its first to its last use, as low as packing gets.

Under `resident` that is every tensor. Under `anywhere` a tensor that can be accessed directly with
compulsory bytes alone needs no place; any other has to be there at all of its uses, and so has what
it is updated from or to.
"""

from __future__ import annotations

import numpy as np

from cosmalloc import native
from cosmalloc.greedy.links import Choice, traffic
from cosmalloc.greedy.outcome import best_of
from cosmalloc.greedy.stays import Stays, stays_of
from cosmalloc.greedy.transfers import blocking_copies, plan_of
from cosmalloc.greedy.uses import Bools, Ints, Uses
from cosmalloc.greedy.working_set import Pair
from cosmalloc.in_place import updates, updates_agree
from cosmalloc.objective import bound
from cosmalloc.plan import Outcome, Plan

APART = "a tensor that is updated in place and its result can't both be where they are needed"


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
            plan = plan_of(uses, copies)
            best = (height, low, plan) if updates_agree(problem, plan) else best
        if height <= least:
            break
    if best is None:
        return Outcome(problem.name, "greedy", "unknown", "peak", reason=APART)
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
        needed = traffic(uses, Choice(nothing, nothing)) > 0
        on = with_updates(uses, needed)[uses.tensor]
    choice = Choice(on, on & ~uses.last)
    return choice, stays_of(uses, choice, pairs)


def with_updates(uses: Uses, needed: Bools) -> Bools:
    """bool[T]: the tensors needed on chip, and those at the other end of an update in place."""
    needed, tensors = needed.copy(), uses.problem.tensors
    ends = [
        (max(update.operands, key=lambda t: tensors[t].bytes), update.result)
        for update in updates(uses.problem, uses.life.order)
        if all(tensors[t].tracked for t in update.operands)  # else off-chip will do
    ]
    while any(needed[a] != needed[r] for a, r in ends):
        for a, r in ends:
            needed[[a, r]] = needed[a] | needed[r]
    return needed


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
