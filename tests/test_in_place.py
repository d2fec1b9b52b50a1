"""Law 6's last part: an operand updated in place and its result lie in one memory."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cosmalloc.in_place import Update, updates, updates_agree
from cosmalloc.lifetimes import source_order
from cosmalloc.plan import OBJECTIVES, Objective, Plan, Residency, Transfer
from cosmalloc.problem import Problem
from cosmalloc.solve import solve
from cosmalloc.target import OperandRule
from cosmalloc.traffic import traffic
from cosmalloc.verify import verify
from tests import oracle, widen
from tests.mutate import mutations
from tests.small import load, operator, problem, stay, store, tensor, toy
from tests.strategies import problems


@st.composite
def updating(draw: st.DrawFn, most_operators: int = 4) -> Problem:
    """Problems in which many results are written in part over an operand of equal size."""
    found = draw(problems(rules=["anywhere"], most_operators=most_operators, most_spare=3))
    tensors = [
        replace(t, bytes=2, alias_group=draw(st.sampled_from([0, 0, 1]))) for t in found.tensors
    ]
    halves = st.sampled_from([1, 1, 2])
    operators = [
        replace(
            o,
            input_bytes_accessed=tuple(draw(halves) for _ in o.inputs),
            output_bytes_accessed=tuple(draw(halves) for _ in o.outputs),
        )
        for o in found.operators
    ]
    room = draw(st.integers(0, 10))
    target = replace(found.target, scratchpad_bytes=room)
    return Problem("updates", target, tuple(tensors), tuple(operators))


def cache(
    rule: OperandRule = "anywhere", kind: str = "intermediate", seconds: float = 0.0
) -> Problem:
    """x -> `fill` makes a (4 bytes) -> `update` writes 1 of b's 4 bytes -> `read` makes y of b."""
    tensors = [
        tensor("x", 1, "input"),
        tensor("a", 4, kind, 0),  # type: ignore[arg-type]
        tensor("b", 4, "intermediate", 0),
        tensor("y", 1, "output"),
    ]
    made = [
        operator(tensors, [0], [1], seconds, "fill"),
        operator(tensors, [1], [2], seconds, "update"),
        operator(tensors, [2], [3], seconds, "read"),
    ]
    made[1] = replace(made[1], input_bytes_accessed=(0,), output_bytes_accessed=(1,))
    return problem(toy(8, rule, 4), tensors, made)


def faults(given: Problem, stays: list[Residency], copies: list[Transfer]) -> list[str]:
    return [str(fault) for fault in verify(given, Plan((0, 1, 2), tuple(stays), tuple(copies)))]


def test_an_update_is_a_result_written_in_part_over_an_operand_that_nobody_wants_any_more() -> None:
    assert updates(cache(), (0, 1, 2)) == (Update(1, 1, (1,), 2),)
    assert updates(cache("resident"), (0, 1, 2)) == ()
    assert updates(cache(kind="output"), (0, 1, 2)) == ()
    whole = cache()
    node = replace(whole.operators[1], output_bytes_accessed=(4,))
    whole = replace(whole, operators=(whole.operators[0], node, whole.operators[2]))
    assert updates(whole, (0, 1, 2)) == ()
    reader = replace(whole.operators[2], inputs=(2, 1), input_bytes_accessed=(4, 4))
    again = replace(cache(), operators=(*cache().operators[:2], reader))
    assert updates(again, (0, 1, 2)) == ()


def test_both_off_chip_or_both_on_chip_at_one_offset_is_legal() -> None:
    assert faults(cache(), [], []) == []
    assert faults(cache(), [stay(1, 0, 0, 2), stay(2, 0, 1, 3)], []) == []
    assert faults(cache(), [stay(1, 0, 1, 2), stay(2, 0, 1, 3)], [load(1, 1)]) == []
    late = [stay(1, 0, 0, 1), stay(2, 0, 2, 3)]
    assert faults(cache(), late, [store(1, 1), load(2, 2)]) == []


def test_apart_is_a_fault_that_names_both_places() -> None:
    words = (
        "law 6: operator 1 (`update`) updates tensor 1 (`a`) ({}) in place at step 1, its result"
    )
    words += " tensor 2 (`b`) is made {}"
    assert faults(cache(), [stay(2, 4, 1, 3)], []) == [words.format("off-chip", "on chip at 4")]
    assert faults(cache(), [stay(1, 0, 0, 2)], []) == [words.format("on chip at 0", "off-chip")]
    assert faults(cache(), [stay(1, 0, 0, 2), stay(2, 4, 1, 3)], []) == [
        words.format("on chip at 0", "on chip at 4")
    ]


def test_an_operand_whose_load_is_under_way_is_off_chip() -> None:
    arrives = [stay(1, 0, 1, 3)]
    assert faults(cache(), arrives, [load(1, 1, 2)]) == []


def test_under_resident_they_may_lie_apart() -> None:
    stays = [stay(0, 4, 0, 1), stay(1, 0, 0, 2), stay(2, 4, 1, 3), stay(3, 0, 2, 3)]
    assert faults(cache("resident"), stays, [load(0, 0), store(3, 3)]) == []


@settings(max_examples=150, deadline=None)
@given(given=updating(), seed=st.integers(0, 2**32))
def test_the_library_and_brute_force_find_the_same_updates(given: Problem, seed: int) -> None:
    plan = oracle.random_plan(given, seed)
    if plan is not None:
        plan = widen.widened(given, plan, seed)
        assert verify(given, plan) == []
        found = [(u.step, list(u.operands), u.result) for u in updates(given, plan.order)]
        assert found == widen.updates_in_place(given, plan)
        assert updates_agree(given, plan)


@settings(max_examples=150, deadline=None)
@given(given=updating(), seed=st.integers(0, 2**32))
def test_a_plan_broken_in_one_place_breaks_exactly_that_law(given: Problem, seed: int) -> None:
    plan = oracle.random_plan(given, seed)
    if plan is not None:
        for mutation in mutations(given, widen.widened(given, plan, seed)):
            broken = {fault.law for fault in verify(given, mutation.plan)}
            assert broken == {mutation.law}, mutation.name


def test_both_mutations_of_updates_come_up() -> None:
    on = Plan((0, 1, 2), (stay(1, 0, 0, 2), stay(2, 0, 1, 3)))
    off = Plan((0, 1, 2), (stay(1, 0, 0, 1),), (store(1, 1),))
    names = {m.name for plan in (on, off) for m in mutations(cache(), plan)}
    assert {"result_away_from_what_it_updates", "operand_left_on_chip_by_its_update"} <= names


@pytest.mark.parametrize("objective", OBJECTIVES)
@settings(max_examples=150, deadline=None)
@given(given=updating())
def test_greedy_keeps_updates_together(objective: Objective, given: Problem) -> None:
    outcome = solve(given, objective=objective, solver="greedy", seconds=0.2)  # asks the judge
    if objective == "traffic":
        assert outcome.plan is not None
        best = oracle.least_traffic(given, source_order(given))
        assert best is not None
        assert best[0] <= traffic(given, outcome.plan).non_compulsory


def test_greedy_brings_the_operand_on_chip_where_its_result_is_worth_it() -> None:
    """A cache that lies off-chip is loaded whole, updated and read on chip."""
    tensors = [tensor("cache", 64, "input", 0), tensor("next", 64, "output", 0)]
    tensors += [tensor("y", 1, "output"), tensor("z", 1, "output")]
    made = [operator(tensors, [0], [1]), operator(tensors, [1], [2]), operator(tensors, [1], [3])]
    made[0] = replace(made[0], input_bytes_accessed=(1,), output_bytes_accessed=(1,))
    given = problem(toy(96, "anywhere"), tensors, made)
    outcome = solve(given, solver="greedy", seconds=0.2)
    assert outcome.value == 0
