"""Models in: a file, bytes, text, an MLIR module, a `jax.export.Exported` or a JAX function."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from jaxlib.mlir import ir

from cosmalloc.errors import InputError
from cosmalloc.files import read_bytes
from cosmalloc.passes import context
from cosmalloc.passes.lifetimes_pass import name_arguments


def read_model(model: Any, arguments: Sequence[Any] | None = None) -> tuple[ir.Module, str]:
    """A module of its own for any kind of model, and a name for it.

    model: a path, MLIR text, bytes (MLIR bytecode or portable artifact), an `ir.Module` (copied,
        never changed), a `jax.export.Exported`, or a JAX function with its example `arguments`
        (arrays or `jax.ShapeDtypeStruct`s, one per positional parameter).

    Raises InputError.
    """
    module, name = _read(model, arguments)
    with module.context, module.operation.location:
        name_arguments(module.operation)
    own = name.encode(errors="replace").decode() or context.module_name(module.operation)
    return module, own


def _read(model: Any, arguments: Sequence[Any] | None) -> tuple[ir.Module, str]:
    if arguments is not None and not callable(model):
        raise InputError(f"arguments were given for a {type(model).__name__}, not for a function")
    if isinstance(model, ir.Module):
        return context.clone(model), ""
    if isinstance(model, bytes) or (isinstance(model, str) and "\n" in model):
        return context.parse(model, "the model"), ""
    if isinstance(model, (str, Path)):
        path = Path(model)
        return context.parse(read_bytes(path), str(path)), path.name.split(".")[0]
    serialized = getattr(model, "mlir_module_serialized", None)
    if isinstance(serialized, bytes):
        return context.parse(serialized, "the exported model"), str(getattr(model, "fun_name", ""))
    if callable(model):
        return _from_function(model, arguments)
    raise InputError(
        f"a model of type `{type(model).__name__}` is not read",
        "give a path, an MLIR module, a `jax.export.Exported` or a JAX function with arguments",
    )


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
