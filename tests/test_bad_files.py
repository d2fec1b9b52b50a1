"""Bad problem, plan and machine files at the commands: the place, exit 2, nothing written."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from command import cosmalloc
from tiny import TINY

Change = Callable[[dict[str, Any]], object]
ANOTHER = "verify it against the problem it was made for"
NOT_LEGAL = "verify the plan: only a legal one has a timeline"


def put(*path: str | int, to: object) -> Change:
    """A change of the value at `path`."""

    def change(entry: Any) -> None:
        for key in path[:-1]:
            entry = entry[key]
        entry[path[-1]] = to

    return change


def without(*path: str | int) -> Change:
    """A change that drops the value at `path`."""

    def change(entry: Any) -> None:
        for key in path[:-1]:
            entry = entry[key]
        del entry[path[-1]]

    return change


def cycle(entry: dict[str, Any]) -> None:
    """Two operators that wait for each other."""
    entry["tensors"] += [{"name": n, "bytes": 4, "kind": "intermediate"} for n in "ab"]
    node = {"kind": "toy", "input_bytes_accessed": [4], "output_bytes_accessed": [4]}
    entry["operators"] += [
        node | {"name": "p", "inputs": [2], "outputs": [3]},
        node | {"name": "q", "inputs": [3], "outputs": [2]},
    ]


def refused(folder: Path, *words: object) -> str:
    before = {path: path.read_bytes() for path in folder.iterdir()}
    done = cosmalloc(*words)
    assert (done.code, done.out) == (2, "")
    assert {path: path.read_bytes() for path in folder.iterdir()} == before
    return done.err


PROBLEMS: dict[str, tuple[Change, str]] = {
    "negative bytes": (
        put("tensors", 0, "bytes", to=-1),
        "FILE: tensors[0].bytes is -1, not 1 to 1099511627776",
    ),
    "bytes as text": (
        put("tensors", 0, "bytes", to="16"),
        "FILE: tensors[0].bytes is `16`, not an integer",
    ),
    "no bytes": (without("tensors", 0, "bytes"), "FILE: tensors[0].bytes is missing"),
    "NaN": (
        put("target", "flops_per_second", to=float("nan")),
        "FILE is no JSON: NaN is no number of JSON",
    ),
    "no bandwidth": (
        without("target", "offchip_read_bytes_per_second"),
        "FILE: target.offchip_read_bytes_per_second is missing",
    ),
    "bandwidth 0": (
        put("target", "offchip_read_bytes_per_second", to=0),
        "FILE: target: target `toy` has offchip_read_bytes_per_second 0, not 1e-09 to 1e+30",
    ),
    "a cycle": (cycle, "FILE: operator 1 (`p`) is part of or behind a cycle of operators"),
    "a tensor beyond the last": (
        put("operators", 0, "inputs", to=[7]),
        "FILE: operator 0 (`double`) names tensor 7, the problem has 2",
    ),
    "more accessed than can be": (
        put("operators", 0, "input_bytes_accessed", to=[2**60]),
        "FILE: operators[0]: operator `double` has more than 9007199254740992 input bytes accessed",
    ),
    "endless seconds": (
        put("operators", 0, "compute_seconds", to=1e300),
        "FILE: operators[0]: operator `double` has compute_seconds 1e+300",
    ),
    "half a surrogate pair": (
        put("name", to="\ud800"),
        "FILE: name is '\\ud800', which is no Unicode text",
    ),
    "another format": (
        put("format", to="cosmalloc.problem/9"),
        "FILE has format `cosmalloc.problem/9`\nhint: this version reads `cosmalloc.problem/1`",
    ),
}


@pytest.mark.parametrize("what", PROBLEMS)
def test_a_bad_problem_is_not_solved(what: str, tmp_path: Path) -> None:
    change, fact = PROBLEMS[what]
    entry = copy.deepcopy(TINY)
    change(entry)
    path = tmp_path / "problem.json"
    path.write_text(json.dumps(entry))
    err = refused(tmp_path, "solve", path, "-o", tmp_path / "plan.json")
    assert err == f"error: {fact.replace('FILE', str(path))}\n"


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """A problem and its plan, blocking copies of x in and y out."""
    problem, plan = tmp_path / "problem.json", tmp_path / "plan.json"
    problem.write_text(json.dumps(TINY))
    entry = {
        "format": "cosmalloc.plan/1",
        "problem": "tiny",
        "solver": "hand",
        "status": "optimal",
        "objective": {"kind": "traffic", "value": 0},
        "order": [0],
        "residencies": [
            {"tensor": 0, "offset": 0, "start": 0, "stop": 1},
            {"tensor": 1, "offset": 16, "start": 0, "stop": 1},
        ],
        "transfers": [
            {"tensor": 0, "kind": "load", "start": 0, "stop": 0},
            {"tensor": 1, "kind": "store", "start": 1, "stop": 1},
        ],
    }
    plan.write_text(json.dumps(entry))
    assert cosmalloc("verify", problem, plan).code == 0
    return problem, plan


PLANS: dict[str, tuple[Change, str]] = {
    "another problem": (
        put("problem", to="other"),
        f"FILE is a plan for `other`, the problem is `tiny`\nhint: {ANOTHER}",
    ),
    "a namesake": (
        put("problem_digest", to="0" * 64),
        f"FILE is a plan for another `tiny`: its problem has digest 000000000000…, this one"
        f" DIGEST…\nhint: {ANOTHER}",
    ),
    "a negative offset": (
        put("residencies", 0, "offset", to=-1),
        "FILE: residencies[0].offset is -1, not 0 to 9223372036854775807",
    ),
    "an empty stay": (
        put("residencies", 0, "stop", to=0),
        "FILE: residencies[0]: Residency(tensor=0, offset=0, start=0, stop=0) is no stay:"
        " indices count from 0 and stop lies after start",
    ),
    "no residencies": (without("residencies"), "FILE: residencies is missing"),
    "a status nobody knows": (
        put("status", to="good"),
        "FILE: status is `good`\nhint: use one of optimal, feasible, infeasible, unknown",
    ),
    "a plan that was not promised": (
        put("status", to="infeasible"),
        "FILE: order is not empty, but the status promises no plan",
    ),
}


@pytest.mark.parametrize("command", ["verify", "simulate"])
@pytest.mark.parametrize("what", PLANS)
def test_a_bad_plan_is_not_read(
    what: str, command: str, files: tuple[Path, Path], tmp_path: Path
) -> None:
    from cosmalloc.interchange import problem_digest, read_problem

    problem, plan = files
    change, fact = PLANS[what]
    entry = json.loads(plan.read_text())
    change(entry)
    plan.write_text(json.dumps(entry))
    fact = fact.replace("FILE", str(plan))
    fact = fact.replace("DIGEST", problem_digest(read_problem(problem))[:12])
    assert refused(tmp_path, command, problem, plan) == f"error: {fact}\n"


def test_an_outcome_without_a_plan_is_neither_judged_nor_simulated(
    files: tuple[Path, Path], tmp_path: Path
) -> None:
    problem, plan = files
    empty: dict[str, Any] = {"order": [], "residencies": [], "transfers": []}
    none = {"status": "infeasible", "objective": {"kind": "traffic", "value": None}}
    plan.write_text(json.dumps(json.loads(plan.read_text()) | empty | none))
    for command in ("verify", "simulate"):
        err = refused(tmp_path, command, problem, plan)
        assert err == f"error: {plan} holds no plan: its status is `infeasible`\n"


@pytest.mark.parametrize("change", [put("order", to=[]), put("order", to=[0, 0])])
def test_a_plan_that_does_not_run_everything_has_faults_and_no_timeline(
    change: Change, files: tuple[Path, Path], tmp_path: Path
) -> None:
    problem, plan = files
    entry = json.loads(plan.read_text())
    change(entry)
    plan.write_text(json.dumps(entry))
    assert cosmalloc("verify", problem, plan).code == 1
    err = refused(tmp_path, "simulate", problem, plan)
    assert err == f"error: the plan's order does not run every operator once\nhint: {NOT_LEGAL}\n"


@pytest.mark.parametrize(
    ("residency", "key", "value"),
    [(0, "tensor", 2**63 - 1), (1, "offset", 2**63 - 1), (1, "stop", 2**62), (0, "start", 0)],
)
def test_figures_beyond_all_bounds_are_faults_and_no_crash(
    residency: int, key: str, value: int, files: tuple[Path, Path]
) -> None:
    problem, plan = files
    entry = json.loads(plan.read_text())
    entry["residencies"][residency][key] = value
    plan.write_text(json.dumps(entry))
    assert cosmalloc("verify", problem, plan).code == (0 if value == 0 else 1)


TOML = """name = "mine"
scratchpad_bytes = 65536
alignment = 64
operand_rule = "resident"
offchip_read_bytes_per_second = 1e9
offchip_write_bytes_per_second = 1e9
onchip_read_bytes_per_second = 1e9
onchip_write_bytes_per_second = 1e9
"""


@pytest.mark.parametrize(
    ("old", "new", "fact"),
    [
        (
            "offchip_write_bytes_per_second = 1e9\n",
            "",
            "FILE: offchip_write_bytes_per_second is missing",
        ),
        ("1e9", "0.0", "FILE: target `mine` has offchip_read_bytes_per_second 0.0,"),
        ("alignment", "alinement", "FILE has the unknown key `alinement`\nhint: a target has name"),
        ("name =", "name", "FILE is no TOML: "),
        ('"resident"', '"here"', "FILE: operand_rule is `here`\nhint: use one of resident, any"),
    ],
)
def test_a_bad_machine_file_is_refused(old: str, new: str, fact: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(TOML.replace(old, new))
    for words in (("targets", path), ("solve", tmp_path / "no.json", "--target", path)):
        if words[0] == "solve":
            (tmp_path / "no.json").write_text(json.dumps(TINY))
        err = refused(tmp_path, *words)
        assert err.startswith(f"error: {fact.replace('FILE', str(path))}")
