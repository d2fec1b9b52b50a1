"""`examples/read_plan.c` reads plans without cosmalloc and finds what is wrong with them."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from cosmalloc.problem import Operator, Problem, Tensor
from cosmalloc.problem_json import problem_to_json
from cosmalloc.target import Target

SOURCE = Path(__file__).parent.parent / "examples" / "read_plan.c"
COMPILER = shutil.which("gcc") or shutil.which("cc")
pytestmark = pytest.mark.skipif(COMPILER is None, reason="no C compiler")


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    built = tmp_path_factory.mktemp("read_plan") / "read_plan"
    flags = ("-std=c11", "-Wall", "-Wextra", "-Werror", "-Wconversion", "-o", str(built))
    subprocess.run([str(COMPILER), *flags, str(SOURCE)], check=True)
    return built


TARGET = Target("tiny", 256, 64, "resident", 1.0, 1.0, 1.0, 1.0)
PROBLEM = problem_to_json(
    Problem(
        'two "operators" [in {braces\\',
        TARGET,
        (
            Tensor('x"]}\\', 128, "input"),
            Tensor("cache", 64, "input", alias_group=3),
            Tensor("updated", 64, "output", alias_group=3),
        ),
        (Operator("update", "dynamic_update_slice", (0, 1), (2,), (128, 4), (4,)),),
    )
)


def plan(*residencies: tuple[int, int, int, int]) -> dict[str, Any]:
    keys = ("tensor", "offset", "start", "stop")
    return {
        "format": "cosmalloc.plan/1",
        "problem": PROBLEM["name"],
        "solver": "by hand",
        "status": "feasible",
        "objective": {"kind": "traffic", "value": 0, "bound": None},
        "order": [0],
        "residencies": [dict(zip(keys, residency, strict=True)) for residency in residencies],
        "transfers": [],
    }


LEGAL = plan((0, 0, 0, 1), (1, 128, 0, 1), (2, 128, 0, 1))


def read(program: Path, folder: Path, problem: str, plan: str) -> subprocess.CompletedProcess[str]:
    paths = folder / "problem.json", folder / "plan.json"
    for path, text in zip(paths, (problem, plan), strict=True):
        path.write_text(text)
    return subprocess.run([program, *paths], capture_output=True, text=True, timeout=20)


@pytest.mark.parametrize("indent", [None, 1, "\t"])
def test_a_legal_plan_with_an_update_in_place_has_no_fault(
    program: Path, tmp_path: Path, indent: str | int | None
) -> None:
    result = read(
        program, tmp_path, json.dumps(PROBLEM, indent=indent), json.dumps(LEGAL, indent=indent)
    )
    assert result.returncode == 0
    assert result.stdout.splitlines() == [
        "steps [0, 1) bytes [0, 128) tensor 0",
        "steps [0, 1) bytes [128, 192) tensor 1",
        "steps [0, 1) bytes [128, 192) tensor 2",
        "3 residencies, 0 faults, peak 192 of 256 bytes",
    ]


@pytest.mark.parametrize(
    ("residencies", "faults"),
    [
        (((0, 128, 0, 1),), 0),  # touches the end
        (((0, 129, 0, 1),), 1),
        (((0, 0, 0, 1), (1, 127, 0, 1)), 1),  # one byte shared
        (((0, 0, 0, 1), (1, 128, 0, 1)), 0),  # touching bytes
        (((0, 0, 0, 1), (1, 0, 1, 2)), 0),  # touching steps
        (((1, 0, 0, 2), (2, 0, 0, 2)), 1),  # the operand stays too long to be updated in place
        (((1, 0, 0, 1), (2, 32, 0, 1)), 1),  # in place, but at another offset
        (((0, 0, 0, 1), (2, 0, 0, 1)), 1),  # another alias group
    ],
)
def test_a_fault_is_found_at_its_boundary(
    program: Path, tmp_path: Path, residencies: tuple[tuple[int, int, int, int], ...], faults: int
) -> None:
    result = read(program, tmp_path, json.dumps(PROBLEM), json.dumps(plan(*residencies)))
    assert result.returncode == (faults > 0)
    assert f", {faults} faults," in result.stdout
    assert result.stdout.count("fault:") == faults


def test_a_plan_cut_short_anywhere_is_refused(program: Path, tmp_path: Path) -> None:
    text = json.dumps(LEGAL)
    end = text.index("]", text.index('"residencies"'))
    for stop in range(0, end, 7):
        result = read(program, tmp_path, json.dumps(PROBLEM), text[:stop])
        assert (result.returncode, result.stdout) == (2, ""), text[:stop]
        assert result.stderr.startswith("error: ")


@pytest.mark.parametrize(
    ("problem", "plan", "fact"),
    [
        (LEGAL, LEGAL, 'another format: `"cosmalloc.plan/1"'),
        (PROBLEM, plan((3, 0, 0, 1)), "no such tensor:"),
        (PROBLEM, plan((0, -1, 0, 1)), "no whole number at `-1"),
        (PROBLEM, {"format": "cosmalloc.plan/1"}, "a member is missing: `residencies`"),
        (PROBLEM, [], "no object at `[]`"),
    ],
)
def test_a_wrong_file_is_answered_with_the_place(
    program: Path, tmp_path: Path, problem: object, plan: object, fact: str
) -> None:
    result = read(program, tmp_path, json.dumps(problem), json.dumps(plan))
    assert result.returncode == 2
    assert fact in result.stderr
