"""A relaxed problem: operators that may run nearly anywhere, taken out of the way of bounds.

Operator r reads tensor t and makes t', early or late: a plan may keep t over a long stretch, or t'
instead, so neither is alive for sure. Contract r: t and t' become one tensor of the smaller's
bytes, used by whoever uses one of them, r no more. Of any plan, a plan of the contracted problem is
made that moves no more: the one tensor is on chip wherever t or t' was.

It is done where that gains byte-steps that are alive in every order, most of them new:

    min(bytes_t, bytes_t') * |alive(both)|  >  bytes_t * |alive(t)| + bytes_t' * |alive(t')|
    |alive(both)| - |alive(t) or alive(t')|  >=  |alive(both)| / 2,  operators / FEW
    alive(x) = operators that run behind its producer and before some reader of it in every order
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

import numpy as np

from cosmalloc.ilp.reach import Bits, Reach
from cosmalloc.lifetimes import source_order
from cosmalloc.problem import Operator, Problem, Tensor

FEW = 50
TOKEN = Tensor("token", 1, "intermediate", tracked=False)


@dataclass(frozen=True)
class _Value:
    """tensors: that are one now, the first stands for all. maker: of the first."""

    tensors: tuple[int, ...]
    bytes: int
    maker: int
    readers: frozenset[int]

    def alive(self, known: Reach) -> Bits:
        """Operators."""
        if not self.readers:
            return np.zeros_like(known.later[self.maker])
        before = np.bitwise_or.reduce(known.earlier[sorted(self.readers)])
        both: Bits = known.later[self.maker] & before
        return both


def contracted(problem: Problem, known: Reach, keep: Collection[int] = ()) -> Problem:
    """Without the operators whose contraction gains, but those to `keep`; they run on, with no
    tensors. Operators and tensors keep their numbers."""
    values = {
        t: _Value((t,), problem.tensors[t].bytes, made, frozenset(problem.readers[t]))
        for t, made in enumerate(problem.producer)
        if made is not None and _plain(problem, t)
    }
    of = {t: t for t in values}
    gone: set[int] = set()
    for r in source_order(problem):
        node = problem.operators[r]
        made = [t for t in node.outputs if problem.tensors[t].tracked]
        if r in keep or len(made) != 1 or made[0] not in values:
            continue
        after = values[made[0]]
        best, most = None, 0
        for t in sorted({of[t] for t in node.inputs if t in of}):
            before = values[t]
            both = _Value(
                before.tensors + after.tensors,
                min(before.bytes, after.bytes),
                before.maker,
                before.readers - {r} | after.readers,
            )
            gain = _gain(both, before, after, known)
            if gain > most:
                best, most = both, gain
        if best is not None:
            values[best.tensors[0]] = best
            del values[made[0]]
            of.update(dict.fromkeys(best.tensors, best.tensors[0]))
            gone.add(r)
    return _rebuilt(problem, of, values, gone)


def _gain(both: _Value, before: _Value, after: _Value, known: Reach) -> int:
    """Byte-steps, 0 where few operators are new."""
    whole, *halves = (value.alive(known) for value in (both, before, after))
    steps = [_count(bits) for bits in (whole, *halves)]
    new = steps[0] - _count(halves[0] | halves[1])
    if FEW * new < known.later.shape[0] or 2 * new < steps[0]:
        return 0
    return both.bytes * steps[0] - before.bytes * steps[1] - after.bytes * steps[2]


def _count(bits: Bits) -> int:
    return int(np.bitwise_count(bits).sum())


def _plain(problem: Problem, t: int) -> bool:
    """A tracked intermediate that is never in place."""
    tensor = problem.tensors[t]
    return tensor.tracked and tensor.kind == "intermediate" and tensor.alias_group is None


def _rebuilt(
    problem: Problem, of: dict[int, int], values: dict[int, _Value], gone: set[int]
) -> Problem:
    tensors = [
        TOKEN
        if of.get(t, t) != t
        else replace(x, bytes=values[t].bytes if t in values else x.bytes)
        for t, x in enumerate(problem.tensors)
    ]
    token: dict[int, int] = {}
    for r in sorted({p for o in gone for p in problem.predecessors(o)} | gone):
        token[r] = len(tensors)
        tensors.append(TOKEN)
    made = []
    for o, node in enumerate(problem.operators):
        reads = [] if o in gone else [of.get(t, t) for t in node.inputs]
        waits = [token[p] for p in sorted(set(problem.predecessors(o))) if o in gone or p in gone]
        writes = [*node.outputs, *((token[o],) if o in token else ())]
        inputs, outputs = tuple(dict.fromkeys([*reads, *waits])), tuple(writes)
        nothing = (0,) * len(inputs), (0,) * len(outputs)
        made.append(Operator(node.name, node.kind, inputs, outputs, *nothing))
    return Problem(problem.name, problem.target, tuple(tensors), tuple(made))
