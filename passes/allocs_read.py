"""What a function on memrefs does with the buffers that it allocates: who touches which, and how.

A buffer is a `memref.alloc` in the function's own block: static shape, row by row, the default
memory space. It *escapes*, and stays as it is, where it may outlive what can be seen: returned,
yielded, stored, chosen between, given to an operation that makes a memref of it which is no view,
or that works asynchronously.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from jaxlib.mlir import ir

from cosmalloc.errors import InputError
from cosmalloc.passes import context
from cosmalloc.passes.numpy_types import named_type

VIEWS = frozenset(
    f"memref.{name}"
    for name in (
        "assume_alignment",
        "cast",
        "collapse_shape",
        "expand_shape",
        "memory_space_cast",
        "reinterpret_cast",
        "reshape",
        "subview",
        "transpose",
        "view",
    )
)
FREE = "memref.dealloc"
_READS = {"memref.load": (0,), "affine.load": (0,), "vector.load": (0,), "memref.copy": (0,)}
_WRITES = {"memref.store": (1,), "affine.store": (1,), "vector.store": (1,), "memref.copy": (1,)}
_NEITHER = frozenset({"memref.dim", "memref.rank", FREE})
_LATER = ("async", "gpu", "bufferization", "llvm", "nvgpu")  # dialects that may keep a buffer


@dataclass(frozen=True)
class Allocs:
    """A function's block. operations: of it, in order. buffers: allocations that don't escape,
    sizes: their bytes. reads, writes: per operation the buffers that it or what is in it touches.
    values: every value that is a buffer, or a view of one, to its number. frees: deallocations.
    """

    operations: tuple[ir.Operation, ...]
    buffers: tuple[ir.Operation, ...]
    sizes: tuple[int, ...]
    reads: tuple[frozenset[int], ...]
    writes: tuple[frozenset[int], ...]
    values: dict[ir.Value[Any], int]
    frees: tuple[ir.Operation, ...]


def read_allocs(function: ir.Operation, functions: dict[str, ir.Operation]) -> Allocs:
    """functions: of the module, by name: a call touches what the function it calls touches."""
    operations = [op.operation for op in function.regions[0].blocks[0]]
    found = [op for op in operations if op.name == "memref.alloc" and _bytes(op) is not None]
    effects = Effects(functions)
    reader = _Reader(effects, {op.results[0]: place for place, op in enumerate(found)})
    touched = [reader.operation(op) for op in operations]
    stays = [place for place in range(len(found)) if place not in reader.escaped]
    number = {old: new for new, old in enumerate(stays)}
    reads = tuple(frozenset(number[b] for b in r if b in number) for r, _ in touched)
    writes = tuple(frozenset(number[b] for b in w if b in number) for _, w in touched)
    return Allocs(
        tuple(operations),
        tuple(found[place] for place in stays),
        tuple(_bytes(found[place]) or 0 for place in stays),
        reads,
        writes,
        {value: number[b] for value, b in reader.values.items() if b in number},
        tuple(op for op, b in reader.frees if b in number),
    )


class Effects:
    """Which operands an operation reads and writes."""

    def __init__(self, functions: dict[str, ir.Operation]) -> None:
        self.functions = functions
        self.known: dict[tuple[str, int], tuple[bool, bool]] = {}

    def of(self, operation: ir.Operation, place: int) -> tuple[bool, bool]:
        """(reads it?, writes it?) of operand `place`; both where nobody knows."""
        name = operation.name
        if name in _NEITHER:
            return False, False
        if name in _READS or name in _WRITES:
            return place in _READS.get(name, ()), place in _WRITES.get(name, ())
        if name.startswith("linalg."):
            count = len(operation.operands)
            inputs = count - 1
            if "operandSegmentSizes" in operation.attributes:
                inputs = ir.DenseI32ArrayAttr(operation.attributes["operandSegmentSizes"])[0]
            return True, place >= inputs
        if name == "func.call":
            callee = ir.FlatSymbolRefAttr(operation.attributes["callee"]).value
            return self._call(callee, place)
        return True, True

    def _call(self, callee: str, place: int) -> tuple[bool, bool]:
        function = self.functions.get(callee)
        if function is None or not function.regions[0].blocks:
            return True, True
        if (callee, place) not in self.known:
            self.known[callee, place] = True, True  # while it is looked at: it may call itself
            argument = function.regions[0].blocks[0].arguments[place]
            reader = _Reader(self, {argument: 0})
            touched = [reader.operation(op.operation) for b in function.regions[0] for op in b]
            both = bool(reader.escaped)
            self.known[callee, place] = (
                both or any(r for r, _ in touched),
                both or any(w for _, w in touched),
            )
        return self.known[callee, place]


@dataclass
class _Reader:
    effects: Effects
    values: dict[ir.Value[Any], int]
    escaped: set[int] = field(default_factory=set)
    frees: list[tuple[ir.Operation, int]] = field(default_factory=list)

    def operation(self, operation: ir.Operation) -> tuple[set[int], set[int]]:
        """(buffers read, buffers written) by an operation and all that is in it."""
        reads: set[int] = set()
        writes: set[int] = set()
        self._visit(operation, reads, writes)
        return reads, writes

    def _visit(self, operation: ir.Operation, reads: set[int], writes: set[int]) -> None:
        for place, value in enumerate(operation.operands):
            if value in self.values:
                self._operand(operation, place, self.values[value], reads, writes)
        for region in operation.regions:
            for block in region.blocks:
                for op in block:
                    self._visit(op.operation, reads, writes)

    def _operand(
        self, operation: ir.Operation, place: int, buffer: int, reads: set[int], writes: set[int]
    ) -> None:
        if operation.name in VIEWS:
            if place:
                self.escaped.add(buffer)  # the shape of a reshape
            else:
                self.values[operation.results[0]] = buffer
            return
        if operation.name == FREE:
            self.frees.append((operation, buffer))
        if _keeps(operation, place):
            self.escaped.add(buffer)
        read, write = self.effects.of(operation, place)
        if read:
            reads.add(buffer)
        if write:
            writes.add(buffer)


def _keeps(operation: ir.Operation, place: int) -> bool:
    """Whether a buffer may live on behind this operand."""
    name = operation.name
    if any(_is_memref(result.type) for result in operation.results):
        return True
    if name.split(".")[0] in _LATER or name in ("memref.dma_start", "memref.dma_wait"):
        return True
    if name.endswith((".store", "_store")) and place == 0:
        return True
    ends = name.endswith((".return", ".yield", ".br", ".cond_br", ".condition"))
    return ends or name.startswith("memref.extract_")


def _is_memref(kind: ir.Type) -> bool:
    return str(kind).startswith(("memref<", "tuple<"))


def _bytes(operation: ir.Operation) -> int | None:
    """Bytes of an allocation, None where they or their place are not ours to choose."""
    kind = ir.MemRefType(operation.results[0].type)
    if len(operation.operands) or not kind.has_static_shape or kind.memory_space is not None:
        return None
    if kind.affine_map != ir.AffineMap.get_identity(kind.rank):
        return None
    try:
        width = named_type(str(kind.element_type)).itemsize
    except InputError:
        return None
    size = math.prod(kind.shape) * width
    return size or None


def alignment_of(operation: ir.Operation) -> int:
    """What an allocation asks for, 1 where it asks for nothing."""
    if "alignment" not in operation.attributes:
        return 1
    return int(ir.IntegerAttr(operation.attributes["alignment"]).value)


def bodies(module: ir.Operation) -> Iterator[ir.Operation]:
    """The functions whose body is one block."""
    for function in context.functions(module).values():
        if len(function.regions[0].blocks) == 1:
            yield function


def merged(spans: Iterable[tuple[int, int]], points: Iterable[int]) -> list[tuple[int, int]]:
    """Half-open ranges that cover `spans`, no two overlapping, and every point, in order."""
    found: list[tuple[int, int]] = []
    for start, stop in sorted([*spans, *((p, p + 1) for p in points)]):
        if found and start < found[-1][1]:
            found[-1] = found[-1][0], max(found[-1][1], stop)
        else:
            found.append((start, stop))
    return found
