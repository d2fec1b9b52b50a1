"""Models in: a file, bytes, text, an MLIR module, a `jax.export.Exported` or a JAX function."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from jaxlib.mlir import ir

from cosmalloc.errors import InputError
from cosmalloc.files import read_bytes
from cosmalloc.passes import context, doors
from cosmalloc.passes.doors import Opening
from cosmalloc.passes.lifetimes_pass import name_arguments
from cosmalloc.passes.opaque import mark_opaque


def read_model(
    model: Any, arguments: Sequence[Any] | None = None, opening: Opening | None = None
) -> tuple[ir.Module, str]:
    """A module of its own for any kind of model, and a name for it.

    model: a path, MLIR text, bytes (MLIR bytecode or portable artifact), an `ir.Module` (copied,
        never changed), a `jax.export.Exported`, a `torch.export.ExportedProgram`, or a JAX function
        with its example `arguments` (arrays or `jax.ShapeDtypeStruct`s, one per positional
        parameter).
    opening: how a file of another form (ONNX, TFLite, torch, TOSA, linalg, HLO protos) is read.

    Raises InputError.
    """
    opening = opening or Opening()
    module, name = _read(model, arguments, opening)
    if opening.allow_opaque:
        mark_opaque(module.operation)
    with module.context, module.operation.location:
        name_arguments(module.operation)
    own = name.encode(errors="replace").decode() or context.module_name(module.operation)
    return module, own


def _read(model: Any, arguments: Sequence[Any] | None, opening: Opening) -> tuple[ir.Module, str]:
    if arguments is not None and not callable(model):
        raise InputError(f"arguments were given for a {type(model).__name__}, not for a function")
    if isinstance(model, ir.Module):
        return context.clone(model), ""
    if isinstance(model, bytes) or (isinstance(model, str) and "\n" in model):
        content = model.encode(errors="replace") if isinstance(model, str) else model
        return _from_bytes(content, Path("the model"), opening), ""
    if isinstance(model, (str, Path)):
        path = Path(model)
        return _from_bytes(read_bytes(path), path, opening), path.name.split(".")[0]
    if doors.is_torch(model):
        return _imported(doors.from_torch(model, opening))
    serialized = getattr(model, "mlir_module_serialized", None)
    if isinstance(serialized, bytes):
        return context.parse(serialized, "the exported model"), str(getattr(model, "fun_name", ""))
    if callable(model):
        return _from_function(model, arguments)
    raise InputError(
        f"a model of type `{type(model).__name__}` is not read",
        "give a path, an MLIR module, a `jax.export.Exported`, a torch `ExportedProgram` or a JAX"
        " function with arguments",
    )


def _from_bytes(content: bytes, path: Path, opening: Opening) -> ir.Module:
    door = doors.door_of(content, path.suffix)
    if door is not None:
        return _imported(doors.through(door, content, path, opening))[0]
    if opening.shapes:
        raise InputError(f"--shape was given, and the shapes in {path} are fixed")
    return context.parse(content, str(path), unregistered=opening.allow_opaque)


def _imported(found: doors.Imported) -> tuple[ir.Module, str]:
    return context.parse(found.module, "the converted model"), found.name


def _from_function(
    function: Callable[..., Any], arguments: Sequence[Any] | None
) -> tuple[ir.Module, str]:
    import jax
    from jax import export

    name = getattr(function, "__name__", "model")
    if arguments is None:
        raise InputError(
            f"function `{name}` came without example arguments",
            "pass them as a tuple; `jax.ShapeDtypeStruct`s do",
        )
    jitted: Any = function if hasattr(function, "lower") else jax.jit(function)
    try:
        exported = export.export(jitted)(*arguments)
    except NotImplementedError as error:  # host callbacks, for one
        raise InputError(
            f"function `{name}` can't be exported: {error}",
            "map the part of the program without callbacks",
        ) from error
    return context.parse(exported.mlir_module_serialized, f"function `{name}`"), name
