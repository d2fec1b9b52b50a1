"""Timelines worked out by hand: one byte takes one second off-chip and nothing on chip."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from cosmalloc.errors import InputError
from cosmalloc.plan import Plan, Residency, Transfer
from cosmalloc.problem import Operator, Problem
from cosmalloc.simulate import Timeline, simulate
from cosmalloc.target import Target
from cosmalloc.verify import verify
from tests.small import load, operator, problem, stay, store, tensor, toy

FREE = 2.0**60  # bytes per second on chip: nothing adds up to a rounding


def target(engines: int = 2) -> Target:
    return Target("toy", 64, 1, "anywhere", 1.0, 1.0, FREE, FREE, None, engines)


def steps(seconds: Sequence[float], copied: Sequence[int], engines: int = 2) -> Problem:
    """Operators of so many seconds that touch nothing, and weights of so many bytes."""
    tensors = [tensor(f"w{i}", size, "weight") for i, size in enumerate(copied)]
    operators = [operator(tensors, [], [], each) for each in seconds]
    return problem(target(engines), tensors, operators)


def timed(small: Problem, copies: Sequence[Transfer], stays: Sequence[Residency] = ()) -> Timeline:
    """The timeline under source order; every load gets a residency up to the last step."""
    count = len(small.operators)
    at, places = 0, list(stays)
    for copy in copies:
        if copy.kind == "load":
            places.append(stay(copy.tensor, at, copy.start, count))
            at += small.tensors[copy.tensor].bytes
    plan = Plan(tuple(range(count)), tuple(places), tuple(copies))
    assert verify(small, plan) == []
    return simulate(small, plan)


def test_a_copy_hides_behind_a_longer_step() -> None:
    line = timed(steps([10, 1], [4]), [load(0, 0, 1)])
    assert line == Timeline((0, 10), (10, 11), (0,), (4,), (0, 0, 0), 11)


def test_a_step_waits_for_the_rest_of_a_copy() -> None:
    line = timed(steps([3, 1], [4]), [load(0, 0, 1)])
    assert line == Timeline((0, 4), (3, 5), (0,), (4,), (0, 1, 0), 5)


def test_a_step_waits_for_all_of_a_blocking_copy() -> None:
    line = timed(steps([3, 1], [4]), [load(0, 1)])
    assert line == Timeline((0, 7), (3, 8), (3,), (7,), (0, 4, 0), 8)


def test_a_step_waits_for_the_copies_before_the_one_it_needs() -> None:
    line = timed(steps([1, 1, 1], [4, 2]), [load(0, 0, 2), load(1, 0, 1)])
    assert line.transfer_stop == (4, 6)
    assert line.step_start == (0, 6, 7)
    assert line.stall == (0, 5, 0, 0)


def test_a_blocking_copy_stands_behind_those_already_in_its_queue() -> None:
    line = timed(steps([1, 1, 1], [4, 2]), [load(0, 0, 2), load(1, 1)])
    assert line.transfer_stop == (4, 6)
    assert line.step_start == (0, 6, 7)


def test_copies_that_start_at_one_border_queue_as_listed_blocking_ones_first() -> None:
    line = timed(steps([9, 1], [4, 2, 1]), [load(0, 0, 1), load(1, 0, 1), load(2, 0)])
    assert line.transfer_start == (1, 5, 0)
    assert line.transfer_stop == (5, 7, 1)


def with_store(loaded: int, engines: int, seconds: float = 9) -> tuple[Problem, list[Residency]]:
    """a (4 bytes) is made at step 0 and can be stored from border 1 on; a weight can be loaded."""
    tensors = [tensor("w", loaded, "weight"), tensor("a", 4, "output")]
    operators = [
        operator(tensors, [], [1], 1),
        operator(tensors, [], [], seconds),
        operator(tensors, [], [], 1),
    ]
    return problem(target(engines), tensors, operators), [stay(1, 60, 0, 3)]


def test_a_load_and_a_store_share_the_channel_half_and_half() -> None:
    small, stays = with_store(4, 2)
    line = timed(small, [load(0, 1, 2), store(1, 1, 2)], stays)
    assert line.transfer_stop == (9, 9)
    assert line.stall == (0, 0, 0, 0)


def test_who_is_left_alone_has_the_whole_channel() -> None:
    small, stays = with_store(2, 2)
    line = timed(small, [load(0, 1, 2), store(1, 1, 2)], stays)
    assert line.transfer_stop == (5, 7)


def test_sharing_goes_on_while_a_step_waits() -> None:
    small, stays = with_store(2, 2, seconds=2)
    line = timed(small, [load(0, 1, 2), store(1, 1, 3)], stays)
    assert line.transfer_stop == (5, 7)
    assert line.stall == (0, 0, 2, 1)


def test_one_engine_copies_one_after_the_other_stores_first() -> None:
    small, stays = with_store(2, 1)
    line = timed(small, [load(0, 1, 2), store(1, 1, 2)], stays)
    assert line.transfer_start == (5, 1)
    assert line.transfer_stop == (7, 5)


def test_without_engines_loads_block_at_their_stop_and_stores_at_their_start() -> None:
    small, stays = with_store(2, 0)
    line = timed(small, [load(0, 1, 2), store(1, 1, 2)], stays)
    assert line == Timeline((0, 5, 16), (1, 14, 17), (14, 1), (16, 5), (0, 4, 2, 0), 17)


def test_blocking_stores_end_before_blocking_loads_start() -> None:
    small, stays = with_store(2, 2)
    line = timed(small, [load(0, 1), store(1, 1)], stays)
    assert line.transfer_start == (5, 1)
    assert line.transfer_stop == (7, 5)


def streaming(seconds: float, streamed: int, copied: int) -> Problem:
    """A step that streams untracked bytes beside its arithmetic."""
    tensors = [tensor("w", copied, "weight"), tensor("s", streamed, "input", tracked=False)]
    operators = [operator(tensors, [1], [], seconds), operator(tensors, [], [], 1)]
    return problem(target(), tensors, operators)


def test_a_copy_moves_only_while_the_operator_leaves_the_channel_idle() -> None:
    """5 seconds, 3 of them off-chip bytes: two fifths of the channel are left."""
    line = timed(streaming(5, 3, 2), [load(0, 0, 1)])
    assert line.transfer_stop == (5,)
    line = timed(streaming(5, 3, 1), [load(0, 0, 1)])
    assert line.transfer_stop == (2.5,)
    line = timed(streaming(5, 3, 4), [load(0, 0, 1)])
    assert line.stall == (0, 2, 0)


def test_an_operator_that_fills_the_channel_stops_all_copies() -> None:
    line = timed(streaming(2, 3, 4), [load(0, 0, 1)])
    assert line == Timeline((0, 7), (3, 8), (0,), (7,), (0, 4, 0), 8)


def test_the_program_ends_with_its_last_copy() -> None:
    tensors = [tensor("a", 4, "output")]
    small = problem(target(), tensors, [operator(tensors, [], [0], 1)])
    line = timed(small, [store(0, 1)], [stay(0, 0, 0, 1)])
    assert line == Timeline((0,), (1,), (1,), (5,), (0, 4), 5)


def test_an_operand_counts_where_it_lies() -> None:
    """Half a byte per second on chip; two operators read 4 of 8 bytes, the second from the chip."""
    tensors = [tensor("w", 8, "weight")]
    reads = Operator("read", "toy", (0,), (), (4,), (), 1.0)
    machine = Target("toy", 8, 1, "anywhere", 1.0, 1.0, 0.5, 0.5)
    small = problem(machine, tensors, [reads, reads])
    assert timed(small, []).step_stop == (4, 8)
    assert timed(small, [load(0, 1)]).step_stop == (4, 20)
    assert timed(small, [load(0, 0, 1)]).step_stop == (4, 20)  # in its window it is read off-chip


def test_seconds_come_from_flops_or_from_the_cost_given() -> None:
    machine = Target("toy", 8, 1, "anywhere", 1.0, 1.0, 1.0, 1.0, flops_per_second=4.0)
    nodes = [
        Operator("f", "toy", (), (), (), (), None, 6),
        Operator("s", "toy", (), (), (), (), 2.0),
    ]
    small = problem(machine, [], nodes)
    plan = Plan((0, 1))
    assert simulate(small, plan).step_stop == (1.5, 3.5)
    assert simulate(small, plan, lambda _, operator: 1.0 + operator).step_stop == (1, 3)


def test_an_operator_without_seconds_is_an_error_with_its_name() -> None:
    nodes = [Operator("mystery", "toy", (), (), (), ())]
    with pytest.raises(
        InputError, match=r"(?m)operator 0 \(`mystery`\) has no compute_seconds and no flops$"
    ):
        simulate(problem(toy(0), [], nodes), Plan((0,)))
    nodes = [Operator("mystery", "toy", (), (), (), (), flops=3)]
    with pytest.raises(InputError, match=r"(?m)no flops_per_second in target `toy`$"):
        simulate(problem(toy(0), [], nodes), Plan((0,)))


def test_a_plan_without_a_timeline_is_an_error() -> None:
    small = steps([1], [4])
    with pytest.raises(InputError, match="does not run every operator once"):
        simulate(small, Plan(()))
    with pytest.raises(InputError, match="transfer 0 of tensor 0 ends at border 2"):
        simulate(small, Plan((0,), (), (load(0, 0, 2),)))
