"""Another machine from few kernels: makeup, process, adaptation, and its file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from cost_kernels import measured

from cosmalloc.cost_model import adaptation, makeup, process
from cosmalloc.cost_model.adaptation import Adaptation, adapt
from cosmalloc.cost_model.domain import domain_of
from cosmalloc.cost_model.ensemble import Ensemble, Known
from cosmalloc.cost_model.features import flat_graphs_of
from cosmalloc.cost_model.learned import load
from cosmalloc.cost_model.network import Network
from cosmalloc.cost_model.roofline import ordinary
from cosmalloc.cost_model.weights_file import Header, write_weights
from cosmalloc.errors import InputError
from cosmalloc.tree_file import blank

EMBEDDING = 20
TYPES = makeup.LAUNCH + 1 + len(makeup.SORTS)  # where the types' columns start
UNARY = """func.func public @main(%x: tensor<256x256xTYPE>) -> tensor<256x256xTYPE> {
  %y = "stablehlo.NAME"(%x) : (tensor<256x256xTYPE>) -> tensor<256x256xTYPE>
  return %y : tensor<256x256xTYPE>
}
"""


def unary(name: str, element: str) -> str:
    return UNARY.replace("NAME", name).replace("TYPE", element)


def network(seed: int) -> Network:
    """Drawn by NumPy, which compiles nothing."""
    rng = np.random.default_rng(seed)

    def drawn(leaf: Any) -> Any:
        shape = isinstance(leaf, jax.ShapeDtypeStruct)
        return jnp.asarray(rng.normal(0, 0.3, leaf.shape)) if shape else leaf

    found: Network = jax.tree.map(drawn, blank(lambda: Network(8, 1, jax.random.key(0))))
    return found


@pytest.fixture(scope="module")
def ensemble() -> Ensemble:
    return Ensemble([network(0), network(1)])


def test_the_parts_of_a_kernel_make_up_the_whole(ensemble: Ensemble) -> None:
    found = ensemble.known(flat_graphs_of(measured(20, 0).text)).makeup
    assert found.shape == (20, makeup.WIDTH)
    launch = found[:, makeup.LAUNCH]
    assert (launch > 0).all()
    assert np.allclose(launch + found[:, makeup.LAUNCH + 1 : TYPES].sum(axis=1), 1, atol=1e-5)
    assert np.allclose(launch + found[:, TYPES : makeup.DISTANCE].sum(axis=1), 1, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "element", "sort", "column"),
    [
        ("negate", "f32", "elementwise", 1),
        ("tanh", "f32", "transcendental", 1),
        ("tanh", "bf16", "transcendental", 2),
        ("negate", "i32", "elementwise", 5),
    ],
)
def test_an_operation_counts_for_its_sort_and_its_type(
    ensemble: Ensemble, name: str, element: str, sort: str, column: int
) -> None:
    found = ensemble.known(flat_graphs_of([unary(name, element)])).makeup[0]
    work = 1 - found[makeup.LAUNCH]
    assert found[makeup.LAUNCH + 1 + makeup.SORTS.index(sort)] == pytest.approx(work, rel=1e-4)
    assert found[TYPES + column] == pytest.approx(work, rel=1e-4)


def draw(count: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(count, 3))
    return points, np.sin(points[:, 0]) + rng.normal(0, 0.1, count), np.full(count, 0.1)


def test_what_is_left_out_is_told_by_all_others() -> None:
    points, errors, spread = draw(30, 0)
    found = process.fit(points, np.ones(30), errors, spread)
    left, variance = found.left_out()
    for index in range(30):
        kept = np.delete(np.arange(30), index)
        parts = points[kept], np.ones(29), errors[kept], found.noise[kept]
        others = process.Process(*parts, found.amplitude, found.floor)
        mean, unsure = others.at(points[index : index + 1], np.ones(1))
        assert left[index] == pytest.approx(errors[index] - mean[0], abs=1e-8)
        assert variance[index] == pytest.approx(unsure[0], abs=1e-8)


def test_near_a_known_error_is_that_error_and_far_away_the_mean_of_all() -> None:
    points, errors, _ = draw(60, 1)
    errors = errors + 2
    found = process.fit(points, np.ones(60), errors, np.full(60, 0.01))
    near, sure = found.at(points, np.ones(60))
    far, unsure = found.at(points + 1e3, np.ones(60))
    assert np.abs(near - errors).mean() < 0.15
    assert np.allclose(far, errors.mean(), atol=0.4)
    assert (unsure > sure).all()


def test_one_error_far_out_moves_its_neighbours_little() -> None:
    points, errors, spread = draw(60, 2)
    wild = errors.copy()
    wild[7] += 4
    others, work = np.delete(np.arange(60), 7), np.ones(60)
    calm, moved = (
        process.fit(points, work, each, spread).at(points[others], work[others])[0]
        for each in (errors, wild)
    )
    assert np.abs(moved - calm).mean() < 0.05


def test_work_ten_times_as_slow_leaves_the_launch_as_it_was() -> None:
    points, work = draw(60, 3)[0], np.random.default_rng(3).uniform(0, 1, 60)
    found = process.fit(points, work, np.log(1 + 9 * work), np.full(60, 0.02))
    asked = np.array([0.001, 0.5, 0.999])
    mean, variance = found.at(points[:3] + 0.01, asked)
    assert np.allclose(np.exp(mean), 1 + 9 * asked, rtol=0.1)
    assert variance[0] < variance[2]


def test_slopes_are_those_of_the_curve() -> None:
    work, level = np.array([0.01, 0.3, 0.9, 1.0]), np.array([-3.0, 0.0, 2.0, 5.0])
    ends = [process.bent(work, level + step) for step in (-1e-5, 1e-5)]
    assert np.allclose(process.slope(work, level), (ends[1] - ends[0]) / 2e-5, atol=1e-6)


def noisy(count: int, seed: int) -> tuple[Known, np.ndarray]:
    """What networks know of kernels, and the noise around their log-seconds."""
    rng = np.random.default_rng(seed)
    parts = rng.dirichlet(np.ones(makeup.WIDTH), count)
    known = Known(
        log_seconds=rng.normal(-10, 2, count),
        spread=np.full(count, 0.1),
        memory=np.zeros((count, 4)),
        embedding=rng.normal(size=(count, EMBEDDING)).astype(np.float32),
        makeup=parts.astype(np.float32),
    )
    return known, rng.normal(0, 0.1, count)


def adapted(known: Known, errors: np.ndarray) -> Adaptation | None:
    return adapt(known, known.log_seconds - 0.01, np.exp(known.log_seconds + errors))


def moved(found: Adaptation | None, asked: Known) -> np.ndarray:
    return (
        np.zeros(len(asked.spread))
        if found is None
        else found.answers(asked)[0] - asked.log_seconds
    )


@pytest.mark.parametrize("seed", range(8))
def test_ten_kernels_of_the_same_machine_change_next_to_nothing(seed: int) -> None:
    found = adapted(*noisy(10, seed))
    assert np.abs(moved(found, noisy(50, 99)[0])).mean() < 0.12


@pytest.mark.parametrize("count", [10, 30, 100])
def test_a_machine_of_another_pace_is_told_by_few_kernels(count: int) -> None:
    known, noise = noisy(count, 1)
    found = adapted(known, 0.7 + noise)
    assert np.allclose(moved(found, noisy(50, 99)[0]), 0.7, atol=0.15)


def test_kinds_of_kernels_that_fare_differently_are_told_apart_by_a_hundred() -> None:
    few, noise = noisy(100, 2)
    asked, _ = noisy(200, 3)
    for known in (few, asked):
        known.embedding[:, 0] = np.sign(known.embedding[:, 0]) * 6
    found = adapted(few, 0.2 * few.embedding[:, 0] + noise)
    assert np.abs(moved(found, asked) - 0.2 * asked.embedding[:, 0]).mean() < 0.2


def test_errors_of_any_size_make_answers_lower_and_less_sure() -> None:
    known, noise = noisy(60, 4)
    calm, wild = adapted(known, 0.7 + noise), adapted(known, 0.7 + 8 * noise)
    assert calm is not None
    assert wild is not None
    asked, _ = noisy(50, 5)
    assert moved(wild, asked).mean() < moved(calm, asked).mean() - 0.1
    assert (wild.answers(asked)[1] > 2 * calm.answers(asked)[1]).all()


def test_four_kernels_are_too_few_to_adapt_to() -> None:
    with pytest.raises(InputError, match="4 kernels are too few"):
        adapted(*noisy(4, 0))


def test_of_many_kernels_some_are_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adaptation, "MOST", 40)
    known, noise = noisy(60, 0)
    found = adapted(known, 1 + noise)
    assert found is not None
    assert len(found.process.points) == 40


def test_an_adaptation_survives_its_file() -> None:
    known, noise = noisy(40, 0)
    found = adapted(known, 1 + noise)
    assert found is not None
    again = Adaptation.from_dict(json.loads(json.dumps(found.to_dict())), EMBEDDING)
    asked, _ = noisy(5, 1)
    assert np.allclose(found.answers(asked), again.answers(asked), atol=1e-2)


def header(adaptation: dict[str, Any] | None) -> Header:
    return Header(
        name="abacus",
        launch_seconds=1e-7,
        settings={"width": 8, "rounds": 1},
        roofline=ordinary().to_dict(),
        domain=domain_of(flat_graphs_of(measured(5, 0).text)).to_dict(),
        scale=1.0,
        about={},
        adaptation=adaptation,
    )


@pytest.mark.parametrize(
    ("given", "fact"),
    [
        ({"mean": [0], "deviation": [1], "weights": [0], "shift": 0, "scale": 1}, "'points'"),
        ({"points": [[0, 1], [0]]}, "or is damaged"),
        ("of a wider network", f"other than {makeup.WIDTH + 8} features"),
    ],
)
def test_an_adaptation_of_another_version_is_refused(given: Any, fact: str, tmp_path: Path) -> None:
    if isinstance(given, str):
        known, noise = noisy(10, 0)
        found = adapted(known, 1 + noise)
        assert found is not None
        given = found.to_dict()
    path = tmp_path / "old.safetensors"
    write_weights(path, [network(0)], header(given))
    with pytest.raises(InputError, match=fact) as failure:
        load(path)
    assert "cosmalloc cost adapt" in str(failure.value.hint)


def test_a_machine_of_its_own_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "own.safetensors"
    write_weights(path, [network(0)], header(None))
    model, texts = load(path), measured(12, 0).text
    seconds = model.predict_graphs(flat_graphs_of(texts)).seconds
    found = model.adapted(texts, seconds)
    assert found.adaptation is None
    assert found.launch_seconds == model.launch_seconds
    assert np.array_equal(found.predict_graphs(flat_graphs_of(texts)).seconds, seconds)


def test_adapting_once_more_changes_no_launch(tmp_path: Path) -> None:
    path = tmp_path / "own.safetensors"
    write_weights(path, [network(0)], header(None))
    model, texts = load(path), measured(12, 0).text
    seconds = 3 * model.predict_graphs(flat_graphs_of(texts)).seconds
    once = model.adapted(texts, seconds)
    assert once.launch_seconds == pytest.approx(min(seconds.min(), 3 * model.launch_seconds))
    twice = once.adapted(texts, seconds)
    assert twice.launch_seconds == pytest.approx(once.launch_seconds, rel=0.1)
