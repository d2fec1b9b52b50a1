"""What one operator needs on chip at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from cosmalloc.problem import Problem


def working_set_bytes(problem: Problem, operator: int) -> int:
    """A scratchpad with less can't run the operator without breaking a law.

    With sizes rounded up to the alignment:
        need = sum of operands and results - sum over alias groups of shared bytes - slack
    shared: the largest result laid over the largest operand of its group, the next over the next;
    slack: the padding of the one that lies topmost. Under `anywhere` only what a plan without
    non-compulsory traffic must hold on chip is counted.
    """
    needed = _needed(problem, operator)
    step = problem.target.alignment
    operands: dict[int | None, list[int]] = defaultdict(list)
    results: dict[int | None, list[int]] = defaultdict(list)
    for tensor, is_result in needed:
        entry = problem.tensors[tensor]
        side = results if is_result else operands
        side[entry.alias_group].append(-(-entry.bytes // step) * step)
    total = sum(map(sum, operands.values())) + sum(map(sum, results.values()))
    shared = sum(
        _shared(operands[group], sizes) for group, sizes in results.items() if group is not None
    )
    slack = max((-problem.tensors[tensor].bytes % step for tensor, _ in needed), default=0)
    return total - shared - slack


def _shared(operands: Iterable[int], results: Iterable[int]) -> int:
    pairs = zip(sorted(operands, reverse=True), sorted(results, reverse=True), strict=False)
    return sum(min(pair) for pair in pairs)


def _needed(problem: Problem, operator: int) -> list[tuple[int, bool]]:
    """(tensor, is a result) for what must be on chip."""
    node = problem.operators[operator]
    ends = [(t, a, False) for t, a in zip(node.inputs, node.input_bytes_accessed, strict=True)]
    ends += [(t, a, True) for t, a in zip(node.outputs, node.output_bytes_accessed, strict=True)]
    ends = [end for end in ends if problem.tensors[end[0]].tracked]
    if problem.target.operand_rule == "resident":
        return [(tensor, result) for tensor, _, result in ends]
    return [
        (tensor, result)
        for tensor, accessed, result in ends
        if accessed
        and (
            problem.tensors[tensor].kind == "intermediate"
            or (problem.tensors[tensor].kind == "output" and not result)
        )
    ]
