"""A lower bound for every order at once, however wide the graph: what must give way somewhere.

Whatever the order, tensor t is alive while operator o runs if an operator that must run before o
makes it (or, for an input, reads it) and one that must run after o reads it. With z[t] = 1 if t
ever leaves the chip while it is alive:

    (1)  min sum_t price_t z[t]              price_t = bytes_t, twice if leaving asks for a store
    (2)  sum_{t alive at o} size_t z[t] >= own_o + sum_{t alive at o} size_t - room        each o

own_o: rounded bytes of o's operands and results, everything in place that could be.
"""

from __future__ import annotations

import math

import pulp

from cosmalloc.ilp.facts import Facts, members
from cosmalloc.ilp.milp import solve_model


def floor_of_all_orders(facts: Facts, seconds: float) -> int:
    """Bytes; no plan in any order moves less."""
    rows = [(alive, need) for alive, need in shortages(facts) if need > 0]
    tensors = sorted({t for alive, _ in rows for t in members(alive)})
    if not tensors:
        return 0
    model = pulp.LpProblem("floor", pulp.LpMinimize)
    leaves = {t: model.add_variable(f"z_{t}", 0, 1, pulp.LpInteger) for t in tensors}
    price = {t: facts.bytes[t] * (1 + (facts.spills >> t & 1)) for t in tensors}
    unit = math.gcd(*price.values())
    model += pulp.LpAffineExpression([(leaves[t], price[t] // unit) for t in tensors])  # (1)
    for alive, need in rows:
        sizes = [(leaves[t], facts.size[t]) for t in members(alive)]
        scale = math.gcd(*(size for _, size in sizes), need)
        row = pulp.LpAffineExpression([(leaf, size // scale) for leaf, size in sizes])
        model += row >= need // scale  # (2)
    bound = solve_model(model, seconds).bound
    return max(0, math.ceil(bound - 1e-6)) * unit if math.isfinite(bound) else 0


def shortages(facts: Facts) -> list[tuple[int, int]]:
    """Per operator the tensors alive in any order that it does not touch, and bytes short.

    Where nothing is alive but the operator does not fit, there is no plan and nothing to say here.
    """
    earlier, later = closure(facts)
    found = []
    for o in range(facts.operators):
        touched = facts.reads[o] | facts.makes[o]
        alive = 0
        for t in range(len(facts.size)):
            begun = facts.readers[t] if facts.given >> t & 1 else 1 << facts.maker[t]
            if not touched >> t & 1 and begun & earlier[o] and facts.readers[t] & later[o]:
                alive |= 1 << t
        own = facts.sizes(touched) + facts.fixed[o] - facts.lent(o, facts.everything)
        need = own + facts.sizes(alive) - facts.room - facts.brim
        if alive and need <= facts.sizes(alive):
            found.append((alive, need))
    return found


def closure(facts: Facts) -> tuple[list[int], list[int]]:
    """Per operator the sets that run before it, and after it, in every order."""
    earlier, later = [0] * facts.operators, [0] * facts.operators
    done = 0
    while done != facts.everything:
        for o in range(facts.operators):
            if not done >> o & 1 and not facts.before[o] & ~done:
                for p in members(facts.before[o]):
                    earlier[o] |= earlier[p] | 1 << p
                for p in members(earlier[o]):
                    later[p] |= 1 << o
                done |= 1 << o
    return earlier, later
