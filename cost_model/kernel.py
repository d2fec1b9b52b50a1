"""The kernels of a program, each as the text of a module whose `main` it is: what is measured,
stored and predicted."""

from __future__ import annotations

import hashlib

from jaxlib.mlir import ir

from cosmalloc.passes import context
from cosmalloc.passes.group_operators import GroupOperators
from cosmalloc.passes.grouping import Policy
from cosmalloc.passes.inline import KERNEL, callee, kernels
from cosmalloc.passes.kernel_cost import kernel_cost
from cosmalloc.passes.kernels import wrap
from cosmalloc.passes.pipeline import Pipeline
from cosmalloc.passes.program import Program
from cosmalloc.passes.rules import Rules

PREPARATION = "inline,drop-barriers,canonicalize,cse"


def kernels_of(module: ir.Module, policy: Policy = "fuse") -> list[str]:
    """The distinct kernels that a program falls into, in the order in which they were formed.

    module: a StableHLO program with one entry; it is left as it was. Raises InputError.
    """
    copy = context.clone(module)
    with copy.context, ir.Location.unknown():
        Pipeline.parse(PREPARATION).run(copy)
        GroupOperators(policy).run(copy.operation)
        return [kernel_text(function) for function in kernels(copy.operation).values()]


def operator_kernels(program: Program) -> list[str]:
    """The kernel of each operator of a program, in source order."""
    functions = kernels(program.module)
    texts: dict[str, str] = {}
    found = []
    for handle in program.operations:
        if handle.name != "func.call":
            found.append(_wrapped(handle))
            continue
        name = callee(handle)
        if name not in texts:
            texts[name] = kernel_text(functions[name])
        found.append(texts[name])
    return found


def kernel_text(function: ir.Operation) -> str:
    """The text of a kernel function, called `main` and without its locations."""
    with function.context, ir.Location.unknown():
        module = ir.Module.create()
        main = function.clone(ip=ir.InsertionPoint(module.body)).operation
        main.attributes["sym_name"] = ir.StringAttr.get("main")
        main.attributes["sym_visibility"] = ir.StringAttr.get("public")
        if KERNEL in main.attributes:
            del main.attributes[KERNEL]
        return _text(main)


def module_text(module: ir.Module) -> str:
    """The text of the kernel that a module's `main` is. Raises InputError."""
    with module.context:
        return kernel_text(context.entry(module.operation))


def size_of(text: str) -> tuple[int, int]:
    """Flops, and bytes of all operands and results."""
    module = context.parse(text, "the kernel")
    with module.context:
        main = context.entry(module.operation)
        rules = Rules()
        cost = kernel_cost(main, rules, 1)
        block = main.regions[0].blocks[0]
        ends = [*block.arguments, *block.operations[len(block.operations) - 1].operands]
        return cost.flops, sum(rules.tensor_bytes(value.type) for value in ends)


def digest(text: str) -> str:
    """What tells kernels apart: 16 hexadecimal digits."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _wrapped(handle: ir.Operation) -> str:
    with handle.context, ir.Location.unknown():
        module = ir.Module.create()
        wrap(handle, module)
        return _text(module.body.operations[0].operation)


def _text(function: ir.Operation) -> str:
    return str(
        function.get_asm(enable_debug_info=False, use_local_scope=True, assume_verified=True)
    )
