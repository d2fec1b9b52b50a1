"""Tensors and operators by what people call them."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass

from cosmalloc.errors import InputError
from cosmalloc.plan import Plan
from cosmalloc.problem import Problem

NUMBERED = re.compile(r"(tensor|operator|step):(\d{1,18})", re.ASCII)
MOST = 8  # names listed where one means several


@dataclass(frozen=True, slots=True)
class Found:
    """Indices in the problem; an operator and its result often have one name."""

    tensor: int | None = None
    operator: int | None = None


def find(problem: Problem, plan: Plan, name: str) -> Found:
    """What `name` means: `tensor:12`, `operator:3`, `step:5` (the operator there), or a name.

    Raises InputError where it means nothing, or several of a kind.
    """
    match = NUMBERED.fullmatch(name)
    if match is not None:
        return _numbered(problem, plan, match[1], int(match[2]))
    tensors = [t for t, each in enumerate(problem.tensors) if each.name == name]
    operators = [o for o, each in enumerate(problem.operators) if each.name == name]
    for word, found in (("tensor", tensors), ("operator", operators)):
        if len(found) > 1:
            listed = ", ".join(f"{word}:{index}" for index in found[:MOST])
            more = ", …" if len(found) > MOST else ""
            raise InputError(f"{len(found)} {word}s are called `{name}`", f"use {listed}{more}")
    if not tensors and not operators:
        raise InputError(f"no tensor or operator is called `{name}`", _near(problem, name))
    return Found(*(group[0] if group else None for group in (tensors, operators)))


def _numbered(problem: Problem, plan: Plan, word: str, index: int) -> Found:
    count = len(problem.tensors) if word == "tensor" else len(problem.operators)
    if index >= count:
        raise InputError(
            f"there is no {word} {index}, the problem has {count}", "they count from 0"
        )
    if word == "tensor":
        return Found(tensor=index)
    return Found(operator=plan.order[index] if word == "step" else index)


def _near(problem: Problem, name: str) -> str:
    names = dict.fromkeys(
        [*(t.name for t in problem.tensors), *(o.name for o in problem.operators)]
    )
    near = difflib.get_close_matches(name, list(names)[:20_000], n=4, cutoff=0.5)
    also = "`tensor:12`, `operator:3` and `step:5` name by number"
    return f"near it: {', '.join(f'`{each}`' for each in near)}; {also}" if near else also
