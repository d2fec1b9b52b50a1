"""TOSA and linalg-on-tensors, text or bytecode, as StableHLO; torch-mlir reads them.

Every operation is run once on JAX's tracers (`passes/tosa`, `passes/linalg`): one set of rules, of
StableHLO, then says what the program costs, whichever way it came.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cosmalloc.errors import InputError
from cosmalloc.passes.doors import BYTECODE, Converted, Opening
from cosmalloc.passes.foreign import (
    Array,
    Op,
    Reading,
    Value,
    handled,
    resources_of,
    run_block,
    shape_and_kind,
)
from cosmalloc.passes.foreign_parse import first_line, parse
from cosmalloc.passes.lowering import Argument, lower, weight_name
from cosmalloc.passes.opaque import PREFIX


def convert(content: bytes, name: str, opening: Opening, folder: Path | None) -> Converted:
    """The module of MLIR text or bytecode. Raises InputError."""
    if opening.shapes:
        raise InputError(f"--shape was given, and the shapes in {name} are fixed")
    return from_mlir(content, name, opening)


@dataclass
class Lifted:
    """Constants that become arguments, found by one run before the one that counts."""

    values: dict[str, Array] = field(default_factory=dict)
    traced: dict[str, Value] = field(default_factory=dict)
    seen: dict[str, int] = field(default_factory=dict)

    def take(self, op: Op, value: Array) -> Value:
        """The argument for a constant, or its values while arguments are counted."""
        name = f"const_{len(self.seen)}"
        self.seen[name] = len(self.seen)
        self.values[name] = value
        return self.traced.get(name, value)


def from_mlir(
    content: bytes, name: str, opening: Opening, *, lift: bool = False, seconds: float = 0.0
) -> Converted:
    """lift: large constants become arguments. seconds: that a converter took before.

    Raises InputError.
    """
    module = parse(content, name, unregistered=True)
    opaque: set[str] = set()
    if b"linalg" in content:
        _generalize(module, name)
    main, reading = _reading(module, content, opening, opaque)
    block = main.regions[0].blocks[0]
    at = Op(main, reading, {})
    arguments = [
        Argument(f"arg{place}", *shape_and_kind(argument.type, at))
        for place, argument in enumerate(block.arguments)
    ]
    count, lifted = len(arguments), Lifted()
    if lift:
        _literals(block, reading, lifted)
        values = lifted.values
        arguments += [Argument(weight_name(k), v.shape, v.dtype, False) for k, v in values.items()]
        reading.lift = lifted.take

    def function(*given: Value) -> Sequence[Value]:
        import jax.numpy as jnp

        lifted.seen.clear()
        lifted.traced.update(zip(lifted.values, given[count:], strict=True))
        known = dict(zip(block.arguments, given[:count], strict=True))
        return [jnp.asarray(value) for value in run_block(block, known, reading)]

    made, kept = lower(function, arguments, Path(name).stem, opaque)
    weights = {weight_name(key): value for key, value in lifted.values.items()}
    return Converted(made, {key: weights[key] for key in kept[count:]}, seconds)


def _literals(block: Any, reading: Reading, lifted: Lifted) -> None:
    """Values of the large constants of a block, in the order in which a run meets them."""
    reading.lift = lifted.take
    for each in block.operations:
        op = Op(each.operation, reading, {})
        if op.name in ("tosa.const", "tfl.pseudo_sparse_const", "arith.constant"):
            handled(op, reading.handlers[op.name])


def _generalize(module: Any, name: str) -> None:
    """linalg's named operations in their general form. Raises InputError."""
    from torch_mlir import ir
    from torch_mlir.passmanager import PassManager

    from cosmalloc.passes.linalg.handlers import GENERALIZE

    with module.context:
        try:
            PassManager.parse(GENERALIZE).run(module.operation)
        except (ir.MLIRError, RuntimeError) as error:
            raise InputError(
                f"{name} can't be brought to linalg.generic: {first_line(error)}"
            ) from None


def _reading(
    module: Any, content: bytes, opening: Opening, opaque: set[str]
) -> tuple[Any, Reading]:
    """The function that runs, and what all its operations share. Raises InputError."""
    from cosmalloc.passes.linalg.handlers import HANDLERS as LINALG
    from cosmalloc.passes.tosa.handlers import HANDLERS as TOSA

    functions = {}
    for each in module.body.operations:
        if each.operation.name == "func.func":
            functions[str(each.operation.attributes["sym_name"]).strip('"')] = each.operation
    public = [n for n, f in functions.items() if "sym_visibility" not in f.attributes]
    chosen = "main" if "main" in functions else public[0] if len(public) == 1 else None
    if chosen is None or len(functions[chosen].regions[0].blocks) != 1:
        raise InputError(
            f"the module has no function `main` of one block and {len(public)} public functions",
            "name the one to map `main`",
        )
    box = _black_box(opaque) if opening.allow_opaque else None
    resources = (
        resources_of(str(module)) if b"dense_resource" in content or content[:4] == BYTECODE else {}
    )
    return functions[chosen], Reading(
        {**TOSA, **LINALG}, opaque=box, resources=resources, functions=functions
    )


def _black_box(opaque: set[str]) -> Any:
    def box(op: Op, inputs: Sequence[Value]) -> Sequence[Value]:
        import jax

        shaped: Any = jax.ShapeDtypeStruct
        results = [shaped(*op.result(i)) for i in range(len(op.handle.results))]
        target = PREFIX + op.name
        if op.name == "tosa.custom":
            target = PREFIX + op.word("operator_name", "custom")
        if any(value is None for value in inputs) or len(op.handle.regions):
            raise op.fault("is not known, and no black box either: it is more than its operands")
        opaque.add(target)
        return list(jax.ffi.ffi_call(target, results)(*map(jax.numpy.asarray, inputs)))

    return box
