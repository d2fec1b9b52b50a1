"""The least traffic in a given order under `anywhere`: who is on chip when, or accessed off-chip.

x, k, l, v and their rows are those of `held`. Of every tensor t, with uses u, in bytes:

    (1)  min sum_t read[t] + sum_t written[t]                       both at least 0
    (2)  read[t] >= sum_u bytes l[u] + sum_{u reads} accessed[u] (1 - x[u]) - due read of t
    (3)  written[t] >= bytes v[f] + accessed[f] (1 - x[f]) - due write of t      f produces t

Offsets come after. Where the stays of a solution have none, some steps [a, b) already have none;
in them one of the kept links, or of the uses on chip that are no end of one of those, has to go:

    (4)  sum_{u kept, meets [a, b)} (1 - k[u]) + sum_{u on chip, in [a, b)} (1 - x[u]) >= 1

which holds for every plan if the native allocator proved it: a plan that keeps them all has places
for them. It is proven only where results take no operand's bytes unless they must, and there is no
choice whose.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

import numpy as np

from cosmalloc.errors import InputError
from cosmalloc.greedy.links import Choice, traffic
from cosmalloc.greedy.offsets import set_up
from cosmalloc.greedy.prices import AnywhereTraffic
from cosmalloc.greedy.roofline import Roofline
from cosmalloc.greedy.solver import plans_on, turns_for
from cosmalloc.greedy.stays import Stays, stays_of
from cosmalloc.greedy.transfers import blocking_copies, plan_of
from cosmalloc.greedy.uses import Bools, Ints, Uses, uses_of
from cosmalloc.greedy.working_set import in_place_pairs
from cosmalloc.ilp.held import Held, Terms, hold
from cosmalloc.ilp.links import Replaced, narrowed
from cosmalloc.ilp.packing import ABSENT, Pairs, fitted, placed
from cosmalloc.ilp.sparse import Solution, Sparse
from cosmalloc.in_place import updates, updates_agree
from cosmalloc.lifetimes import lifetimes
from cosmalloc.objective import objective_value
from cosmalloc.plan import Plan
from cosmalloc.problem import Problem
from cosmalloc.traffic import due_read, due_write

ROUNDS = 60  # of cuts
DOUBT = 1e-8  # relative, of a bound that is a whole number of units
Order = tuple[int, ...]


@dataclass(frozen=True)
class Program:
    """unit: bytes that every amount is a multiple of, and that one of the costs stands for."""

    held: Held
    unit: int

    def bound(self, solution: Solution) -> int:
        """Bytes: the solution's bound, rounded up to a whole unit."""
        least = solution.bound
        if not math.isfinite(least):
            return 0
        return max(0, math.ceil(least - DOUBT * max(1.0, abs(least)))) * self.unit


def anywhere_program(uses: Uses) -> Program:
    """(1) to (3)."""
    problem, rows = uses.problem, Sparse()
    held = hold(rows, uses, problem.target.scratchpad_bytes)
    amounts = [*uses.accessed.tolist(), *uses.bytes[uses.tensor].tolist()]
    unit = math.gcd(*amounts) or 1
    accessed = (uses.accessed // unit).astype(np.float64).tolist()
    for t in sorted(set(uses.tensor.tolist())):
        size = float(uses.bytes[t] // unit)
        read: Terms = []
        written: Terms = []
        of = uses.rows_of(t)
        for u in range(of.start, of.stop):
            side, copy = (written, held.stores[u]) if uses.produces[u] else (read, held.loads[u])
            side += [(copy, -size), (held.x[u], accessed[u])]
        made = [u for u in range(of.start, of.stop) if uses.produces[u]]
        out = sum(accessed[u] for u in made)
        into = sum(accessed[of]) - out
        for terms, direct, due in (
            (read, into, due_read(problem, t)),
            (written, out, due_write(problem, t)),
        ):
            if terms:
                excess = rows.column(_most(terms, direct), cost=1.0)
                rows.row([(excess, 1.0), *terms], direct - due / unit)
    held.close()
    return Program(held, unit)


def _most(terms: Terms, direct: float) -> float:
    return direct + sum(-factor for _, factor in terms if factor < 0)


def best_access(problem: Problem, order: Order, seconds: float, seed: int = 0) -> Replaced:
    """The least traffic in this order, under `anywhere`; a plan, bytes that none goes below."""
    stop = time.perf_counter() + seconds
    uses = uses_of(problem, lifetimes(problem, order))
    found = updates(problem, order)
    forced = len(in_place_pairs(uses)) == len(found) and all(len(e.operands) == 1 for e in found)
    program = anywhere_program(uses)
    bound, certain = 0, True
    for rounds in range(1, ROUNDS + 1):
        left = stop - time.perf_counter()
        if left <= 0:
            return Replaced(None, bound, False, rounds - 1)
        solution = program.held.rows.solve(left, seed=seed, doubt=0.0)
        if certain and solution.ending != "infeasible":
            bound = max(bound, program.bound(solution))
        if solution.x is None:
            return Replaced(None, bound, False, rounds)
        on, kept = program.held.chosen(solution.x)
        pairs = in_place_pairs(uses, on)
        stays, offset = offsets_of(uses, on, kept, pairs, (stop - time.perf_counter()) / 4, seed)
        if (offset != ABSENT).all():
            plan = plan_at(uses, on, kept, stays, offset)
            if plan is not None:
                value = int(traffic(uses, Choice.of(kept, on)).sum())
                return Replaced(plan, bound, value <= bound, rounds)
        certain &= _cut(program, on, kept, stays, stop, seed) and forced
    return Replaced(None, bound, False, ROUNDS)


def offsets_of(
    uses: Uses, on: Bools, kept: Bools, pairs: Pairs, seconds: float, seed: int
) -> tuple[Stays, Ints]:
    """The stays, and their offsets as far as they are found."""
    stays = stays_of(uses, Choice.of(kept, on), pairs)
    offset = placed(uses, stays)
    if (offset == ABSENT).any():
        offset = fitted(uses, stays, max(0.0, seconds), seed)
    return stays, offset


def plan_at(uses: Uses, on: Bools, kept: Bools, stays: Stays, offset: Ints) -> Plan | None:
    """The quickest plan with this traffic; None where an update's ends lie apart."""
    problem, choice, pairs = uses.problem, Choice.of(kept, on), in_place_pairs(uses, on)
    plan = plan_of(uses, blocking_copies(uses, choice, stays, offset, stays.before >= 0))
    if not updates_agree(problem, plan):
        return None
    try:
        roofline = Roofline.of(uses)
    except InputError:
        return plan
    prices = AnywhereTraffic(uses)
    prices.lone[:] = on
    board = set_up(uses, kept, prices, stays, offset)
    moved = objective_value(problem, plan, "traffic")
    found = plans_on(board, pairs, roofline, turns_for("latency", uses.steps))
    equal = [p for p in (plan, *found) if objective_value(problem, p, "traffic") <= moved]
    return min(equal, key=lambda p: objective_value(problem, p, "latency"))


def _cut(program: Program, on: Bools, kept: Bools, stays: Stays, stop: float, seed: int) -> bool:
    """Adds (4); whether it is proven."""
    uses, held = program.held.uses, program.held
    first, last, proven = narrowed(uses, stays, stop, seed)
    links = [
        u for u in held.kept if kept[u] and uses.step[u] < last - 1 and uses.step[u + 1] > first
    ]
    alone = on & (uses.step >= first) & (uses.step < last)
    alone[links] = alone[[u + 1 for u in links]] = False
    terms = [(held.kept[u], -1.0) for u in links]
    terms += [(held.x[u], -1.0) for u in np.flatnonzero(alone).tolist()]
    held.rows.row(terms, 1.0 - len(terms))
    return proven
