"""The phases of `greedy` in a row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from cosmalloc.errors import InputError
from cosmalloc.greedy.agree import agreed
from cosmalloc.greedy.anywhere import choose_anywhere
from cosmalloc.greedy.board import Board
from cosmalloc.greedy.choose import choose
from cosmalloc.greedy.links import Choice
from cosmalloc.greedy.moves import early, late
from cosmalloc.greedy.outcome import best_of, no_room
from cosmalloc.greedy.peak import solve_peak
from cosmalloc.greedy.prefetch import prefetch
from cosmalloc.greedy.prices import AnywhereTraffic, Prices, ResidentTraffic
from cosmalloc.greedy.roofline import Roofline
from cosmalloc.greedy.seconds_prices import AnywhereSeconds
from cosmalloc.greedy.shave import best_board
from cosmalloc.greedy.stays import stays_of
from cosmalloc.greedy.stretch import TURNS, Turn, stretch
from cosmalloc.greedy.transfers import blocking_copies, plan_of
from cosmalloc.greedy.uses import Bools, Ints, Uses, uses_of
from cosmalloc.greedy.working_set import Pair, base_load, heights, in_place_pairs
from cosmalloc.lifetimes import lifetimes, source_order
from cosmalloc.plan import Objective, Outcome, Plan
from cosmalloc.problem import Problem

Pairs = tuple[Pair, ...]
REPACKING = 0.1  # of the seconds given, more where there are more steps
MANY = 5_000  # steps
SHARES = (1.0, 0.2)  # of a copy's seconds expected to stall, tried in turn
Progress = Callable[[str, float], None]


@dataclass(frozen=True)
class Effort:
    """seconds: soft, for exact search and improvement; the rest takes what it takes."""

    seconds: float
    seed: int


def solve(
    problem: Problem,
    *,
    objective: Objective = "traffic",
    seconds: float = 10.0,
    seed: int = 0,
    progress: Progress | None = None,
) -> Outcome:
    """A plan in source order, whenever one exists for it, or in one near it (see `nearby`). Raises
    InputError for `latency` where an operator has no seconds. Ctrl-C brings the best plan so
    far."""
    report = progress or _silent
    report("reading the lifetimes", 0.0)
    uses = uses_of(problem, lifetimes(problem, source_order(problem)))
    pairs = in_place_pairs(uses)
    if objective == "peak":
        return solve_peak(uses, pairs, seconds, seed)
    roofline = roofline_of(uses, objective)
    height = heights(uses, pairs)
    resident = problem.target.operand_rule == "resident"
    if resident and len(height) and height.max() > problem.target.scratchpad_bytes:
        return no_room(uses, height, objective)
    report("choosing what stays on chip", 0.1)
    effort = Effort(seconds * min(1.0, REPACKING * (1 + uses.steps / 10_000)), seed)
    make = resident_plans if resident else anywhere_plans
    plans = make(uses, pairs, roofline, objective, effort)
    report("comparing plans", 0.8)
    best = best_of(problem, plans, objective)
    if objective == "traffic" and resident and best.status != "optimal":
        plans += nearby(uses, best.value or 0.0, effort)
        best = best_of(problem, plans, objective)
    return best


def nearby(uses: Uses, value: float, effort: Effort) -> list[Plan]:
    """Plans in another order, where its bytes promise less traffic than `value`.

    Two residual branches that the source interleaves, or a mask that it makes long before its use,
    hold room that the operators between them want. The order that brings such operators to their
    readers, or frees bytes as early as can be, is tried where its links, without regard to offsets,
    are better than the plan there is.
    """
    problem = uses.problem
    order = early(problem, late(problem, uses.life.order))
    if order == uses.life.order:
        return []
    moved = uses_of(problem, lifetimes(problem, order))
    pairs = in_place_pairs(moved)
    base = base_load(moved, pairs)
    if heights(moved, pairs).max() > problem.target.scratchpad_bytes:
        return []
    if ResidentTraffic(moved).total(choose(moved, np.maximum(0, moved.capacity - base))) >= value:
        return []
    return resident_plans(moved, pairs, roofline_of(moved, "traffic"), "traffic", effort)


def _silent(phase: str, share: float) -> None:
    """Nobody listens."""


def roofline_of(uses: Uses, objective: Objective) -> Roofline | None:
    """None where only `latency` would need seconds that the problem does not have."""
    try:
        return Roofline.of(uses)
    except InputError:
        if objective == "latency":
            raise
        return None


def resident_plans(
    uses: Uses, pairs: Pairs, roofline: Roofline | None, objective: Objective, effort: Effort
) -> list[Plan]:
    """Plans to pick from under `resident`."""
    base = base_load(uses, pairs)

    def choose_links(limit: Ints) -> tuple[Bools, Prices]:
        return choose(uses, np.maximum(0, limit - base)), ResidentTraffic(uses)

    board = best_board(uses, choose_links, pairs, effort.seconds, effort.seed)
    return plans_on(board, pairs, roofline, turns_for(objective, uses.steps))


def anywhere_plans(
    uses: Uses, pairs: Pairs, roofline: Roofline | None, objective: Objective, effort: Effort
) -> list[Plan]:
    """Plans to pick from under `anywhere`, the one with nothing on chip among them."""
    ways: list[Callable[[], Prices]] = [lambda: AnywhereTraffic(uses)]
    if roofline is not None and objective == "latency":
        ways = [partial(AnywhereSeconds, uses, roofline, share) for share in SHARES]
    plans: list[Plan] = []
    for make in ways:

        def choose_stays(limit: Ints, make: Callable[[], Prices] = make) -> tuple[Bools, Prices]:
            prices = make()
            return choose_anywhere(uses, prices, limit, pairs), prices

        board = best_board(uses, choose_stays, pairs, effort.seconds / len(ways), effort.seed)
        board = agreed(board, pairs)
        plans += plans_on(board, pairs, roofline, turns_for(objective, uses.steps))
    return [*plans, Plan(uses.life.order)]


def turns_for(objective: Objective, steps: int = 0) -> tuple[Turn, ...]:
    """Which ways to stretch are worth comparing: one where time is not asked for, or is short."""
    return TURNS if objective == "latency" and steps <= MANY else TURNS[:1]


def plans_on(
    board: Board, pairs: Pairs, roofline: Roofline | None, turns: tuple[Turn, ...]
) -> list[Plan]:
    """The stays on the board as plans: with stretched copies and prefetches first, blocking
    last.
    """
    uses = board.uses
    choice = Choice.of(board.kept, board.prices.lone)
    stays = stays_of(uses, choice, pairs)
    offset = board.offset[stays.first]
    pinned = board.pinned[stays.first] | board.pinned[stays.last]
    plans: list[Plan] = []
    if roofline is not None and uses.problem.target.copy_engines > 0:
        for turn in turns:
            copies = blocking_copies(uses, choice, stays, offset, pinned)
            space, idle = board.space.copy(), roofline.idle(choice.on)
            stretch(uses, copies, space, idle, turn)
            plans.append(plan_of(uses, copies))
            if board.prices.may_leave:
                plans.insert(0, plan_of(uses, prefetch(roofline, choice, copies, space, idle)))
    return [*plans, plan_of(uses, blocking_copies(uses, choice, stays, offset, pinned))]
