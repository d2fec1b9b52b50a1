"""From an order and its links to a plan: the stays get offsets. The only place here that packs.

A packing that fails costs links (see `greedy.offsets`), so a plan may move more than was asked.
"""

from __future__ import annotations

import numpy as np

from cosmalloc.errors import InputError
from cosmalloc.greedy.offsets import pack
from cosmalloc.greedy.peak import lowest, whole_stays
from cosmalloc.greedy.prices import ResidentTraffic
from cosmalloc.greedy.roofline import Roofline
from cosmalloc.greedy.solver import plans_on, turns_for
from cosmalloc.greedy.transfers import blocking_copies, plan_of
from cosmalloc.greedy.uses import Bools, Uses, uses_of
from cosmalloc.greedy.working_set import heights, in_place_pairs
from cosmalloc.ilp.facts import Facts, members
from cosmalloc.ilp.steps import Path
from cosmalloc.lifetimes import lifetimes
from cosmalloc.plan import Plan
from cosmalloc.problem import Problem

Order = tuple[int, ...]


def plan_of_path(facts: Facts, path: Path) -> Plan | None:
    """A plan with the path's order and, where the offsets allow it, its traffic.

    None if a step of this order does not fit by itself.
    """
    uses = uses_of(facts.problem, lifetimes(facts.problem, path.order))
    return plan_of_links(uses, kept_links(facts, path, uses))


def plan_of_links(uses: Uses, kept: Bools) -> Plan | None:
    """A plan that keeps the links, as far as offsets are found. kept: bool[U]."""
    pairs = in_place_pairs(uses)
    height = heights(uses, pairs)
    if len(height) and height.max() > uses.problem.target.scratchpad_bytes:
        return None
    try:
        roofline = Roofline.of(uses)
    except InputError:  # an operator without seconds: its copies block
        roofline = None
    board = pack(uses, kept, ResidentTraffic(uses), pairs)
    return plans_on(board, pairs, roofline, turns_for("traffic"))[0]


def kept_links(facts: Facts, path: Path, uses: Uses) -> Bools:
    """bool[U]: every link that no drop of the path cuts."""
    kept: Bools = ~uses.last
    for step, dropped in enumerate(path.drops):
        for number in members(dropped):
            rows = uses.rows_of(facts.tensor[number])
            behind = int(np.searchsorted(uses.step[rows], step))  # first use at `step` or later
            kept[rows.start + behind - 1] = False
    return kept


def plan_in_low(problem: Problem, order: Order) -> Plan | None:
    """The order's stays, each from first to last use, as low as packing gets; None beyond the
    scratchpad."""
    uses = uses_of(problem, lifetimes(problem, order))
    choice, stays = whole_stays(uses, in_place_pairs(uses))
    offsets, height, _ = lowest(uses, stays)
    if height > problem.target.scratchpad_bytes:
        return None
    return plan_of(uses, blocking_copies(uses, choice, stays, offsets, stays.before >= 0))
