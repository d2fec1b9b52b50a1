"""The baselines by name, as `compare` runs them beside the solvers.

{online, offline}-{belady, cheapest}         in source order
{online, offline}-{belady, cheapest}-low     in the order of least peak footprint
"""

from __future__ import annotations

from collections.abc import Sequence

from cosmalloc.baselines.offline import offline
from cosmalloc.baselines.online import online
from cosmalloc.baselines.replacement import RULES, Rule
from cosmalloc.ilp.facts import facts_of
from cosmalloc.ilp.peak import lowest_order
from cosmalloc.lifetimes import source_order
from cosmalloc.plan import Plan
from cosmalloc.problem import Problem

ALLOCATORS = ("online", "offline")
BASELINES = tuple(
    f"{allocator}-{rule}{suffix}"
    for suffix in ("", "-low")
    for allocator in ALLOCATORS
    for rule in RULES
)


def baseline(problem: Problem, name: str, seconds: float) -> Plan | None:
    """The plan of the baseline called `name`; None where a step does not fit by itself, or no order
    was found in time.
    """
    allocator, rule, *low = name.split("-")
    order = _low(problem, seconds / 2) if low else source_order(problem)
    if order is None:
        return None
    known: Rule = "belady" if rule == "belady" else "cheapest"
    if allocator == "online":
        return online(problem, order, known)
    return offline(problem, order, known, seconds / 2)


def _low(problem: Problem, seconds: float) -> Sequence[int] | None:
    return lowest_order(facts_of(problem), seconds).order
