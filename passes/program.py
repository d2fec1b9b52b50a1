"""A grouped module as a `Problem`, with the handles to write a plan back.

Tensors are numbered: arguments of `main`, then dense constants, then the operators' results in
source order, then their workspaces. Views and transfers are no tensors: they mean what they view.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from jaxlib.mlir import ir

from cosmalloc.errors import InputError
from cosmalloc.fields import is_text
from cosmalloc.passes import attributes as mem
from cosmalloc.passes import context
from cosmalloc.passes.alias import alias_groups
from cosmalloc.passes.inline import callee, kernels
from cosmalloc.passes.kernel_cost import KernelCost, kernel_cost, operation_cost
from cosmalloc.passes.reading import Reading
from cosmalloc.passes.rules import Rules, captures, where
from cosmalloc.passes.strip_memory import is_transfer
from cosmalloc.problem import Operator, Problem, Tensor, TensorKind
from cosmalloc.target import Target

_DONATED = ("tf.aliasing_output", "jax.buffer_donor")


@dataclass(frozen=True)
class Program:
    """A problem and where it stands in the IR.

    operations: handle per operator, in source order. tensors: per storage value its tensor index.
    costs: per operator. Handles live as long as the module and until a pass changes it.
    """

    problem: Problem
    module: ir.Operation
    main: ir.Operation
    operations: tuple[ir.Operation, ...]
    tensors: dict[ir.Value[Any], int]


def extract(module: ir.Operation, target: Target, reading: Reading, name: str) -> Program:
    """Read a grouped (and perhaps mapped) module. Raises InputError."""
    if not is_text(name):
        raise InputError(f"the problem's name {name!a} is no Unicode text")
    return _Extractor(module, target, reading).program(name)


class _Extractor:
    def __init__(self, module: ir.Operation, target: Target, reading: Reading) -> None:
        self.module = module
        self.main = context.entry(module)
        self.kernels = kernels(module)
        self.target = target
        self.reading = reading
        self.rules: Rules = reading.rules()
        self.known: dict[str, KernelCost] = {}
        self.index: dict[ir.Value[Any], int] = {}
        self.tensors: list[Tensor] = []
        self.donated: set[int] = set()

    def program(self, name: str) -> Program:
        block = self.main.regions[0].blocks[0]
        body = [op.operation for op in block]
        terminator = body.pop()
        constants, views, operations = self._sort(body)
        self._arguments(block)
        for constant in constants:
            self._add(constant.results[0], f"constant_{len(self.tensors)}", "weight")
        for place, operation in enumerate(operations):
            kind = self._kind(operation)
            for slot, result in enumerate(operation.results):
                suffix = f":{slot}" if len(operation.results) > 1 else ""
                self._add(result, f"{kind}_{place}{suffix}", "intermediate")
        for view in views:
            for slot, operand in self.rules.views(view):
                self.index[view.results[slot]] = self._tensor(view.operands[operand])
        outputs = {self._tensor(value) for value in terminator.operands}
        for output in outputs:
            old = self.tensors[output]
            if old.kind == "intermediate":
                self.tensors[output] = Tensor(old.name, old.bytes, "output", old.tracked)
        costs = [self._cost(operation) for operation in operations]
        takes = [tuple(map(self._tensor, reads(operation))) for operation in operations]
        makes = [tuple(map(self._tensor, operation.results)) for operation in operations]
        groups, formed = alias_groups(
            self.tensors, takes, makes, [c.in_place for c in costs], self.donated
        )
        for tensor, number in groups.items():
            old = self.tensors[tensor]
            self.tensors[tensor] = Tensor(old.name, old.bytes, old.kind, old.tracked, number)
        found = [
            self._operator(
                place, operation, costs[place], takes[place], makes[place], formed[place]
            )
            for place, operation in enumerate(operations)
        ]
        problem = Problem(name, self.target, tuple(self.tensors), tuple(found))
        return Program(problem, self.module, self.main, tuple(operations), self.index)

    def _sort(
        self, body: list[ir.Operation]
    ) -> tuple[list[ir.Operation], list[ir.Operation], list[ir.Operation]]:
        constants, views, operations = [], [], []
        for operation in body:
            if operation.name == "stablehlo.constant":
                constants.append(operation)
            elif operation.name == "func.call":
                operations.append(operation)
            elif is_transfer(operation) or self.rules.role(operation) == "view":
                views.append(operation)
            else:
                operations.append(operation)
        marked = [mem.OPERATOR in operation.attributes for operation in operations]
        if all(marked):
            operations.sort(
                key=lambda op: mem.to_integer(op.attributes[mem.OPERATOR], mem.OPERATOR)
            )
        elif any(marked):
            raise InputError("some operators of the module carry `mem.operator` and some do not")
        return constants, views, operations

    def _arguments(self, block: ir.Block) -> None:
        for place, (argument, attributes) in enumerate(
            zip(block.arguments, argument_attributes(self.main), strict=True)
        ):
            name = argument_name(argument, attributes, place)
            if any(mark in attributes for mark in _DONATED):
                self.donated.add(len(self.tensors))
            self._add(argument, name, self.reading.argument_kind(name))

    def _add(self, value: ir.Value[Any], name: str, kind: TensorKind) -> None:
        try:
            size = max(1, self.rules.tensor_bytes(value.type))
        except InputError as error:
            raise InputError(f"tensor `{name}`: {error.fact}", error.hint) from None
        self.index[value] = len(self.tensors)
        tracked = self.reading.tracks(kind, self.target.operand_rule)
        self.tensors.append(Tensor(name, size, kind, tracked))

    def _tensor(self, value: ir.Value[Any]) -> int:
        return self.index[value]

    def _kind(self, operation: ir.Operation) -> str:
        name = (
            callee(operation).rsplit(".", 1)[0] if operation.name == "func.call" else operation.name
        )
        return name.split(".")[-1]

    def _cost(self, operation: ir.Operation) -> KernelCost:
        alignment = self.target.alignment
        if operation.name != "func.call":
            return operation_cost(operation, self.rules, alignment)
        name = callee(operation)
        if name not in self.kernels:
            raise InputError(
                f"{where(operation)} calls `{name}`, which is no kernel",
                "run the passes `inline,group-operators` first",
            )
        if name not in self.known:
            self.known[name] = kernel_cost(self.kernels[name], self.rules, alignment)
        return self.known[name]

    def _operator(
        self,
        place: int,
        operation: ir.Operation,
        cost: KernelCost,
        reads: tuple[int, ...],
        makes: tuple[int, ...],
        formed: frozenset[tuple[int, int]],
    ) -> Operator:
        read, written = list(cost.read), list(cost.written)
        for result, operand in set(cost.in_place) - formed:
            read[operand] = self.tensors[reads[operand]].bytes
            written[result] = self.tensors[makes[result]].bytes
        sums: dict[int, int] = {}
        for tensor, count in zip(reads, read, strict=True):
            sums[tensor] = min(self.tensors[tensor].bytes, sums.get(tensor, 0) + count)
        kind = self._kind(operation)
        if cost.workspace:
            makes = (*makes, len(self.tensors))
            written.append(cost.inside)
            self.tensors.append(Tensor(f"{kind}_{place}.workspace", cost.workspace))
        return Operator(
            name=f"{kind}_{place}",
            kind=kind,
            inputs=tuple(sums),
            outputs=makes,
            input_bytes_accessed=tuple(sums.values()),
            output_bytes_accessed=tuple(written),
            compute_seconds=_seconds(operation),
            flops=cost.flops,
            location=context.short_location(operation.location),
        )


def _seconds(operation: ir.Operation) -> float | None:
    """What a cost model said when the module was mapped."""
    if mem.SECONDS not in operation.attributes:
        return None
    return mem.to_real(operation.attributes[mem.SECONDS], mem.SECONDS)


def _marked_index(operation: ir.Operation) -> int:
    return mem.to_integer(operation.attributes[mem.OPERATOR], mem.OPERATOR)


def reads(operation: ir.Operation) -> Iterator[ir.Value[Any]]:
    """What an operator reads: its operands, then what its regions capture."""
    yield from operation.operands
    if operation.regions:
        yield from captures(operation)


def argument_attributes(main: ir.Operation) -> list[dict[str, ir.Attribute]]:
    """Attributes of each argument of a function."""
    count = len(main.regions[0].blocks[0].arguments)
    if "arg_attrs" not in main.attributes:
        return [{} for _ in range(count)]
    dictionaries = ir.ArrayAttr(main.attributes["arg_attrs"])
    return [mem.entries(each, "arg_attrs") for each in dictionaries]


def argument_name(argument: ir.Value[Any], attributes: dict[str, ir.Attribute], place: int) -> str:
    """Its `mem.name`, else the name JAX left in its location, else `argN`."""
    if mem.NAME in attributes:
        return mem.to_word(attributes[mem.NAME], mem.NAME)
    if isinstance(argument.location, ir.NameLoc):
        return str(argument.location.name_str)
    return f"arg{place}"
