"""The objective `traffic` under `resident`, phase by phase: each betters the plan, the bound, or
both, and has a share of the time that is left when it starts.

Problems of up to SMALL operators are proven, so far as the time goes; in larger ones the search
that proves is soon lost, and windows of the best plan are searched instead (see `windows`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from cosmalloc.greedy.choose import choose
from cosmalloc.greedy.moves import early, late
from cosmalloc.greedy.outcome import best_of
from cosmalloc.greedy.prices import ResidentTraffic
from cosmalloc.greedy.solver import Effort, resident_plans
from cosmalloc.greedy.uses import uses_of
from cosmalloc.greedy.working_set import base_load, heights, in_place_pairs
from cosmalloc.ilp.best import Best, Progress, left, say
from cosmalloc.ilp.covering import covering_bound
from cosmalloc.ilp.divide import divided
from cosmalloc.ilp.facts import Facts
from cosmalloc.ilp.floor import floor_of_all_orders
from cosmalloc.ilp.layout import layout_of
from cosmalloc.ilp.links import best_replacement
from cosmalloc.ilp.orders import orders
from cosmalloc.ilp.packing import plan_in_low, plan_of_path
from cosmalloc.ilp.peak import lowest_order
from cosmalloc.ilp.search import beam, best_first
from cosmalloc.ilp.spine import spine_bound
from cosmalloc.ilp.steps import Path
from cosmalloc.ilp.windows import FIRST, Search
from cosmalloc.lifetimes import lifetimes, source_order
from cosmalloc.problem import Problem

SMALL = 1200  # operators
WIDTHS = (4, 32)  # of the beams that look for a first path
ROOMS = (0.98, 0.95, 0.9, 0.85)  # of the scratchpad, where a path could not be packed
PACKING = 0.4  # of the time left, for the packing of one path

Phase = Callable[[Best, Facts, float, Progress], None]  # until this time


def improve_traffic(best: Best, facts: Facts, stop: float, progress: Progress) -> None:
    """Betters plan and bound until proven or late."""
    plan = SMALL_PLAN if facts.operators <= SMALL else LARGE_PLAN
    for phase, share in plan:
        if best.proven or best.hopeless or left(stop) <= 0:
            break
        phase(best, facts, stop - (1 - share) * left(stop), progress)
        say(best, progress, 0.5)
    say(best, progress, 1.0)


def covered(best: Best, facts: Facts, stop: float, progress: Progress) -> None:
    """What every order must pay, link by link."""
    best.raise_bound(covering_bound(facts, left(stop)))


def spined(best: Best, facts: Facts, stop: float, progress: Progress) -> None:
    """What every order must pay in parts of the program, and between them."""
    best.raise_bound(spine_bound(facts, left(stop)))


def parted(best: Best, facts: Facts, stop: float, progress: Progress) -> None:
    """The parts between waists, each by itself."""
    found = divided(facts, source_order(best.problem), 0.85 * left(stop))
    if found is not None:
        best.raise_bound(found.bound)
        if found.path is not None:
            best.offer(plan_of_path(facts, found.path, left(stop), best.seed))


def beamed(best: Best, facts: Facts, stop: float, progress: Progress) -> None:
    """Good paths near the source order."""
    place = place_in(source_order(best.problem), facts.operators)
    for width in WIDTHS:
        path = beam(facts, width, left(stop) / 2, place)
        if path is None or best.proven:
            return
        if path.paid < best.value:
            best.offer(plan_of_path(facts, path, PACKING * left(stop), best.seed))


def emptied(best: Best, facts: Facts, stop: float, progress: Progress) -> None:
    """The order of least footprint: where it fits, nothing is moved at all."""
    found = lowest_order(facts, left(stop) / 2)
    if found.order is None:
        return
    if found.load <= facts.room:
        best.offer(plan_in_low(best.problem, found.order, left(stop), best.seed))
    offer_in(best, found.order, left(stop))


def reordered(best: Best, facts: Facts, stop: float, progress: Progress) -> None:
    """What `greedy` makes of other orders, as far as the time goes: the most promising first."""
    found: list[tuple[float, tuple[int, ...]]] = []
    half = left(stop) / 2
    for order in orders(best.problem):
        found.append((promise(best.problem, order), order))
        if left(stop) < half:
            break
    for value, order in sorted(found):
        if best.proven or left(stop) <= 0 or value >= best.value:
            return
        offer_in(best, order, left(stop) / 2)


def promise(problem: Problem, order: tuple[int, ...]) -> float:
    """Bytes that the replacement of `greedy` moves in an order, without regard to offsets."""
    uses = uses_of(problem, lifetimes(problem, order))
    free = uses.capacity - base_load(uses, in_place_pairs(uses))
    if free.min(initial=0) < 0:
        return float("inf")
    return ResidentTraffic(uses).total(choose(uses, free))


def offer_in(best: Best, order: tuple[int, ...], seconds: float) -> None:
    """The plan of `greedy` in an order."""
    uses = uses_of(best.problem, lifetimes(best.problem, order))
    pairs = in_place_pairs(uses)
    height = heights(uses, pairs)
    if not len(height) or height.max() <= best.problem.target.scratchpad_bytes:
        plans = resident_plans(uses, pairs, None, "traffic", Effort(seconds, best.seed))
        best.offer(best_of(best.problem, plans, "traffic").plan)


def floored(best: Best, facts: Facts, stop: float, progress: Progress) -> None:
    """What every order must pay, tensor by tensor, in whole tensors."""
    best.raise_bound(floor_of_all_orders(facts, left(stop)))


def replaced(best: Best, facts: Facts, stop: float, progress: Progress) -> None:
    """The best replacement in the order of the plan so far."""
    if best.plan is not None:
        order = best.plan.order
        best.offer(best_replacement(best.problem, order, left(stop), best.seed, best.plan).plan)


def proven(best: Best, facts: Facts, stop: float, progress: Progress) -> None:
    """The least path of any order: a bound, and a plan where it can be packed."""
    below = 2**62 if best.plan is None else int(best.value)
    found = best_first(facts, 0.8 * left(stop), below)
    best.raise_bound(found.bound)
    best.hopeless = found.proven and found.path is None and best.plan is None
    if found.path is not None:
        best.offer(plan_of_path(facts, found.path, PACKING * left(stop), best.seed))
        if not best.proven:
            in_order = best_replacement(best.problem, found.path.order, left(stop), best.seed)
            best.offer(in_order.plan)


def windowed(best: Best, facts: Facts, stop: float, progress: Progress) -> None:
    """Window after window of the best plan searched anew, then the links of its order, then its
    order settled; again while that helps, then with more time for each window."""
    if best.plan is None:
        return
    each, longest = FIRST, 4 * left(stop)
    state = Search(layout_of(best.problem, best.plan), best.seed)
    while each < longest and left(stop) > 0 and not best.proven:
        before = best.value
        for layout in state.better(stop, each):
            best.offer(layout.plan())
            say(best, progress, 0.7)
            if best.proven:
                return
        found = best.plan
        replaced(best, facts, stop - 0.7 * left(stop), progress)
        settled(best, stop)
        if best.plan is not found:
            state = Search(layout_of(best.problem, best.plan), best.seed)
        if best.value == before:
            each *= 4


def settled(best: Best, stop: float) -> None:
    """What `greedy` makes of the best plan's order, moved late and early."""
    if best.plan is None:
        return
    then = late(best.problem, best.plan.order)
    for order in (early(best.problem, then), then, best.plan.order):
        if left(stop) > 0 and not best.proven and promise(best.problem, order) < best.value:
            offer_in(best, order, left(stop) / 10)


def slackened(best: Best, facts: Facts, stop: float, progress: Progress) -> None:
    """Best paths with less room, so that there is some for holes."""
    for path in slack_paths(facts, stop):
        if best.proven or left(stop) <= 0:
            return
        best.offer(plan_of_path(facts, path, PACKING * left(stop), best.seed))


def slack_paths(facts: Facts, stop: float) -> Iterator[Path]:
    """Best paths with less room."""
    for share in ROOMS:
        tight = replace(facts, room=int(facts.room * share), brim=0)
        found = best_first(tight, left(stop) / 4, 2**62)
        if found.path is not None:
            yield found.path


def place_in(order: tuple[int, ...], count: int) -> tuple[int, ...]:
    """Per operator its place in an order."""
    place = [0] * count
    for step, operator in enumerate(order):
        place[operator] = step
    return tuple(place)


SMALL_PLAN: tuple[tuple[Phase, float], ...] = (
    (covered, 0.1),
    (parted, 0.7),
    (reordered, 0.15),
    (beamed, 0.3),
    (spined, 0.15),
    (emptied, 0.15),
    (floored, 0.1),
    (replaced, 0.2),
    (proven, 0.4),
    (windowed, 0.8),
    (slackened, 1.0),
)
LARGE_PLAN: tuple[tuple[Phase, float], ...] = (
    (covered, 0.1),
    (parted, 0.7),
    (reordered, 0.25),
    (spined, 0.2),
    (replaced, 0.15),
    (proven, 0.25),
    (windowed, 0.9),
    (emptied, 1.0),
)
