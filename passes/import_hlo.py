"""HLO protos (XLA's dumps `*.hlo.pb`) and text without a schedule; jaxlib reads them.

A scheduled module comes back as text, for the reader of HLO (`xla_read.py`), which keeps its
schedule. A module without one has no order of its own, and becomes StableHLO.
"""

from __future__ import annotations

from pathlib import Path
from time import process_time
from typing import Any

from cosmalloc.errors import InputError
from cosmalloc.passes import context
from cosmalloc.passes.doors import Converted, Opening
from cosmalloc.passes.onnx.wire import WireError, parse, schema
from cosmalloc.passes.xla_text import is_hlo

# HloModuleProto: 1 name, 3 computations. HloProto: 1 hlo_module. HloSnapshot: 1 hlo.
_OUTER = schema("HloProto", {1: ("inside", "raw"), 3: ("computations", "raws")})


def convert(content: bytes, name: str, opening: Opening, folder: Path | None) -> Converted:
    """StableHLO, or the text of a scheduled module. Raises InputError."""
    import importlib

    from jaxlib import _jax

    if opening.shapes:
        raise InputError(f"--shape was given, and the shapes in {name} are fixed")
    begin = process_time()
    library: Any = importlib.import_module("jaxlib._hlo")
    try:
        if is_hlo(content):
            module = library.hlo_module_from_text(content.decode())
        else:
            inner = _module_bytes(content, name)
            module = library.HloModule.from_serialized_hlo_module_proto(inner)
        text = module.to_string()
        if "is_scheduled=true" in text.partition("\n")[0]:
            return Converted(text.encode(), seconds=process_time() - begin)
        proto = module.as_serialized_hlo_module_proto()
        found = _jax.mlir.hlo_to_stablehlo(proto)
    except InputError:
        raise
    except Exception as error:  # noqa: BLE001  XLA's errors have no common name
        first = " ".join(str(error).split())[:200]
        raise InputError(f"{name} is no HLO module that jaxlib reads: {first}") from None
    taken = process_time() - begin
    stablehlo = context.parse(found, "the converted module")
    return Converted(context.to_bytecode(stablehlo), seconds=taken)


def _module_bytes(content: bytes, name: str) -> bytes:
    """The module within what wraps it. Raises InputError."""
    data = memoryview(content)
    for _ in range(3):
        try:
            message = parse(data, _OUTER)
        except WireError as error:
            raise InputError(f"{name} is no HLO proto: {error.fact}") from None
        if len(message.get("computations", ())) and _is_text(message.get("inside")):
            return bytes(data)
        if "inside" not in message:
            break
        data = message["inside"]
    raise InputError(f"{name} is no HLO proto: no module is in it")


def _is_text(data: memoryview | None) -> bool:
    """Whether it is a name, as a module's first field is."""
    return data is not None and bytes(data).isascii() and bytes(data).decode().isprintable()
