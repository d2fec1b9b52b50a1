"""`main` on memrefs: one arena, views at the plan's offsets, copies at its steps, calls of kernels.

    func.func @main(%arg0: memref<...>, ..., %out0: memref<...>, ...) {
      %arena = memref.get_global @arena : memref<2048xi8, 1>             // the scratchpad
      %heap = memref.alloc() : memref<512xi8>                            // what is spilled
      %on = memref.view %arena[%c64][] : memref<2048xi8, 1> to memref<8x8xf32, 1>
      memref.dma_start %arg0[%c0, %c0], %on[%c0, %c0], %c64, %tags[%c0] : ...
      memref.dma_wait %tags[%c0], %c64 : memref<1xi32>
      call @kernel(...)

Kernels take memory of any space: `memref.memory_space_cast` makes it so.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from jaxlib.mlir import ir

from cosmalloc.emit.walk import Event, Operand, Step, Walk
from cosmalloc.errors import InputError
from cosmalloc.passes.kernels import Kernels
from cosmalloc.passes.lower_memref_kernels import APART, IN_PLACE, Kernel, Names
from cosmalloc.passes.numpy_types import numpy_type, shape_of
from cosmalloc.passes.program import Program


@dataclass
class Main:
    """Writes `main` and what stands beside it. space: the scratchpad's memory space, from 1."""

    program: Program
    todo: Walk
    space: int
    used: dict[Kernel, str] = field(default_factory=dict)  # its declaration
    body: list[str] = field(default_factory=list)
    numbers: dict[int, str] = field(default_factory=dict)
    known: dict[tuple[str, int, str], str] = field(default_factory=dict)
    globals: list[str] = field(default_factory=list)
    bases: dict[int, tuple[str, str]] = field(default_factory=dict)  # home -> name, type off-chip

    def __post_init__(self) -> None:
        self.kernels = Kernels(self.program)
        self.names = Names(self.program)
        self.types: dict[int, ir.Type] = {}
        for value, tensor in self.program.tensors.items():
            self.types.setdefault(tensor, value.type)
        for tensor, kind in self.types.items():
            _check_size(self.program, tensor, kind)

    def text(self) -> str:
        """A module of `main`, its constants, and declarations of `used`."""
        block = self.program.main.regions[0].blocks[0]
        terminator = block.operations[len(block.operations) - 1]
        arguments = self._arguments(block)
        outputs = [memref(value.type) for value in terminator.operands]
        places = self._outputs(terminator)
        self._constants(block)
        self._scratchpad()
        for event in self.todo.events:
            self._event(event)
        for place, (value, kind) in enumerate(zip(terminator.operands, outputs, strict=True)):
            if places.get(self.program.tensors[value]) != place:
                home = self._home(self.program.tensors[value], value.type)
                self.body.append(f"memref.copy {home}, %out{place} : {kind} to {kind}")
        results = [f"%out{place}: {kind}" for place, kind in enumerate(outputs)]
        head = f"func.func @main({', '.join([*arguments, *results])}) {{"
        body = [*self._constant_numbers(), *self._memories(), *self.body, *self._ends(), "return"]
        lines = [*self.globals, *self.used.values(), head, *(f"  {line}" for line in body), "}"]
        return "\n".join(lines)

    def _arguments(self, block: ir.Block) -> list[str]:
        found = []
        for place, value in enumerate(block.arguments):
            self.bases[self.program.tensors[value]] = f"%arg{place}", memref(value.type)
            found.append(f"%arg{place}: {memref(value.type)}")
        return found

    def _outputs(self, terminator: Any) -> dict[int, int]:
        """Tensor -> the place of the output that is its buffer off-chip."""
        places: dict[int, int] = {}
        for place, value in enumerate(terminator.operands):
            tensor = self.program.tensors[value]
            if tensor not in self.bases and self.todo.heap.homes[tensor] == tensor:
                self.bases[tensor] = f"%out{place}", memref(value.type)
                places[tensor] = place
        return places

    def _constants(self, block: ir.Block) -> None:
        for operation in block:
            if operation.operation.name == "stablehlo.constant":
                value = operation.results[0]
                tensor, kind = self.program.tensors[value], memref(value.type)
                name = self.names.fresh(f"constant_{tensor}")
                data = signless(str(operation.attributes["value"]))
                self.globals.append(
                    f'"memref.global"() <{{sym_name = "{name}", sym_visibility = "private",'
                    f" type = {kind}, initial_value = {data}, constant,"
                    f" alignment = 64 : i64}}> : () -> ()"
                )
                self.body.append(f"%constant{tensor} = memref.get_global @{name} : {kind}")
                self.bases[tensor] = f"%constant{tensor}", kind

    def _scratchpad(self) -> None:
        """The arena is a global without content: it stands at one address of its space."""
        if self.todo.arena_bytes:
            self.arena = self.names.fresh("arena")
            self.globals.append(
                f'memref.global "private" @{self.arena} : {self._arena()} = uninitialized'
                f" {{alignment = {self._alignment()} : i64}}"
            )

    def _memories(self) -> Iterator[str]:
        if self.todo.copies:
            yield f"%tags = memref.alloca() : {self._tags()}"
        if self.todo.arena_bytes:
            yield f"%arena = memref.get_global @{self.arena} : {self._arena()}"
        if self.todo.heap.bytes:
            aligned = f"{{alignment = {self._alignment()} : i64}}"
            yield f"%heap = memref.alloc() {aligned} : {self._heap()}"

    def _ends(self) -> Iterator[str]:
        if self.todo.heap.bytes:
            yield f"memref.dealloc %heap : {self._heap()}"

    def _alignment(self) -> int:
        """A power of two, of which the target's alignment needs no more: MLIR knows no other."""
        wanted = self.program.problem.target.alignment
        return max(64, wanted & -wanted)

    def _arena(self) -> str:
        return f"memref<{self.todo.arena_bytes}xi8, {self.space}>"

    def _heap(self) -> str:
        return f"memref<{self.todo.heap.bytes}xi8>"

    def _tags(self) -> str:
        return f"memref<{len(self.todo.copies)}xi32>"

    def _event(self, event: Event) -> None:
        if event.kind == "run":
            self._step(self.todo.steps[event.index])
            return
        copy = self.todo.copies[event.index]
        kind = self.types[copy.tensor]
        count = self._number(math.prod(shape_of(kind)))
        tag = f"%tags[{self._number(event.index)}]"
        if event.kind == "wait":
            self.body.append(f"memref.dma_wait {tag}, {count} : {self._tags()}")
            return
        zeros = ", ".join([self._number(0)] * len(shape_of(kind)))
        chip = f"{self._chip(copy.offset, kind)}[{zeros}]", memref(kind, self.space)
        home = f"{self._home(copy.tensor, kind)}[{zeros}]", memref(kind)
        source, goal = (home, chip) if copy.kind == "load" else (chip, home)
        self.body.append(
            f"memref.dma_start {source[0]}, {goal[0]}, {count}, {tag} :"
            f" {source[1]}, {goal[1]}, {self._tags()}"
        )

    def _step(self, step: Step) -> None:
        handle = self.program.operations[step.operator]
        reads = {each.tensor: each for each in step.inputs}
        values = self.kernels.inputs(step.operator)
        operands = [(reads[self.program.tensors[value]], value.type) for value in values]
        results = [
            (each, value.type)
            for each, value in zip(step.outputs, handle.results, strict=False)  # a workspace last
        ]
        way = IN_PLACE if self._overlap(step) else APART
        kernel = self.names.kernel(step.operator, way)
        kinds = ", ".join(memref(kind) for _, kind in (*operands, *results))
        symbol = ir.FlatSymbolRefAttr.get(kernel.name)
        self.used[kernel] = f"func.func private {symbol}({kinds})"
        given = ", ".join(self._generic(each, kind) for each, kind in (*operands, *results))
        self.body.append(f"func.call {symbol}({given}) : ({kinds}) -> ()")

    def _overlap(self, step: Step) -> bool:
        """Whether a result lies on a byte of an operand or of another result."""
        spans = [self._span(each) for each in (*step.inputs, *step.outputs)]
        return any(
            one[0] == two[0] and one[1] < two[2] and two[1] < one[2]
            for place, two in enumerate(spans[len(step.inputs) :], start=len(step.inputs))
            for one in spans[:place]
        )

    def _span(self, each: Operand) -> tuple[int, int, int]:
        """(memory, first byte, last byte + 1); the memory is -1 for the arena, -2 for the heap."""
        size = self.program.problem.tensors[each.tensor].bytes
        if each.offset is not None:
            return -1, each.offset, each.offset + size
        home = self.todo.heap.homes[each.tensor]
        if home in self.todo.heap.offsets:
            return -2, self.todo.heap.offsets[home], self.todo.heap.offsets[home] + size
        return home, 0, size

    def _generic(self, each: Operand, kind: ir.Type) -> str:
        """A tensor as a kernel takes it."""
        if each.offset is None:
            return self._home(each.tensor, kind)
        here = self._chip(each.offset, kind)
        old, new = memref(kind, self.space), memref(kind)
        text = f"memref.memory_space_cast {here} : {old} to {new}"
        return self._name(("cast", each.offset, new), text)

    def _chip(self, offset: int, kind: ir.Type) -> str:
        """A view of the arena."""
        return self._view("%arena", self._arena(), offset, kind, self.space)

    def _home(self, tensor: int, kind: ir.Type) -> str:
        """A tensor off-chip, seen as a tensor of this type."""
        home = self.todo.heap.homes[tensor]
        if home in self.todo.heap.offsets:
            return self._view("%heap", self._heap(), self.todo.heap.offsets[home], kind, 0)
        name, old = self.bases[home]
        new = memref(kind)
        if old == new:
            return name
        if old.rsplit("x", 1)[-1].split("<")[-1] != new.rsplit("x", 1)[-1].split("<")[-1]:
            raise InputError(
                f"tensor {tensor} (`{self.program.problem.tensors[tensor].name}`) is {old} and is"
                f" read as {new}: a buffer of the caller's has one type of element"
            )
        shape = shape_of(kind)
        strides = [math.prod(shape[place + 1 :]) for place in range(len(shape))]
        text = (
            f"memref.reinterpret_cast {name} to offset: [0], sizes: {list(shape)},"
            f" strides: {strides} : {old} to {new}"
        )
        return self._name(("home", home, new), text)

    def _view(self, base: str, whole: str, offset: int, kind: ir.Type, space: int) -> str:
        width = numpy_type(kind).itemsize
        if offset % width:
            raise InputError(
                f"offset {offset} is no multiple of {width}, the bytes of an element of {kind}",
                "use a target with a larger `alignment`",
            )
        new = memref(kind, space)
        text = f"memref.view {base}[{self._number(offset)}][] : {whole} to {new}"
        return self._name((base, offset, new), text)

    def _name(self, key: tuple[str, int, str], text: str) -> str:
        """The value that `text` makes, written once."""
        if key not in self.known:
            self.known[key] = f"%v{len(self.known)}"
            self.body.append(f"{self.known[key]} = {text}")
        return self.known[key]

    def _number(self, value: int) -> str:
        return self.numbers.setdefault(value, f"%c{value}")

    def _constant_numbers(self) -> Iterator[str]:
        for value, name in sorted(self.numbers.items()):
            yield f"{name} = arith.constant {value} : index"


def memref(kind: ir.Type, space: int = 0) -> str:
    """The memref, row by row, that holds a ranked tensor; its integers are signless."""
    tensor = ir.RankedTensorType(kind)
    sizes = "".join(f"{size}x" for size in tensor.shape)
    where = f", {space}" if space else ""
    return f"memref<{sizes}{signless(str(tensor.element_type))}{where}>"


def signless(text: str) -> str:
    """A type or a constant without the signs of its integers' type."""
    head, mark, tail = text.rpartition("tensor<")
    return head + mark + tail.replace("ui", "i")


def _check_size(program: Program, tensor: int, kind: ir.Type) -> None:
    """Raises InputError where the plan counts fewer bytes than the data have."""
    if str(ir.RankedTensorType(kind).element_type) in ("i2", "ui2", "i4", "ui4"):
        raise InputError(f"elements of `{kind}` have less than a byte, memrefs have no such")
    entry = program.problem.tensors[tensor]
    real = math.prod(shape_of(kind)) * numpy_type(kind).itemsize
    if entry.bytes < real:
        raise InputError(
            f"tensor {tensor} (`{entry.name}`) has {real} bytes, the plan counts {entry.bytes}",
            "map without `--bytes-per-element`",
        )
