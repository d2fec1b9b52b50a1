"""Where tensors lie off-chip.

Inputs, weights and outputs have buffers of the caller's. Other tensors that are ever off-chip lie
in the *heap*, packed over the borders at which their copy counts:

    (1)  first = step that makes the tensor off-chip, or the start of its first store
    (2)  last  = the last step that reads it off-chip, or the stop of its last load
    (3)  alive in [first, last + 1)

A result that updates an operand in place off-chip has the operand's home, if it fits there: both
are one buffer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from cosmalloc.problem import Problem


@dataclass(frozen=True)
class Heap:
    """bytes: of the heap. homes: per tensor the one in whose buffer it lies off-chip, mostly
    itself. offsets: of the homes that lie in the heap; the caller has buffers for the others.
    """

    bytes: int
    homes: tuple[int, ...]
    offsets: Mapping[int, int]


def heap(
    problem: Problem, uses: Iterable[tuple[int, int, int]], shared: Iterable[tuple[int, int]]
) -> Heap:
    """uses: (tensor, first, last) for everything that touches a tensor off-chip.
    shared: pairs of tensors that are one buffer off-chip."""
    homes = list(range(len(problem.tensors)))

    def find(tensor: int) -> int:
        while homes[tensor] != tensor:
            tensor = homes[tensor]
        return tensor

    def own(tensor: int) -> bool:
        return problem.tensors[tensor].kind != "intermediate"

    def fits(tensor: int, home: int) -> bool:
        return not own(home) or problem.tensors[tensor].bytes <= problem.tensors[home].bytes

    for one, two in shared:
        a, r = find(one), find(two)
        keep, drop = (r, a) if own(r) and not own(a) else (a, r)
        if a != r and fits(drop, keep):
            homes[drop] = keep
    roots = tuple(map(find, range(len(homes))))
    spans: dict[int, tuple[int, int]] = {}
    for tensor, first, last in uses:
        home = roots[tensor]
        if not own(home):
            old = spans.get(home, (first, last + 1))  # (3)
            spans[home] = min(old[0], first), max(old[1], last + 1)
    sizes = dict.fromkeys(spans, 0)
    for tensor, home in enumerate(roots):
        if home in sizes:
            sizes[home] = max(sizes[home], problem.tensors[tensor].bytes)
    total, offsets = _packed(spans, sizes, problem.target.alignment)
    return Heap(total, roots, offsets)


def _packed(
    spans: Mapping[int, tuple[int, int]], sizes: Mapping[int, int], alignment: int
) -> tuple[int, dict[int, int]]:
    if not spans:
        return 0, {}
    import numpy as np

    from cosmalloc import native

    lower, upper = np.array(list(spans.values()), np.int64).T.copy()
    size = np.array([sizes[tensor] for tensor in spans], np.int64)
    packed = native.portfolio(lower, upper, size, alignment=alignment)
    return int(packed.peak), dict(zip(spans, map(int, packed.offsets), strict=True))
