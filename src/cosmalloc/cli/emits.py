"""`--emit` of `map`: the plan in other forms than the mapped module, each file with its content."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cosmalloc.cli import options as o
from cosmalloc.errors import InputError
from cosmalloc.map_model import MappedModel

FORMS = ("mlir", "memref", "c")
Emit = Annotated[
    str,
    typer.Option(
        help="What -o is: `mlir`, the mapped module; `memref`, the same on buffers (extra `mlir`);"
        " `c`, a header and a runtime, in a folder or beside a FILE.h."
    ),
]


def emit_paths(emit: str, out: str | None) -> dict[str, str | None]:
    """The options with the files that they write, as far as known before. Raises InputError."""
    o.word(emit, FORMS, "--emit")
    if out is None and emit != "mlir":
        place = "-o FOLDER` or `-o FILE.h" if emit == "c" else "-o FILE.mlir"
        raise InputError(f"--emit {emit} needs a place", f"add `{place}`")
    if out is None or emit != "c":
        return {"--output": out}
    folder, header = _place(out)
    from cosmalloc.emit.c import RUNTIME

    return {"--output": str(folder / (header or "plan.h")), "--emit": str(folder / RUNTIME)}


def emit_files(emit: str, out: str | None, mapped: MappedModel) -> list[tuple[str, str | bytes]]:
    """The files and their contents; none without a plan or without `out`."""
    if out is None or mapped.outcome.plan is None:
        return []
    if emit == "c":
        from cosmalloc.emit import c_files, constants

        folder, header = _place(out)
        own = constants(mapped.module) if mapped.module is not None else {}
        files = c_files(mapped.problem, mapped.plan, header, own)
        return [(str(folder / name), text) for name, text in files.items()]
    return [(out, _on_buffers(mapped) if emit == "memref" else mapped.content(out))]


def _on_buffers(mapped: MappedModel) -> str:
    from cosmalloc.passes import LowerToMemref, context

    assert mapped.module is not None
    module = context.clone(mapped.module)
    LowerToMemref()(module.operation)
    return context.to_text(module)


def _place(out: str) -> tuple[Path, str | None]:
    """The folder and the header's name, None where it is the model's."""
    path = Path(out)
    if path.is_dir():
        return path, None
    if path.suffix != ".h":
        raise InputError(
            f"-o {out} is neither a folder nor ends in .h", "make the folder, or name a header"
        )
    return path.parent, path.name
