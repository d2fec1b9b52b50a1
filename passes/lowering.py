"""A function of JAX arrays as a module whose arguments have the names they are given."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxlib.mlir import ir

from cosmalloc.passes import attributes as mem
from cosmalloc.passes import context
from cosmalloc.passes.walk import operations


@dataclass(frozen=True, slots=True)
class Argument:
    """What the module takes at one place. needed: whether it stays where nothing reads it."""

    name: str
    shape: tuple[int, ...]
    kind: np.dtype[Any]
    needed: bool = True


def weight_name(name: str) -> str:
    """What an argument that holds a model's weights is called, as JAX would call it."""
    return f"params[{name!r}]"


def lower(
    function: Callable[..., Sequence[Any]],
    arguments: Sequence[Argument],
    name: str,
    calls: Iterable[str] = (),
) -> tuple[bytes, list[str]]:
    """MLIR bytecode of `function`, and the names of the arguments that it keeps.

    Turns 64-bit types on for this process. calls: targets of the custom calls that it makes; looked
    at when `function` has run.
    """
    import jax
    from jax import export

    config: Any = jax.config
    config.update("jax_enable_x64", True)
    shaped: Any = jax.ShapeDtypeStruct
    function.__name__ = "".join(c if c.isalnum() else "_" for c in name) or "model"
    shapes = [shaped(a.shape, a.kind) for a in arguments]
    jitted: Any = jax.jit(function, keep_unused=True)
    jitted.trace(*shapes)  # kept by JAX: the export below does not run the function again
    checks = [export.DisabledSafetyCheck.custom_call(target) for target in calls]
    exported = export.export(jitted, platforms=("cpu",), disabled_checks=checks)(*shapes)
    return named(exported.mlir_module_serialized, arguments)


def named(portable: bytes, arguments: Sequence[Argument]) -> tuple[bytes, list[str]]:
    """Bytecode of the module, `mem.name` on each argument of `main`, those unused taken out."""
    module = context.parse(portable, "the converted model")
    with module.context, ir.Location.unknown():
        main = context.entry(module.operation)
        block = main.regions[0].blocks[0]
        kept = []
        for place in range(len(arguments) - 1, -1, -1):
            used = next(iter(block.arguments[place].uses), None) is not None
            if used or arguments[place].needed:
                kept.append(place)
            else:
                block.erase_argument(place)
        kept.reverse()
        old = _attributes(main, len(arguments))
        named = [old[p] | {mem.NAME: ir.StringAttr.get(arguments[p].name)} for p in kept]
        main.attributes["arg_attrs"] = ir.ArrayAttr.get([ir.DictAttr.get(each) for each in named])
        function = ir.FunctionType(ir.TypeAttr(main.attributes["function_type"]).value)
        types = ir.FunctionType.get([a.type for a in block.arguments], function.results)
        main.attributes["function_type"] = ir.TypeAttr.get(types)
        return context.to_bytecode(module), [arguments[p].name for p in kept]


def _attributes(main: ir.Operation, count: int) -> list[dict[str, ir.Attribute]]:
    """Attributes of the arguments that `main` had before any was taken out."""
    if "arg_attrs" not in main.attributes:
        return [{} for _ in range(count)]
    return [mem.entries(each, "arg_attrs") for each in ir.ArrayAttr(main.attributes["arg_attrs"])]


def stablehlo_alone(text: bytes) -> bytes:
    """Bytecode of a module whose every operation has a rule; arith's constants become StableHLO's.

    Raises InputError that names the first operation that has none.
    """
    from cosmalloc.passes.rules.table import find

    module = context.parse(text, "the lowered program")
    with module.context, ir.Location.unknown():
        for operation in list(operations(module.operation)):
            if operation.name == "arith.constant":
                _constant(operation)
            elif operation.name not in ("builtin.module", "func.func"):
                find(operation)
        return context.to_bytecode(module)


def _constant(operation: ir.Operation) -> None:
    made = ir.Operation.create(
        "stablehlo.constant",
        results=[operation.results[0].type],
        attributes={"value": operation.attributes["value"]},
        loc=operation.location,
        ip=ir.InsertionPoint(operation),
    )
    operation.results[0].replace_all_uses_with(made.results[0])
    operation.erase()
