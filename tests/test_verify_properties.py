"""The judge against a slow oracle, a byte machine and one-place mutations."""

from __future__ import annotations

import random
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from cosmalloc.errors import InputError
from cosmalloc.plan import Plan, Residency, Transfer
from cosmalloc.problem import Problem
from cosmalloc.traffic import traffic
from cosmalloc.verify import verify
from tests import oracle
from tests.machine import Machine, WrongError
from tests.mutate import mutations
from tests.small import operator, tensor, toy
from tests.small import problem as small_problem
from tests.strategies import problems
from tests.widen import widened, with_copy, with_stay

SEEDS = st.integers(0, 2**32)
ROOMY = problems(most_spare=3, most_room=14)


def _random_plan(problem: Problem, seed: int) -> Plan | None:
    plan = oracle.random_plan(problem, seed)
    return None if plan is None else widened(problem, plan, seed)


@settings(max_examples=300, deadline=None)
@given(problem=ROOMY, seed=SEEDS)
def test_what_is_legal_by_construction_has_no_fault(problem: Problem, seed: int) -> None:
    plan = _random_plan(problem, seed)
    if plan is not None:
        assert verify(problem, plan) == []
        Machine(problem, plan).run()


@settings(max_examples=200, deadline=None)
@given(problem=ROOMY, seed=SEEDS)
def test_a_plan_broken_in_one_place_breaks_exactly_that_law(problem: Problem, seed: int) -> None:
    plan = _random_plan(problem, seed)
    for mutation in () if plan is None else mutations(problem, plan):
        faults = verify(problem, mutation.plan)
        assert {fault.law for fault in faults} == {mutation.law}, (mutation.name, faults)


@settings(max_examples=100, deadline=None)
@given(problem=problems(rules=["anywhere"], most_spare=0), seed=SEEDS)
def test_a_plan_of_direct_access_broken_in_one_place_breaks_exactly_that_law(
    problem: Problem, seed: int
) -> None:
    plan = _random_plan(problem, seed)
    for mutation in () if plan is None else mutations(problem, plan):
        faults = verify(problem, mutation.plan)
        assert {fault.law for fault in faults} == {mutation.law}, (mutation.name, faults)


@settings(max_examples=200, deadline=None)
@given(problem=ROOMY, seed=SEEDS)
def test_what_the_judge_calls_legal_runs_on_bytes(problem: Problem, seed: int) -> None:
    plan = _random_plan(problem, seed)
    dice = random.Random(seed)
    for _ in range(0 if plan is None else 20):
        assert plan is not None
        edited = _edited(plan, dice)
        if not verify(problem, edited):
            Machine(problem, edited).run()


@settings(max_examples=60, deadline=None)
@given(problem=problems(most_operators=4), seed=SEEDS)
def test_no_legal_plan_moves_less_than_the_oracle_says(problem: Problem, seed: int) -> None:
    plan = _random_plan(problem, seed)
    dice = random.Random(seed)
    for _ in range(0 if plan is None else 20):
        assert plan is not None
        edited = _edited(plan, dice)
        if not verify(problem, edited):
            best = oracle.least_traffic(problem, edited.order)
            assert best is not None
            assert best[0] <= traffic(problem, edited).non_compulsory


@settings(max_examples=60, deadline=None)
@given(problem=problems())
def test_the_oracle_and_the_judge_agree_on_the_oracles_plan(problem: Problem) -> None:
    best = oracle.least_traffic(problem, next(oracle.topological_orders(problem)))
    if best is not None:
        assert verify(problem, best[1]) == []
        assert traffic(problem, best[1]).non_compulsory == best[0]


NUMBERS = st.integers(0, 12)
STAYS = st.tuples(NUMBERS, NUMBERS, NUMBERS, st.integers(1, 9)).map(
    lambda n: Residency(n[0], n[1], n[2], n[2] + n[3])
)
COPIES = st.tuples(NUMBERS, st.sampled_from(["load", "store"]), NUMBERS, st.integers(0, 9)).map(
    lambda n: Transfer(n[0], n[1], n[2], n[2] + n[3])  # type: ignore[arg-type]
)
GARBAGE = st.builds(
    Plan,
    st.lists(st.integers(-3, 8), max_size=8).map(tuple),
    st.lists(STAYS, max_size=12).map(tuple),
    st.lists(COPIES, max_size=12).map(tuple),
)


@settings(max_examples=300, deadline=None)
@given(problem=problems(), plan=GARBAGE)
def test_garbage_gets_faults_and_never_a_crash(problem: Problem, plan: Plan) -> None:
    faults = verify(problem, plan)
    assert all(1 <= fault.law <= 7 and fault.message for fault in faults)
    if not faults:
        Machine(problem, plan).run()


def test_the_machine_complains_about_a_dropped_load_and_about_swapped_offsets() -> None:
    """Else it would prove nothing above."""
    seen = set()
    for seed in range(40):
        problem = _two_inputs()
        plan = _random_plan(problem, seed)
        assert plan is not None
        loads = [c for c in plan.transfers if c.kind == "load"]
        without = replace(plan, transfers=tuple(c for c in plan.transfers if c != loads[0]))
        one, two, *rest = plan.residencies
        swapped = (replace(one, offset=two.offset), replace(two, offset=one.offset), *rest)
        for name, broken in (("load", without), ("offset", replace(plan, residencies=swapped))):
            try:
                Machine(problem, broken).run()
            except WrongError:
                seen.add(name)
    assert seen == {"load", "offset"}


def _two_inputs() -> Problem:
    tensors = [tensor("a", 2, "input"), tensor("b", 3, "input"), tensor("c", 1, "output")]
    return small_problem(toy(6), tensors, [operator(tensors, [0, 1], [2])])


def _edited(plan: Plan, dice: random.Random) -> Plan:
    """One to three numbers changed by one or two, or things left out."""
    for _ in range(dice.choice([1, 1, 2, 3])):
        try:
            plan = _edit(plan, dice)
        except InputError:
            continue
    return plan


def _edit(plan: Plan, dice: random.Random) -> Plan:
    stays, copies = plan.residencies, plan.transfers
    kind = dice.choice(["stay", "stay", "copy", "copy", "no stay", "no copy"])
    by = dice.choice([-2, -1, 1, 2])
    if kind == "stay" and stays:
        at, field = dice.randrange(len(stays)), dice.choice(["offset", "start", "stop"])
        return with_stay(plan, at, replace(stays[at], **{field: getattr(stays[at], field) + by}))
    if kind == "copy" and copies:
        at, fields = (
            dice.randrange(len(copies)),
            dice.choice([["start"], ["stop"], ["start", "stop"]]),
        )
        moved = {field: getattr(copies[at], field) + by for field in fields}
        return with_copy(plan, at, replace(copies[at], **moved))
    if kind == "no stay" and stays:
        at = dice.randrange(len(stays))
        return replace(plan, residencies=(*stays[:at], *stays[at + 1 :]))
    if kind == "no copy" and copies:
        at = dice.randrange(len(copies))
        return replace(plan, transfers=(*copies[:at], *copies[at + 1 :]))
    return plan
