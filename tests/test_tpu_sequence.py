"""The sequence of placement that makes a best-fit compiler find room for every stay."""

from __future__ import annotations

from cosmalloc.plan import Plan, Residency
from cosmalloc.problem import Operator, Problem, Tensor
from cosmalloc.target import Target
from cosmalloc.tpu.extract import in_one_order
from cosmalloc.tpu.sequence import Chunk, levels, placed, sequence_of, stays_of, tightest

PAGE = 4096


def machine(pages: int) -> Target:
    return Target("small", pages * PAGE, PAGE, "anywhere", 1e9, 1e9, 1e12, 1e12, 1e12)


def chain(pages: int, sizes: list[int], readers: dict[int, list[int]] | None = None) -> Problem:
    """Operator i makes tensor i of sizes[i] pages; i + 1 reads it, and so do `readers`."""
    more = readers or {}
    tensors = tuple(Tensor(f"t{i}", size * PAGE) for i, size in enumerate(sizes))
    operators = []
    for i, size in enumerate(sizes):
        reads = [j for j in range(i) if j == i - 1 or i in more.get(j, [])]
        bytes_read = tuple(sizes[j] * PAGE for j in reads)
        operators.append(
            Operator(f"o{i}", "op", tuple(reads), (i,), bytes_read, (size * PAGE,), 1e-6)
        )
    return Problem("chain", machine(pages), tensors, tuple(operators))


def test_the_tightest_gap_is_taken_and_the_lowest_of_equals() -> None:
    chunks = [
        Chunk(0, 9, 0, 2 * PAGE),
        Chunk(0, 9, 5 * PAGE, 6 * PAGE),
        Chunk(0, 9, 8 * PAGE, 9 * PAGE),
    ]
    at = tightest(chunks, 1, 2, 2 * PAGE, 16 * PAGE, PAGE)
    assert at == 6 * PAGE
    assert tightest(chunks, 9, 10, PAGE, 16 * PAGE, PAGE) == 0
    assert tightest(chunks, 1, 2, 8 * PAGE, 16 * PAGE, PAGE) is None
    even = [Chunk(0, 9, PAGE, 2 * PAGE), Chunk(0, 9, 3 * PAGE, 4 * PAGE)]
    assert tightest(even, 0, 1, PAGE, 5 * PAGE, PAGE) == 0


def test_chunks_end_on_whole_pages() -> None:
    chunks = [Chunk(0, 9, 0, 100)]
    assert tightest(chunks, 0, 1, PAGE, 3 * PAGE, PAGE) == PAGE


def test_a_stay_that_finds_no_room_moves_to_the_front() -> None:
    problem = chain(4, [1, 1, 3, 1], {0: [2, 3]})
    stays = (
        Residency(0, 3 * PAGE, 0, 4),
        Residency(1, 2 * PAGE, 1, 2),
        Residency(2, 0, 2, 4),
    )
    plan = Plan((0, 1, 2, 3), stays)
    assert placed(problem, stays_of(plan), [0, 2, 1]) == {}
    tight = chain(4, [2, 1, 2, 1], {0: [2, 3]})
    two = Plan((0, 1, 2, 3), (Residency(0, 0, 0, 1), Residency(2, 0, 2, 4)))
    assert sum(placed(tight, stays_of(two), sequence_of(tight, two)).values()) == 0


def test_what_the_compiler_would_hold_unasked_is_placed_last() -> None:
    problem = chain(2, [2, 2, 2], {0: [2]})
    stays = (Residency(0, 0, 0, 1), Residency(2, 0, 2, 3))
    plan = Plan((0, 1, 2), stays)
    assert placed(problem, stays_of(plan), [0, 2]) == {2: 2 * PAGE}  # t0 is brought back for o2
    assert sequence_of(problem, plan) == (2, 0)


def test_tensors_known_to_pay_come_first() -> None:
    problem = chain(8, [1, 1, 1])
    stays = tuple(Residency(t, t * PAGE, t, t + 2 if t < 2 else 3) for t in range(3))
    plan = Plan((0, 1, 2), stays)
    assert sequence_of(problem, plan) == (0, 1, 2)
    assert sequence_of(problem, plan, first=(2, 7)) == (2, 0, 1)


def test_one_order_is_left_and_nothing_takes_longer() -> None:
    problem = chain(8, [1, 1, 1])
    free = Problem("free", problem.target, problem.tensors, problem.operators)
    tied = in_one_order(free)
    for step in range(1, 3):
        assert step - 1 in set(tied.predecessors(step))
    links = [tensor for tensor in tied.tensors if tensor.name.startswith("order.")]
    assert len(links) == 2
    assert not any(tensor.tracked for tensor in links)
    assert all(o.input_bytes_accessed[-1] == 0 for o in tied.operators[1:])


def test_only_spans_that_meet_need_ranks_of_their_own() -> None:
    assert levels([(0, 2), (2, 4), (1, 3), (5, 6)]) == [0, 0, 1, 0]
    assert levels([]) == []
