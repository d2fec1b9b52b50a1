"""The accounts of a plan: bytes moved off-chip, by whom and why, and the bytes of scratchpad used.

For a tracked tensor, with loads and stores counted as whole tensors and, under `anywhere`, direct
access to what is not on chip counted as the bytes accessed:
    (1)  moved_read  = loads * bytes + direct reads
    (2)  moved_write = stores * bytes + direct writes
    (3)  compulsory  = min(moved_read, due_read) + min(moved_write, due_write)
         due_read = bytes of an input or weight that an operator reads, due_write = bytes of an
         output, else 0
    (4)  non-compulsory = moved_read + moved_write - compulsory
Untracked tensors stream past the scratchpad: time, but never traffic.
"""

from __future__ import annotations

from dataclasses import dataclass

from cosmalloc.plan import Plan
from cosmalloc.presence import Presence
from cosmalloc.problem import Problem


@dataclass(frozen=True, slots=True)
class TensorTraffic:
    """What one tensor moves, all in bytes. due_read, due_write: the compulsory part at most."""

    tensor: int
    loads: int = 0
    stores: int = 0
    direct_reads: int = 0
    direct_writes: int = 0
    due_read: int = 0
    due_write: int = 0

    @property
    def moved(self) -> int:
        """Bytes moved off-chip in both directions, (1) + (2)."""
        return self.loads + self.direct_reads + self.stores + self.direct_writes

    @property
    def compulsory(self) -> int:
        """The part no plan could leave out, (3)."""
        read = min(self.loads + self.direct_reads, self.due_read)
        return read + min(self.stores + self.direct_writes, self.due_write)

    @property
    def non_compulsory(self) -> int:
        """Spills, retrieves, repeated direct access, (4)."""
        return self.moved - self.compulsory


@dataclass(frozen=True, slots=True)
class Traffic:
    """The accounts of every tracked tensor, by tensor index. All sums in bytes."""

    tensors: tuple[TensorTraffic, ...]

    @property
    def loads(self) -> int:
        """Moved by loads."""
        return sum(entry.loads for entry in self.tensors)

    @property
    def stores(self) -> int:
        """Moved by stores."""
        return sum(entry.stores for entry in self.tensors)

    @property
    def direct_reads(self) -> int:
        """Read off-chip by operators."""
        return sum(entry.direct_reads for entry in self.tensors)

    @property
    def direct_writes(self) -> int:
        """Written off-chip by operators."""
        return sum(entry.direct_writes for entry in self.tensors)

    @property
    def moved(self) -> int:
        """All of it."""
        return sum(entry.moved for entry in self.tensors)

    @property
    def compulsory(self) -> int:
        """First read of inputs and weights, last write of outputs."""
        return sum(entry.compulsory for entry in self.tensors)

    @property
    def non_compulsory(self) -> int:
        """The rest: the objective `traffic`."""
        return sum(entry.non_compulsory for entry in self.tensors)


def traffic(problem: Problem, plan: Plan) -> Traffic:
    """The accounts of a legal plan."""
    loads, stores = (_copied(problem, plan, kind) for kind in ("load", "store"))
    reads, writes = _direct(problem, plan)
    return Traffic(
        tuple(
            TensorTraffic(
                index,
                loads.get(index, 0),
                stores.get(index, 0),
                reads.get(index, 0),
                writes.get(index, 0),
                due_read(problem, index),
                due_write(problem, index),
            )
            for index, tensor in enumerate(problem.tensors)
            if tensor.tracked
        )
    )


def peak(problem: Problem, plan: Plan) -> int:
    """Bytes of scratchpad that the residencies reach."""
    return max((r.offset + problem.tensors[r.tensor].bytes for r in plan.residencies), default=0)


def due_read(problem: Problem, tensor: int) -> int:
    """Bytes of the one compulsory read."""
    entry = problem.tensors[tensor]
    due = entry.kind in ("input", "weight") and bool(problem.readers[tensor])
    return entry.bytes if due else 0


def due_write(problem: Problem, tensor: int) -> int:
    """Bytes of the one compulsory write."""
    entry = problem.tensors[tensor]
    return entry.bytes if entry.kind == "output" else 0


def _copied(problem: Problem, plan: Plan, kind: str) -> dict[int, int]:
    moved: dict[int, int] = {}
    for copy in plan.transfers:
        if copy.kind == kind:
            size = problem.tensors[copy.tensor].bytes
            moved[copy.tensor] = moved.get(copy.tensor, 0) + size
    return moved


def _direct(problem: Problem, plan: Plan) -> tuple[dict[int, int], dict[int, int]]:
    """Bytes that operators read and write off-chip, per tensor; none under `resident`."""
    reads: dict[int, int] = {}
    writes: dict[int, int] = {}
    if problem.target.operand_rule == "resident":
        return reads, writes
    here = Presence.of(plan)
    for step, operator in enumerate(plan.order):
        node = problem.operators[operator]
        for moved, ends, accessed in (
            (reads, node.inputs, node.input_bytes_accessed),
            (writes, node.outputs, node.output_bytes_accessed),
        ):
            for tensor, count in zip(ends, accessed, strict=True):
                if problem.tensors[tensor].tracked and not here.on_chip(tensor, step):
                    moved[tensor] = moved.get(tensor, 0) + count
    return reads, writes
