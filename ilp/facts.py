"""A problem as bit masks: what the search over orders computes on.

Operators and *spanning* tensors (tracked, used at least twice: only these can be dropped and come
back) are numbered; a set of them is an int with bit k set for number k. Any other tracked tensor is
on chip in its one step and nowhere else; it is part of that operator's `fixed` bytes.

All sizes are rounded up to the alignment A. With scratchpad M, a set of buffers of one step that
are stacked with the largest rounding on top fits exactly if

    (1)  sum of sizes <= floor(M / A) * A,  or
    (2)  sum of sizes  = floor(M / A) * A + A  and one loses at least A - M mod A by rounding.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from cosmalloc.problem import Problem


def members(mask: int) -> Iterator[int]:
    """Numbers in a set, ascending."""
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low


@dataclass(frozen=True)
class Facts:
    """tensor: per spanning tensor its index in the problem. size, bytes: rounded, and as they are.

    readers: per spanning tensor the set of operators that read it. maker: the one that makes it,
        -1 if none does.
    spills: the spanning tensors whose first drop costs a store: made and no output.
    given: the spanning inputs and weights.
    before: per operator the set of operators that it waits for.
    reads, makes: per operator sets of spanning tensors. fixed: bytes of its other operands and
        results.
    lends: per operator, per alias group, the operands (number or -1, size) and the sizes of
        results.
    room: floor(M / A) * A. brim: A if (2) can hold, else 0. brim_tensors, brim_operators: the
        spanning tensors, and the operators with another operand or result, that lose so much.
    """

    problem: Problem
    tensor: tuple[int, ...]
    size: tuple[int, ...]
    bytes: tuple[int, ...]
    readers: tuple[int, ...]
    maker: tuple[int, ...]
    spills: int
    given: int
    before: tuple[int, ...]
    reads: tuple[int, ...]
    makes: tuple[int, ...]
    fixed: tuple[int, ...]
    lends: tuple[tuple[Lending, ...], ...]
    room: int
    brim: int
    brim_tensors: int
    brim_operators: int

    @property
    def operators(self) -> int:
        return len(self.before)

    @cached_property
    def everything(self) -> int:
        """The set of all operators."""
        return (1 << self.operators) - 1

    def sizes(self, mask: int) -> int:
        """Rounded bytes of a set of tensors."""
        size, total = self.size, 0
        while mask:
            low = mask & -mask
            total += size[low.bit_length() - 1]
            mask ^= low
        return total

    def moved(self, mask: int) -> int:
        """Bytes of a set of tensors as they are."""
        size, total = self.bytes, 0
        while mask:
            low = mask & -mask
            total += size[low.bit_length() - 1]
            mask ^= low
        return total

    def lent(self, operator: int, done: int) -> int:
        """Bytes that results take over in place when `done`, `operator` among them, has run."""
        total = 0
        for operands, results in self.lends[operator]:
            free = [size for t, size in operands if t < 0 or not self.readers[t] & ~done]
            total += sum(map(min, sorted(free, reverse=True), results))
        return total

    def fits(self, operator: int, on_chip: int, total: int) -> bool:
        """Whether `total` bytes, of the set `on_chip` and the operator's own, can be stacked."""
        if total <= self.room:
            return True
        return (
            bool(self.brim)
            and total == self.room + self.brim
            and bool(self.brim_tensors & on_chip or self.brim_operators >> operator & 1)
        )


Lending = tuple[tuple[tuple[int, int], ...], tuple[int, ...]]


def facts_of(problem: Problem) -> Facts:
    """The masks of a problem."""
    align, room = problem.target.alignment, problem.target.scratchpad_bytes
    uses = [
        len(readers) + (made is not None)
        for readers, made in zip(problem.readers, problem.producer, strict=True)
    ]
    spanning = [t for t, entry in enumerate(problem.tensors) if entry.tracked and uses[t] > 1]
    number = {t: k for k, t in enumerate(spanning)}
    rounded = [-(-entry.bytes // align) * align for entry in problem.tensors]
    short = room % align
    brims = [
        short > 0 and rounded[t] - entry.bytes >= align - short
        for t, entry in enumerate(problem.tensors)
    ]
    before: list[int] = []
    reads: list[int] = []
    makes: list[int] = []
    fixed: list[int] = []
    lends: list[tuple[Lending, ...]] = []
    brim_operators = 0
    for index, node in enumerate(problem.operators):
        before.append(mask_of(set(problem.predecessors(index))))
        reads.append(mask_of(number[t] for t in node.inputs if t in number))
        makes.append(mask_of(number[t] for t in node.outputs if t in number))
        alone = [
            t
            for t in (*node.inputs, *node.outputs)
            if problem.tensors[t].tracked and t not in number
        ]
        fixed.append(sum(rounded[t] for t in alone))
        brim_operators |= any(brims[t] for t in alone) << index
        lends.append(_lending(problem, index, number, rounded))
    return Facts(
        problem,
        tuple(spanning),
        tuple(rounded[t] for t in spanning),
        tuple(problem.tensors[t].bytes for t in spanning),
        tuple(mask_of(problem.readers[t]) for t in spanning),
        tuple(-1 if (made := problem.producer[t]) is None else made for t in spanning),
        mask_of(number[t] for t in spanning if problem.tensors[t].kind == "intermediate"),
        mask_of(number[t] for t in spanning if problem.producer[t] is None),
        tuple(before),
        tuple(reads),
        tuple(makes),
        tuple(fixed),
        tuple(lends),
        room // align * align,
        align if short else 0,
        mask_of(number[t] for t in spanning if brims[t]),
        brim_operators,
    )


def mask_of(numbers: Iterable[int]) -> int:
    """The set of these numbers."""
    mask = 0
    for number in numbers:
        mask |= 1 << number
    return mask


def _lending(
    problem: Problem, index: int, number: dict[int, int], rounded: list[int]
) -> tuple[Lending, ...]:
    node = problem.operators[index]
    operands: dict[int, list[tuple[int, int]]] = defaultdict(list)
    results: dict[int, list[int]] = defaultdict(list)
    for side, ends in enumerate((node.inputs, node.outputs)):
        for tensor in ends:
            entry = problem.tensors[tensor]
            if not entry.tracked or entry.alias_group is None:
                continue
            if side:
                results[entry.alias_group].append(rounded[tensor])
            else:
                operands[entry.alias_group].append((number.get(tensor, -1), rounded[tensor]))
    return tuple(
        (tuple(operands[group]), tuple(sorted(sizes, reverse=True)))
        for group, sizes in results.items()
        if operands[group]
    )
