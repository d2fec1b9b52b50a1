"""What `explain` says is so: every number is checked by building or counting what it speaks of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from cosmalloc.errors import InputError
from cosmalloc.explain import explain_operator, explain_tensor, find
from cosmalloc.explain.changes import evicted, kept
from cosmalloc.explain.space import occupied
from cosmalloc.explain.tensor import Absence, TensorStory
from cosmalloc.plan import Plan, Residency
from cosmalloc.presence import Presence
from cosmalloc.problem import Problem
from cosmalloc.simulate import simulate
from cosmalloc.solve import solve
from cosmalloc.traffic import traffic
from cosmalloc.verify import verify
from tests.nets import chain, tangle, with_scratchpad
from tests.oracle import random_plan
from tests.strategies import problems

SLOW = settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
TANGLES = [
    (tangle(9, seed, rule), goal)
    for seed in range(9)
    for rule in ("resident", "anywhere")
    for goal in ("traffic", "latency")
]


@st.composite
def planned(draw: st.DrawFn) -> tuple[Problem, Plan]:
    """A random problem with a legal plan: of `greedy`, or any."""
    problem = draw(problems(most_reads=3))
    if draw(st.booleans()):
        plan = solve(problem, solver="greedy").plan
    else:
        plan = random_plan(problem, draw(st.integers(0, 999)))
    assume(plan is not None)
    assert plan is not None
    return problem, plan


def made() -> Iterator[tuple[Problem, Plan]]:
    for problem, goal in TANGLES:
        plan = solve(problem, solver="greedy", objective=goal).plan  # type: ignore[arg-type]
        if plan is not None:
            yield problem, plan


def bytes_at(problem: Problem, plan: Plan, step: int, but: int = -1) -> set[int]:
    """Every byte in use, counted one by one."""
    return {
        byte
        for r in plan.residencies
        if r.start <= step < r.stop and r.tensor != but
        for byte in range(r.offset, r.offset + problem.tensors[r.tensor].bytes)
    }


def absences(problem: Problem, plan: Plan) -> Iterator[tuple[TensorStory, Absence]]:
    for tensor in range(len(problem.tensors)):
        story = explain_tensor(problem, plan, tensor)
        for absence in story.absences:
            yield story, absence


@SLOW
@given(planned())
def test_occupied_bytes_are_the_bytes_counted_one_by_one(both: tuple[Problem, Plan]) -> None:
    problem, plan = both
    counted = [len(bytes_at(problem, plan, step)) for step in range(len(plan.order))]
    assert occupied(problem, plan).tolist() == counted


def weights(
    problem: Problem, plan: Plan, absence: Absence, story: TensorStory
) -> list[tuple[int, set[int]]]:
    """(bytes, their addresses) of every residency that meets an absence."""
    return [
        (
            problem.tensors[r.tensor].bytes,
            set(range(r.offset, r.offset + problem.tensors[r.tensor].bytes)),
        )
        for r in plan.residencies
        if r.start < absence.stop and absence.start < r.stop and r.tensor != story.tensor
    ]


def check_absence(problem: Problem, plan: Plan, story: TensorStory, absence: Absence) -> None:
    size, room = story.bytes, problem.target.scratchpad_bytes
    steps = range(absence.start, absence.stop)
    missing = [max(0, len(bytes_at(problem, plan, s)) + size - room) for s in steps]
    assert absence.short == max(missing)
    assert missing[absence.step - absence.start] == absence.short
    assert absence.steps_short == sum(each > 0 for each in missing)
    assert absence.occupied == len(bytes_at(problem, plan, absence.step))
    here = Presence.of(plan)
    assert not any(here.on_chip(story.tensor, step) for step in steps)
    used = set().union(*(bytes_at(problem, plan, step) for step in steps))
    align = problem.target.alignment
    places = range(0, max(room - size, -1) + 1, align)
    free = [at for at in places if not used & set(range(at, at + size))]
    assert absence.free_offset == (free[0] if free else None)
    if absence.displaced_offset is not None:
        at = absence.displaced_offset
        mine = set(range(at, at + size))
        assert at % align == 0
        assert at + size <= room
        gone = {n.tensor for n in absence.displaced}
        assert gone == {
            r.tensor
            for r in plan.residencies
            if r.start < absence.stop
            and absence.start < r.stop
            and mine & set(range(r.offset, r.offset + problem.tensors[r.tensor].bytes))
        }
        assert sum(n.bytes for n in absence.displaced) <= min(
            sum(
                n
                for n, held in weights(problem, plan, absence, story)
                if held & set(range(b, b + size))
            )
            for b in places
        )
    if absence.unavoidable:
        for seed in range(5):
            other = random_plan(problem, seed)
            if other is not None:
                at = other.order.index(plan.order[absence.step])
                assert not Presence.of(other).on_chip(story.tensor, at)


@SLOW
@given(planned())
def test_what_an_absence_says_is_counted(both: tuple[Problem, Plan]) -> None:
    for story, absence in absences(*both):
        check_absence(*both, story, absence)


def check_keeping(problem: Problem, plan: Plan, story: TensorStory, absence: Absence) -> None:
    change = kept(problem, plan, story.tensor, absence.start, absence.stop)
    assert (change is None) == (absence.keeping is None)
    if change is None or absence.keeping is None:
        return
    assert verify(change.problem, change.plan) == []
    here = Presence.of(change.plan)
    assert all(here.on_chip(story.tensor, s) for s in range(absence.start, absence.stop))
    others = {r for r in plan.residencies if r.tensor != story.tensor}
    assert {r for r in change.plan.residencies if r.tensor != story.tensor} == others
    more = traffic(change.problem, change.plan).non_compulsory
    assert absence.keeping.traffic == more - traffic(problem, plan).non_compulsory
    if absence.keeping.seconds is not None:
        later = simulate(change.problem, change.plan).latency
        assert absence.keeping.seconds == later - simulate(problem, plan).latency


@SLOW
@given(planned())
def test_what_keeping_costs_is_what_the_plan_that_keeps_it_costs(
    both: tuple[Problem, Plan],
) -> None:
    for story, absence in absences(*both):
        check_keeping(*both, story, absence)


def test_larger_plans_have_true_stories_too() -> None:
    seen = evictions = 0
    for problem, plan in made():
        for tensor in range(len(problem.tensors)):
            story = explain_tensor(problem, plan, tensor)
            for absence in story.absences:
                check_absence(problem, plan, story, absence)
                check_keeping(problem, plan, story, absence)
                seen += absence.keeping is not None and absence.keeping.traffic < 0
            for stay in story.stays:
                evictions += sum(rest.evicting is not None for rest in stay.rests)
    assert seen > 10
    assert evictions > 10


@SLOW
@given(planned())
def test_an_eviction_has_the_price_of_the_plan_that_evicts(both: tuple[Problem, Plan]) -> None:
    problem, plan = both
    for tensor in range(len(problem.tensors)):
        for stay in explain_tensor(problem, plan, tensor).stays:
            own = Residency(tensor, stay.offset, stay.start, stay.stop)
            for rest in stay.rests:
                change = evicted(problem, plan, own, rest.start, rest.stop)
                assert (change is None) == (rest.evicting is None)
                if change is None or rest.evicting is None:
                    continue
                assert verify(problem, change.plan) == []
                here = Presence.of(change.plan)
                assert not any(here.on_chip(tensor, s) for s in range(rest.start, rest.stop))
                more = traffic(problem, change.plan).non_compulsory
                assert rest.evicting.traffic == more - traffic(problem, plan).non_compulsory


@SLOW
@given(planned())
def test_no_offset_below_the_lowest_is_free(both: tuple[Problem, Plan]) -> None:
    problem, plan = both
    for tensor in range(len(problem.tensors)):
        size = problem.tensors[tensor].bytes
        for stay in explain_tensor(problem, plan, tensor).stays:
            steps = range(stay.start, stay.stop)
            used = set().union(*(bytes_at(problem, plan, s, but=tensor) for s in steps))

            def free(at: int, used: set[int] = used, size: int = size) -> bool:
                return not used & set(range(at, at + size))

            assert stay.lowest <= stay.offset
            assert stay.lowest == stay.offset or free(stay.lowest)
            assert not any(free(at) for at in range(0, stay.lowest, problem.target.alignment))


@SLOW
@given(planned())
def test_a_stall_ends_when_the_last_copy_it_waits_for_is_done(both: tuple[Problem, Plan]) -> None:
    problem, plan = both
    for operator in range(len(problem.operators)):
        story = explain_operator(problem, plan, operator)
        assert story.occupied == len(bytes_at(problem, plan, story.step))
        assert plan.order[story.step] == operator
        clock = story.clock
        if clock is None:
            continue
        assert clock.stop - clock.start == pytest.approx(
            max(clock.compute, clock.off_chip + clock.on_chip)
        )
        if clock.stall > 0:
            assert max(wait.done for wait in clock.waits) == clock.start
        else:
            assert all(wait.done <= clock.start for wait in clock.waits)


def test_operands_lie_where_the_plan_has_them() -> None:
    for problem, plan in made():
        here = Presence.of(plan)
        for operator in range(len(problem.operators)):
            story = explain_operator(problem, plan, operator)
            for operand in story.operands:
                on_chip = here.on_chip(operand.tensor, story.step)
                assert (operand.place == "on chip") == on_chip
                tracked = problem.tensors[operand.tensor].tracked
                assert (operand.place == "streams") == (not tracked)
                if on_chip:
                    assert operand.offset is not None
                    assert operand.since is not None
                    assert operand.until is not None
                    stay = Residency(operand.tensor, operand.offset, operand.since, operand.until)
                    assert stay in plan.residencies


def test_names_and_numbers_lead_to_one_thing() -> None:
    problem = with_scratchpad(chain(8), 20_000)
    plan = solve(problem, solver="greedy").plan
    assert plan is not None
    assert find(problem, plan, "t3").tensor == [t.name for t in problem.tensors].index("t3")
    assert find(problem, plan, "o3").operator == 3
    assert find(problem, plan, "operator:3").operator == 3
    assert find(problem, plan, "step:2").operator == plan.order[2]
    twins = replace(
        problem, operators=(replace(problem.operators[0], name="t3"), *problem.operators[1:])
    )
    both = find(twins, plan, "t3")
    assert both.operator == 0
    assert both.tensor is not None
    for name, fact in (
        ("t33", "no tensor or operator is called `t33`"),
        ("tensor:99", f"there is no tensor 99, the problem has {len(problem.tensors)}"),
    ):
        with pytest.raises(InputError) as caught:
            find(problem, plan, name)
        assert caught.value.fact == fact
    same = replace(problem, operators=tuple(replace(o, name="o") for o in problem.operators))
    with pytest.raises(InputError) as caught:
        find(same, plan, "o")
    assert caught.value.fact == "8 operators are called `o`"
    assert caught.value.hint.startswith("use operator:0, operator:1")
