"""The accounts, worked out by hand, and what a plan is worth."""

from __future__ import annotations

import pytest

from cosmalloc.errors import InputError
from cosmalloc.objective import bound, objective_value
from cosmalloc.plan import Plan
from cosmalloc.problem import Operator, Problem
from cosmalloc.target import OperandRule, Target
from cosmalloc.traffic import TensorTraffic, peak, traffic
from cosmalloc.verify import verify
from cosmalloc.working_set import working_set_bytes
from tests.small import load, operator, problem, stay, store, tensor, toy


def swap(rule: OperandRule = "resident") -> Problem:
    """x -> a; y -> b; a, x -> c."""
    tensors = [
        tensor("x", 1, "input"),
        tensor("a", 4),
        tensor("y", 4, "input"),
        tensor("b", 1, "output"),
        tensor("c", 2, "output"),
        tensor("unread", 8, "weight"),
        tensor("streamed", 100, "weight", tracked=False),
    ]
    operators = [
        operator(tensors, [0, 6], [1]),
        operator(tensors, [2], [3]),
        operator(tensors, [1, 0], [4]),
    ]
    return problem(toy(12, rule), tensors, operators)


def test_loads_and_stores_beyond_the_compulsory_ones_are_traffic() -> None:
    stays = (stay(0, 4, 0, 1), stay(1, 0, 0, 1), stay(2, 0, 1, 2), stay(3, 4, 1, 2))
    stays += (stay(1, 0, 2, 3), stay(0, 4, 2, 3), stay(4, 5, 2, 3))
    copies = (load(0, 0), store(1, 1), load(2, 1), store(3, 2), load(1, 2), load(0, 2), store(4, 3))
    plan = Plan((0, 1, 2), stays, copies)
    assert verify(swap(), plan) == []
    moved = traffic(swap(), plan)
    assert moved.tensors == (
        TensorTraffic(0, loads=2, due_read=1),
        TensorTraffic(1, loads=4, stores=4),
        TensorTraffic(2, loads=4, due_read=4),
        TensorTraffic(3, stores=1, due_write=1),
        TensorTraffic(4, stores=2, due_write=2),
        TensorTraffic(5),
    )
    assert [entry.non_compulsory for entry in moved.tensors] == [1, 8, 0, 0, 0, 0]
    assert (moved.loads, moved.stores, moved.compulsory, moved.non_compulsory) == (10, 7, 8, 9)
    assert moved.moved == 17
    assert peak(swap(), plan) == 7
    assert objective_value(swap(), plan, "traffic") == 9


def test_direct_access_is_traffic_under_anywhere() -> None:
    plan = Plan((0, 1, 2))
    small = swap("anywhere")
    assert verify(small, plan) == []
    moved = traffic(small, plan)
    assert moved.tensors == (
        TensorTraffic(0, direct_reads=2, due_read=1),
        TensorTraffic(1, direct_reads=4, direct_writes=4),
        TensorTraffic(2, direct_reads=4, due_read=4),
        TensorTraffic(3, direct_writes=1, due_write=1),
        TensorTraffic(4, direct_writes=2, due_write=2),
        TensorTraffic(5),
    )
    assert (moved.direct_reads, moved.direct_writes, moved.non_compulsory) == (10, 7, 9)
    assert peak(small, plan) == 0


def test_direct_access_counts_the_bytes_accessed() -> None:
    tensors = [tensor("x", 8, "input"), tensor("y", 8, "output")]
    slices = [Operator("s", "slice", (0,), (), (3,), (), 0.0) for _ in range(3)]
    slices.append(Operator("u", "update", (), (1,), (), (2,), 0.0))
    small = problem(toy(8, "anywhere"), tensors, slices)
    moved = traffic(small, Plan((0, 1, 2, 3)))
    assert [(e.direct_reads, e.direct_writes) for e in moved.tensors] == [(9, 0), (0, 2)]
    assert (moved.compulsory, moved.non_compulsory) == (10, 1)
    plan = Plan((0, 1, 2, 3), (stay(0, 0, 0, 3),), (load(0, 0, 2),))
    moved = traffic(small, plan)  # two reads in the load's window are direct
    assert moved.tensors[0] == TensorTraffic(0, loads=8, direct_reads=6, due_read=8)
    assert moved.non_compulsory == 6


def test_a_peak_is_worth_nothing_with_non_compulsory_traffic() -> None:
    small = swap("anywhere")
    with pytest.raises(InputError, match="the plan moves 9 non-compulsory bytes, objective `peak`"):
        objective_value(small, Plan((0, 1, 2)), "peak")
    stays = (stay(1, 0, 0, 3), stay(0, 4, 0, 3))
    plan = Plan((0, 1, 2), stays, (load(0, 0),))
    assert verify(small, plan) == []
    assert objective_value(small, plan, "peak") == 5


def test_the_latency_of_a_plan_is_its_timelines() -> None:
    plan = Plan((0, 1, 2))
    assert objective_value(swap("anywhere"), plan, "latency") == 117
    assert objective_value(swap("anywhere"), plan, "latency", lambda _, operator: 200.0) == 600


def test_the_bound_of_the_latency_counts_streams_and_compulsory_copies() -> None:
    assert bound(swap(), "latency") == 108
    assert bound(swap("anywhere"), "latency") == 108
    assert bound(swap(), "latency", lambda _, operator: 50.0) == pytest.approx(200)


def test_the_bound_of_the_traffic_is_zero() -> None:
    assert bound(swap(), "traffic") == 0


def working_set(rule: OperandRule, alignment: int) -> int:
    tensors = [
        tensor("x", 5, "input", group=0),
        tensor("a", 9, group=0),
        tensor("r", 6, group=0),
        tensor("s", 3, group=1),
        tensor("w", 50, "weight", tracked=False),
    ]
    make = operator(tensors, [], [1])
    use = operator(tensors, [0, 1, 4], [2, 3])
    return working_set_bytes(problem(toy(99, rule, alignment), tensors, [make, use]), 1)


def test_a_working_set_lays_results_over_operands_of_their_group() -> None:
    assert working_set("resident", 1) == 5 + 9 + 3
    assert working_set("resident", 4) == 8 + 12 + 4 - 3


def test_anywhere_a_working_set_holds_what_would_cost_traffic() -> None:
    assert working_set("anywhere", 1) == 9 + 3


def test_the_bound_of_the_peak_is_the_largest_working_set() -> None:
    assert bound(swap(), "peak") == 7
    assert bound(problem(Target("t", 1, 1, "resident", 1, 1, 1, 1), [], []), "peak") == 0
