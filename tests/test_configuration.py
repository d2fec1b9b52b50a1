"""Every plan says what was asked for when it was made."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cosmalloc.errors import InputError
from cosmalloc.interchange import (
    outcome_from_json,
    outcome_to_json,
    read_outcome,
    write_outcome,
)
from cosmalloc.map_model import map_model
from cosmalloc.passes import read_model, read_plan
from cosmalloc.plan import Configuration
from cosmalloc.plan_json import outcome_text
from cosmalloc.solve import solve
from cosmalloc.version import version
from tests.nets import chain, with_scratchpad

PROBLEM = with_scratchpad(chain(12), 20_000)


def test_an_outcome_says_how_to_get_it_again(tmp_path: Path) -> None:
    outcome = solve(PROBLEM, solver="greedy", objective="latency", seconds=3, seed=7)
    asked = Configuration(version(), "greedy", "latency", 3, 7, "npu")
    assert outcome.configuration == asked
    write_outcome(tmp_path / "plan.json", outcome, PROBLEM)
    again = read_outcome(tmp_path / "plan.json", PROBLEM)
    assert again.configuration == asked
    assert again == outcome


def test_the_file_holds_no_time_of_day() -> None:
    first, second = (
        replace(solve(PROBLEM, solver="greedy", seed=1), seconds=0.0, history=()) for _ in range(2)
    )
    assert outcome_text(first, PROBLEM) == outcome_text(second, PROBLEM)


def test_no_time_limit_is_null_in_the_file() -> None:
    entry = outcome_to_json(solve(PROBLEM, solver="greedy", seconds=math.inf), PROBLEM)
    assert entry["configuration"]["seconds"] is None
    again = outcome_from_json(entry, PROBLEM).configuration
    assert again is not None
    assert again.seconds == math.inf


def test_a_plan_without_a_configuration_is_read() -> None:
    entry = outcome_to_json(solve(PROBLEM, solver="greedy"), PROBLEM)
    for value in (None, ...):
        entry.pop("configuration", None)
        if value is None:
            entry["configuration"] = None
        assert outcome_from_json(entry, PROBLEM).configuration is None


@pytest.mark.parametrize(
    ("key", "value", "fact"),
    [
        ("seed", "x", "plan: configuration.seed is `x`, not an integer"),
        ("objective", "speed", "plan: configuration.objective is `speed`"),
        ("seconds", True, "plan: configuration.seconds is true, not a number"),
        ("version", 1, "plan: configuration.version is 1, not a string"),
    ],
)
def test_a_damaged_configuration_is_named(key: str, value: Any, fact: str) -> None:
    entry = outcome_to_json(solve(PROBLEM, solver="greedy"), PROBLEM)
    entry["configuration"][key] = value
    with pytest.raises(InputError) as caught:
        outcome_from_json(entry, PROBLEM)
    assert caught.value.fact == fact


def test_a_mapped_module_carries_it_too() -> None:
    text = "func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {\n  return %x : tensor<4xf32>\n}"
    for seconds in (2.5, math.inf):
        mapped = map_model(text, solver="greedy", seconds=seconds, seed=3)
        _, outcome = read_plan(read_model(mapped.text())[0])
        assert outcome.configuration == mapped.outcome.configuration
        assert outcome.configuration == Configuration(
            version(), "greedy", "traffic", seconds, 3, "npu-2mib"
        )
