"""Programs cut out of programs: a row of operators, other sizes, another machine.

An agent that only knew a dozen programs would know them by heart. A cutting keeps how operators
hang together and what they read; bytes, arithmetic and bandwidths are scaled at random.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from cosmalloc.lifetimes import source_order
from cosmalloc.problem import Operator, Problem, Tensor, TensorKind
from cosmalloc.rl_agent.budgets import at_share
from cosmalloc.seconds import compute_seconds

Floats = NDArray[np.float64]
SHORTEST, LONGEST = 8, 100  # operators
SPREAD = 0.7  # of the logarithm of what is scaled


def cutting(
    problem: Problem, rng: np.random.Generator, low: float = 0.08, longest: int = LONGEST
) -> Problem:
    """A random row of at most `longest` of its operators, at a random share of its peak from `low`
    on. Raises InputError for an operator without seconds."""
    count = len(problem.operators)
    length = min(count, int(np.exp(rng.uniform(np.log(SHORTEST), np.log(longest)))))
    first = int(rng.integers(0, count - length + 1))
    chosen = source_order(problem)[first : first + length]
    name = f"{problem.name}[{first}:{first + length}]"
    made = _scaled(_rows(problem, chosen, name), rng)
    return at_share(made, float(np.exp(rng.uniform(np.log(low), 0.0))))


def _rows(problem: Problem, chosen: tuple[int, ...], name: str) -> Problem:
    """These operators; what others made is an input, what others read an output."""
    inside = set(chosen)
    ends = [[*problem.operators[o].inputs, *problem.operators[o].outputs] for o in chosen]
    kept = sorted({tensor for each in ends for tensor in each})
    place = {tensor: index for index, tensor in enumerate(kept)}
    tensors: list[Tensor] = []
    for index in kept:
        tensor, maker = problem.tensors[index], problem.producer[index]
        kind: TensorKind = tensor.kind
        if maker is not None and maker not in inside:
            kind = "input"
        elif maker is not None and not inside.issuperset(problem.readers[index]):
            kind = "output"
        tensors.append(replace(tensor, kind=kind))
    operators = [
        replace(
            problem.operators[o],
            inputs=tuple(place[t] for t in problem.operators[o].inputs),
            outputs=tuple(place[t] for t in problem.operators[o].outputs),
            compute_seconds=compute_seconds(problem, o),
        )
        for o in chosen
    ]
    return Problem(name, problem.target, tuple(tensors), tuple(operators))


def _scaled(problem: Problem, rng: np.random.Generator) -> Problem:
    """Every size, every operator's arithmetic and both bandwidths times something near 1.

    Tensors of one alias group get one factor: who is updated in place keeps its size.
    """
    factor = np.exp(rng.normal(0, SPREAD, len(problem.tensors)))
    groups: dict[int, float] = {}
    for index, tensor in enumerate(problem.tensors):
        if tensor.alias_group is not None:
            factor[index] = groups.setdefault(tensor.alias_group, float(factor[index]))
    tensors = tuple(
        replace(tensor, bytes=max(1, int(tensor.bytes * scale)))
        for tensor, scale in zip(problem.tensors, factor, strict=True)
    )
    whole = float(np.exp(rng.normal(0, SPREAD)))
    operators = tuple(
        _operator(node, factor, whole * float(np.exp(rng.normal(0, SPREAD / 2))))
        for node in problem.operators
    )
    target = replace(
        problem.target,
        copy_engines=int(rng.choice([1, 2, 2, 2])),
        onchip_read_bytes_per_second=problem.target.offchip_read_bytes_per_second
        * float(rng.uniform(4, 24)),
    )
    return replace(problem, tensors=tensors, operators=operators, target=target)


def _operator(node: Operator, factor: Floats, arithmetic: float) -> Operator:
    assert node.compute_seconds is not None
    return replace(
        node,
        input_bytes_accessed=_counts(node.inputs, node.input_bytes_accessed, factor),
        output_bytes_accessed=_counts(node.outputs, node.output_bytes_accessed, factor),
        compute_seconds=node.compute_seconds * arithmetic,
    )


def _counts(ends: tuple[int, ...], counts: tuple[int, ...], factor: Floats) -> tuple[int, ...]:
    return tuple(int(n * factor[t]) for t, n in zip(ends, counts, strict=True))
