"""A problem as the arrays that the compiled game wants."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np

from cosmalloc import _native
from cosmalloc.errors import InputError
from cosmalloc.lifetimes import source_order
from cosmalloc.problem import TENSOR_KINDS, Problem
from cosmalloc.seconds import compute_seconds
from cosmalloc.working_set import working_set_bytes

Goal = Literal["latency", "traffic"]
Ordering = Literal["given", "free"]


def program_of(problem: Problem, objective: Goal, order: Ordering) -> _native.GameProgram:
    """The problem, in source order unless `order` is free.

    InputError for an objective or an order that is none, an operator without seconds (objective
    `latency`), or one whose operands and results never fit on chip together (rule `resident`).
    """
    _check(objective, order)
    target = problem.target
    accesses = [
        (tensor, count, is_result)
        for node in problem.operators
        for ends, counts, is_result in (
            (node.inputs, node.input_bytes_accessed, False),
            (node.outputs, node.output_bytes_accessed, True),
        )
        for tensor, count in zip(ends, counts, strict=True)
    ]
    counts = np.array([count for _, count, _ in accesses], np.float64)
    results = np.array([is_result for *_, is_result in accesses], bool)
    sizes = np.array([tensor.bytes for tensor in problem.tensors], np.float64)
    compute = [
        compute_seconds(problem, operator) if objective == "latency" else 0.0
        for operator in range(len(problem.operators))
    ]
    read, written = target.offchip_read_bytes_per_second, target.offchip_write_bytes_per_second
    near_read, near_written = (
        target.onchip_read_bytes_per_second,
        target.onchip_write_bytes_per_second,
    )
    program = _native.GameProgram.of(
        np.array(_tensor_rows(problem), np.int64).reshape(-1, 5),
        sizes / read,
        sizes / written,
        np.array(_operator_rows(problem), np.int64).reshape(-1, 3),
        np.array(compute, np.float64),
        np.array([access[:2] for access in accesses], np.int64).reshape(-1, 2),
        counts / np.where(results, written, read),
        counts / np.where(results, near_written, near_read),
        np.array(source_order(problem), np.int64),
        target.operand_rule == "resident",
        objective == "traffic",
        order == "free",
        target.copy_engines,
        target.scratchpad_bytes,
        target.alignment,
        np.log2([read / written, near_read / read]) / 10,
    )
    stuck = program.misfit()
    if stuck >= 0:
        raise _no_room(problem, stuck, order)
    return program


def _check(objective: str, order: str) -> None:
    if objective not in get_args(Goal):
        raise InputError(f"a game has objective `{objective}`", "use `latency` or `traffic`")
    if order not in get_args(Ordering):
        raise InputError(f"a game has order `{order}`", "use `given` or `free`")


def _tensor_rows(problem: Problem) -> list[tuple[int, int, int, int, int]]:
    """(bytes, kind, tracked, alias group, maker), -1 for none."""
    return [
        (
            tensor.bytes,
            TENSOR_KINDS.index(tensor.kind),
            int(tensor.tracked),
            -1 if group is None else group,
            -1 if maker is None else maker,
        )
        for tensor, maker, group in zip(
            problem.tensors, problem.producer, _groups(problem), strict=True
        )
    ]


def _groups(problem: Problem) -> list[int | None]:
    """Alias groups numbered from 0."""
    number: dict[int, int] = {}
    return [
        None if tensor.alias_group is None else number.setdefault(tensor.alias_group, len(number))
        for tensor in problem.tensors
    ]


def _operator_rows(problem: Problem) -> list[tuple[int, int, int]]:
    """(first access, first result, end)."""
    rows: list[tuple[int, int, int]] = []
    at = 0
    for node in problem.operators:
        results = at + len(node.inputs)
        rows.append((at, results, results + len(node.outputs)))
        at = rows[-1][2]
    return rows


def _no_room(problem: Problem, operator: int, order: Ordering) -> InputError:
    node = problem.operators[operator]
    what = f"operator {operator} (`{node.name}`)"
    needs = working_set_bytes(problem, operator)
    has = problem.target.scratchpad_bytes
    if needs > has:
        return InputError(
            f"{what} needs {needs:,} bytes on chip at once, the scratchpad has {has:,}",
            "use a larger scratchpad, or a target whose operand rule is `anywhere`",
        )
    return InputError(
        f"the game finds no room for {what}, which needs {needs:,} of {has:,} bytes",
        'use order="given", where results may lie upon operands'
        if order == "free"
        else "use a larger scratchpad, or a target whose operand rule is `anywhere`",
    )
