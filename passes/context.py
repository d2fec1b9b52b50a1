"""The door to jaxlib's MLIR: contexts, parsing and printing of modules.

A handle to an operation or value does not keep its module alive, and handles to erased operations
dangle: keep the module beside every handle, and walk again after a pass has run.
"""

from __future__ import annotations

import io

from jaxlib.mlir import ir
from jaxlib.mlir._mlir_libs import _jax_mlir_ext
from jaxlib.mlir.dialects import chlo, sdy, stablehlo
from jaxlib.mlir.passmanager import PassManager

from cosmalloc.errors import InputError
from cosmalloc.passes.diagnostics import broken_string, listening

BYTECODE_MAGIC = b"ML\xefR\r"
PORTABLE_MAGIC = BYTECODE_MAGIC + b"StableHLO"
_FORMS = "give StableHLO as text, MLIR bytecode or a portable artifact (`jax.export`)"


def new_context(*, linalg: bool = False) -> ir.Context:
    """A context that knows StableHLO, CHLO and what `jax.export` may write beside them.

    linalg: and linalg, for programs on buffers. jaxlib registers it nowhere, but a pass loads it.
    """
    context = ir.Context()
    registry = ir.DialectRegistry()
    _jax_mlir_ext.register_dialects(registry)
    context.append_dialect_registry(registry)
    context.load_all_available_dialects()
    for dialect in (stablehlo, chlo, sdy):
        dialect.register_dialect(context)
    if linalg:
        stablehlo.register_stablehlo_passes()
        with context, ir.Location.unknown():
            empty = ir.Module.create()
            PassManager.parse("builtin.module(stablehlo-legalize-to-linalg)").run(empty.operation)
    return context


def _names_linalg(source: str | bytes) -> bool:
    return (b"linalg" if isinstance(source, bytes) else "linalg") in source  # type: ignore[operator]


def parse(source: str | bytes, place: str, *, unregistered: bool = False) -> ir.Module:
    """A verified module from MLIR text, MLIR bytecode or a StableHLO portable artifact.

    place: where the source came from, for the error. unregistered: operations of unknown dialects
    are let in. Raises InputError.
    """
    if not source.strip():
        raise InputError(f"{place} is empty", _FORMS)
    context = new_context(linalg=_names_linalg(source))
    context.allow_unregistered_dialects = unregistered
    with listening(context) as said:
        try:
            if isinstance(source, bytes) and source.startswith(PORTABLE_MAGIC):
                module = stablehlo.deserialize_portable_artifact(context, source)
            else:
                module = ir.Module.parse(source, context)
        except (ir.MLIRError, ValueError, MemoryError):
            raise InputError(*_parse_fault(source, said, place)) from None
    broken = broken_string(module.operation)
    if broken is not None:
        raise InputError(f"{place} holds the string `{broken}`, which is no UTF-8 text", _FORMS)
    return module


def _parse_fault(source: str | bytes, said: list[str], place: str) -> tuple[str, str]:
    first = said[0] if said else "no module is in it"
    if "Dialect `" in first or "unregistered" in first:
        hint = "only StableHLO, CHLO and func are read; lower other dialects to StableHLO first"
    elif isinstance(source, bytes) and source.startswith(BYTECODE_MAGIC[:4]):
        hint = "the bytes are cut short or damaged; export the model again"
    else:
        hint = _FORMS
    return f"{place} is not a module this reader knows: {first}", hint


def to_text(module: ir.Module, *, locations: bool = False) -> str:
    """MLIR text."""
    return str(module.operation.get_asm(enable_debug_info=locations, large_elements_limit=None))


def to_bytecode(module: ir.Module | ir.Operation) -> bytes:
    """MLIR bytecode; locations and discardable attributes survive."""
    out = io.BytesIO()
    module.operation.write_bytecode(out)
    return out.getvalue()


def to_portable(module: ir.Module) -> bytes:
    """A StableHLO portable artifact of the current version (of a copy: serialising changes it)."""
    copy = clone(module)
    return bytes(stablehlo.serialize_portable_artifact(copy, stablehlo.get_current_version()))


def clone(module: ir.Module) -> ir.Module:
    """The same module in a context of its own."""
    code = to_bytecode(module)
    return ir.Module.parse(code, new_context(linalg=_names_linalg(code)))


def entry(module: ir.Operation) -> ir.Operation:
    """The function that runs: `main`, or the only public one. Raises InputError."""
    functions = [
        op.operation for op in module.regions[0].blocks[0] if op.operation.name == "func.func"
    ]
    named = [f for f in functions if symbol(f) == "main"]
    public = [f for f in functions if "sym_visibility" not in f.attributes]
    found = named or public
    if len(found) != 1:
        names = ", ".join(f"`{symbol(f)}`" for f in public) or "none"
        raise InputError(
            f"the module has no function `main` and {len(public)} public functions ({names})",
            "name the one to map `main`",
        )
    if len(found[0].regions[0].blocks) != 1:
        raise InputError(f"function `{symbol(found[0])}` has no body of one block")
    function: ir.Operation = found[0]
    return function


def symbol(function: ir.Operation) -> str:
    """The name of a function."""
    return ir.StringAttr(function.attributes["sym_name"]).value


def functions(module: ir.Operation) -> dict[str, ir.Operation]:
    """Every function of a module by name."""
    found = (op.operation for op in module.regions[0].blocks[0])
    return {symbol(op): op for op in found if op.name == "func.func"}


def short_location(location: ir.Location) -> str:
    """The scope path of a named location, `file:line:column` of a file's, or "" where unknown."""
    name = getattr(location, "name_str", None)
    if name is not None:
        return str(name)
    text = str(location).removeprefix("loc(").removesuffix(")")
    return "" if text == "unknown" else text.replace('"', "")


def module_name(module: ir.Operation) -> str:
    """The module's own name, `model` where it has none."""
    if "sym_name" not in module.attributes:
        return "model"
    return symbol(module).removeprefix("jit_")
