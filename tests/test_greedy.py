"""The greedy solver against brute force, the judge and the clock."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cosmalloc.greedy.uses import uses_of
from cosmalloc.greedy.working_set import heights, in_place_pairs
from cosmalloc.lifetimes import lifetimes, source_order
from cosmalloc.objective import bound, objective_value
from cosmalloc.plan import OBJECTIVES, Objective, Plan
from cosmalloc.problem import Problem
from cosmalloc.simulate import simulate
from cosmalloc.solve import solve as solve_by
from cosmalloc.target import OPERAND_RULES, OperandRule
from tests.nets import chain, tangle, with_scratchpad
from tests.oracle import least_peak, least_traffic
from tests.small import operator, problem, tensor, toy
from tests.strategies import problems

solve = partial(solve_by, solver="greedy")
RULES = st.sampled_from(OPERAND_RULES)


def smallest(given: Problem) -> int:
    """Bytes of the largest step's working set."""
    uses = uses_of(given, lifetimes(given, source_order(given)))
    return int(heights(uses, in_place_pairs(uses)).max())


@settings(deadline=None, max_examples=120)
@given(problem=problems())
def test_there_is_a_plan_exactly_if_brute_force_finds_one(problem: Problem) -> None:
    best = least_traffic(problem, source_order(problem))
    outcome = solve(problem)
    assert (outcome.plan is None) == (best is None)
    if outcome.plan is not None:
        assert outcome.value is not None
        least = least_traffic(problem, outcome.plan.order)
        assert least is not None
        assert outcome.value >= least[0]


@settings(deadline=None, max_examples=60)
@given(problem=problems(rules=["resident"]))
def test_the_smallest_scratchpad_is_exact(problem: Problem) -> None:
    outcome = solve(with_scratchpad(problem, 0))
    if outcome.plan is None:
        least = outcome.smallest_scratchpad
        assert least is not None
        assert solve(with_scratchpad(problem, least)).plan is not None
        order = source_order(problem)
        assert least_traffic(problem, order, least - 1) is None


@settings(deadline=None, max_examples=60)
@given(problem=problems())
def test_no_peak_is_below_that_of_brute_force(problem: Problem) -> None:
    outcome = solve(problem, objective="peak")
    least = least_peak(problem, source_order(problem))
    if outcome.plan is not None:
        assert least is not None
        assert outcome.value is not None
        assert outcome.value >= least
    if outcome.status == "infeasible":
        assert least is None


@settings(deadline=None, max_examples=60)
@given(seed=st.integers(0, 10**6), rule=RULES, size=st.integers(1, 40))
def test_large_tangles_get_legal_plans_that_are_worth_what_they_say(
    seed: int, rule: OperandRule, size: int
) -> None:
    given = tangle(size, seed, rule)
    for objective in OBJECTIVES:
        outcome = solve(given, objective=objective)  # raises where the judge finds a fault
        if outcome.plan is not None:
            assert outcome.value == objective_value(given, outcome.plan, objective)
            assert outcome.bound is not None
            assert bound(given, objective) <= outcome.value * (1 + 1e-12)
        elif objective != "peak":
            assert smallest(given) > given.target.scratchpad_bytes
            assert outcome.smallest_scratchpad == smallest(given)


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 10**6), size=st.integers(1, 30))
def test_under_anywhere_latency_is_never_worse_than_with_nothing_on_chip(
    seed: int, size: int
) -> None:
    given = tangle(size, seed, "anywhere")
    outcome = solve(given, objective="latency")
    nothing = Plan(source_order(given))
    assert outcome.value is not None
    assert outcome.value <= simulate(given, nothing).latency


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 10**6), rule=RULES)
def test_the_same_seed_gives_the_same_plan(seed: int, rule: OperandRule) -> None:
    given = tangle(12, seed, rule)
    assert solve(given, seed=7) == solve(given, seed=7)


@settings(deadline=None, max_examples=10)
@given(seed=st.integers(0, 10**6), factor=st.sampled_from([1.0, 1.2, 1.7, 3.0]))
def test_a_chain_that_fragments_still_gets_a_plan_and_no_worse_than_dropping_all(
    seed: int, factor: float
) -> None:
    given = chain(150, seed)
    given = with_scratchpad(given, int(smallest(given) * factor))
    outcome = solve(given)
    assert outcome.value is not None
    reloaded = sum(
        given.tensors[t].bytes * (len(reads) + (given.tensors[t].kind == "intermediate"))
        for t, reads in enumerate(given.readers)
    )
    assert outcome.value < reloaded


@pytest.mark.parametrize("where", ["regain.rejoin", "offsets.fit_sections"])
@pytest.mark.parametrize("rule", OPERAND_RULES)
def test_an_interrupt_brings_the_best_plan_so_far(
    where: str, rule: OperandRule, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> bool:
        raise KeyboardInterrupt

    monkeypatch.setattr(f"cosmalloc.greedy.{where}", interrupt)
    given = chain(150)
    given = with_scratchpad(given, smallest(given))
    given = replace(given, target=replace(given.target, operand_rule=rule))
    assert solve(given).plan is not None


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 10**6), rule=RULES)
def test_no_time_at_all_is_enough_for_a_plan(seed: int, rule: OperandRule) -> None:
    given = tangle(20, seed, rule)
    assert (solve(given, seconds=0).plan is None) == (solve(given).plan is None)


def test_an_order_that_is_not_topological_is_sorted() -> None:
    sizes = [tensor("x", 1, "input"), tensor("a", 1), tensor("b", 1, "output")]
    made = [operator(sizes, [1], [2]), operator(sizes, [0], [1])]
    outcome = solve(problem(toy(4), sizes, made))
    assert outcome.plan is not None
    assert outcome.plan.order == (1, 0)


def test_what_does_not_fit_is_named_with_its_numbers() -> None:
    sizes = [tensor("x", 2000, "input"), tensor("a", 3000), tensor("b", 1000, "output")]
    made = [operator(sizes, [0], [1], name="up"), operator(sizes, [1], [2], name="down")]
    outcome = solve(problem(toy(4999), sizes, made))
    assert outcome.status == "infeasible"
    assert outcome.smallest_scratchpad == 5000
    assert outcome.reason == (
        "operator 0 (`up`) needs 5,000 bytes on chip at once, the scratchpad has 4,999"
    )
    assert solve(problem(toy(5000), sizes, made)).status == "optimal"


def test_the_largest_rounding_lies_on_top() -> None:
    sizes = [tensor("x", 5, "input"), tensor("a", 8, "output")]
    made = [operator(sizes, [0], [1])]
    assert smallest(problem(toy(0, alignment=8), sizes, made)) == 13
    assert solve(problem(toy(13, alignment=8), sizes, made)).status == "optimal"


def test_an_update_in_place_needs_room_once() -> None:
    sizes = [
        tensor("x", 8, "input", group=1),
        tensor("y", 8, group=1),
        tensor("z", 8, "output", group=1),
    ]
    made = [operator(sizes, [0], [1]), operator(sizes, [1], [2])]
    assert solve(problem(toy(8), sizes, made)).value == 0
    assert solve(problem(toy(8), sizes, made), objective="peak").value == 8


def test_no_update_is_in_place_while_the_old_value_is_read_later() -> None:
    sizes = [
        tensor("x", 8, "input", group=1),
        tensor("y", 8, "output", group=1),
        tensor("z", 1, "output"),
    ]
    made = [operator(sizes, [0], [1]), operator(sizes, [0], [2])]
    assert smallest(problem(toy(0), sizes, made)) == 16


@pytest.mark.parametrize("rule", OPERAND_RULES)
def test_copies_are_hidden_behind_running_operators(rule: OperandRule) -> None:
    sizes = [tensor("x", 1, "input"), *(tensor(f"w{i}", 4, "weight") for i in range(3))]
    sizes += [tensor("a", 1), tensor("b", 1), tensor("c", 1, "output")]
    made = [
        operator(sizes, [0, 1], [4], 10.0),
        operator(sizes, [4, 2], [5], 10.0),
        operator(sizes, [5, 3], [6], 10.0),
    ]
    outcome = solve(problem(toy(16, rule), sizes, made), objective="latency")
    assert outcome.value is not None
    ends = 5.0 + 1.0 if rule == "resident" else 0.0  # the first loads and the last store
    assert outcome.value == 30.0 + ends


def test_without_copy_engines_every_copy_blocks() -> None:
    given = chain(20)
    given = replace(given, target=replace(given.target, copy_engines=0))
    outcome = solve(with_scratchpad(given, 2 * smallest(given)), objective="latency")
    assert outcome.plan is not None
    assert all(copy.start == copy.stop for copy in outcome.plan.transfers)


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_a_problem_without_operators_has_an_empty_plan(objective: Objective) -> None:
    outcome = solve(problem(toy(0), [], []), objective=objective)
    assert outcome.plan == Plan(())
    assert outcome.value == 0


def test_reads_that_fit_the_one_compulsory_read_stay_direct() -> None:
    sizes = [tensor("x", 8, "input"), tensor("a", 1, "output"), tensor("b", 1, "output")]
    made = [
        replace(operator(sizes, [0], [1]), input_bytes_accessed=(4,)),
        replace(operator(sizes, [0], [2]), input_bytes_accessed=(4,)),
    ]
    outcome = solve(problem(toy(0, "anywhere"), sizes, made))
    assert outcome.value == 0
    assert outcome.plan is not None
    assert outcome.plan.residencies == ()
