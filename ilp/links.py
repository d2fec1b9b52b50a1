"""The best replacement for a given order: an integer program over links.

Link u joins two consecutive uses of a tensor; d[u] = 1 drops it: the tensor leaves after the first
use and is loaded for the second. s[t] = 1 stores t, which is made by an operator and no output.

    (1)  min sum_u bytes_t(u) d[u] + sum_t bytes_t s[t]
    (2)  d[u] <= s[t]                                    t = t(u), if dropping t asks for a store
    (3)  sum_{u over k} size_u d[u] >= base_k + sum_{u over k} size_u - room        for each step k

u over k: step k lies strictly between its two uses. base_k: bytes of the operands and results of
step k, those in place once. Of the rows (3) only those are built that no neighbour implies.

Offsets come after. Where the stays of a solution have none, some steps [a, b) already have none,
found by halving; in them one of the kept links has to go:

    (4)  sum_{u kept, meets [a, b)} d[u] >= 1

which holds for every plan if the native allocator proved it. Links between neighbouring steps, too,
may be dropped: the tensor comes back at another offset.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pulp

from cosmalloc.greedy.links import traffic
from cosmalloc.greedy.stays import Stays, stays_of
from cosmalloc.greedy.uses import Bools, Uses, uses_of
from cosmalloc.greedy.working_set import base_load, in_place_pairs
from cosmalloc.ilp.milp import solve_model
from cosmalloc.ilp.packing import ABSENT, Pairs, choice_of, fitted, none_fits, placed, plan_at
from cosmalloc.lifetimes import lifetimes
from cosmalloc.plan import Plan
from cosmalloc.problem import Problem

ROUNDS = 60  # of cuts
NARROWING = 0.05  # of the time left, for each proof that steps have no offsets


@dataclass(frozen=True, slots=True)
class Replaced:
    """plan: the best found, None if none was. bound: bytes, no plan in this order moves less.

    proven: no plan in this order moves less than `plan`; without a plan, none exists.
    rounds: how often the program was solved.
    """

    plan: Plan | None
    bound: int
    proven: bool
    rounds: int


@dataclass(frozen=True)
class Program:
    """(1) to (4). drops: per link that exists its d; stores: per tensor its s. unit: bytes."""

    uses: Uses
    model: pulp.LpProblem
    drops: dict[int, pulp.LpVariable]
    stores: dict[int, pulp.LpVariable]
    unit: int

    def kept(self) -> Bools:
        """bool[U]: of the solution."""
        kept: Bools = ~self.uses.last
        for link, variable in self.drops.items():
            kept[link] = not round(variable.value() or 0)
        return kept

    def start(self, kept: Bools) -> Mapping[pulp.LpVariable, float]:
        """The values of all variables for these links."""
        values: dict[pulp.LpVariable, float] = {}
        for link, variable in self.drops.items():
            values[variable] = float(not kept[link])
        for tensor, variable in self.stores.items():
            rows = self.uses.rows_of(tensor)
            values[variable] = float((~kept[rows] & ~self.uses.last[rows]).any())
        return values


def best_replacement(
    problem: Problem,
    order: tuple[int, ...],
    seconds: float,
    seed: int = 0,
    hint: Plan | None = None,
) -> Replaced:
    """The least traffic in this order, under `resident`. hint: a plan in it to start from."""
    stop = time.perf_counter() + seconds
    uses = uses_of(problem, lifetimes(problem, order))
    pairs = in_place_pairs(uses)
    program = build(uses, pairs, stop)
    if program is None:
        return Replaced(None, 0, False, 0)
    start = None if hint is None else program.start(links_of(uses, hint))
    bound, certain = 0, True
    for rounds in range(1, ROUNDS + 1):
        left = stop - time.perf_counter()
        if left <= 0:
            return Replaced(None, bound, False, rounds - 1)
        solved = solve_model(program.model, left, start, seed)
        if certain and math.isfinite(solved.bound):
            bound = max(bound, math.ceil(solved.bound - 1e-6) * program.unit)
        if solved.ending == "infeasible":
            return Replaced(None, bound, certain, rounds)
        if solved.ending not in ("optimal", "feasible"):
            return Replaced(None, bound, False, rounds)
        kept = program.kept()
        stays, found = stays_of(uses, choice_of(kept), pairs), None
        offset = placed(uses, stays)
        if (offset == ABSENT).any():
            offset = fitted(uses, stays, (stop - time.perf_counter()) / 4, seed)
        if (offset != ABSENT).all():
            found = plan_at(uses, kept, stays, offset)
            value = int(traffic(uses, choice_of(kept)).sum())
            return Replaced(found, bound, certain and value <= bound, rounds)
        certain &= cut(program, kept, stays, stop, seed) and not pairs
        start = None
    return Replaced(None, bound, False, ROUNDS)


def build(uses: Uses, pairs: Pairs, stop: float = math.inf) -> Program | None:
    """(1) to (3); None if that takes longer than until `stop`."""
    model = pulp.LpProblem("links", pulp.LpMinimize)
    links = np.flatnonzero(~uses.last).tolist()
    drops = {u: model.add_variable(f"d_{u}", 0, 1, pulp.LpInteger) for u in links}
    stored = {int(uses.tensor[u]) for u in links}
    stored = {t for t in stored if uses.made[t] and not uses.output[t]}
    stores = {t: model.add_variable(f"s_{t}", 0, 1) for t in sorted(stored)}
    sizes = [int(uses.bytes[uses.tensor[u]]) for u in links]
    unit = math.gcd(*sizes) or 1
    cost = [(drops[u], size // unit) for u, size in zip(links, sizes, strict=True)]
    cost += [(stores[t], int(uses.bytes[t]) // unit) for t in stores]
    model += pulp.LpAffineExpression(cost)  # (1)
    for u in links:
        if int(uses.tensor[u]) in stores:
            model += drops[u] <= stores[int(uses.tensor[u])]  # (2)
    for over, need in rows(uses, pairs):
        if time.perf_counter() > stop:
            return None
        sized = [(u, int(uses.size[uses.tensor[u]])) for u in over]
        scale = math.gcd(*(size for _, size in sized)) or 1
        row = pulp.LpAffineExpression([(drops[u], size // scale) for u, size in sized])
        model += row >= -(-need // scale)  # (3)
    return Program(uses, model, drops, stores, unit)


def rows(uses: Uses, pairs: Pairs) -> list[tuple[list[int], int]]:
    """(3) as links and bytes to drop, one per step that is too full, without implied neighbours."""
    target = uses.problem.target
    room = -(-target.scratchpad_bytes // target.alignment) * target.alignment
    base = base_load(uses, pairs)
    starts: dict[int, list[int]] = {}
    stops: dict[int, list[int]] = {}
    for u in np.flatnonzero(~uses.last & (uses.gap > 0)).tolist():
        starts.setdefault(int(uses.step[u]) + 1, []).append(u)
        stops.setdefault(int(uses.step[u + 1]), []).append(u)
    alive: dict[int, int] = {}
    found: list[tuple[set[int], int]] = []
    for step in range(uses.steps):
        for u in stops.get(step, ()):
            del alive[u]
        for u in starts.get(step, ()):
            alive[u] = int(uses.size[uses.tensor[u]])
        need = int(base[step]) + sum(alive.values()) - room
        if need <= 0:
            continue
        over = set(alive)
        if found and found[-1][0] <= over and found[-1][1] >= need:
            continue
        while found and over <= found[-1][0] and need >= found[-1][1]:
            found.pop()
        found.append((over, need))
    return [(sorted(over), need) for over, need in found]


def cut(program: Program, kept: Bools, stays: Stays, stop: float, seed: int) -> bool:
    """Adds (4); whether it is proven."""
    uses = program.uses
    first, last, proven = narrowed(uses, stays, stop, seed)
    links = [
        u for u in program.drops if kept[u] and uses.step[u] < last - 1 and uses.step[u + 1] > first
    ]
    model = program.model
    model += pulp.LpAffineExpression([(program.drops[u], 1) for u in links]) >= 1
    return proven


def narrowed(uses: Uses, stays: Stays, stop: float, seed: int) -> tuple[int, int, bool]:
    """Steps [first, last) in which the stays have no offsets, and whether that is proven."""

    def hopeless(first: int, last: int) -> bool:
        seconds = max(0.05, NARROWING * (stop - time.perf_counter()))
        return none_fits(uses, stays, first, last, seconds, seed)

    first, last = 0, uses.steps
    if not hopeless(first, last):
        return first, last, False
    width = (last - first) // 2
    while width:
        while last - width > first and hopeless(first, last - width):
            last -= width
        while first + width < last and hopeless(first + width, last):
            first += width
        width //= 2
    return first, last, True


def links_of(uses: Uses, plan: Plan) -> Bools:
    """bool[U]: the links that a plan in the order of `uses` keeps."""
    kept: Bools = ~uses.last
    spans: dict[int, list[tuple[int, int]]] = {}
    for stay in plan.residencies:
        spans.setdefault(stay.tensor, []).append((stay.start, stay.stop))
    for u in np.flatnonzero(kept).tolist():
        here = spans.get(int(uses.tensor[u]), ())
        kept[u] = any(a <= uses.step[u] and uses.step[u + 1] < b for a, b in here)
    return kept
