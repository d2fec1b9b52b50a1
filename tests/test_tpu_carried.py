"""Values that share a loop's buffer are on chip together or not at all."""

from __future__ import annotations

from test_tpu_overrides import index, program
from xla_texts import BEFORE, LOOP

from cosmalloc.plan import Plan, Residency
from cosmalloc.tpu.carried import carried, carried_groups
from cosmalloc.tpu.overrides import overrides


def test_a_carried_buffer_is_on_chip_as_most_of_its_accesses_are() -> None:
    found = program(LOOP, unroll=100)
    steps = len(found.problem.operators)
    grown = [index(found, f"grown@{trip}") for trip in range(4)]
    on, off = carried(found, Plan(tuple(range(steps))))
    assert on == frozenset()
    assert set(grown) <= off
    made, readers = found.problem.producer, found.problem.readers
    stays = tuple(
        Residency(t, 4096 * (n % 2), made[t] or 0, max(readers[t]) + 1) for n, t in enumerate(grown)
    )
    plan = Plan(tuple(range(steps)), stays)
    assert set(grown) <= carried(found, plan)[0]
    assert ("grown", ()) not in overrides(found, plan, united=True).kept


def test_a_program_without_loops_carries_nothing() -> None:
    assert carried_groups(program(BEFORE)) == []
