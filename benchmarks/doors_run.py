"""One model of `benchmarks.doors`: imported, mapped at three budgets, run beside its runtime."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import doors_peers
from benchmarks.doors import Row
from benchmarks.doors_models import Model
from cosmalloc.errors import InputError
from cosmalloc.files import read_bytes
from cosmalloc.map_model import PREPARE, map_model
from cosmalloc.objective import bound
from cosmalloc.passes import Opening, Pipeline, Reading, context, extract, read_model
from cosmalloc.passes.doors import Imported, door_of, through
from cosmalloc.problem import Problem
from cosmalloc.sizes import format_bytes
from cosmalloc.solve import solve
from cosmalloc.target_file import load_target
from cosmalloc.verify import verify
from cosmalloc.working_set import working_set_bytes


def measured(model: Model, seconds: float) -> Row:
    """Everything about one file; what it does not let through is the row's fault."""
    path = model.path
    if not path.exists():
        return Row(path.name, path.suffix[1:], "there is no such file: torch did not write it")
    door = door_of(read_bytes(path), path.suffix) or "stablehlo"
    opaque, fault = False, ""
    try:
        row, found = _imported(path, door, Opening(model.shapes))
    except InputError as error:
        fault = error.fact.replace(f"{path.parent}/", "")
        if "allow-opaque" not in error.hint:
            return Row(path.name, door, fault)
        opaque = True
        try:
            row, found = _imported(path, door, Opening(model.shapes, allow_opaque=True))
        except InputError as again:
            return Row(path.name, door, again.fact.replace(f"{path.parent}/", ""))
    module = (
        context.parse(found, "the module") if isinstance(found, bytes) else context.clone(found)
    )
    problem, operations = _problem(module, path)
    row = replace(row, operations=operations, opaque=opaque, fault=fault)
    row = _mapped(row, problem, seconds)
    if opaque:
        return replace(row, why="black boxes")
    if door == "stablehlo":
        return replace(row, why="is StableHLO")
    return _compared(row, model, found)


_WEIGHTS: dict[str, Any] = {}  # of the one model that this process measures


def _imported(path: Path, door: str, opening: Opening) -> tuple[Row, Any]:
    if door == "stablehlo":
        began = time.perf_counter()
        module, _ = read_model(path)
        return Row(path.name, door, seconds=time.perf_counter() - began), module
    found: Imported = through(door, read_bytes(path), path, opening)
    _WEIGHTS.update(found.weights)
    spent = found.seconds - found.converter
    return Row(path.name, door, converter=found.converter, seconds=spent), found.module


def _problem(module: Any, path: Path) -> tuple[Problem, int]:
    """The problem, and the operations of the module before they were grouped."""
    from cosmalloc.passes.opaque import mark_opaque

    mark_opaque(module.operation)
    Pipeline.parse(PREPARE).run(module)
    operations = _count(context.entry(module.operation))
    Pipeline.parse("group-operators").run(module)
    with module.context, module.operation.location:
        target = load_target("npu-2mib")
        return extract(module.operation, target, Reading(), path.stem).problem, operations


def _count(operation: Any) -> int:
    """Operations within, those of branches and loops too."""
    inside = [op.operation for r in operation.regions for b in r.blocks for op in b]
    return len(inside) + sum(map(_count, inside))


def _mapped(row: Row, problem: Problem, seconds: float) -> Row:
    step = problem.target.alignment
    m_r = max(working_set_bytes(problem, i) for i in range(len(problem.operators)))
    roomy = _sized(problem, sum(-(-t.bytes // step) * step for t in problem.tensors))
    m_p = int(solve(roomy, objective="peak", solver="greedy", seconds=2).value or 0)
    words, plans, legal = [], 0, 0
    for size in (m_r, (m_r + m_p) // 2 // step * step, m_p):
        sized = _sized(problem, max(size, m_r))
        both = []
        for solver, limit in (("greedy", 2.0), ("ilp", seconds)):
            outcome = solve(sized, solver=solver, seconds=limit)
            if outcome.plan is None:
                both.append("-")
                continue
            plans += 1
            legal += not verify(sized, outcome.plan)
            least = max(outcome.bound or 0, bound(sized, "traffic") or 0)
            both.append(format_bytes(int(outcome.value or 0)) + "*" * (outcome.value <= least))
        words.append(" / ".join(both))
    return replace(
        row,
        operators=len(problem.operators),
        tensors=len(problem.tensors),
        m_r=m_r,
        m_p=m_p,
        traffic=tuple(words),
        plans=plans,
        legal=legal,
    )


def _sized(problem: Problem, scratchpad: int) -> Problem:
    return replace(problem, target=replace(problem.target, scratchpad_bytes=scratchpad))


def _compared(row: Row, model: Model, found: bytes) -> Row:
    """The mapped program, through the plan at M_H, against the file's own runtime."""
    from cosmalloc.passes.numpy_types import numpy_type, shape_of

    module = context.parse(found, "the module")
    arguments = context.entry(module.operation).regions[0].blocks[0].arguments
    kinds = [(shape_of(a.type), numpy_type(a.type)) for a in arguments]
    given = doors_peers.inputs(kinds[: len(kinds) - len(_WEIGHTS)], 0)
    try:
        fixed = {k: v for k, v in model.shapes.items() if isinstance(v, (int, float))}
        theirs = [np.asarray(each) for each in doors_peers.run(model.path, given, fixed)]
    except ImportError as error:
        return replace(row, why=f"no {error.name}")
    except Exception as error:  # noqa: BLE001  a runtime that can't run the file either
        first = " ".join(str(error).split())[:80]
        return replace(row, why=f"its runtime: {first}")
    size = max(row.m_r, (row.m_r + row.m_p) // 2)
    mapped = map_model(module, scratchpad=size, solver="greedy", seconds=2.0)
    mine = mapped.execute(*given, *_WEIGHTS.values())
    return replace(row, difference=doors_peers.distance(mine, theirs))
