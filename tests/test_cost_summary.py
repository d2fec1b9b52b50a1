"""Kernels' summaries against counts by hand, and the roofline fitted to them."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from cost_kernels import CONVOLUTION, LOOP, MATMUL, elementwise

from cosmalloc.cost_model.roofline import Roofline, fit_roofline, ordinary, quantities
from cosmalloc.cost_model.summary import Reader, Summary, summaries
from cosmalloc.errors import InputError


def test_a_product_and_its_tail_are_counted_by_kind() -> None:
    found = Reader().summary(MATMUL)
    assert found.work == {
        ("matmul", "f32"): 2 * 8 * 4 * 16,
        ("transcendental", "f32"): 32,
        ("elementwise", "f32"): 32,
    }
    assert (found.read, found.written) == (4 * (8 * 16 + 16 * 4), 4 * 32)
    assert found.between == 2 * 4 * 32  # the product is written, then read again
    assert (found.heaviest, found.width, found.operations) == ("matmul", "f32", 3)
    assert found.flops == 1024 + 32 + 32


def test_a_loop_counts_its_body_once_per_trip_and_its_test_once_more() -> None:
    found = Reader().summary(LOOP)
    assert found.trips == 10
    assert found.work["transcendental", "f32"] == 80
    assert found.work["elementwise", "int"] == 10 + 11


@pytest.mark.parametrize(
    ("type", "inner", "groups", "kind"),
    [
        ("f32", 4, 1, ("convolution", "f32")),
        ("f32", 1, 4, ("depthwise convolution", "f32")),
        ("bf16", 2, 2, ("grouped convolution", "half")),
    ],
)
def test_convolutions_are_told_apart_by_groups_and_element_types(
    type: str, inner: int, groups: int, kind: tuple[str, str]
) -> None:
    found = Reader().summary(CONVOLUTION.format(type=type, inner=inner, groups=groups))
    assert (found.heaviest, found.width) == kind
    assert found.work[found.heaviest, found.width] == 2 * 4 * inner * (3 * 8 - 2) ** 2


def test_a_product_with_one_column_is_a_matrix_times_a_vector() -> None:
    text = MATMUL.replace("16x4xf32", "16x1xf32").replace("8x4xf32", "8x1xf32")
    assert Reader().summary(text).heaviest == "matvec"


def test_a_list_is_read_once_per_text_and_in_order() -> None:
    found = summaries([MATMUL, elementwise(4), MATMUL])
    assert found[0] is found[2]
    assert found[1].data == 32


def test_a_text_that_is_no_kernel_is_an_input_error() -> None:
    with pytest.raises(InputError, match="the kernel is not a module this reader knows"):
        Reader().summary("func.func @main(")


def drawn(count: int) -> list[Summary]:
    """Summaries with random sizes of work."""
    rng = np.random.default_rng(0)
    bases = summaries([MATMUL, elementwise(64), CONVOLUTION.format(type="f32", inner=4, groups=1)])
    made = []
    for index in range(count):
        base, scale = bases[index % 3], float(10 ** rng.uniform(0, 5))
        work = {each: amount * scale for each, amount in base.work.items()}
        made.append(replace(base, work=work, read=int(base.read * scale**0.7)))
    return made


def test_a_fit_recovers_the_roofline_that_made_the_seconds() -> None:
    truth = replace(ordinary(), launch=5e-6, per_work=tuple(3 * r for r in ordinary().per_work))
    given = drawn(90)
    fitted = fit_roofline(given, truth.seconds(given))
    np.testing.assert_allclose(fitted.seconds(given), truth.seconds(given), rtol=0.05)
    assert fitted.launch == pytest.approx(5e-6, rel=0.3)


def test_seconds_add_launch_calls_work_and_bytes_where_the_power_is_one() -> None:
    model = replace(ordinary(), per_byte=(1e-11,) * len(ordinary().per_byte))
    one = Reader().summary(elementwise(1000))
    assert model.seconds([one])[0] == pytest.approx(2e-6 + 1e-7 + 1000 * 2e-10 + 8000 * 1e-11)
    hard = replace(model, power=50.0)
    assert hard.seconds([one])[0] == pytest.approx(2e-6 + 1e-7 + 1000 * 2e-10, rel=1e-3)


def test_the_slopes_are_the_derivatives() -> None:
    from cosmalloc.cost_model.roofline import _seconds

    model, given = replace(ordinary(), power=2.5), quantities(drawn(6))
    theta = model._theta()
    slopes = _seconds(theta, given, model.power)[1]
    for index in (0, 2, 4, 5, 18, 60, len(theta) - 6):
        step = np.zeros(len(theta))
        step[index] = 1e-5
        high, low = (_seconds(theta + s * step, given, 2.5)[0] for s in (1, -1))
        np.testing.assert_allclose(slopes[:, index], (high - low) / 2e-5, rtol=1e-4, atol=1e-12)


def test_a_roofline_survives_json() -> None:
    model = fit_roofline(drawn(9), np.full(9, 1e-5))
    assert Roofline.from_dict(json.loads(json.dumps(model.to_dict()))) == model


def test_few_kernels_with_a_strong_pull_leave_the_starting_rates() -> None:
    start = ordinary()
    near = fit_roofline(drawn(3), np.full(3, 1e-3), start=start, pull=1e6)
    np.testing.assert_allclose(near.per_work, start.per_work, rtol=1e-3)
