"""Plans as compiler options: what is pinned, kept, prefetched, and in which sequence."""

from __future__ import annotations

import re

from test_xla_problem import cost
from xla_texts import BEFORE, CHAIN, LOOP

from cosmalloc.passes.xla_flow import flow, schedule
from cosmalloc.passes.xla_problem import XlaProgram, xla_program
from cosmalloc.passes.xla_text import parse_hlo
from cosmalloc.plan import Plan, Residency, Transfer
from cosmalloc.tpu.overrides import (
    FORCES,
    PREFETCHES,
    SORT_ORDER,
    TENSORS,
    Use,
    overrides,
)
from cosmalloc.tpu.topology import topology


def program(text: str, unroll: int = 0) -> XlaProgram:
    return xla_program(flow(parse_hlo(text), unroll), cost, topology("v5e").target(), "p")


def index(found: XlaProgram, name: str) -> int:
    return [t.name for t in found.problem.tensors].index(name)


def plan(found: XlaProgram) -> Plan:
    """Views take no step of their own here: operators a, b, c, d behind one of two parameters."""
    w, a, b = (index(found, name) for name in ("w", "a", "b"))
    steps = len(found.problem.operators)
    at = steps - 4  # step of `a`
    return Plan(
        tuple(range(steps)),
        (
            Residency(w, 4096, at + 1, at + 4),
            Residency(a, 8192, at, at + 3),
            Residency(b, 0, at + 1, at + 3),
        ),
        (Transfer(w, "load", at + 1, at + 3),),
    )


def test_whole_stays_are_pinned_absent_tensors_kept_and_loads_prefetched() -> None:
    found = program(BEFORE)
    told = overrides(found, plan(found))
    assert set(told.pinned) == {("a", ()), ("b", ())}
    assert set(told.kept) == {("x", ()), ("c", ()), ("d", ())}
    assert told.prefetches == {Use("d", 1, ()): 2}  # after `a`, before `b`: times x0 w1 a2 b3


def test_operands_read_off_chip_are_kept_there_if_the_tensor_is_on_chip_elsewhere() -> None:
    found = program(BEFORE)
    at = len(found.problem.operators) - 4
    late = Residency(index(found, "a"), 0, at + 2, at + 3)
    steps = tuple(range(at + 4))
    told = overrides(found, Plan(steps, (late,), (Transfer(late.tensor, "load", at + 2, at + 2),)))
    assert told.direct == (Use("b", 0, (), 4096),)  # `c` reads what was loaded
    assert told.prefetches == {Use("c", 1, ()): 3}
    assert told.pinned == ()
    assert ("a", ()) not in told.kept
    rule = "regex: 'b' operand_number: 0 size_gte: 4096 size_lte: 4096 } keep_in_default"
    assert rule in told.options("wish")[TENSORS]


def test_an_operand_is_not_kept_off_chip_where_that_would_hit_a_result() -> None:
    found = program(BEFORE)
    at = len(found.problem.operators) - 4
    a, b = index(found, "a"), index(found, "b")
    stays = (Residency(b, 4096, at + 1, at + 3), Residency(a, 0, at + 2, at + 3))
    loads = (Transfer(a, "load", at + 2, at + 2),)
    both = Plan(tuple(range(at + 4)), stays, loads)
    assert overrides(found, both).direct == ()  # `b` makes as many bytes as it reads of `a`
    assert overrides(found, both, off_chip={a}).direct == (Use("b", 0, (), 4096),)


def test_what_stays_to_its_end_is_placed_by_offset() -> None:
    found = program(BEFORE)
    assert overrides(found, plan(found)).sequence == (("b", ()), ("w", ()), ("a", ()))
    first = (index(found, "a"),)
    assert overrides(found, plan(found), first).sequence[0] == ("a", ())


def test_options_say_it_in_text_protos_by_force() -> None:
    found = program(BEFORE)
    told = overrides(found, plan(found))
    by_force = {force: told.options(force) for force in FORCES}
    assert "pin_in_alternate_memory {}" in by_force["demand"][TENSORS]
    assert "prefetch { logical_time: 2 }" in by_force["demand"][TENSORS]
    assert "pin_in_alternate" not in by_force["wish"][TENSORS]
    assert "fail_on_unsatisfied_override: false" in by_force["wish"][PREFETCHES]
    assert TENSORS not in by_force["sequence"]
    assert "assign_value: -3" in by_force["sequence"][SORT_ORDER]
    for options in by_force.values():
        for text in (options.get(TENSORS, ""), options[SORT_ORDER]):
            assert text.count("{") == text.count("}")


def test_names_are_matched_exactly() -> None:
    text = BEFORE.replace("%a ", "%a.1 ").replace("%a)", "%a.1)")
    found = program(text)
    steps = len(found.problem.operators)
    stay = Residency(index(found, "a.1"), 0, steps - 4, steps - 1)
    told = overrides(found, Plan(tuple(range(steps)), (stay,)))
    rule = re.search(r"regex: '([^']+)' } pin", told.options("demand")[TENSORS])
    assert rule is not None
    assert re.fullmatch(rule[1], "a.1")
    assert not re.fullmatch(rule[1], "a11")


def test_leaves_of_tuples_have_their_index() -> None:
    found = program(CHAIN)
    steps = len(found.problem.operators)
    made = found.problem.producer[index(found, "pair:1")]
    assert made is not None
    stay = Residency(index(found, "pair:1"), 0, made, steps)
    told = overrides(found, Plan(tuple(range(steps)), (stay,)))
    assert told.pinned == (("pair", (1,)),)
    assert "tuple_index { index: 1 }" in told.options("demand")[TENSORS]


def test_most_trips_of_a_loop_decide() -> None:
    found = program(LOOP, unroll=100)
    steps = len(found.problem.operators)
    stays = []
    for trip in range(4):
        tensor = index(found, f"grown@{trip}")
        made = found.problem.producer[tensor]
        last = max(found.problem.readers[tensor])
        assert made is not None
        stays.append(Residency(tensor, 4096 * (trip % 2), made, last + 1))
    told = overrides(found, Plan(tuple(range(steps)), tuple(stays)))
    assert ("grown", ()) in told.pinned


def test_what_stays_for_a_whole_loop_is_loaded_before_it() -> None:
    found = program(LOOP, unroll=100)
    weight = index(found, "w")
    steps = len(found.problem.operators)
    last = max(found.problem.readers[weight])
    first = min(found.problem.readers[weight])
    stay, load = Residency(weight, 0, 0, last + 1), Transfer(weight, "load", 0, first)
    told = overrides(found, Plan(tuple(range(steps)), (stay,), (load,)))
    assert list(told.prefetches) == [Use("while", 0, (2,))]
    times = schedule(found.flow.module)
    assert times["w"] <= told.prefetches[Use("while", 0, (2,))] < times["limit"]
    assert told.direct == ()


def test_a_refused_demand_leaves_the_others() -> None:
    found = program(BEFORE)
    told = overrides(found, plan(found))
    less = told.without("d", 1, "a")
    assert less.prefetches == {}
    assert less.pinned == (("b", ()),)
    assert less.kept == told.kept
    assert told.without("nobody", 0, "") == told
