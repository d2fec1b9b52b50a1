"""The last touch of a plan under `resident`: the same traffic in less time.

A plan that was found by bytes copies on borders, while the operators wait. Here it is reduced to
its links and offsets, and its copies are stretched into the idle seconds of the steps around them
(see `cosmalloc.greedy.stretch`), in every way that `greedy` knows; the quickest plan wins.
"""

from __future__ import annotations

from cosmalloc.errors import InputError
from cosmalloc.greedy.offsets import set_up
from cosmalloc.greedy.prices import ResidentTraffic
from cosmalloc.greedy.roofline import Roofline
from cosmalloc.greedy.solver import plans_on, turns_for
from cosmalloc.greedy.stays import stays_of
from cosmalloc.ilp.layout import layout_of
from cosmalloc.ilp.packing import choice_of
from cosmalloc.objective import objective_value
from cosmalloc.plan import Plan
from cosmalloc.problem import Problem


def finished(problem: Problem, plan: Plan) -> Plan:
    """A plan with the order and the traffic of `plan`, no slower; `plan` itself where nothing is
    quicker or the operators have no seconds."""
    layout = layout_of(problem, plan)
    uses, pairs = layout.uses, layout.pairs
    try:
        roofline = Roofline.of(uses)
    except InputError:
        return plan
    stays = stays_of(uses, choice_of(layout.kept), pairs)
    board = set_up(
        uses, layout.kept, ResidentTraffic(uses), stays, layout.offset[stays.first].copy()
    )
    tried = [plan, *plans_on(board, pairs, roofline, turns_for("latency", uses.steps))]
    return min(tried, key=lambda each: objective_value(problem, each, "latency"))
