"""`map --check`: what is mapped computes what the original does, and a wrong plan is found."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import cosmalloc.check as door
from cosmalloc.check import Checked, check, random_arguments
from cosmalloc.map_model import map_model
from cosmalloc.passes import context, execution, read_model
from tests.command import cosmalloc as command

ARTIFACTS = Path(__file__).parent.parent / "examples" / "models" / "artifacts"


@pytest.mark.parametrize("rule", ["resident", "anywhere"])
@pytest.mark.parametrize("name", ["cnn", "mlp", "recurrent"])
def test_a_mapped_model_computes_what_the_original_does(name: str, rule: str) -> None:
    path = ARTIFACTS / f"{name}.mlirbc"
    mapped = map_model(path, operand_rule=rule)  # type: ignore[arg-type]
    found = check(path, mapped)
    assert found.good
    assert found.same_bits
    assert found.finite
    assert found.outputs > 0


def test_another_model_than_the_one_mapped_is_told_apart(tmp_path: Path) -> None:
    def text(word: str) -> str:
        return (
            "func.func @main(%x: tensor<4x4xf32>) -> tensor<4x4xf32> {\n"
            f"  %y = stablehlo.{word} %x : tensor<4x4xf32>\n  return %y : tensor<4x4xf32>\n}}"
        )

    mapped = map_model(text("sine"))
    assert check(text("sine"), mapped).good
    found = check(text("cosine"), mapped)
    assert found.same_bits
    assert found.distance > 0.1
    assert not found.good


def test_bits_that_differ_are_not_good() -> None:
    assert not Checked(False, 0.0, 1, True).good
    assert Checked(True, 1e-6, 1, True).good
    assert not Checked(True, float("inf"), 1, True).good


def test_arguments_are_the_same_for_a_seed_and_of_order_one() -> None:
    module, _ = read_model(ARTIFACTS / "mobilenet_v2.mlirbc")
    first, again, other = (random_arguments(module, seed) for seed in (0, 0, 1))
    assert all(map(np.array_equal, first, again))
    assert not all(map(np.array_equal, first, other))
    assert all(np.isfinite(array).all() for array in first)
    assert max(float(np.abs(array).max()) for array in first) < 20


def test_the_command_says_how_the_runs_compare(tmp_path: Path) -> None:
    done = command("map", ARTIFACTS / "cnn.mlirbc", "--check", "--json")
    assert done.code == 0
    assert done.json["check"]["good"] is True
    assert done.json["check"]["same_bits"] is True


def test_a_wrong_result_ends_in_exit_1_and_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(door, "check", lambda *_words: Checked(False, 0.5, 1, True))
    out = tmp_path / "out.mlir"
    done = command("map", ARTIFACTS / "cnn.mlirbc", "--check", "-o", out)
    assert done.code == 1
    assert "does not compute what" in done.err
    assert "DIFFERENT" in done.err
    assert not out.exists()


def test_a_plan_that_overwrites_what_is_read_later_gives_other_bits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The check looks at the plan's bytes: two tensors at one address are found."""
    path = ARTIFACTS / "recurrent.mlirbc"
    mapped = map_model(path)
    assert mapped.module is not None
    module, _ = read_model(path)
    arguments = random_arguments(module, 0)
    broken = replace(
        mapped.plan, residencies=tuple(replace(r, offset=0) for r in mapped.plan.residencies)
    )
    right = execution.execute(mapped.module, arguments)
    wrong = execution.execute(mapped.module, arguments, broken)
    assert not all(map(np.array_equal, right, wrong))
    real = execution.execute
    monkeypatch.setattr("cosmalloc.passes.execute", lambda m, a: real(m, a, broken), raising=False)
    again = replace(mapped, module=context.clone(mapped.module))
    assert not check(path, again).same_bits
