"""Plans that just keep the laws, and the same plans one byte or one step further."""

from __future__ import annotations

import pytest

from cosmalloc.plan import Plan, Residency, Transfer
from cosmalloc.problem import Problem
from cosmalloc.target import OperandRule
from cosmalloc.verify import verify
from tests.small import load, operator, problem, stay, store, tensor, toy


def laws(problem: Problem, order: list[int], stays: list[Residency], copies: list[Transfer]) -> str:
    """The laws that a plan breaks, as digits."""
    faults = verify(problem, Plan(tuple(order), tuple(stays), tuple(copies)))
    return "".join(sorted({str(fault.law) for fault in faults}))


def chain(room: int, rule: OperandRule = "resident", alignment: int = 1) -> Problem:
    """x (4 bytes) -> a (4) -> y (4): two steps."""
    tensors = [tensor("x", 4, "input"), tensor("a", 4), tensor("y", 4, "output")]
    operators = [operator(tensors, [0], [1]), operator(tensors, [1], [2])]
    return problem(toy(room, rule, alignment), tensors, operators)


@pytest.mark.parametrize(
    ("offset", "broken"), [(4, ""), (3, "2"), (8, "3")], ids=["touching", "overlap", "beyond"]
)
def test_residencies_may_touch_in_bytes(offset: int, broken: str) -> None:
    stays = [stay(0, 0, 0, 1), stay(1, offset, 0, 2), stay(2, 0, 1, 2)]
    assert laws(chain(11), [0, 1], stays, [load(0, 0), store(2, 2)]) == broken


@pytest.mark.parametrize(("start", "broken"), [(1, ""), (2, "2")], ids=["touching", "overlap"])
def test_residencies_may_touch_in_steps(start: int, broken: str) -> None:
    """x leaves at step `start`, y takes its bytes at step 1."""
    stays = [stay(0, 0, 0, start), stay(1, 4, 0, 2), stay(2, 0, 1, 2)]
    assert laws(chain(8), [0, 1], stays, [load(0, 0), store(2, 2)]) == broken


@pytest.mark.parametrize(("offset", "broken"), [(8, ""), (6, "3")])
def test_offsets_are_multiples_of_the_alignment(offset: int, broken: str) -> None:
    stays = [stay(0, 0, 0, 1), stay(1, offset, 0, 2), stay(2, 0, 1, 2)]
    assert laws(chain(12, alignment=4), [0, 1], stays, [load(0, 0), store(2, 2)]) == broken


def swap(room: int) -> Problem:
    """x -> a; y -> b; a -> c: a leaves for b's step and comes back."""
    tensors = [
        tensor("x", 1, "input"),
        tensor("a", 4),
        tensor("y", 4, "input"),
        tensor("b", 1, "output"),
        tensor("c", 1, "output"),
    ]
    operators = [
        operator(tensors, [0], [1]),
        operator(tensors, [2], [3]),
        operator(tensors, [1], [4]),
    ]
    return problem(toy(room), tensors, operators)


def test_a_blocking_store_and_a_blocking_load_share_border_and_bytes() -> None:
    stays = [stay(0, 4, 0, 1), stay(1, 0, 0, 1), stay(2, 0, 1, 2), stay(3, 4, 1, 2)]
    stays += [stay(1, 0, 2, 3), stay(4, 4, 2, 3)]
    copies = [load(0, 0), store(1, 1), load(2, 1), store(3, 2), load(1, 2), store(4, 3)]
    assert laws(swap(5), [0, 1, 2], stays, copies) == ""
    late = [load(0, 0), store(1, 2), load(2, 1), store(3, 2), load(1, 2), store(4, 3)]
    assert laws(swap(5), [0, 1, 2], stays, late) == "5"


def test_a_load_may_read_at_the_border_where_the_store_ends_and_not_before() -> None:
    """The store runs during step 1 in the bytes that a holds; the load starts at its end."""
    stays = [stay(0, 4, 0, 1), stay(1, 0, 0, 2), stay(2, 5, 1, 2), stay(3, 4, 1, 2)]
    stays += [stay(1, 0, 2, 3), stay(4, 4, 2, 3)]
    copies = [load(0, 0), store(1, 1, 2), load(2, 1), store(3, 2), load(1, 2), store(4, 3)]
    assert laws(swap(9), [0, 1, 2], stays, copies) == ""
    stays[4] = stay(1, 9, 1, 3)
    copies[4] = load(1, 1, 2)
    assert laws(swap(13), [0, 1, 2], stays, copies) == "25"


@pytest.mark.parametrize(
    ("window", "broken"),
    [((0, 1), ""), ((0, 2), "4"), ((1, 1), "4")],
    ids=["stops at the use", "one step late", "starts no stay"],
)
def test_a_load_may_stop_exactly_at_the_use(window: tuple[int, int], broken: str) -> None:
    stays = [stay(0, 0, 0, 1), stay(1, 1, 0, 3), stay(2, 5, 0, 3), stay(3, 0, 1, 2)]
    stays += [stay(4, 0, 2, 3)]
    copies = [load(0, 0), load(2, *window), store(3, 2), store(4, 3)]
    assert laws(swap(9), [0, 1, 2], stays, copies) == broken


def test_a_load_ends_before_its_residency_does() -> None:
    tensors = [tensor("x", 1, "input"), tensor("y", 1, "output"), tensor("w", 1, "weight")]
    small = problem(toy(3), tensors, [operator(tensors, [0], [1])])
    stays = [stay(0, 0, 0, 1), stay(1, 1, 0, 1), stay(2, 2, 0, 1)]
    copies = [load(0, 0), store(1, 1)]
    assert laws(small, [0], stays, [*copies, load(2, 0, 0)]) == ""
    assert laws(small, [0], stays, [*copies, load(2, 0, 1)]) == "4"


@pytest.mark.parametrize(
    ("window", "broken"),
    [((1, 1), ""), ((1, 2), ""), ((1, 3), "5"), ((0, 1), "5"), ((2, 2), ""), ((3, 3), "5")],
)
def test_a_store_happens_after_production_and_within_the_residency(
    window: tuple[int, int], broken: str
) -> None:
    """a is made at step 0 and on chip until border 2; nobody reads its off-chip copy."""
    tensors = [tensor("x", 1, "input"), tensor("a", 1, "output")]
    nothing = operator(tensors, [], [])
    small = problem(toy(2), tensors, [operator(tensors, [0], [1]), nothing, nothing])
    stays = [stay(0, 0, 0, 1), stay(1, 1, 0, 2)]
    assert laws(small, [0, 1, 2], stays, [load(0, 0), store(1, *window)]) == broken


@pytest.mark.parametrize(
    ("loaded", "stored", "broken"), [(1, 1, ""), (1, 2, ""), (2, 1, "5"), (0, 0, "5")]
)
def test_a_loaded_tensor_may_be_stored_once_its_load_is_complete(
    loaded: int, stored: int, broken: str
) -> None:
    tensors = [tensor("w", 1, "weight"), tensor("a", 1, "output")]
    nothing = operator(tensors, [], [])
    small = problem(toy(2), tensors, [operator(tensors, [], [1]), nothing, nothing])
    stays = [stay(0, 0, 0, 3), stay(1, 1, 0, 3)]
    copies = [load(0, 0, loaded), store(0, stored), store(1, 3)]
    assert laws(small, [0, 1, 2], stays, copies) == broken


def update(room: int, rule: OperandRule = "resident", later: bool = False) -> Problem:
    """x -> a -> r in place (both in group 0) -> y; with `later`, the last step reads a as well."""
    tensors = [tensor("x", 2, "input"), tensor("a", 4, group=0), tensor("r", 4, group=0)]
    tensors += [tensor("y", 1, "output")]
    operators = [
        operator(tensors, [0], [1]),
        operator(tensors, [1], [2]),
        operator(tensors, [1, 2] if later else [2], [3]),
    ]
    return problem(toy(room, rule), tensors, operators)


PLACE = (stay(0, 4, 0, 1), stay(1, 0, 0, 2), stay(2, 0, 1, 3), stay(3, 4, 2, 3))
PLACE_COPIES = [load(0, 0), store(3, 3)]


def test_a_result_may_take_its_operands_bytes_in_place() -> None:
    assert laws(update(6), [0, 1, 2], list(PLACE), PLACE_COPIES) == ""


@pytest.mark.parametrize(
    "change",
    [
        {2: stay(2, 1, 1, 3), 3: stay(3, 5, 2, 3)},
        {1: stay(1, 0, 0, 3)},
    ],
    ids=["another offset", "operand kept one step"],
)
def test_in_place_needs_the_same_offset_and_the_operands_end(change: dict[int, Residency]) -> None:
    stays = [change.get(index, entry) for index, entry in enumerate(PLACE)]
    assert laws(update(6), [0, 1, 2], stays, PLACE_COPIES) == "2"


def test_in_place_needs_that_no_later_step_reads_the_operand() -> None:
    stays = [*PLACE, stay(1, 5, 2, 3)]
    copies = [*PLACE_COPIES, store(1, 1), load(1, 2)]
    assert laws(update(9, later=True), [0, 1, 2], stays, copies) == "2"


@pytest.mark.parametrize(("stop", "broken"), [(1, ""), (2, "2")])
def test_in_place_needs_that_the_operands_store_has_ended(stop: int, broken: str) -> None:
    copies = [*PLACE_COPIES, store(1, 1, stop)]
    assert laws(update(6), [0, 1, 2], list(PLACE), copies) == broken


def test_in_place_needs_one_alias_group() -> None:
    tensors = [tensor("x", 4, "input"), tensor("y", 4, "output")]
    small = problem(toy(4), tensors, [operator(tensors, [0], [1])])
    stays = [stay(0, 0, 0, 1), stay(1, 0, 0, 1)]
    assert laws(small, [0], stays, [load(0, 0), store(1, 1)]) == "2"


def test_two_results_may_not_take_one_operands_bytes() -> None:
    tensors = [tensor("x", 4, "input", 0), tensor("y", 2, "output", 0), tensor("z", 2, "output", 0)]
    small = problem(toy(4), tensors, [operator(tensors, [0], [1, 2])])
    stays = [stay(0, 0, 0, 1), stay(1, 0, 0, 1), stay(2, 0, 0, 1)]
    assert laws(small, [0], stays, [load(0, 0), store(1, 1), store(2, 1)]) == "2"
    alone = [stay(0, 0, 0, 1), stay(1, 0, 0, 1), stay(2, 2, 0, 1)]
    assert laws(small, [0], alone, [load(0, 0), store(1, 1), store(2, 1)]) == "2"


def test_residencies_of_one_tensor_may_touch_and_not_overlap() -> None:
    copies = [load(0, 0), load(0, 1), store(2, 2)]
    stays = [stay(0, 0, 0, 1), stay(0, 4, 1, 2), stay(1, 8, 0, 2), stay(2, 0, 1, 2)]
    assert laws(chain(12), [0, 1], stays, copies) == ""
    stays[0] = stay(0, 12, 0, 2)
    assert laws(chain(16), [0, 1], stays, copies) == "2"


def test_anywhere_an_operand_may_be_read_off_chip_from_the_border_where_it_is_valid() -> None:
    assert laws(chain(0, "anywhere"), [0, 1], [], []) == ""
    made = [stay(1, 0, 0, 1)]
    assert laws(chain(4, "anywhere"), [0, 1], made, []) == "6"
    assert laws(chain(4, "anywhere"), [0, 1], made, [store(1, 1)]) == ""
    assert laws(chain(4, "anywhere"), [0, 1], [stay(1, 0, 0, 2)], []) == ""


def test_anywhere_an_operand_in_its_loads_window_is_read_off_chip() -> None:
    tensors = [tensor("w", 4, "weight"), tensor("y", 4, "output"), tensor("z", 4, "output")]
    operators = [operator(tensors, [0], [1]), operator(tensors, [0], [2])]
    stays, copies = [stay(0, 0, 0, 2)], [load(0, 0, 1)]
    assert laws(problem(toy(4, "anywhere"), tensors, operators), [0, 1], stays, copies) == ""
    stays += [stay(1, 4, 0, 1), stay(2, 4, 1, 2)]
    copies += [store(1, 1), store(2, 2)]
    assert laws(problem(toy(8, "anywhere"), tensors, operators), [0, 1], stays, copies) == ""
    assert laws(problem(toy(8, "resident"), tensors, operators), [0, 1], stays, copies) == "4"


def test_anywhere_a_result_written_off_chip_may_be_loaded_from_the_next_border_on() -> None:
    stays = [stay(1, 0, 1, 2)]
    assert laws(chain(4, "anywhere"), [0, 1], stays, [load(1, 1)]) == ""
    tensors = [tensor("x", 4, "input"), tensor("a", 4), tensor("y", 4, "output")]
    operators = [
        operator(tensors, [], []),
        operator(tensors, [0], [1]),
        operator(tensors, [1], [2]),
    ]
    small = problem(toy(4, "anywhere"), tensors, operators)
    assert laws(small, [0, 1, 2], [stay(1, 0, 2, 3)], [load(1, 2)]) == ""
    assert laws(small, [0, 1, 2], [stay(1, 0, 0, 3)], [load(1, 0)]) == "5"


def test_a_load_at_the_producing_step_starts_nothing() -> None:
    stays = [stay(0, 0, 0, 1), stay(1, 4, 0, 2), stay(2, 0, 1, 2)]
    copies = [load(0, 0), store(1, 1), load(1, 0), store(2, 2)]
    assert laws(chain(8), [0, 1], stays, copies) == "4"


def test_a_program_output_ends_off_chip() -> None:
    stays = [stay(0, 0, 0, 1), stay(1, 4, 0, 2), stay(2, 0, 1, 2)]
    assert laws(chain(8), [0, 1], stays, [load(0, 0)]) == "7"
    assert laws(chain(8, "anywhere"), [0, 1], stays, [load(0, 0)]) == "7"
    assert laws(chain(8, "anywhere"), [0, 1], stays[:2], [load(0, 0)]) == ""


def test_untracked_tensors_need_nothing() -> None:
    tensors = [tensor("x", 9, "input", tracked=False), tensor("y", 9, "output", tracked=False)]
    small = problem(toy(0), tensors, [operator(tensors, [0], [1])])
    assert laws(small, [0], [], []) == ""


def test_a_problem_without_operators_has_an_empty_plan() -> None:
    assert laws(problem(toy(0), [], []), [], [], []) == ""
    assert laws(problem(toy(0), [], []), [0], [], []) == "1"
