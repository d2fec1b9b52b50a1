"""One model under one operand rule, mapped at several sizes of the scratchpad."""

from __future__ import annotations

import resource
import time
from dataclasses import dataclass, replace
from pathlib import Path

from cosmalloc.map_model import PREPARE, map_model
from cosmalloc.passes import Pipeline, Reading, context, extract, read_model
from cosmalloc.passes.reading import Tracking
from cosmalloc.problem import Problem
from cosmalloc.simulate import simulate
from cosmalloc.solve import solve
from cosmalloc.target import OperandRule
from cosmalloc.target_file import custom, load_target
from cosmalloc.verify import verify

FACTORS = (1.0, 1.25, 1.5, 2.0)
MIB2 = 2 * 2**20


@dataclass(frozen=True)
class Settings:
    """How the models are read and solved; see `cosmalloc.map_model`."""

    target: str = "npu-2mib"
    track: Tracking | None = None
    bytes_per_element: int | None = None
    solver: str = "auto"
    seconds: float = 10.0


@dataclass(frozen=True)
class Point:
    """One solve. factor: scratchpad / smallest, None for the 2 MiB of the target.

    traffic, bound: non-compulsory bytes, and what is proven of them; latency in seconds; faults:
    what `verify` finds. All but `status` are None where there is no plan.
    """

    factor: float | None
    scratchpad: int
    status: str
    seconds: float
    traffic: int | None = None
    bound: int | None = None
    latency: float | None = None
    faults: int | None = None


@dataclass(frozen=True)
class Sweep:
    """What one model needs under one rule.

    operations: of `main`, calls inlined, the return counted. operators, tensors: of the problem.
    smallest: bytes of the smallest scratchpad under the rule `resident` in program order.
    map_seconds: one `map_model` from file to mapped module at `smallest`, imports not counted.
    peak_bytes: resident memory of the process at its height.
    """

    model: str
    rule: OperandRule
    operations: int
    operators: int
    tensors: int
    smallest: int
    map_seconds: float
    peak_bytes: int
    points: tuple[Point, ...]


def sweep(path: Path, rule: OperandRule, settings: Settings) -> Sweep:
    """Everything about one model under one rule. Run it in a process of its own."""
    resident, _ = read(path, "resident", settings)
    problem, operations = read(path, rule, settings)
    least = smallest(resident, settings)
    step = problem.target.alignment
    sizes: list[tuple[float | None, int]] = [
        (f, -(-int(least * f) // step) * step) for f in FACTORS
    ]
    sizes[0] = (1.0, least)
    points = tuple(
        point(problem, size, factor, settings) for factor, size in [*sizes, (None, MIB2)]
    )
    began = time.perf_counter()
    map_model(
        path,
        target=problem.target,
        scratchpad=least,
        track=settings.track,
        bytes_per_element=settings.bytes_per_element,
        solver=settings.solver,
        seconds=settings.seconds,
    )
    took = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    counts = operations, len(problem.operators), len(problem.tensors)
    return Sweep(path.name.split("-")[0].split(".")[0], rule, *counts, least, took, peak, points)


def read(path: Path, rule: OperandRule, settings: Settings) -> tuple[Problem, int]:
    """The problem in a file, and the operations it was made of."""
    target = custom(load_target(settings.target), operand_rule=rule)
    module, name = read_model(path)
    Pipeline.parse(PREPARE).run(module)
    operations = len(context.entry(module.operation).regions[0].blocks[0].operations)
    Pipeline.parse("group-operators").run(module)
    reading = Reading(settings.track, settings.bytes_per_element)
    with module.context, module.operation.location:
        return extract(module.operation, target, reading, name).problem, operations


def smallest(problem: Problem, settings: Settings) -> int:
    """The first size that has a plan, going up by what the solver says would do."""
    size = 0
    while True:
        outcome = solve(sized(problem, size), solver=settings.solver, seconds=settings.seconds)
        if outcome.plan is not None:
            return size
        if outcome.smallest_scratchpad is None or outcome.smallest_scratchpad <= size:
            raise RuntimeError(f"no plan for {problem.name} at {size} bytes: {outcome.reason}")
        size = outcome.smallest_scratchpad


def point(problem: Problem, size: int, factor: float | None, settings: Settings) -> Point:
    problem = sized(problem, size)
    outcome = solve(problem, solver=settings.solver, seconds=settings.seconds)
    if outcome.plan is None:
        return Point(factor, size, outcome.status, outcome.seconds)
    return Point(
        factor,
        size,
        outcome.status,
        outcome.seconds,
        traffic=int(outcome.value or 0),
        bound=None if outcome.bound is None else int(outcome.bound),
        latency=simulate(problem, outcome.plan).latency,
        faults=len(verify(problem, outcome.plan)),
    )


def sized(problem: Problem, scratchpad: int) -> Problem:
    return replace(problem, target=replace(problem.target, scratchpad_bytes=scratchpad))
