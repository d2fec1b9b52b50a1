"""Uses, orders and loads of the lifetimes module."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from cosmalloc.lifetimes import alive_bytes, lifetimes, load_curve, source_order
from cosmalloc.problem import Operator, Problem, Tensor
from cosmalloc.target import Target
from tests.oracle import topological_orders
from tests.strategies import problems

TOY = Target("toy", 64, 1, "resident", 1.0, 1.0, 1.0, 1.0)


def operator(name: str, inputs: tuple[int, ...], outputs: tuple[int, ...]) -> Operator:
    return Operator(name, "toy", inputs, outputs, (1,) * len(inputs), (1,) * len(outputs), 1.0)


def diamond(*names: str) -> Problem:
    """x feeds a and b, both feed c, which makes the output; operators listed as named."""
    tensors = (
        Tensor("x", 1, "input"),
        Tensor("a", 2),
        Tensor("b", 4),
        Tensor("c", 8, "output"),
        Tensor("w", 16, "weight"),
    )
    made = {
        "a": operator("a", (0,), (1,)),
        "b": operator("b", (0,), (2,)),
        "c": operator("c", (1, 2), (3,)),
    }
    return Problem("diamond", TOY, tensors, tuple(made[name] for name in names))


def test_uses_are_the_producing_step_and_then_the_reading_ones() -> None:
    life = lifetimes(diamond("a", "b", "c"), (1, 0, 2))
    assert life.step == (1, 0, 2)
    assert life.uses == ((0, 1), (1, 2), (0, 2), (2,), ())
    assert life.produced == (False, True, True, True, False)
    assert [life.span(tensor) for tensor in range(5)] == [(0, 2), (1, 3), (0, 3), (2, 3), (0, 0)]


def test_a_topological_source_order_is_kept() -> None:
    assert source_order(diamond("b", "a", "c")) == (0, 1, 2)


def test_any_other_source_order_becomes_the_first_that_is_topological() -> None:
    assert source_order(diamond("c", "b", "a")) == (1, 2, 0)
    assert source_order(diamond("a", "c", "b")) == (0, 2, 1)


@given(problem=problems())
def test_the_source_order_is_the_lexicographically_first_topological_one_after_itself(
    problem: Problem,
) -> None:
    orders = sorted(topological_orders(problem))
    assert source_order(problem) == orders[0]


def test_bytes_alive_count_from_the_first_to_the_last_use() -> None:
    problem = diamond("a", "b", "c")
    assert alive_bytes(problem, lifetimes(problem, (0, 1, 2))).tolist() == [3, 7, 14]


@given(
    st.lists(
        st.tuples(st.integers(0, 8), st.integers(0, 8), st.integers(1, 2**40)).map(
            lambda item: (min(item[:2]), max(item[:2]), item[2])
        )
    )
)
def test_a_load_curve_is_the_sum_over_items_alive(items: list[tuple[int, int, int]]) -> None:
    start, stop, size = np.array(items, np.int64).reshape(-1, 3).T
    naive = [sum(b for low, high, b in items if low <= step < high) for step in range(8)]
    assert load_curve(start, stop, size, 8).tolist() == naive
