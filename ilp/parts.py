"""A stretch of operators as a problem of its own.

Part of a problem: some operators, what is on chip when they start (`entry`) and what must be when
they are done (`leaving`). Two operators stand for the rest: *enter* makes the entry, *leave* reads
what leaves; tokens of no bytes on chip keep them first and last.

    a tensor of the entry, or made here   costs a store when it is dropped first, unless it is in
                                          `stored` (or no spill at all)
    any other tensor read here            comes by a load that the part pays in any case

so that for one entry and one leaving set, the least traffic of the part and of the stretch in the
whole differ by a constant.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from cosmalloc.ilp.facts import Facts, members
from cosmalloc.ilp.steps import Path
from cosmalloc.problem import Operator, Problem, Tensor, TensorKind

TOKEN = Tensor("token", 1, "intermediate", tracked=False)
Steps = tuple[tuple[int, tuple[int, ...]], ...]  # per step the operator, and tensors dropped first


@dataclass(frozen=True)
class Part:
    """problem: enter is its first operator, leave its last. operators: of the whole, for those in
    between. tensors: of the whole; tokens come after them."""

    problem: Problem
    operators: tuple[int, ...]
    tensors: tuple[int, ...]

    def steps_of(self, facts: Facts, path: Path) -> Steps:
        """A path of the part in the numbers of the whole."""
        inner = zip(path.order[1:-1], path.drops[1:-1], strict=True)
        return tuple(
            (
                self.operators[operator - 1],
                tuple(self.tensors[facts.tensor[number]] for number in members(dropped)),
            )
            for operator, dropped in inner
        )


def signature(problem: Problem) -> tuple[object, ...]:
    """Equal for problems on one target that are the same but for names, seconds and accesses: a
    path of one is a path of the other."""
    groups: dict[int, int] = {}
    tensors = [
        (
            t.bytes,
            t.kind,
            t.tracked,
            None if t.alias_group is None else groups.setdefault(t.alias_group, len(groups)),
        )
        for t in problem.tensors
    ]
    return tuple(tensors), tuple((o.inputs, o.outputs) for o in problem.operators)


def part_of(
    problem: Problem,
    operators: Sequence[int],
    entry: Collection[int] = (),
    leaving: Collection[int] = (),
    stored: Collection[int] = (),
    loose: bool = False,
) -> Part:
    """operators: in an order that runs. entry, leaving, stored: tracked tensors, as above.

    loose: a result may take the bytes of an operand that is read elsewhere, for all that is known.
    """
    inside = set(operators)
    number: dict[int, int] = {}
    for t in sorted(entry):
        number.setdefault(t, len(number))
    for o in operators:
        for t in (*problem.operators[o].inputs, *problem.operators[o].outputs):
            number.setdefault(t, len(number))
    made = [t in entry or problem.producer[t] in inside for t in number]
    later = {t for t in number if t not in leaving and not set(problem.readers[t]) <= inside}
    later = set() if loose else later
    tensors = [
        _tensor(problem, t, here, t in stored, t in later)
        for t, here in zip(number, made, strict=True)
    ]
    waits = {o: any(p in inside for p in problem.predecessors(o)) for o in operators}
    followed = {p for o in operators for p in problem.predecessors(o)}
    first = len(tensors)
    tensors.append(TOKEN)
    enter = _node("enter", (), (*(number[t] for t in sorted(entry)), first))
    nodes, ends = [enter], [first]
    for o in operators:
        node = problem.operators[o]
        reads, writes = ([number[t] for t in side] for side in (node.inputs, node.outputs))
        if not waits[o]:
            reads.append(first)
        if o not in followed:
            ends.append(len(tensors))
            writes.append(len(tensors))
            tensors.append(TOKEN)
        nodes.append(_node(node.name, tuple(reads), tuple(writes)))
    nodes.append(_node("leave", (*(number[t] for t in sorted(leaving)), *ends), ()))
    sub = Problem(problem.name, problem.target, tuple(tensors), tuple(nodes))
    return Part(sub, tuple(operators), tuple(number))


def _tensor(problem: Problem, t: int, made: bool, stored: bool, later: bool) -> Tensor:
    """later: it is read behind the part, but does not leave: nothing may take its bytes."""
    entry = problem.tensors[t]
    kind: TensorKind = "intermediate" if entry.kind == "intermediate" and not stored else "output"
    return replace(
        entry,
        kind=kind if made else "input",
        alias_group=None if later else entry.alias_group,
    )


def _node(name: str, reads: tuple[int, ...], writes: tuple[int, ...]) -> Operator:
    return Operator(name, "part", reads, writes, (0,) * len(reads), (0,) * len(writes))
