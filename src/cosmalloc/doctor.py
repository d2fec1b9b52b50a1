"""What is installed, which extras work, and whether the whole of it does its job.

The self-test runs the native allocator, the solvers, the judge, the clock, the files and the passes
on a small program; it takes some seconds and touches no file of the user's.
"""

from __future__ import annotations

import platform
import re
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import metadata
from typing import TYPE_CHECKING

from cosmalloc.version import version

if TYPE_CHECKING:
    from cosmalloc.problem import Problem

WORD = re.compile(r"([A-Za-z0-9._-]+)")  # of a requirement: the distribution's name
EXTRA = re.compile(r"""extra\s*==\s*['"]([^'"]+)['"]""")
MODEL = """
func.func @main(%params: tensor<8x8xf32>, %x: tensor<8x8xf32>) -> tensor<8x8xf32> {
  %0 = stablehlo.dot_general %x, %params, contracting_dims = [1] x [0] :
      (tensor<8x8xf32>, tensor<8x8xf32>) -> tensor<8x8xf32>
  %1 = stablehlo.tanh %0 : tensor<8x8xf32>
  %2 = stablehlo.dot_general %1, %0, contracting_dims = [1] x [0] :
      (tensor<8x8xf32>, tensor<8x8xf32>) -> tensor<8x8xf32>
  return %2 : tensor<8x8xf32>
}
"""


@dataclass(frozen=True, slots=True)
class Package:
    """version: None where it is not installed."""

    name: str
    version: str | None


@dataclass(frozen=True, slots=True)
class Extra:
    """works: every package of it is there. trouble: why not."""

    name: str
    packages: tuple[Package, ...]
    works: bool
    trouble: str


@dataclass(frozen=True, slots=True)
class Trial:
    """One part of the self-test. trouble: empty where it passed."""

    name: str
    passed: bool
    seconds: float
    trouble: str


@dataclass(frozen=True, slots=True)
class Report:
    """What `examine` found."""

    version: str
    python: str
    system: str
    packages: tuple[Package, ...]
    extras: tuple[Extra, ...]
    trials: tuple[Trial, ...]

    @property
    def healthy(self) -> bool:
        """Whether the self-test passed."""
        return all(trial.passed for trial in self.trials)


def examine(trials: dict[str, Callable[[], None]] | None = None) -> Report:
    """Looks at everything. trials: other parts for the self-test, for tests of it."""
    needs = requirements(metadata.requires("cosmalloc") or [])
    return Report(
        version(),
        sys.version.split()[0],
        f"{platform.system()} {platform.machine()}",
        tuple(Package(name, installed(name)) for name in needs.pop("", ())),
        tuple(_extra(name, packages) for name, packages in needs.items()),
        tuple(_trial(name, run) for name, run in (TRIALS if trials is None else trials).items()),
    )


def installed(name: str) -> str | None:
    """The version of a distribution, None if it is not there."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def requirements(lines: Sequence[str]) -> dict[str, list[str]]:
    """Distributions by extra, those that are always needed under ""; `dev` is left out.

    lines: as the package's metadata has them: `ray>=2.40; extra == "ray"`.
    """
    found: dict[str, list[str]] = {"": []}
    for line in lines:
        name, marked = WORD.match(line), EXTRA.search(line)
        extra = marked[1] if marked is not None else ""
        if name is not None and extra != "dev":
            found.setdefault(extra, []).append(name[1])
    return found


def _extra(name: str, needed: Sequence[str]) -> Extra:
    packages = tuple(Package(each, installed(each)) for each in needed)
    missing = [package.name for package in packages if package.version is None]
    trouble = f"not installed: {', '.join(missing)}" if missing else ""
    return Extra(name, packages, not missing, trouble)


def _trial(name: str, run: Callable[[], None]) -> Trial:
    began = time.perf_counter()
    trouble = ""
    try:
        run()
    except Exception as error:  # noqa: BLE001  (whatever is wrong is to be told)
        trouble = f"{type(error).__name__}: {error}".splitlines()[0]
    return Trial(name, not trouble, time.perf_counter() - began, trouble)


def _native() -> None:
    import numpy as np

    from cosmalloc import native

    lower, upper, size = (np.array(v, np.int64) for v in ([0, 0, 1], [1, 2, 2], [4, 2, 4]))
    found = native.minimize(lower, upper, size, seconds=2.0)
    _expect((found.status, found.peak), ("optimal", 6))


def _solvers() -> None:
    from cosmalloc.objective import objective_value
    from cosmalloc.solve import SOLVERS, solve
    from cosmalloc.verify import verify

    problem = _problem()
    values = {}
    for name in SOLVERS:
        outcome = solve(problem, solver=name, seconds=1.0)
        if outcome.plan is None:
            if name in ("auto", "greedy", "ilp"):  # the others may not be made for this problem
                raise AssertionError(f"solver `{name}` found no plan: {outcome.reason}")
            continue
        _expect(verify(problem, outcome.plan), [])
        values[name] = objective_value(problem, outcome.plan, "traffic")
    _expect(values["ilp"] <= values["greedy"], True)


def _files() -> None:
    from cosmalloc.json_text import from_text
    from cosmalloc.plan_json import outcome_from_json, outcome_text
    from cosmalloc.problem_json import problem_from_json, problem_text
    from cosmalloc.solve import solve

    problem = _problem()
    outcome = solve(problem, solver="greedy")
    _expect(problem_from_json(from_text(problem_text(problem), "p")), problem)
    again = outcome_from_json(from_text(outcome_text(outcome, problem), "plan"), problem)
    _expect(again, outcome)


def _passes() -> None:
    from cosmalloc.check import check
    from cosmalloc.map_model import map_model

    mapped = map_model(MODEL, scratchpad="1KiB", solver="greedy")
    _expect(mapped.timeline.latency > 0, True)
    found = check(MODEL, mapped)
    if not found.good:
        raise AssertionError(f"a mapped module computes something else: {found}")


def _problem() -> Problem:
    """A diamond that needs a spill in 40 bytes."""
    from cosmalloc.problem import Operator, Problem, Tensor
    from cosmalloc.target import Target

    sizes = (("x", 8, "input"), ("a", 16, "intermediate"), ("b", 32, "intermediate"))
    tensors = [Tensor(name, size, kind) for name, size, kind in sizes]  # type: ignore[arg-type]
    tensors += [Tensor("c", 8), Tensor("y", 8, "output")]
    ends = (((0,), (1,)), ((0,), (2,)), ((2,), (3,)), ((1, 3), (4,)))
    operators = tuple(
        Operator(
            f"o{index}",
            "toy",
            reads,
            makes,
            tuple(tensors[t].bytes for t in reads),
            tuple(tensors[t].bytes for t in makes),
            1e-6,
        )
        for index, (reads, makes) in enumerate(ends)
    )
    target = Target("toy", 40, 8, "resident", 1e9, 1e9, 1e10, 1e10)
    return Problem("diamond", target, tuple(tensors), operators)


def _expect(found: object, wanted: object) -> None:
    if found != wanted:
        raise AssertionError(f"{found} where {wanted} was expected")


TRIALS: dict[str, Callable[[], None]] = {
    "native allocator": _native,
    "solvers and judge": _solvers,
    "files": _files,
    "map, run, compare": _passes,
}
