"""HLO text in, a problem out: the front door for dumps of any back end."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from cosmalloc.files import read_bytes
from cosmalloc.passes.doors import Opening, door_of, through
from cosmalloc.passes.reading import Reading
from cosmalloc.passes.xla_cost import analytical_cost
from cosmalloc.passes.xla_flow import flow
from cosmalloc.passes.xla_problem import XlaProgram, xla_program
from cosmalloc.passes.xla_text import is_hlo, parse_hlo
from cosmalloc.problem import Problem, Tensor
from cosmalloc.target import Target

UNROLLED = 1_000  # steps of a loop


def hlo_text(model: Any, opening: Opening | None = None) -> tuple[str, str] | None:
    """(text, place) if the model is HLO: a file, its bytes or its text; else None. InputError.

    A file of a scheduled module's proto counts too; what it holds comes as text.
    """
    if isinstance(model, (str, Path)) and not (isinstance(model, str) and "\n" in model):
        path = Path(model)
        content, place = read_bytes(path), str(path)
        if door_of(content, path.suffix) == "hlo":
            content = through("hlo", content, path, opening or Opening()).module
    elif isinstance(model, (str, bytes)):
        content, place = model.encode() if isinstance(model, str) else model, "the module"
    else:
        return None
    return (content.decode(errors="replace"), place) if is_hlo(content) else None


def read_hlo(
    text: str, target: Target, reading: Reading, name: str | None = None, place: str = "the module"
) -> XlaProgram:
    """The problem of a scheduled module, with analytical costs. InputError that names `place`.

    name: of the problem; None: the module's own.
    """
    module = parse_hlo(text, place)
    followed = flow(module, UNROLLED, place)
    cost = analytical_cost(module, place)
    found = xla_program(followed, cost, target, name or module.name)
    return replace(found, problem=_read(found.problem, reading))


def _read(problem: Problem, reading: Reading) -> Problem:
    """Arguments that are weights, and who is tracked under the target's rule."""
    return replace(
        problem, tensors=tuple(_tensor(t, problem.target, reading) for t in problem.tensors)
    )


def _tensor(tensor: Tensor, target: Target, reading: Reading) -> Tensor:
    kind = reading.argument_kind(tensor.name) if tensor.kind == "input" else tensor.kind
    tracked = tensor.tracked and reading.tracks(kind, target.operand_rule)
    group = tensor.alias_group if tracked else None
    return replace(tensor, kind=kind, tracked=tracked, alias_group=group)
