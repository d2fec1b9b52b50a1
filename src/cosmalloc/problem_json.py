"""problem.json: a problem as a file that outside tools read and write. See docs/format.md."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from cosmalloc.fields import (
    boolean,
    built,
    choice,
    integer,
    integers,
    mapping,
    member,
    number,
    objects,
    text,
)
from cosmalloc.files import read_text, write_whole
from cosmalloc.json_text import canonical, check_format, from_text, to_text
from cosmalloc.problem import MAX_BYTES, TENSOR_KINDS, Operator, Problem, Tensor, TensorKind
from cosmalloc.target_json import target_from_json, target_to_json

FORMAT = "cosmalloc.problem/1"


def problem_to_json(problem: Problem) -> dict[str, Any]:
    """Plain values, keys in the order of docs/format.md."""
    return {
        "format": FORMAT,
        "name": problem.name,
        "target": target_to_json(problem.target),
        "tensors": [_tensor_to_json(tensor) for tensor in problem.tensors],
        "operators": [_operator_to_json(operator) for operator in problem.operators],
    }


def problem_from_json(entry: Mapping[str, Any], place: str = "problem") -> Problem:
    """The problem in `entry`; keys it does not know are ignored. InputError names `place`."""
    check_format(entry, FORMAT, place)
    top = f"{place}: "
    target = target_from_json(mapping(member(entry, "target", top), f"{top}target"), f"{top}target")
    tensors = tuple(_tensor(value, here) for here, value in objects(entry, "tensors", top))
    operators = tuple(_operator(value, here) for here, value in objects(entry, "operators", top))
    return built(place, Problem, text(entry, "name", top), target, tensors, operators)


def problem_digest(problem: Problem) -> str:
    """sha256 of the problem's canonical JSON without locations, 64 hexadecimal digits."""
    entry = problem_to_json(problem)
    for operator in entry["operators"]:
        operator.pop("location", None)
    return hashlib.sha256(canonical(entry)).hexdigest()


def read_problem(path: str | Path) -> Problem:
    """The problem in a file. InputError."""
    return problem_from_json(from_text(read_text(path), str(path)), str(path))


def write_problem(path: str | Path, problem: Problem) -> None:
    """The whole file or none. InputError if it can't be written."""
    write_whole(path, problem_text(problem))


def problem_text(problem: Problem) -> str:
    """The content of a problem.json."""
    return to_text(problem_to_json(problem))


def _tensor_to_json(tensor: Tensor) -> dict[str, Any]:
    return {
        "name": tensor.name,
        "bytes": int(tensor.bytes),
        "kind": tensor.kind,
        "tracked": tensor.tracked,
        "alias_group": tensor.alias_group,
    }


def _tensor(entry: Mapping[str, Any], place: str) -> Tensor:
    group = entry.get("alias_group")
    return Tensor(
        name=text(entry, "name", place),
        bytes=integer(entry, "bytes", place, 1, MAX_BYTES),
        kind=cast(TensorKind, choice(entry, "kind", place, TENSOR_KINDS)),
        tracked=boolean(entry, "tracked", place, default=True),
        alias_group=None if group is None else integer(entry, "alias_group", place),
    )


def _operator_to_json(operator: Operator) -> dict[str, Any]:
    seconds = operator.compute_seconds
    return {
        "name": operator.name,
        "kind": operator.kind,
        "inputs": list(operator.inputs),
        "outputs": list(operator.outputs),
        "compute_seconds": None if seconds is None else float(seconds),
        "flops": operator.flops,
        "input_bytes_accessed": list(operator.input_bytes_accessed),
        "output_bytes_accessed": list(operator.output_bytes_accessed),
        "location": operator.location,
    }


def _operator(entry: Mapping[str, Any], place: str) -> Operator:
    seconds, flops = entry.get("compute_seconds"), entry.get("flops")
    return built(
        place,
        Operator,
        name=text(entry, "name", place),
        kind=text(entry, "kind", place),
        inputs=integers(entry, "inputs", place),
        outputs=integers(entry, "outputs", place),
        input_bytes_accessed=integers(entry, "input_bytes_accessed", place),
        output_bytes_accessed=integers(entry, "output_bytes_accessed", place),
        compute_seconds=None if seconds is None else number(entry, "compute_seconds", place),
        flops=None if flops is None else integer(entry, "flops", place),
        location=text(entry, "location", place, default=""),
    )
