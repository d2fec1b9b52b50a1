"""`group-operators`: form kernels, each a private function that `main` calls.

After it `main` holds weights (dense constants), one `func.call` an operator (or, with policy
`none`, one operation), and views. Inlining the calls gives the program that was there before.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, TypeAlias

from jaxlib.mlir import ir

from cosmalloc.errors import InputError
from cosmalloc.passes import context
from cosmalloc.passes.dataflow import Dataflow, dataflow
from cosmalloc.passes.grouping import WAYS, Group, Grouping, Way, group
from cosmalloc.passes.inline import KERNEL
from cosmalloc.passes.pass_base import ModulePass
from cosmalloc.passes.rules import Rules
from cosmalloc.passes.strip_memory import refuse_mapped

Values: TypeAlias = "dict[ir.Value[Any], ir.Value[Any]]"


@dataclass(frozen=True)
class GroupOperators(ModulePass):
    """policy: `fuse`, `single` or `none`, whose rules are in `grouping.py`, or `learned`: by the
    seconds that a cost model predicts. cost: which one, as of `cost_model.choose`."""

    argument: ClassVar[str] = "group-operators"
    policy: Way = "fuse"
    cost: str = "learned:cpu"

    def __post_init__(self) -> None:
        if self.policy not in WAYS:
            raise InputError(
                f"`group-operators` has policy `{self.policy}`", f"use {', '.join(WAYS)}"
            )

    def run(self, module: ir.Operation) -> None:
        refuse_mapped(module)
        main, rules = context.entry(module), Rules()
        flow = dataflow(main.regions[0].blocks[0], rules)
        if self.policy == "learned":
            from cosmalloc.cost_model.choose import predictor_named
            from cosmalloc.cost_model.grouping import group_by

            form_kernels(module, flow, group_by(flow, rules, predictor_named(self.cost)))
            return
        found = group(flow, rules, self.policy)
        if self.policy != "none":
            form_kernels(module, flow, found)


def form_kernels(module: ir.Operation, flow: Dataflow, grouping: Grouping) -> None:
    """Make the groups kernels. flow: of the module's `main`, which calls them then."""
    main = context.entry(module)
    block = main.regions[0].blocks[0]
    terminator = block.operations[len(block.operations) - 1].operation
    outline = _Outline(module, main, flow)
    for weight in reversed(grouping.weights):
        flow.operations[weight].move_before(block.operations[0])
    made: Values = {}
    for part in grouping.groups:
        outline.call(part, made, terminator)
    for index, value in enumerate(list(terminator.operands)):
        terminator.operands[index] = _viewed(value, made, terminator, flow)
    kept = set(grouping.weights)
    for index in range(len(flow.operations) - 1, -1, -1):
        if index not in kept:
            flow.operations[index].erase()


def kernel_function(flow: Dataflow, part: Group, point: ir.InsertionPoint) -> ir.Operation:
    """A function `kernel` of one group, made at `point`."""
    inputs = [flow.handles[v] for v in part.inputs]
    outputs = [flow.handles[v] for v in part.outputs]
    place = flow.operations[part.operations[-1]].location
    types = ir.FunctionType.get([v.type for v in inputs], [v.type for v in outputs])
    function = ir.Operation.create(
        "func.func",
        regions=1,
        attributes={
            "sym_name": ir.StringAttr.get("kernel"),
            "sym_visibility": ir.StringAttr.get("private"),
            "function_type": ir.TypeAttr.get(types),
            KERNEL: ir.StringAttr.get(kernel_kind(flow, part)),
        },
        loc=place,
        ip=point,
    )
    body = ir.Block.create_at_start(function.regions[0], types.inputs, [place] * len(inputs))
    inside: Values = dict(zip(inputs, body.arguments, strict=True))
    inner = ir.InsertionPoint(body)
    for index in part.operations:
        copy(flow.operations[index], inside, inner)
    ir.Operation.create("func.return", operands=[inside[v] for v in outputs], ip=inner)
    return function


class _Outline:
    """Makes kernel functions; equal bodies share one."""

    def __init__(self, module: ir.Operation, main: ir.Operation, flow: Dataflow) -> None:
        self.flow = flow
        self.main = main
        self.names: dict[str, str] = {}  # body text -> function
        self.used = set(context.functions(module))

    def call(self, part: Group, made: Values, before: ir.Operation) -> None:
        """Outline one group and call it before `before`; `made` learns its results."""
        flow = self.flow
        tail = flow.operations[part.operations[-1]]
        if tail.name == "func.call":  # of a kernel that was formed before
            for index in part.operations:
                copy(flow.operations[index], made, ir.InsertionPoint(before))
            return
        inputs = [flow.handles[v] for v in part.inputs]
        outputs = [flow.handles[v] for v in part.outputs]
        call = ir.Operation.create(
            "func.call",
            results=[value.type for value in outputs],
            operands=[made.get(value, value) for value in inputs],
            attributes={"callee": ir.FlatSymbolRefAttr.get(self._kernel(part))},
            loc=tail.location,
            ip=ir.InsertionPoint(before),
        )
        made.update(zip(outputs, call.results, strict=True))

    def _kernel(self, part: Group) -> str:
        """The name of a group's function."""
        function = kernel_function(self.flow, part, ir.InsertionPoint(self.main))
        text = str(function.get_asm(use_local_scope=True, assume_verified=True))
        if text in self.names:
            function.erase()
            return self.names[text]
        self.names[text] = self._fresh(kernel_kind(self.flow, part))
        function.attributes["sym_name"] = ir.StringAttr.get(self.names[text])
        return self.names[text]

    def _fresh(self, kind: str) -> str:
        name = next(
            f"{kind}.{i}" for i in range(len(self.used) + 1) if f"{kind}.{i}" not in self.used
        )
        self.used.add(name)
        return name


def copy(operation: ir.Operation, inside: Values, point: ir.InsertionPoint) -> ir.Operation:
    """Clone an operation, its operands and what its regions capture renamed by `inside`."""
    clone = operation.clone(ip=point).operation
    rename(clone, inside)
    inside.update(zip(operation.results, clone.results, strict=True))
    return clone


def rename(operation: ir.Operation, inside: Values) -> None:
    """Replace what an operation and its regions read."""
    for index, value in enumerate(list(operation.operands)):
        if value in inside:
            operation.operands[index] = inside[value]
    for region in operation.regions:
        for block in region.blocks:
            for op in block:
                rename(op.operation, inside)


def _viewed(
    value: ir.Value[Any], made: Values, before: ir.Operation, flow: Dataflow
) -> ir.Value[Any]:
    """The new value for a returned one; views between it and its storage are made again."""
    if value in made:
        return made[value]
    maker = value.owner
    if isinstance(maker, ir.Block) or maker.name == "stablehlo.constant":
        return value
    for operand in maker.operands:
        made.setdefault(operand, _viewed(operand, made, before, flow))
    copy(maker.operation, made, ir.InsertionPoint(before))
    return made[value]


def kernel_kind(flow: Dataflow, part: Group) -> str:
    """What a kernel is called: its last real kernel's operation, else its last operation."""
    names = [flow.operations[i].name for i in part.operations]
    heavy = [
        name
        for name, i in zip(names, part.operations, strict=True)
        if flow.roles[i] in ("kernel", "control")
    ]
    return (heavy or names)[-1].split(".")[-1]
