"""The roofline: arithmetic into seconds, and where another model plugs in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from cosmalloc.cost_model.roofline import (
    CostModel,
    Kernel,
    Roofline,
    compute_seconds,
    kernels_of,
    with_seconds,
)
from cosmalloc.errors import InputError
from cosmalloc.problem import Operator, Problem, Tensor
from cosmalloc.target import Target

TARGET = Target("t", 1024, 1, "resident", 1e9, 1e9, 1e10, 1e10, flops_per_second=2e9)
PROBLEM = Problem(
    "p",
    TARGET,
    (Tensor("x", 8, "input"), Tensor("y", 8, "output")),
    (Operator("f", "dot", (0,), (1,), (8,), (8,), flops=4_000),),
)


class Constant:
    def seconds(self, kernels: Sequence[Kernel]) -> list[float]:
        return [7.0 for _ in kernels]


def test_flops_take_the_time_of_the_peak_rate() -> None:
    assert compute_seconds(4_000, TARGET) == 2e-6


def test_a_transcendental_is_worth_its_weight() -> None:
    kernel = Kernel("f", "exp", 1_000, 500, (4,), (4,))
    assert Roofline(TARGET).seconds([kernel]) == [750e-9]
    assert Roofline(TARGET, weight=6.0).seconds([kernel]) == [2e-6]


def test_a_target_without_a_rate_is_an_input_error() -> None:
    with pytest.raises(InputError) as caught:
        compute_seconds(1, replace(TARGET, flops_per_second=None))
    assert caught.value.fact == "target `t` has no flops_per_second"


def test_an_operator_without_flops_is_an_input_error_that_names_it() -> None:
    bare = replace(PROBLEM, operators=(replace(PROBLEM.operators[0], flops=None),))
    with pytest.raises(InputError) as caught:
        kernels_of(bare)
    assert caught.value.fact == "operator 0 (`f`) has no flops"


@pytest.mark.parametrize(("model", "seconds"), [(Roofline(TARGET), 2e-6), (Constant(), 7.0)])
def test_any_model_says_the_seconds_of_a_problems_operators(
    model: CostModel, seconds: float
) -> None:
    assert [node.compute_seconds for node in with_seconds(PROBLEM, model).operators] == [seconds]
