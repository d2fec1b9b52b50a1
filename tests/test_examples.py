"""The Python examples run, and say what they promise."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parent.parent / "examples"


def run(name: str, capsys: pytest.CaptureFixture[str]) -> str:
    runpy.run_path(str(EXAMPLES / name), run_name="__main__")
    return capsys.readouterr().out


def test_passes_join_a_foreign_pass_manager(capsys: pytest.CaptureFixture[str]) -> None:
    out = run("own_pipeline.py", capsys)
    assert "convolution.0 of 10 operations\n" in out
    assert "mem.operator = 0 : i64" in out
    assert "stablehlo.custom_call @mem.load(%arg11)" in out


def test_a_jax_function_is_mapped_and_runs_through_its_plan(
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = run("map_a_jax_function.py", capsys)
    assert "optimal 32768 bytes beyond the compulsory ones\n" in out
    assert "stablehlo.custom_call @mem.store(" in out  # `value` leaves the chip for a while
