"""Phases 1 and 2 together: a little less load, so that exact search finds offsets for all of it.

Links chosen up to the brim of the scratchpad rarely have offsets; giving back a few percent of it
where packing fails often costs less traffic than dropping links one by one until the rest fits.
The share that is given back is found by bisection,

    limit(s) = scratchpad * (1 - share) in crowded steps, scratchpad elsewhere,   0 <= share <= MOST

and the result competes with that of dropping links one by one (see offsets).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from cosmalloc.greedy.board import ABSENT, Board
from cosmalloc.greedy.budget import Budget
from cosmalloc.greedy.offsets import fitted, improved, repaired, set_up
from cosmalloc.greedy.prices import Prices
from cosmalloc.greedy.sections import crowded_steps
from cosmalloc.greedy.uses import Bools, Ints, Uses
from cosmalloc.greedy.working_set import Pair

MOST = 0.24
FIRST = 0.04
FINEST = 0.005
TRIES = 8  # that the budget is divided by

Choose = Callable[[Ints], tuple[Bools, Prices]]  # limit, int64[steps] -> kept links, their prices


def best_board(
    uses: Uses, choose: Choose, pairs: tuple[Pair, ...], seconds: float, seed: int
) -> Board:
    """The board that loses least. seconds: soft, for exact search and improvement."""
    budget = Budget.of(seconds)
    kept, prices = choose(np.full(uses.steps, uses.capacity))
    try:
        stays, offset = fitted(uses, kept, prices, pairs, seconds / TRIES, seed)
    except KeyboardInterrupt:  # a plan all the same, as fast as it comes
        return repaired(uses, kept, prices, pairs, Budget.of(0))
    if (offset != ABSENT).all():
        return improved(set_up(uses, kept, prices, stays, offset), pairs, budget)
    crowded = crowded_steps(uses, stays, offset)
    boards = [repaired(uses, kept, prices, pairs, Budget.of(seconds / TRIES))]
    try:
        shaved = _bisect(uses, choose, pairs, crowded, Budget.of(seconds / 2), seed)
        boards += [shaved] if shaved is not None else []
    except KeyboardInterrupt:
        budget = Budget.of(0)
    best = min(boards, key=lambda board: board.prices.total(board.kept))
    return improved(best, pairs, budget)


def _bisect(
    uses: Uses,
    choose: Choose,
    pairs: tuple[Pair, ...],
    crowded: Bools,
    budget: Budget,
    seed: int,
) -> Board | None:
    """The board of the smallest share found to work; None if none did in time."""
    low, high, share = 0.0, MOST, FIRST
    best: Board | None = None
    each = budget.left() / TRIES
    while high - low > FINEST and budget.left() > 0:
        limit = np.where(crowded, int(uses.capacity * (1 - share)), uses.capacity)
        kept, prices = choose(limit)
        stays, offset = fitted(uses, kept, prices, pairs, min(each, budget.left()), seed)
        if (offset != ABSENT).all():
            high, best = share, set_up(uses, kept, prices, stays, offset)
        else:
            low = share
        share = (low + high) / 2
    return best
