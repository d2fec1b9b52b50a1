"""From an order and its links to a plan: the stays get offsets. The only place here that packs.

First the portfolio and the exact search of the native allocator, for the links as they are. Where
that finds nothing, links are dropped one by one, the cheapest per byte-step that crosses the
fullest step of what did not fit, until the portfolio places all: the plan moves more than asked.
"""

from __future__ import annotations

import numpy as np

from cosmalloc import native
from cosmalloc.greedy.links import Choice
from cosmalloc.greedy.peak import whole_stays
from cosmalloc.greedy.stays import Stays, stays_of
from cosmalloc.greedy.transfers import blocking_copies, plan_of
from cosmalloc.greedy.uses import Bools, Ints, Uses, uses_of
from cosmalloc.greedy.working_set import Pair, heights, in_place_pairs
from cosmalloc.ilp.facts import Facts, members
from cosmalloc.ilp.steps import Path
from cosmalloc.lifetimes import lifetimes
from cosmalloc.plan import Plan
from cosmalloc.problem import Problem

Order = tuple[int, ...]
Pairs = tuple[Pair, ...]
ABSENT = -1  # no offset


def plan_of_path(facts: Facts, path: Path, seconds: float, seed: int) -> Plan | None:
    """A plan with the path's order and, where the offsets allow it, its traffic.

    None if a step of this order does not fit by itself.
    """
    uses = uses_of(facts.problem, lifetimes(facts.problem, path.order))
    return plan_of_links(uses, kept_links(facts, path, uses), seconds, seed)


def plan_of_links(uses: Uses, kept: Bools, seconds: float, seed: int) -> Plan | None:
    """A plan that keeps the links, as far as offsets are found. kept: bool[U]."""
    pairs = in_place_pairs(uses)
    height = heights(uses, pairs)
    if len(height) and height.max() > uses.problem.target.scratchpad_bytes:
        return None
    for tried in (pairs, ()) if pairs else ((),):
        stays = stays_of(uses, choice_of(kept), tried)
        offset = placed(uses, stays)
        if (offset == ABSENT).any():
            offset = fitted(uses, stays, seconds, seed)
        if (offset != ABSENT).all():
            return plan_at(uses, kept, stays, offset)
    return plan_of_fewer(uses, kept, pairs)


def plan_of_fewer(uses: Uses, kept: Bools, pairs: Pairs) -> Plan | None:
    """A plan with links dropped until all stays are placed; None if one step alone is not."""
    kept = kept.copy()
    while True:
        stays = stays_of(uses, choice_of(kept), pairs)
        offset = placed(uses, stays)
        if (offset != ABSENT).all():
            return plan_at(uses, kept, stays, offset)
        lost = np.flatnonzero(offset == ABSENT)
        near = np.zeros(len(kept), np.bool_)
        for k in lost.tolist():
            near |= kept & (uses.step < stays.stop[k]) & (np.roll(uses.step, -1) >= stays.start[k])
        near &= ~uses.last
        if not near.any():
            return None
        rows = np.flatnonzero(near)
        size = uses.bytes[uses.tensor[rows]] * (1 + uses.made[uses.tensor[rows]])
        kept[rows[np.argmin(size / (1 + uses.gap[rows]))]] = False


def choice_of(kept: Bools) -> Choice:
    """Under `resident` every use is on chip."""
    return Choice.of(kept, np.ones(len(kept), np.bool_))


def plan_at(uses: Uses, kept: Bools, stays: Stays, offset: Ints) -> Plan:
    """The plan with blocking copies."""
    copies = blocking_copies(uses, choice_of(kept), stays, offset, stays.before >= 0)
    return plan_of(uses, copies)


def placed(uses: Uses, stays: Stays) -> Ints:
    """int64[K]: offsets by the portfolio, ABSENT for what it left over."""
    return native.portfolio(
        stays.start,
        stays.stop,
        stays.bytes,
        alignment=uses.problem.target.alignment,
        capacity=uses.problem.target.scratchpad_bytes,
        alias=stays.group,
    ).offsets


def fitted(uses: Uses, stays: Stays, seconds: float, seed: int) -> Ints:
    """int64[K]: offsets by the exact search, ABSENT throughout where there are none or late."""
    found = native.fit(
        stays.start,
        stays.stop,
        stays.bytes,
        uses.problem.target.scratchpad_bytes,
        alignment=uses.problem.target.alignment,
        alias=stays.group,
        seconds=seconds,
        seed=seed,
    )
    if found.interrupted:
        raise KeyboardInterrupt
    return np.full(len(stays), ABSENT, np.int64) if found.offsets is None else found.offsets


def none_fits(uses: Uses, stays: Stays, first: int, last: int, seconds: float, seed: int) -> bool:
    """Whether it is proven that the stays have no offsets in steps [first, last)."""
    there = (stays.start < last) & (stays.stop > first)
    found = native.fit(
        np.maximum(stays.start[there], first),
        np.minimum(stays.stop[there], last),
        stays.bytes[there],
        uses.problem.target.scratchpad_bytes,
        alignment=uses.problem.target.alignment,
        alias=stays.group[there],
        seconds=seconds,
        seed=seed,
    )
    return found.status == "infeasible"


def kept_links(facts: Facts, path: Path, uses: Uses) -> Bools:
    """bool[U]: every link that no drop of the path cuts."""
    kept: Bools = ~uses.last
    for step, dropped in enumerate(path.drops):
        for number in members(dropped):
            rows = uses.rows_of(facts.tensor[number])
            behind = int(np.searchsorted(uses.step[rows], step))  # first use at `step` or later
            kept[rows.start + behind - 1] = False
    return kept


def plan_in_low(problem: Problem, order: Order, seconds: float, seed: int) -> Plan | None:
    """The order's stays, each from first to last use, as low as packing gets; None beyond the
    scratchpad."""
    uses = uses_of(problem, lifetimes(problem, order))
    choice, stays = whole_stays(uses, in_place_pairs(uses))
    found = native.minimize(
        stays.start,
        stays.stop,
        stays.bytes,
        alignment=problem.target.alignment,
        alias=stays.group,
        seconds=seconds,
        seed=seed,
    )
    if found.peak > problem.target.scratchpad_bytes:
        return None
    return plan_of(uses, blocking_copies(uses, choice, stays, found.offsets, stays.before >= 0))
