"""Scheduled HLO as a problem: storage, views, loops, updates in place, bytes and seconds."""

from __future__ import annotations

import pytest
from xla_texts import CHAIN, LOOP, UPDATE

from cosmalloc.errors import InputError
from cosmalloc.passes.xla_flow import Step, flow, schedule
from cosmalloc.passes.xla_loops import trip_count
from cosmalloc.passes.xla_problem import StepCost, XlaProgram, xla_program
from cosmalloc.passes.xla_text import parse_hlo
from cosmalloc.plan import Plan
from cosmalloc.simulate import simulate
from cosmalloc.target import Target
from cosmalloc.verify import verify

TARGET = Target("t", 2**20, 4096, "anywhere", 1e9, 1e9, 1e10, 1e10)


def cost(step: Step) -> StepCost:
    """A microsecond, every byte accessed; views take a nanosecond."""
    if step.view:
        return StepCost(1e-9, None, 0.0, {}, {})
    return StepCost(
        1e-6,
        None,
        4096.0 * (len(step.reads) + len(step.writes)),
        {(number, index): 4096.0 for number, index, _ in step.reads},
        {index: 4096.0 for index, _ in step.writes},
    )


def program(text: str, unroll: int = 0, merge_views: bool = True) -> XlaProgram:
    followed = flow(parse_hlo(text), unroll)
    return xla_program(followed, cost, TARGET, "p", merge_views=merge_views)


def test_views_are_no_tensors_and_tuples_have_one_per_leaf() -> None:
    problem = program(CHAIN).problem
    assert [t.name for t in problem.tensors] == [
        "x", "w", "fusion.1", "pair:0", "pair:1", "fusion.2",
    ]  # fmt: skip
    assert [t.kind for t in problem.tensors][-1] == "output"
    assert {t.bytes for t in problem.tensors} == {4096}
    readers = {t.name: problem.readers[n] for n, t in enumerate(problem.tensors)}
    names = [operator.name for operator in problem.operators]
    assert [names[reader] for reader in readers["fusion.1"]] == ["pair"]
    assert [names[reader] for reader in readers["pair:0"]] == ["fusion.2"]


def test_runs_of_views_are_one_operator_of_their_summed_seconds() -> None:
    views = [o for o in program(CHAIN).problem.operators if o.kind == "view"]
    assert [round((view.compute_seconds or 0) * 1e9) for view in views] == [2, 1, 3]
    alone = [o for o in program(CHAIN, merge_views=False).problem.operators if o.kind == "view"]
    assert len(alone) == 6


def test_steps_and_operators_know_each_other() -> None:
    found = program(CHAIN)
    for operator, steps in enumerate(found.step_of):
        assert all(found.operator_of[step] == operator for step in steps)
    assert sum(map(len, found.step_of)) == sum(o is not None for o in found.operator_of)


def test_the_trips_of_a_loop_are_read_from_its_condition() -> None:
    module = parse_hlo(LOOP)
    main = module.computations["main"]
    assert trip_count(module, main, main.by_name["while"]) == 6


def test_known_trip_counts_come_first_and_strange_loops_count_five() -> None:
    known = LOOP.replace("body=%body", 'body=%body, backend_config={"known_trip_count":{"n":"9"}}')
    strange = LOOP.replace("direction=LT", "direction=NE")
    for text, trips in ((known, 9), (strange, 5)):
        module = parse_hlo(text)
        main = module.computations["main"]
        assert trip_count(module, main, main.by_name["while"]) == trips


def test_an_unrolled_loop_has_its_trips_one_by_one() -> None:
    problem = program(LOOP, unroll=100).problem
    grown = [t for t in problem.tensors if t.name.startswith("grown")]
    names = [f"grown@{trip}" for trip in range(6)]
    assert [t.name for t in grown] == names
    weight = next(n for n, t in enumerate(problem.tensors) if t.name == "w")
    assert len(problem.readers[weight]) == 6
    assert len({t.alias_group for t in problem.tensors if t.name in ("state.0", *names)}) == 1
    assert verify(problem, Plan(tuple(range(len(problem.operators))))) == []


def test_a_loop_that_stands_once_counts_its_trips() -> None:
    once, unrolled = program(LOOP).problem, program(LOOP, unroll=100).problem
    grown = next(o for o in once.operators if o.name == "grown")
    assert grown.compute_seconds == pytest.approx(6e-6)
    assert grown.input_bytes_accessed == (6 * 4096, 6 * 4096)

    def total(problem: object) -> float:
        assert isinstance(problem, type(once))
        return simulate(problem, Plan(tuple(range(len(problem.operators))))).latency

    assert total(once) == pytest.approx(total(unrolled))


def test_an_update_in_place_shares_an_alias_group_with_its_target() -> None:
    problem = program(UPDATE).problem
    made, changed = (
        next(t for t in problem.tensors if t.name == name) for name in ("made", "changed")
    )
    assert made.alias_group == changed.alias_group is not None
    assert all(t.alias_group is None for t in problem.tensors if t not in (made, changed))


def test_aliasing_that_the_compiler_states_is_believed() -> None:
    text = CHAIN.replace(
        'custom_call_target="two"',
        'custom_call_target="two", output_to_operand_aliasing={{1}: (1, {})}',
    )
    problem = program(text).problem
    groups = {t.name: t.alias_group for t in problem.tensors}
    assert groups["w"] == groups["pair:1"] == 0
    assert groups["pair:0"] is None


def test_bytes_that_belong_to_no_operand_stream() -> None:
    def more(step: Step) -> StepCost:
        plain = cost(step)
        return plain if step.view else StepCost(
            plain.seconds, None, plain.accessed + 1000, plain.operands, plain.results
        )  # fmt: skip

    found = xla_program(flow(parse_hlo(UPDATE)), more, TARGET, "p").problem
    rest = [t for t in found.tensors if not t.tracked]
    assert [(t.name, t.bytes) for t in rest] == [
        ("made.rest", 1000), ("changed.rest", 1000), ("done.rest", 1000),
    ]  # fmt: skip


def test_logical_times_count_the_body_before_its_loop() -> None:
    times = schedule(parse_hlo(LOOP))
    assert times["init"] < times["limit"] < times["less"] < times["one"] < times["out"]
    assert times["while"] == times["out"] + 1
    assert sorted(times.values()) == list(range(len(times)))


def test_an_unscheduled_module_is_refused() -> None:
    with pytest.raises(InputError, match="is not scheduled"):
        flow(parse_hlo(CHAIN.replace("is_scheduled=true, ", "")))


def test_a_loop_without_a_body_is_named() -> None:
    with pytest.raises(InputError, match="line 28: `while` names no body and condition"):
        flow(parse_hlo(LOOP.replace("body=%body", "body=%nobody")))


def test_a_missing_tuple_element_is_named() -> None:
    with pytest.raises(InputError, match="`second` takes element 7"):
        flow(parse_hlo(CHAIN.replace("(%pair), index=1", "(%pair), index=7")))


def test_a_module_that_calls_itself_ends_in_a_sentence() -> None:
    text = CHAIN.replace("fusion(%x, %w), kind=kLoop, calls=%fused", "call(%x, %w), to_apply=%main")
    with pytest.raises(InputError, match="calls computations more than 50 deep"):
        flow(parse_hlo(text))
