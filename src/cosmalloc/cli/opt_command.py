"""`cosmalloc opt`: passes over MLIR, text in, text out, as mlir-opt does it."""

from __future__ import annotations

import sys
from typing import Annotated

import typer


def opt(
    file: Annotated[
        str, typer.Argument(help="MLIR text, bytecode or portable artifact; - is stdin.")
    ],
    passes: Annotated[str, typer.Option(help="A pipeline: `inline,group-operators{policy=none}`.")],
    out: Annotated[str | None, typer.Option("-o", "--output", help="[stdout]")] = None,
    locations: Annotated[bool, typer.Option(help="Print source locations.")] = False,
) -> None:
    """Run passes over a module."""
    from cosmalloc.files import check_writable, write_whole
    from cosmalloc.passes import Pipeline, context, read_model

    if out is not None:
        check_writable(out)
    pipeline = Pipeline.parse(passes)
    module, _ = read_model(sys.stdin.buffer.read() if file == "-" else file)
    pipeline.run(module)
    text = context.to_text(module, locations=locations)
    if out is None:
        print(text, end="" if text.endswith("\n") else "\n")
    else:
        write_whole(out, text)
