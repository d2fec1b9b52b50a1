"""Which in-place updates may really share storage.

The result r of operator o may take the bytes of operand a where, in every order, nobody reads a
after o: every other reader of a comes before o on a path. And a is tracked, as large as r, not an
output of the program, and not the caller's own memory (an argument counts only if it was donated).
"""

from __future__ import annotations

from collections.abc import Sequence

from cosmalloc.problem import Tensor

Pairs = frozenset[tuple[int, int]]


def alias_groups(
    tensors: Sequence[Tensor],
    reads: Sequence[tuple[int, ...]],
    makes: Sequence[tuple[int, ...]],
    in_place: Sequence[tuple[tuple[int, int], ...]],
    donated: set[int],
) -> tuple[dict[int, int], list[Pairs]]:
    """Tensor -> group number, and per operator the (result, operand) pairs that share one.

    reads, makes: tensors per operator, repeats kept; in_place: candidate pairs per operator.
    """
    readers: dict[int, list[int]] = {}
    for place, inputs in enumerate(reads):
        for tensor in dict.fromkeys(inputs):
            readers.setdefault(tensor, []).append(place)
    maker = {tensor: place for place, made in enumerate(makes) for tensor in made}
    leader: dict[int, int] = {}

    def find(tensor: int) -> int:
        while leader.setdefault(tensor, tensor) != tensor:
            tensor = leader[tensor]
        return tensor

    formed: list[Pairs] = []
    for place, candidates in enumerate(in_place):
        taken: set[int] = set()
        pairs = set()
        for result, operand in candidates:
            old, new = reads[place][operand], makes[place][result]
            if old in taken or not _may_take(tensors, old, new, donated):
                continue
            others = [reader for reader in readers[old] if reader != place]
            if reads[place].count(old) > 1 or not _all_before(others, place, reads, maker):
                continue
            taken.add(old)
            pairs.add((result, operand))
            leader[find(new)] = find(old)
        formed.append(frozenset(pairs))
    roots = sorted({find(tensor) for tensor in leader})
    number = {root: index for index, root in enumerate(roots)}
    return {tensor: number[find(tensor)] for tensor in leader}, formed


def _may_take(tensors: Sequence[Tensor], old: int, new: int, donated: set[int]) -> bool:
    a, r = tensors[old], tensors[new]
    if not (a.tracked and r.tracked and a.bytes == r.bytes):
        return False
    return a.kind == "intermediate" or (a.kind in ("input", "weight") and old in donated)


def _all_before(
    others: Sequence[int],
    place: int,
    reads: Sequence[tuple[int, ...]],
    maker: dict[int, int],
) -> bool:
    """Whether every operator of `others` lies on a path to operator `place`."""
    missing = set(others)
    seen, stack = {place}, [place]
    while stack and missing:
        for tensor in reads[stack.pop()]:
            before = maker.get(tensor)
            if before is not None and before not in seen:
                seen.add(before)
                missing.discard(before)
                stack.append(before)
    return not missing
