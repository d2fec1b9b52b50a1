"""A plan of a function's buffers written into it: an arena, views of it, copies between sections.

Every section sees a buffer where it lies while the section runs; views that the function took of a
buffer are taken again of that place.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from jaxlib.mlir import ir

from cosmalloc.emit.walk import Copy, Operand, Walk, walk
from cosmalloc.passes.allocs_problem import Sections, unchained
from cosmalloc.passes.allocs_read import VIEWS, Allocs
from cosmalloc.passes.nested import inside
from cosmalloc.plan import Outcome
from cosmalloc.problem import Problem

Value = ir.Value[Any]


@dataclass(frozen=True)
class Arena:
    """Bytes of the arena, and of the heap beside it."""

    bytes: int
    heap_bytes: int


def write_plan(
    module: ir.Operation,
    allocs: Allocs,
    parts: Sections,
    problem: Problem,
    outcome: Outcome,
    space: int,
) -> Arena:
    """space: memory space of the arena, which is a global there; 0: it is allocated."""
    assert outcome.plan is not None
    todo = walk(unchained(problem, len(allocs.buffers)), outcome.plan)
    _Writer(module, allocs, parts, problem, todo, space).write()
    return Arena(todo.arena_bytes, todo.heap.bytes)


@dataclass
class _Writer:
    module: ir.Operation
    allocs: Allocs
    parts: Sections
    problem: Problem
    todo: Walk
    space: int
    numbers: dict[int, Value] = field(default_factory=dict)
    places: dict[tuple[str, int, ir.Type], Value] = field(default_factory=dict)
    bases: dict[str, Value] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.outer = set(self.allocs.operations)
        self.buffers = set(self.allocs.buffers)

    def write(self) -> None:
        operations = self.allocs.operations
        self.top, self.end = operations[0], operations[-1]
        with operations[0].location:
            self._memories()
            for event in self.todo.events:
                if event.kind == "run":
                    self._section(event.index)
                    continue
                border = self.todo.copies[event.index]
                at = border.start if event.kind == "begin" else border.stop
                starts = self.parts.ranges
                before = operations[starts[at][0]] if at < len(starts) else self.end
                if event.kind == "begin":
                    self._begin(border, event.index, before)
                else:
                    self._wait(border, event.index, before)
        gone = [op for op in operations if op.name in VIEWS or op in self.buffers]
        gone = [op for op in gone if op.results[0] in self.allocs.values]
        for operation in (*self.allocs.frees, *reversed(gone)):
            operation.erase()

    def _memories(self) -> None:
        sizes = {"arena": self.todo.arena_bytes, "heap": self.todo.heap.bytes}
        alignment = max(64, self.problem.target.alignment & -self.problem.target.alignment)
        for name, size in sizes.items():
            if not size:
                continue
            in_space = name == "arena" and self.space
            kind = ir.Type.parse(f"memref<{size}xi8{f', {self.space}' if in_space else ''}>")
            if in_space:
                self.bases[name] = self._global(kind, alignment)
                continue
            aligned = ir.IntegerAttr.get(ir.IntegerType.get_signless(64), alignment)
            zero = ir.DenseI32ArrayAttr.get([0, 0])
            given = {"alignment": aligned, "operandSegmentSizes": zero}
            self.bases[name] = self._make("memref.alloc", [], kind, self.top, given)
            self._make("memref.dealloc", [self.bases[name]], None, self.end)
        if self.todo.copies:
            kind = ir.Type.parse(f"memref<{len(self.todo.copies)}xi32>")
            zero = ir.DenseI32ArrayAttr.get([0, 0])
            given = {"operandSegmentSizes": zero}
            self.bases["tags"] = self._make("memref.alloca", [], kind, self.top, given)

    def _global(self, kind: ir.Type, alignment: int) -> Value:
        """The arena's address: one global per function."""
        block = self.module.regions[0].blocks[0]
        taken = {
            ir.StringAttr(op.operation.attributes["sym_name"]).value
            for op in block
            if "sym_name" in op.operation.attributes
        }
        name, count = "arena", 0
        while name in taken:
            name, count = f"arena_{count}", count + 1
        ir.Operation.create(
            "memref.global",
            attributes={
                "sym_name": ir.StringAttr.get(name),
                "sym_visibility": ir.StringAttr.get("private"),
                "type": ir.TypeAttr.get(kind),
                "initial_value": ir.UnitAttr.get(),
                "alignment": ir.IntegerAttr.get(ir.IntegerType.get_signless(64), alignment),
            },
            ip=ir.InsertionPoint.at_block_begin(block),
        )
        symbol = {"name": ir.FlatSymbolRefAttr.get(name)}
        address: Value = self._make("memref.get_global", [], kind, self.top, symbol)
        return address

    def _section(self, step: int) -> None:
        here = self.todo.steps[step]
        operands = {each.tensor: each for each in (*here.inputs, *here.outputs)}
        start, stop = self.parts.ranges[step]
        seen: dict[Value, Value] = {}
        for operation in self.allocs.operations[start:stop]:
            if operation.name in VIEWS:
                continue
            for user in (operation, *inside(operation)):
                if user.name == "memref.dealloc":
                    continue
                for place, value in enumerate(list(user.operands)):
                    buffer = self.allocs.values.get(value)
                    if buffer is not None and self._is_outside(value):
                        user.operands[place] = self._seen(value, operands[buffer], operation, seen)

    def _is_outside(self, value: Value) -> bool:
        """Whether the value is made in the function's own block."""
        owner = value.owner
        return not isinstance(owner, ir.Block) and owner.operation in self.outer

    def _seen(
        self, value: Value, place: Operand, before: ir.Operation, seen: dict[Value, Value]
    ) -> Value:
        """A buffer, or a view of it, as it is in this section."""
        if value not in seen:
            maker = value.owner
            assert isinstance(maker, (ir.Operation, ir.OpView))
            if maker.operation in self.buffers:
                seen[value] = self._place(place, value.type)
            else:
                base = self._seen(maker.operands[0], place, before, seen)
                clone = maker.operation.clone(ip=ir.InsertionPoint(before)).operation
                clone.operands[0] = base
                seen[value] = clone.results[0]
        return seen[value]

    def _place(self, place: Operand, kind: ir.Type) -> Value:
        """A buffer of this type where the plan has it, in the default memory space."""
        if place.offset is None:
            return self._heap(place.tensor, kind)
        here = self._chip(place.offset, kind)
        if not self.space:
            return here
        key = ("cast", place.offset, kind)
        if key not in self.places:
            self.places[key] = self._make("memref.memory_space_cast", [here], kind, self.top)
        return self.places[key]

    def _chip(self, offset: int, kind: ir.Type) -> Value:
        return self._view("arena", offset, _in_space(kind, self.space))

    def _heap(self, tensor: int, kind: ir.Type) -> Value:
        home = self.todo.heap.homes[tensor]
        return self._view("heap", self.todo.heap.offsets[home], kind)

    def _view(self, base: str, offset: int, kind: ir.Type) -> Value:
        key = (base, offset, kind)
        if key not in self.places:
            operands = [self.bases[base], self._number(offset)]
            self.places[key] = self._make("memref.view", operands, kind, self.top)
        return self.places[key]

    def _begin(self, copy: Copy, index: int, before: ir.Operation) -> None:
        kind = self.allocs.buffers[copy.tensor].results[0].type
        chip, home = self._chip(copy.offset, kind), self._heap(copy.tensor, kind)
        source, goal = (home, chip) if copy.kind == "load" else (chip, home)
        zeros = [self._number(0)] * ir.MemRefType(kind).rank
        tail = [self._count(kind), self.bases["tags"], self._number(index)]
        self._make("memref.dma_start", [source, *zeros, goal, *zeros, *tail], None, before)

    def _wait(self, copy: Copy, index: int, before: ir.Operation) -> None:
        kind = self.allocs.buffers[copy.tensor].results[0].type
        operands = [self.bases["tags"], self._number(index), self._count(kind)]
        self._make("memref.dma_wait", operands, None, before)

    def _count(self, kind: ir.Type) -> Value:
        return self._number(math.prod(ir.MemRefType(kind).shape))

    def _number(self, value: int) -> Value:
        if value not in self.numbers:
            kind = ir.IndexType.get()
            given = {"value": ir.IntegerAttr.get(kind, value)}
            self.numbers[value] = self._make("arith.constant", [], kind, self.top, given)
        return self.numbers[value]

    def _make(
        self,
        name: str,
        operands: list[Value],
        result: ir.Type | None,
        before: ir.Operation,
        attributes: Mapping[str, ir.Attribute] | None = None,
    ) -> Any:
        """A new operation's result, None where it has none."""
        made = ir.Operation.create(
            name,
            results=[] if result is None else [result],
            operands=operands,
            attributes=dict(attributes or {}),
            ip=ir.InsertionPoint(before),
        )
        return made.results[0] if result is not None else None


def _in_space(kind: ir.Type, space: int) -> ir.Type:
    """The same memref in another memory space."""
    if not space:
        return kind
    whole = ir.MemRefType(kind)
    where = ir.IntegerAttr.get(ir.IntegerType.get_signless(64), space)
    return ir.MemRefType.get(whole.shape, whole.element_type, memory_space=where)
