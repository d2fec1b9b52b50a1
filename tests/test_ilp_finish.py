"""The last touch: the same traffic, legal, and never slower."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings

from cosmalloc.ilp import solve
from cosmalloc.ilp.finish import finished
from cosmalloc.ilp.layout import layout_of
from cosmalloc.ilp.links import best_replacement
from cosmalloc.lifetimes import source_order
from cosmalloc.objective import objective_value
from cosmalloc.plan import Plan
from cosmalloc.problem import Problem
from cosmalloc.traffic import traffic
from cosmalloc.verify import verify
from tests.nets import chain, tangle, with_scratchpad
from tests.strategies import problems

SLOW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def check(problem: Problem, plan: Plan) -> Plan:
    """The finished plan, after all that must hold of it."""
    after = finished(problem, plan)
    assert verify(problem, after) == []
    assert after.order == plan.order
    assert traffic(problem, after) == traffic(problem, plan)
    before, now = (objective_value(problem, each, "latency") for each in (plan, after))
    assert now <= before
    return after


@SLOW
@given(problem=problems(rules=["resident"], most_reads=3))
def test_traffic_stays_and_latency_never_grows(problem: Problem) -> None:
    found = best_replacement(problem, source_order(problem), 2)
    if found.plan is not None:
        check(problem, check(problem, found.plan))


def test_results_in_place_stay_where_they_are() -> None:
    for seed in range(60):
        problem = tangle(12, seed, "resident")
        outcome = solve(problem, seconds=0.2)
        if outcome.plan is not None:
            check(problem, outcome.plan)


def test_copies_of_a_chain_hide_behind_its_steps() -> None:
    problem = with_scratchpad(chain(60, 1), 14_016)
    found = best_replacement(problem, source_order(problem), 20)
    assert found.plan is not None
    after = check(problem, found.plan)
    before, now = (objective_value(problem, each, "latency") for each in (found.plan, after))
    assert now < 0.9 * before


def test_the_solver_hands_out_finished_plans() -> None:
    outcome = solve(with_scratchpad(chain(60, 1), 14_016), seconds=5)
    assert outcome.plan is not None
    assert any(copy.start < copy.stop for copy in outcome.plan.transfers)


@pytest.mark.parametrize("seed", range(3))
def test_a_layout_knows_every_link_and_offset_of_a_plan(seed: int) -> None:
    problem = with_scratchpad(chain(60, seed), 9_600)
    outcome = solve(problem, seconds=0)
    assert outcome.plan is not None
    layout = layout_of(problem, outcome.plan)
    uses = layout.uses
    assert (layout.offset >= 0).all()
    loads = sum(copy.kind == "load" for copy in outcome.plan.transfers)
    dropped = int((~layout.kept & ~uses.last).sum())
    given = {int(t) for t in uses.tensor if not uses.made[t]}
    assert dropped == loads - len(given)
