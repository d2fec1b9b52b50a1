"""Law 1: the order is a permutation of the operators and a topological order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from cosmalloc.fault import Fault
from cosmalloc.problem import Problem
from cosmalloc.verify.words import operator_words, tensor_words

if TYPE_CHECKING:
    from cosmalloc.verify.sheet import Sheet


class Edge(NamedTuple):
    """Operator `reader` reads at step `read_at` what `maker` produces at step `made_at`."""

    tensor: int
    maker: int
    made_at: int
    reader: int
    read_at: int


def law_1(sheet: Sheet) -> Iterator[Fault]:
    """Every fault of the order."""
    problem, order = sheet.problem, sheet.plan.order
    if len(order) != sheet.steps:
        text = f"the order has {len(order)} steps, the problem {sheet.steps} operators"
        yield Fault(1, text)
    yield from _entries(problem, order, sheet.step)
    for operator, at in enumerate(sheet.step):
        if at is None:
            yield Fault(1, f"{operator_words(problem, operator)} never runs", operator=operator)
    for edge in broken_edges(problem, sheet.step):
        text = (
            f"{operator_words(problem, edge.reader)} reads {tensor_words(problem, edge.tensor)}"
            f" at step {edge.read_at}, {operator_words(problem, edge.maker)} produces it at step"
            f" {edge.made_at}"
        )
        yield Fault(1, text, edge.read_at, edge.tensor, edge.reader)


def first_steps(problem: Problem, order: Sequence[int]) -> list[int | None]:
    """Per operator the first step that runs it, None for one that never runs."""
    step: list[int | None] = [None] * len(problem.operators)
    for at, operator in enumerate(order):
        if 0 <= operator < len(step) and step[operator] is None:
            step[operator] = at
    return step


def is_permutation(problem: Problem, order: Sequence[int]) -> bool:
    """Whether every operator runs exactly once."""
    return len(order) == len(problem.operators) and None not in first_steps(problem, order)


def broken_edges(problem: Problem, step: Sequence[int | None]) -> Iterator[Edge]:
    """Where an operator runs before the producer of what it reads."""
    for reader, operator in enumerate(problem.operators):
        read_at = step[reader]
        for tensor in operator.inputs:
            maker = problem.producer[tensor]
            made_at = None if maker is None else step[maker]
            if read_at is None or maker is None or made_at is None or made_at < read_at:
                continue
            yield Edge(tensor, maker, made_at, reader, read_at)


def _entries(problem: Problem, order: Sequence[int], step: Sequence[int | None]) -> Iterator[Fault]:
    count = len(problem.operators)
    for at, operator in enumerate(order):
        if not 0 <= operator < count:
            text = f"step {at} runs operator {operator}, the problem has {count}"
            yield Fault(1, text, at, operator=operator)
        elif step[operator] != at:
            text = f"step {at} runs {operator_words(problem, operator)} again"
            yield Fault(1, f"{text}, it runs at step {step[operator]}", at, operator=operator)
