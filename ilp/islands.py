"""Operators beside the spine, in groups that share no tensor: their local traffic adds up.

An *island* is a set of operators; its own tensors are those that nobody else uses. A plan of the
whole, reduced to the steps of an island and to its own tensors, is a plan of the island; any other
tensor takes its bytes in the steps that use it, and costs nothing. Islands have no tensor of their
own in common, so the least traffic of each is paid on top of that of the others, whenever they run.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

from cosmalloc.ilp.facts import Facts
from cosmalloc.problem import Operator, Problem, Tensor

TOKEN = Tensor("token", 1, "intermediate", tracked=False)
FEW = 64  # a tensor of this part of the room, or less, joins nobody


def islands(facts: Facts, taken: Collection[int], least: int, most: int) -> list[tuple[int, ...]]:
    """Sets of `least` to `most` operators, none of them `taken`, joined by tensors of some size
    that only such operators use; each in source order."""
    problem = facts.problem
    root = {o: o for o in range(facts.operators) if o not in taken}

    def find(o: int) -> int:
        while root[o] != o:
            root[o] = o = root[root[o]]
        return o

    for number, t in enumerate(facts.tensor):
        users = users_of(problem, t)
        if facts.size[number] * FEW >= facts.room and users <= root.keys():
            first, *others = sorted(users)
            for other in others:
                root[find(other)] = find(first)
    groups: dict[int, list[int]] = {}
    for o in sorted(root):
        groups.setdefault(find(o), []).append(o)
    return [tuple(group) for group in groups.values() if least <= len(group) <= most]


def users_of(problem: Problem, t: int) -> set[int]:
    """The operators that make or read a tensor."""
    made = problem.producer[t]
    return {*problem.readers[t], *(() if made is None else (made,))}


def own_tensors(problem: Problem, operators: Iterable[int]) -> set[int]:
    """The tracked tensors that nobody else uses."""
    inside = set(operators)
    nodes = [problem.operators[o] for o in inside]
    used = {t for node in nodes for t in (*node.inputs, *node.outputs)}
    return {t for t in used if problem.tensors[t].tracked and users_of(problem, t) <= inside}


def island_problem(problem: Problem, operators: Sequence[int]) -> Problem:
    """The island by itself: a copy for every use of a tensor that is not its own."""
    own, inside = own_tensors(problem, operators), set(operators)
    number = {t: k for k, t in enumerate(sorted(own))}
    tensors = [problem.tensors[t] for t in sorted(own)]
    tokens: dict[int, int] = {}
    nodes = []
    for o in operators:
        node = problem.operators[o]
        reads = [number[t] for t in node.inputs if t in own]
        writes = [number[t] for t in node.outputs if t in own]
        for side, ends in ((reads, node.inputs), (writes, node.outputs)):
            for t in ends:
                if t not in own and problem.tensors[t].tracked:
                    side.append(len(tensors))
                    kind = "output" if side is writes else "input"
                    tensors.append(replace(problem.tensors[t], kind=kind))  # type: ignore[arg-type]
        before = sorted(set(problem.predecessors(o)) & inside)
        reads += [tokens.setdefault(p, -1 - p) for p in before]
        nodes.append((node.name, o, reads, writes))
    for p in tokens:
        tokens[p] = len(tensors)
        tensors.append(TOKEN)
    made = []
    for name, o, reads, writes in nodes:
        inputs = tuple(t if t >= 0 else tokens[-1 - t] for t in reads)
        outputs = (*writes, *((tokens[o],) if o in tokens else ()))
        made.append(
            Operator(name, "island", inputs, outputs, (0,) * len(inputs), (0,) * len(outputs))
        )
    return Problem(problem.name, problem.target, tuple(tensors), tuple(made))
