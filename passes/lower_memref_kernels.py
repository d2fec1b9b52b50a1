"""Kernels on tensors as functions on memrefs: operands in, results written where the caller says.

    stablehlo  --jaxlib-->  linalg on tensors  --torch-mlir-->  loops on memrefs

A kernel never writes its operands. What it needs beside operands and results it allocates and frees
itself. A kernel that works *apart* from its operands fills its results as it goes; one that may
work in place makes them whole first and copies them out at its end.
"""

from __future__ import annotations

from dataclasses import dataclass

from jaxlib.mlir import ir
from jaxlib.mlir.dialects import stablehlo
from jaxlib.mlir.passmanager import PassManager

from cosmalloc.errors import InputError
from cosmalloc.passes import context
from cosmalloc.passes.diagnostics import listening
from cosmalloc.passes.inline import callee, kernels
from cosmalloc.passes.kernels import wrap
from cosmalloc.passes.lower_memref_control import control_to_scf
from cosmalloc.passes.lower_memref_door import copies_as_loops, crossed, run_passes, to_text
from cosmalloc.passes.lower_memref_scatter import scatter_to_loops
from cosmalloc.passes.nested import inside
from cosmalloc.passes.program import Program

_TO_PLAIN = (
    "func.func(chlo-legalize-to-stablehlo,stablehlo-complex-math-expander),"
    "stablehlo-convert-to-signless"
)
_TO_LINALG = "stablehlo-legalize-to-linalg,canonicalize,cse"
_TO_MEMREF = (
    "func.func(linalg-generalize-named-ops,linalg-fuse-elementwise-ops),canonicalize,cse,"
    "empty-tensor-to-alloc-tensor,"
    "one-shot-bufferize{bufferize-function-boundaries allow-return-allocs-from-loops"
    " function-boundary-type-conversion=identity-layout-map},"
    "buffer-results-to-out-params{hoist-static-allocs=%s modify-public-functions},"
    "canonicalize,buffer-deallocation-pipeline"
)
_TO_LOOPS = "func.func(convert-linalg-to-loops),canonicalize,cse"
APART, IN_PLACE = "apart", "in_place"


@dataclass(frozen=True, slots=True)
class Kernel:
    """One function to make: an operator's, for one way of working. name: no other has it."""

    name: str
    operator: int
    way: str


class Names:
    """Names of lowered kernels: operators that call one function share one, per way of working."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.taken = {"main"} | set(kernels(program.module))
        self.found: dict[tuple[str, str], Kernel] = {}

    def kernel(self, operator: int, way: str) -> Kernel:
        """The kernel that runs `operator`."""
        handle = self.program.operations[operator]
        called = handle.name == "func.call"
        stem = callee(handle) if called else f"{handle.name.split('.')[-1]}.{operator}"
        if (stem, way) not in self.found:
            name = stem if called and way == APART else self.fresh(stem)
            self.found[stem, way] = Kernel(name, operator, way)
        return self.found[stem, way]

    def fresh(self, stem: str) -> str:
        """A symbol that is not taken yet, and is now."""
        name, count = stem, 0
        while name in self.taken:
            name, count = f"{stem}_{count}", count + 1
        self.taken.add(name)
        return name


def lower_kernels(program: Program, wanted: list[Kernel]) -> list[str]:
    """Texts of modules of functions of these names on memrefs: operands, then results.

    Raises InputError for an operation that nobody lowers.
    """
    made = []
    for way in (APART, IN_PLACE):
        group = [kernel for kernel in wanted if kernel.way == way]
        if group:
            made.append(_memref(_linalg(program, group), way))
    return made


def _linalg(program: Program, group: list[Kernel]) -> str:
    """Text of a module of the kernels in linalg."""
    functions = kernels(program.module)
    module = ir.Module.create()
    for kernel in group:
        handle = program.operations[kernel.operator]
        if handle.name == "func.call":
            point = ir.InsertionPoint(module.body)
            function = functions[callee(handle)].clone(ip=point).operation
        else:
            wrap(handle, module)
            function = module.body.operations[len(module.body.operations) - 1].operation
        function.attributes["sym_name"] = ir.StringAttr.get(kernel.name)
        function.attributes["sym_visibility"] = ir.StringAttr.get("public")
    alone = context.clone(module)  # the passes load dialects into the context that they run in
    with alone.context:
        _run(alone, _TO_PLAIN)
        scatter_to_loops(alone.operation)
        control_to_scf(alone.operation)
        _run(alone, _TO_LINALG)
        _refuse_rest(alone)
        return context.to_text(alone)


def _run(module: ir.Module, pipeline: str) -> None:
    stablehlo.register_stablehlo_passes()
    with listening(module.context) as said:
        try:
            PassManager.parse(f"builtin.module({pipeline})", module.context).run(module.operation)
        except (ir.MLIRError, ValueError):
            why = said[0] if said else "MLIR does not say why"
            raise InputError(f"the kernels can't be lowered to linalg: {why}") from None


def _refuse_rest(module: ir.Module) -> None:
    """Raises InputError for the first operation that is left over."""
    for operation in inside(module.operation):
        if operation.name.split(".")[0] in ("stablehlo", "chlo"):
            place = context.short_location(operation.location)
            raise InputError(
                f"`{operation.name}` has no lowering to linalg"
                + (f" (at {place})" if place else ""),
                "take the plan as tables instead: `--emit c`",
            )


def _memref(linalg: str, way: str) -> str:
    with crossed(linalg) as module:
        from torch_mlir import ir as upstream

        sealed = upstream.Attribute.parse("{bufferization.writable = false}")
        for function in module.body:
            count = len(function.regions[0].blocks[0].arguments)
            function.attributes["arg_attrs"] = upstream.ArrayAttr.get([sealed] * count)
        run_passes(module, _TO_MEMREF % ("true" if way == APART else "false"))
        copies_as_loops(module)
        run_passes(module, _TO_LOOPS)
        for function in module.body:
            for key in ("arg_attrs", "res_attrs"):
                if key in function.attributes:
                    del function.attributes[key]
        return to_text(module)
