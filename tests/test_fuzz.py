"""Damaged files of every kind: an outcome or an error that says what is wrong, nothing else."""

from __future__ import annotations

import ast
import copy
import json
import select
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from command import cosmalloc
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tiny import TINY

from cosmalloc import simulate, verify
from cosmalloc.errors import InputError
from cosmalloc.interchange import outcome_from_json, problem_from_json
from cosmalloc.json_text import from_text
from cosmalloc.passes import context
from cosmalloc.plan import OBJECTIVES
from cosmalloc.solve import solve

HERE = Path(__file__).parent
MLP = HERE.parent / "examples/models/artifacts/mlp.mlirbc"
MANY = settings(
    max_examples=200, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
PATIENCE = 15  # seconds for an answer that takes 0.01


class Worker:
    """A process that maps models, and a new one whenever it dies: MLIR trusts its input."""

    def __init__(self) -> None:
        self._start()

    def _start(self) -> None:
        command = [sys.executable, str(HERE / "fuzz_worker.py")]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )

    def stop(self) -> None:
        self.process.kill()
        self.process.communicate()

    def ask(self, letter: bytes, data: bytes) -> str:
        """Its answer, or `died`."""
        stdin, stdout = self.process.stdin, self.process.stdout
        assert stdin is not None
        assert stdout is not None
        line = b""
        with suppress(BrokenPipeError):
            stdin.write(letter + len(data).to_bytes(8, "little") + data)
            stdin.flush()
            if select.select([stdout], [], [], PATIENCE)[0]:
                line = stdout.readline()
        if line:
            return str(ast.literal_eval(line.decode()))
        self.process.kill()
        self.process.wait()
        for pipe in (stdin, stdout):
            with suppress(BrokenPipeError):
                pipe.close()
        self._start()
        return "died"

    def fate(self, data: bytes) -> str:
        """What the command line makes of a model: its child dies in the place of the command."""
        found = self.ask(b"m", data)
        if found == "died":  # perhaps of what it read before
            found = self.ask(b"m", data)
        return self.ask(b"r", data) if found == "died" else found


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    found = Worker()
    yield found
    found.stop()


def forms() -> dict[str, bytes]:
    module = context.parse(MLP.read_bytes(), "mlp")
    return {
        "portable": context.to_portable(module),
        "bytecode": context.to_bytecode(module),
        "text": context.to_text(module).encode(),
    }


FORMS = forms()
LETTERS = b'0123456789?<>xif[]{}():,=%" \n-'


@st.composite
def damaged(draw: st.DrawFn, whole: bytes, letters: bytes) -> bytes:
    """A few bytes changed, dropped or doubled; of `letters`, or any."""
    data = bytearray(whole)
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.integers(0, len(data) - 1))
        change = draw(st.sampled_from(["set", "set", "set", "drop", "double"]))
        if change == "set":
            data[place] = draw(st.sampled_from(letters) if letters else st.integers(0, 255))
        elif change == "drop":
            del data[place : place + draw(st.integers(1, 8))]
        else:
            data[place:place] = data[place : place + 8]
        if not data:
            break
    return bytes(data)


@pytest.mark.parametrize("form", FORMS)
def test_a_damaged_model_is_mapped_or_refused(form: str, worker: Worker) -> None:
    @MANY
    @given(damaged(FORMS[form], LETTERS if form == "text" else b""))
    def check(data: bytes) -> None:
        fate = worker.fate(data)
        assert fate.partition(" ")[0] in ("plan", "no", "error"), fate

    check()


PROBLEM = json.dumps(TINY)


def plan_text(folder: Path) -> str:
    problem, plan = folder / "problem.json", folder / "plan.json"
    problem.write_text(PROBLEM)
    assert cosmalloc("solve", problem, "-o", plan, "--solver", "greedy").code == 0
    return plan.read_text()


@MANY
@given(damaged(PROBLEM.encode(), b'0123456789-.,:[]{}"eEntf'))
def test_a_damaged_problem_is_solved_or_refused(data: bytes) -> None:
    with suppress(InputError):
        problem = problem_from_json(from_text(data.decode(), "problem.json"), "problem.json")
        solve(problem, solver="greedy", seconds=0.1)


def test_a_damaged_plan_is_judged_or_refused(tmp_path: Path) -> None:
    problem = problem_from_json(TINY)
    entry = json.loads(plan_text(tmp_path))
    del entry["problem_digest"]

    @MANY
    @given(damaged(json.dumps(entry).encode(), b'0123456789-.,:[]{}"eEntf'))
    def check(data: bytes) -> None:
        with suppress(InputError):
            outcome = outcome_from_json(from_text(data.decode(), "plan"), problem, "plan")
            assert outcome.plan is None or verify(problem, outcome.plan) is not None
            if outcome.plan is not None:
                simulate(problem, outcome.plan)

    check()


VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from([-1, 0, 1, 2, 63, 64, 2**31, 2**40, 2**62, 2**63 - 1, 2**63, 10**30]),
    st.sampled_from([0.0, -0.5, 1e-300, 1e300, 0.5]),
    st.sampled_from(["", "x", "load", "input", "resident"]),
    st.sampled_from([[], [0], [1], [0, 1], [-1], [2**63], {}]),
)


def places(entry: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every value in a JSON object."""
    pairs = entry.items() if isinstance(entry, dict) else enumerate(entry)
    for key, value in pairs:
        yield (*path, key)
        if isinstance(value, dict | list):
            yield from places(value, (*path, key))


@st.composite
def altered(draw: st.DrawFn, text: str) -> dict[str, Any]:
    """One or two values replaced by others of any type."""
    entry: dict[str, Any] = json.loads(text)
    for _ in range(draw(st.integers(1, 2))):
        *path, key = draw(st.sampled_from(sorted(places(entry), key=str)))
        here: Any = entry
        for step in path:
            here = here[step]
        here[key] = copy.deepcopy(draw(VALUES))
    return entry


@MANY
@given(altered(PROBLEM))
def test_a_problem_with_other_values_is_solved_or_refused(entry: dict[str, Any]) -> None:
    with suppress(InputError):
        problem = problem_from_json(entry)
        for objective in OBJECTIVES:
            outcome = solve(problem, objective=objective, solver="greedy", seconds=0.1)
            if outcome.plan is not None:
                simulate(problem, outcome.plan)


def test_a_plan_with_other_values_is_judged_or_refused(tmp_path: Path) -> None:
    problem = problem_from_json(TINY)

    @MANY
    @given(altered(plan_text(tmp_path)))
    def check(entry: dict[str, Any]) -> None:
        with suppress(InputError):
            outcome = outcome_from_json(entry, problem)
            if outcome.plan is not None:
                verify(problem, outcome.plan)
                simulate(problem, outcome.plan)

    check()
