"""What the judge says, word for word, and that it says all of it."""

from __future__ import annotations

from cosmalloc.plan import Plan, Residency, Transfer
from cosmalloc.problem import Problem
from cosmalloc.target import OperandRule
from cosmalloc.verify import Fault, verify
from cosmalloc.verify.overlap import LIMIT
from tests.small import load, operator, problem, stay, store, tensor, toy


def chain(rule: OperandRule = "resident") -> Problem:
    """x (4 bytes) -> a (4) -> y (4), alignment 4, room for 12 bytes; and w, not tracked."""
    tensors = [tensor("x", 4, "input"), tensor("a", 4), tensor("y", 4, "output")]
    tensors.append(tensor("w", 8, "weight", tracked=False))
    operators = [
        operator(tensors, [0, 3], [1], name="first"),
        operator(tensors, [1], [2], name="second"),
    ]
    return problem(toy(12, rule, 4), tensors, operators)


STAYS = [stay(0, 0, 0, 1), stay(1, 4, 0, 2), stay(2, 0, 1, 2)]
COPIES = [load(0, 0), store(2, 2)]


def words(
    stays: list[Residency],
    copies: list[Transfer],
    order: tuple[int, ...] = (0, 1),
    rule: OperandRule = "resident",
) -> list[str]:
    return [str(f) for f in verify(chain(rule), Plan(order, tuple(stays), tuple(copies)))]


def test_a_legal_plan_gets_no_word() -> None:
    assert words(STAYS, COPIES) == []


def test_law_1_names_both_operators_and_their_steps() -> None:
    assert words(STAYS, COPIES, (1, 0)) == [
        "law 1: operator 1 (`second`) reads tensor 1 (`a`) at step 0, operator 0 (`first`)"
        " produces it at step 1"
    ]
    assert words(STAYS, COPIES, (0, 0, 7)) == [
        "law 1: the order has 3 steps, the problem 2 operators",
        "law 1: step 1 runs operator 0 (`first`) again, it runs at step 0",
        "law 1: step 2 runs operator 7, the problem has 2",
        "law 1: operator 1 (`second`) never runs",
    ]


def test_law_2_names_residencies_bytes_and_steps() -> None:
    assert words([STAYS[0], stay(1, 0, 0, 2), stay(2, 4, 1, 2)], COPIES) == [
        "law 2: residency 0 of tensor 0 (`x`) has bytes [0, 4) and residency 1 of tensor 1 (`a`)"
        " bytes [0, 4), both in steps [0, 1)"
    ]
    assert words([*STAYS, stay(1, 8, 0, 1)], COPIES) == [
        "law 2: tensor 1 (`a`) is on chip twice: residency 3 in steps [0, 1) and residency 1 in"
        " steps [0, 2)"
    ]


def test_law_3_names_offset_alignment_and_size() -> None:
    assert words([STAYS[0], stay(1, 10, 0, 3), STAYS[2]], COPIES) == [
        "law 3: residency 1 of tensor 1 (`a`) has offset 10, no multiple of the alignment 4",
        "law 3: residency 1 of tensor 1 (`a`) has bytes [10, 14), the scratchpad has 12",
        "law 3: residency 1 of tensor 1 (`a`) has steps [0, 3), the problem has 2",
    ]
    assert words([*STAYS, stay(3, 8, 0, 1), stay(9, 8, 0, 1)], COPIES) == [
        "law 3: residency 3 of tensor 3 (`w`): the tensor is not tracked and has no place on chip",
        "law 3: residency 4 is of tensor 9, the problem has 4",
    ]


def test_law_4_names_the_residency_or_the_load() -> None:
    assert words(STAYS, [COPIES[1]]) == [
        "law 4: residency 0 of tensor 0 (`x`) starts at step 0, no load starts there and no"
        " operator produces it"
    ]
    assert words(STAYS, [*COPIES, load(0, 0)]) == [
        "law 4: load 2 of tensor 0 (`x`) starts at border 0 what load 0 starts"
    ]
    assert words(STAYS, [*COPIES, load(0, 1)]) == [
        "law 4: load 2 of tensor 0 (`x`) starts at border 1 no residency"
    ]
    assert words(STAYS, [load(0, 0, 1), COPIES[1]]) == [
        "law 4: load 0 of tensor 0 (`x`) ends at border 1, its residency 0 at 1",
        "law 4: operator 0 (`first`) reads tensor 0 (`x`) at step 0, its load is complete at"
        " border 1",
    ]
    assert words(STAYS, [*COPIES, load(3, 0), load(9, 0)]) == [
        "law 4: load 2 of tensor 3 (`w`): the tensor is not tracked",
        "law 4: load 3 is of tensor 9, the problem has 4",
    ]


def test_law_5_names_the_copy_and_its_borders() -> None:
    assert words(STAYS, [*COPIES, store(1, 0)]) == [
        "law 5: store 2 of tensor 1 (`a`): not on chip from border 0 to border 0"
    ]
    assert words(
        [*STAYS[:1], stay(1, 4, 0, 1), stay(1, 8, 1, 2), STAYS[2]], [*COPIES, load(1, 1)]
    ) == ["law 5: load 2 of tensor 1 (`a`) reads the off-chip copy at border 1, it is valid never"]
    assert words(STAYS, [*COPIES, store(3, 0), store(9, 0), store(2, 2, 3)]) == [
        "law 5: store 2 of tensor 3 (`w`): the tensor is not tracked",
        "law 5: store 3 is of tensor 9, the problem has 4",
        "law 5: store 4 of tensor 2 (`y`) ends at border 3, the last border is 2",
    ]


def test_law_6_names_operator_tensor_and_step() -> None:
    short = [STAYS[0], stay(1, 4, 0, 1), STAYS[2]]
    assert words(short, COPIES) == [
        "law 6: operator 1 (`second`) reads tensor 1 (`a`) at step 1, it is not on chip"
    ]
    assert words(STAYS[:2], [COPIES[0], store(2, 2)]) == [
        "law 5: store 1 of tensor 2 (`y`): not on chip from border 2 to border 2",
        "law 6: operator 1 (`second`) writes tensor 2 (`y`) at step 1, it is not on chip",
    ]
    assert words(short, COPIES, rule="anywhere") == [
        "law 6: operator 1 (`second`) reads tensor 1 (`a`) at step 1, it is not on chip and its"
        " off-chip copy is never valid"
    ]


def test_law_7_names_the_output() -> None:
    assert words(STAYS, COPIES[:1]) == ["law 7: output tensor 2 (`y`) never ends off-chip"]


def test_a_fault_carries_its_place() -> None:
    fault = verify(chain(), Plan((0, 1), (STAYS[0], stay(1, 4, 0, 1), STAYS[2]), tuple(COPIES)))[0]
    message = "operator 1 (`second`) reads tensor 1 (`a`) at step 1, it is not on chip"
    assert fault == Fault(6, message, step=1, tensor=1, operator=1)


def test_faults_of_several_laws_all_come_in_the_order_of_the_laws() -> None:
    stays = [stay(0, 2, 0, 1), stay(1, 4, 0, 1), STAYS[2], stay(1, 4, 1, 2)]
    found = verify(chain(), Plan((0, 1), tuple(stays), ()))
    assert [fault.law for fault in found] == [2, 3, 4, 4, 7]


def test_overlaps_beyond_the_limit_are_counted_and_not_listed() -> None:
    count = 200  # 19,900 pairs
    tensors = [tensor(f"w{i}", 1, "weight") for i in range(count)]
    small = problem(toy(1), tensors, [operator(tensors, [], [])])
    stays = tuple(stay(i, 0, 0, 1) for i in range(count))
    found = verify(small, Plan((0,), stays, tuple(load(i, 0) for i in range(count))))
    assert len(found) == LIMIT + 1
    assert found[-1].message == f"there are more than {LIMIT} overlaps, the rest is not listed"


def test_every_overlap_within_the_limit_is_listed() -> None:
    count = 30
    tensors = [tensor(f"w{i}", 1, "weight") for i in range(count)]
    small = problem(toy(1), tensors, [operator(tensors, [], [])])
    stays = tuple(stay(i, 0, 0, 1) for i in range(count))
    found = verify(small, Plan((0,), stays, tuple(load(i, 0) for i in range(count))))
    assert len(found) == count * (count - 1) // 2
