"""In which sequence the compiler must place tensors so that all of a plan's stays find room.

The compiler places one tensor after the other, each use in time order, in the tightest gap that is
free for all of the time; ties go to the lowest offset. A tensor that is on chip at one use stays
for the next one if its bytes are free until then, whether the plan says so or not. `placed` plays
that. A sequence in which some stay finds no room is mended by moving its tensor to the front
(squeaky wheel optimisation, Joslin and Clements 1999), a number of times.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Sequence
from dataclasses import dataclass

from cosmalloc.plan import Plan, Residency
from cosmalloc.problem import Problem

WORK = 4_000_000  # comparisons of two stays, in all rounds
ROUNDS = 60


@dataclass(frozen=True, slots=True)
class Chunk:
    """Bytes [offset, stop_byte) in steps [start, stop)."""

    start: int
    stop: int
    offset: int
    stop_byte: int
    group: int | None = None  # tensors of one alias group may share bytes


def sequence_of(problem: Problem, plan: Plan, first: Sequence[int] = ()) -> tuple[int, ...]:
    """Tensors with a stay, first placed first; `first` ahead of all, where that is known to pay."""
    stays = stays_of(plan)
    partial = {t: _goes_early(problem, t, stays[t]) for t in stays}
    lowest = {t: (min(s.offset for s in stays[t]), stays[t][0].start, t) for t in stays}
    order = sorted(stays, key=lambda t: (partial[t], lowest[t]))
    best, fewest = order, None
    for _ in range(max(1, min(ROUNDS, WORK // max(1, len(plan.residencies)) ** 2))):
        failed = placed(problem, stays, order)
        lost = sum(failed.values())
        if fewest is None or lost < fewest:
            best, fewest = order, lost
        if not failed:
            break
        front = sorted(failed, key=lambda t: (-failed[t], lowest[t]))
        order = [*front, *(t for t in order if t not in failed)]
    ahead = [t for t in first if t in stays]
    return (*ahead, *(t for t in best if t not in set(ahead)))


def levels(spans: Sequence[tuple[int, int]]) -> list[int]:
    """A rank per span [start, stop) such that spans which meet keep their sequence.

    Few ranks make few rules; whoever is never there together may be placed in any sequence.
    """
    found: list[int] = []
    for place, (start, stop) in enumerate(spans):
        meeting = (
            found[other]
            for other in range(place)
            if spans[other][0] < stop and start < spans[other][1]
        )
        found.append(1 + max(meeting, default=-1))
    return found


def stays_of(plan: Plan) -> dict[int, list[Residency]]:
    """Per tensor its residencies by start."""
    stays: dict[int, list[Residency]] = defaultdict(list)
    for stay in sorted(plan.residencies, key=lambda stay: stay.start):
        stays[stay.tensor].append(stay)
    return dict(stays)


def placed(
    problem: Problem, stays: dict[int, list[Residency]], order: Sequence[int]
) -> dict[int, int]:
    """Byte-steps of the stays that find no room, by tensor; nothing where all do."""
    room, align = problem.target.scratchpad_bytes, problem.target.alignment
    chunks: list[Chunk] = []
    failed: dict[int, int] = {}
    for tensor in order:
        size, group = problem.tensors[tensor].bytes, problem.tensors[tensor].alias_group
        held: Chunk | None = None
        for stay in stays[tensor]:
            if held is not None and held.stop < stay.start:
                held = _extended(chunks, held, stay.stop)
            if held is not None and held.stop >= stay.stop:
                continue
            taken = [c for c in chunks if group is None or c.group != group]
            offset = tightest(taken, stay.start, stay.stop, size, room, align)
            if offset is None:
                failed[tensor] = failed.get(tensor, 0) + size * (stay.stop - stay.start)
                held = None
                continue
            held = Chunk(stay.start, stay.stop, offset, offset + size, group)
            chunks.append(held)
        _unasked(problem, stays, tensor, chunks)
    return failed


def _unasked(
    problem: Problem, stays: dict[int, list[Residency]], tensor: int, chunks: list[Chunk]
) -> None:
    """Where it is to be read off-chip and no rule says so, the compiler holds it if it can."""
    size, group = problem.tensors[tensor].bytes, problem.tensors[tensor].alias_group
    room, align = problem.target.scratchpad_bytes, problem.target.alignment
    for reader in problem.readers[tensor]:
        if any(stay.start <= reader < stay.stop for stay in stays[tensor]):
            continue
        if not clashes(problem, stays, tensor, reader):
            continue
        begin = max([0, reader - 1, *(s.stop for s in stays[tensor] if s.stop <= reader)])
        taken = [c for c in chunks if group is None or c.group != group]
        offset = tightest(taken, begin, reader + 1, size, room, align)
        if offset is not None:
            chunks.append(Chunk(begin, reader + 1, offset, offset + size, group))


def clashes(problem: Problem, stays: Container[int], tensor: int, reader: int) -> bool:
    """Whether a rule for the operand would hit a result of its reader that is to be on chip.

    The compiler takes the rule for results, too, if they have as many bytes.
    """
    size = problem.tensors[tensor].bytes
    made = problem.operators[reader].outputs
    return any(t in stays and problem.tensors[t].bytes == size for t in made)


def tightest(
    chunks: Sequence[Chunk], start: int, stop: int, size: int, room: int, align: int
) -> int | None:
    """Offset in the smallest gap that has `size` bytes in steps [start, stop)."""
    meeting = sorted((c.offset, c.stop_byte) for c in chunks if c.start < stop and start < c.stop)
    best: tuple[int, int] | None = None  # bytes of the gap, offset
    low = 0
    for offset, stop_byte in (*meeting, (room, room)):
        gap = offset - low
        if gap >= size and (best is None or gap < best[0]):
            best = (gap, low)
        low = max(low, -(-stop_byte // align) * align)
    return None if best is None else best[1]


def _extended(chunks: list[Chunk], held: Chunk, stop: int) -> Chunk | None:
    """The chunk held until `stop`, if its bytes are free until then."""
    for c in chunks:
        if (
            c is not held
            and (held.group is None or c.group != held.group)
            and c.start < stop
            and held.stop < c.stop
            and c.offset < held.stop_byte
            and held.offset < c.stop_byte
        ):
            return None
    longer = Chunk(held.start, stop, held.offset, held.stop_byte, held.group)
    chunks[chunks.index(held)] = longer
    return longer


def _goes_early(problem: Problem, tensor: int, stays: Sequence[Residency]) -> bool:
    """Whether it leaves before its last use: the compiler would rather keep it."""
    return len(stays) > 1 or any(reader >= stays[-1].stop for reader in problem.readers[tensor])
