"""A function's buffers as a `Problem`, its order kept.

A *section* is a range of operations that runs as one step. Untracked tensors of one byte that
nobody accesses chain the sections: their order is the function's own. A buffer is made by the
section that touches it first and read by the others that touch it.

Where buffers may leave the chip, a section lasts from the first touch of a buffer to its last
write: what has left must not change. Where none does, every operation is a section.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from cosmalloc.passes.allocs_read import Allocs, merged
from cosmalloc.problem import Operator, Problem, Tensor
from cosmalloc.target import Target


@dataclass(frozen=True)
class Sections:
    """ranges: half-open, of operations. touched: per section its buffers."""

    ranges: tuple[tuple[int, int], ...]
    touched: tuple[frozenset[int], ...]


def sections(allocs: Allocs, *, spills: bool) -> Sections:
    """spills: whether buffers may leave the chip between sections."""
    both = [r | w for r, w in zip(allocs.reads, allocs.writes, strict=True)]
    first: dict[int, int] = {}
    last: dict[int, int] = {}
    for place, buffers in enumerate(both):
        for buffer in buffers:
            first.setdefault(buffer, place)
            if buffer in allocs.writes[place]:
                last[buffer] = place
    spans = [(first[b], last.get(b, first[b]) + 1) for b in first] if spills else []
    ranges = merged(spans, (place for place, buffers in enumerate(both) if buffers))
    touched = [frozenset().union(*both[start:stop]) for start, stop in ranges]
    return Sections(tuple(ranges), tuple(touched))


def alloc_problem(allocs: Allocs, parts: Sections, target: Target, name: str) -> Problem:
    """Tensors: the buffers in the order of `allocs`, every one touched; then the links."""
    count = len(allocs.buffers)
    tensors = [
        Tensor(f"alloc_{index}", size, "intermediate") for index, size in enumerate(allocs.sizes)
    ]
    steps = len(parts.ranges)
    tensors += [Tensor(f"order_{step}", 1, "intermediate", tracked=False) for step in range(steps)]
    made: set[int] = set()
    operators = []
    for step, ((start, _), touched) in enumerate(zip(parts.ranges, parts.touched, strict=True)):
        inputs = sorted(touched & made)
        outputs = sorted(touched - made)
        made |= touched
        kind = allocs.operations[start].name
        link = [count + step - 1] if step else []
        operators.append(
            Operator(
                name=f"{kind.split('.')[-1]}_{step}",
                kind=kind,
                inputs=(*inputs, *link),
                outputs=(*outputs, count + step),
                input_bytes_accessed=(*(allocs.sizes[b] for b in inputs), *(0 for _ in link)),
                output_bytes_accessed=(*(allocs.sizes[b] for b in outputs), 0),
                flops=0,
            )
        )
    return Problem(name, target, tuple(tensors), tuple(operators))


def unchained(problem: Problem, buffers: int) -> Problem:
    """The same without the links, which are no memory."""

    def cut(node: Operator) -> Operator:
        inputs, outputs = (tuple(t for t in s if t < buffers) for s in (node.inputs, node.outputs))
        read = node.input_bytes_accessed[: len(inputs)]
        written = node.output_bytes_accessed[: len(outputs)]
        return replace(
            node,
            inputs=inputs,
            outputs=outputs,
            input_bytes_accessed=read,
            output_bytes_accessed=written,
        )

    operators = tuple(map(cut, problem.operators))
    return Problem(problem.name, problem.target, problem.tensors[:buffers], operators)
