"""The phases of `greedy` in a row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from cosmalloc.errors import InputError
from cosmalloc.greedy.anywhere import choose_anywhere
from cosmalloc.greedy.board import Board
from cosmalloc.greedy.choose import choose
from cosmalloc.greedy.links import Choice
from cosmalloc.greedy.peak import lowest, whole_stays
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
from cosmalloc.objective import bound, objective_value
from cosmalloc.plan import Objective, Outcome, Plan, Status
from cosmalloc.problem import Problem

Pairs = tuple[Pair, ...]
REPACKING = 0.1  # of the seconds given
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
    """A plan in source order, whenever one exists for it."""
    uses = uses_of(problem, lifetimes(problem, source_order(problem)))
    pairs = in_place_pairs(uses)
    if objective == "peak":
        return solve_peak(uses, pairs, seconds, seed)
    roofline = roofline_of(uses, objective)
    effort = Effort(seconds * REPACKING, seed)
    if problem.target.operand_rule == "anywhere":
        return best_of(problem, anywhere_plans(uses, pairs, roofline, objective, effort), objective)
    height = heights(uses, pairs)
    if len(height) and height.max() > problem.target.scratchpad_bytes:
        return no_room(uses, height, objective)
    return best_of(problem, resident_plans(uses, pairs, roofline, objective, effort), objective)


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
    return plans_on(board, pairs, roofline, turns_for(objective))


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
        plans += plans_on(board, pairs, roofline, turns_for(objective))
    return [*plans, Plan(uses.life.order)]


def turns_for(objective: Objective) -> tuple[Turn, ...]:
    """Which ways to stretch are worth comparing."""
    return TURNS if objective == "latency" else TURNS[:1]


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


def best_of(problem: Problem, plans: list[Plan], objective: Objective) -> Outcome:
    """The plan with the least value, the first of equals."""
    values = [objective_value(problem, plan, objective) for plan in plans]
    value, plan = min(zip(values, plans, strict=True), key=lambda pair: pair[0])
    least = min(bound(problem, objective), value)
    status: Status = "optimal" if value <= least else "feasible"
    return Outcome(problem.name, "greedy", status, objective, plan, value, least)


def solve_peak(uses: Uses, pairs: Pairs, seconds: float, seed: int) -> Outcome:
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


def no_room(uses: Uses, height: Ints, objective: Objective) -> Outcome:
    """No plan: the step that needs most, and the scratchpad that would do for all."""
    step = int(np.argmax(height))
    index = uses.life.order[step]
    operator = uses.problem.operators[index]
    return Outcome(
        uses.problem.name,
        "greedy",
        "infeasible",
        objective,
        reason=f"operator {index} (`{operator.name}`) needs {int(height[step]):,} bytes on chip at"
        f" once, the scratchpad has {uses.problem.target.scratchpad_bytes:,}",
        smallest_scratchpad=int(height[step]),
    )
