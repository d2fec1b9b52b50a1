"""The solvers `msa` and `search`: plans of low latency under the rule `anywhere`."""

from __future__ import annotations

import signal
import threading

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cosmalloc.errors import InputError
from cosmalloc.greedy import solve as greedy
from cosmalloc.latency.draft import Drafting
from cosmalloc.latency.msa import Msa, decoded, msa_plan
from cosmalloc.latency.search import Annealing, anneal, improved, race
from cosmalloc.latency.starts import FAR, Start, decided, programmed
from cosmalloc.lifetimes import source_order
from cosmalloc.objective import bound
from cosmalloc.plan import Plan
from cosmalloc.problem import Problem
from cosmalloc.simulate import simulate
from cosmalloc.solve import solve
from cosmalloc.verify import verify
from tests import oracle
from tests.nets import chain, tangle, with_scratchpad
from tests.small import operator, tensor, toy
from tests.small import problem as small_problem
from tests.strategies import problems
from tests.test_in_place import updating
from tests.widen import widened

ANYWHERE = problems(rules=["anywhere"], most_operators=6, most_spare=6, most_room=14)
SMALL = st.one_of(ANYWHERE, updating())
QUICK = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
CLOSE = 1e-9


def check(problem: Problem, plan: Plan, latency: float) -> None:
    """The judge has no word against it, and the clocks agree."""
    assert verify(problem, plan) == []
    assert simulate(problem, plan).latency == pytest.approx(latency, rel=CLOSE)
    assert bound(problem, "latency") <= latency * (1 + CLOSE)


@QUICK
@given(problem=SMALL, cross_program=st.booleans(), preferred=st.sampled_from([0.5, 2.0]))
def test_xla_s_decisions_make_a_legal_plan(
    problem: Problem, cross_program: bool, preferred: float
) -> None:
    drafting = Drafting.of(problem)
    draft = decoded(drafting, Msa(preferred=preferred, cross_program=cross_program))
    check(problem, drafting.plan(draft.stays()), draft.latency())


@QUICK
@given(problem=SMALL, seed=st.integers(0, 1000))
def test_a_search_makes_a_legal_plan_and_never_a_worse_one(problem: Problem, seed: int) -> None:
    drafting = Drafting.of(problem)
    start = drafting.empty()
    found = anneal(
        drafting, start.stays(), seconds=60, seed=seed, how=Annealing(rounds=2, moves=400)
    )
    check(problem, found.plan, found.latency)
    assert found.latency <= start.latency()
    assert list(found.curve) == sorted(found.curve, key=lambda point: -point[1])


@QUICK
@given(problem=ANYWHERE, seed=st.integers(0, 1000))
def test_a_plan_read_back_is_legal(problem: Problem, seed: int) -> None:
    plan = oracle.random_plan(problem, seed)
    if plan is None:
        return
    plan = widened(problem, plan, seed)
    drafting = Drafting.of(problem, plan.order)
    draft = drafting.empty()
    draft.set_stays(drafting.rows(plan), by_half=True)
    check(problem, drafting.plan(draft.stays()), draft.latency())


@settings(max_examples=40, deadline=None)
@given(problem=SMALL)
def test_starts_of_the_program_are_legal_and_no_better_than_its_bound(problem: Problem) -> None:
    drafting = Drafting.of(problem)
    for start, least in programmed(drafting, 2.0, 0):
        if start is not None:
            check(problem, drafting.plan(start.rows), start.latency)
            assert least <= start.latency * (1 + CLOSE)


@pytest.mark.parametrize("seconds", [0.0, 0.2])
def test_a_race_is_won_by_nobody_slower_than_a_start(seconds: float) -> None:
    problem = with_scratchpad(tangle(30, seed=5, rule="anywhere"), 20_000)
    drafting = Drafting.of(problem)
    starts = [Start.of(drafting.empty(), FAR), decided(drafting)]
    told: list[float] = []
    won = race(drafting, starts, seconds, 1, 0.0, lambda latency, share: told.append(latency))
    check(problem, drafting.plan(won.rows), won.latency)
    assert won.latency <= min(start.latency for start in starts)
    assert told == sorted(told, reverse=True)
    assert race(drafting, starts, 5.0, 1, starts[1].latency, print) == starts[1]


def test_the_same_seed_and_moves_give_the_same_plan() -> None:
    problem = with_scratchpad(tangle(40, seed=3, rule="anywhere"), 40)
    drafting = Drafting.of(problem)
    start = decoded(drafting, Msa()).stays()
    how = Annealing(moves=3000)
    plans = [anneal(drafting, start, seconds=60, seed=7, how=how).plan for _ in range(2)]
    assert plans[0] == plans[1]
    assert anneal(drafting, start, seconds=60, seed=8, how=how).plan != plans[0]


@pytest.mark.parametrize("scratchpad", [3_000, 20_000, 200_000])
def test_search_is_at_least_as_good_as_msa_and_greedy(scratchpad: int) -> None:
    problem = with_scratchpad(tangle(30, seed=5, rule="anywhere"), scratchpad)
    values = {
        name: solve(problem, objective="latency", solver=name, seconds=0.5).value
        for name in ("msa", "greedy", "search")
    }
    assert values["search"] is not None
    assert all(value is not None and values["search"] <= value for value in values.values())


def test_ctrl_c_brings_the_best_plan_so_far() -> None:
    drafting = Drafting.of(with_scratchpad(tangle(40, seed=3, rule="anywhere"), 40))
    threading.Timer(0.3, signal.raise_signal, [signal.SIGINT]).start()
    found = anneal(drafting, drafting.empty().stays(), seconds=600)
    assert found.interrupted
    check(drafting.problem, found.plan, found.latency)


def test_an_improved_plan_is_never_worse_than_what_it_came_from() -> None:
    small = with_scratchpad(tangle(12, seed=5, rule="anywhere"), 60)
    plan = Plan(source_order(small))
    found = improved(small, [plan], seconds=0.0)
    assert found.value is not None
    assert found.value <= simulate(small, plan).latency
    assert improved(small, [], seconds=0.0).value is not None
    assert found.plan is not None
    again = improved(small, [found.plan, msa_plan(small)], seconds=0.1)
    assert again.value is not None
    assert again.value <= found.value


def test_a_result_takes_the_bytes_of_an_operand_that_nobody_reads_again() -> None:
    """Four bytes of scratchpad hold a, and then b made of it: nothing goes off-chip but x and y."""
    tensors = [tensor("x", 1, "input"), tensor("a", 4, group=7), tensor("b", 4, group=7)]
    tensors += [tensor("y", 1, "output")]
    made = [operator(tensors, *ends) for ends in (([0], [1]), ([1], [2]), ([2], [3]))]
    shared = small_problem(toy(4, "anywhere"), tensors, made)
    outcome = solve(shared, objective="latency", solver="search", seconds=0.2)
    assert outcome.value == pytest.approx(2.0, rel=1e-6)
    made[2] = operator(tensors, [1, 2], [3])
    apart = small_problem(toy(4, "anywhere"), tensors, made)
    outcome = solve(apart, objective="latency", solver="search", seconds=0.2)
    assert outcome.value is not None
    assert outcome.value > 2.5


def test_with_room_for_everything_nothing_is_read_twice() -> None:
    problem = with_scratchpad(chain(20, seed=1), 10**9)
    assert problem.target.operand_rule == "resident"
    outcome = solve(problem, objective="latency", solver="search", seconds=0.2)
    assert outcome.value == greedy(problem, objective="latency", seconds=0.2).value


@pytest.mark.parametrize("solver", ["msa", "search"])
def test_what_they_can_t_do_they_say(solver: str) -> None:
    problem = with_scratchpad(tangle(8, seed=1, rule="anywhere"), 20_000)
    outcome = solve(problem, objective="peak", solver=solver, seconds=0.1)
    assert outcome.status == "unknown"
    assert outcome.reason


def test_a_target_with_the_rule_resident_is_refused_by_name() -> None:
    with pytest.raises(InputError, match="wants operands on chip"):
        msa_plan(chain(3))


def test_stays_that_break_a_law_are_refused() -> None:
    drafting = Drafting.of(with_scratchpad(tangle(8, seed=1, rule="anywhere"), 20_000))
    draft = drafting.empty()
    wrong = np.array([[0, 0, 3, 2, 4, 0, -1, -1, 1]], np.int64)
    with pytest.raises(ValueError, match=r"not legal|no events or no steps"):
        draft.set_stays(wrong)
