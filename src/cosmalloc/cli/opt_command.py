"""`cosmalloc opt`: passes over MLIR, text in, text out, as mlir-opt does it."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from cosmalloc.cli.console import print_json
from cosmalloc.cli.outputs import check_outputs
from cosmalloc.cli.rehearsal import rehearse


def opt(
    file: Annotated[
        str, typer.Argument(help="MLIR text, bytecode or portable artifact; - is stdin.")
    ],
    passes: Annotated[str, typer.Option(help="A pipeline: `inline,group-operators{policy=none}`.")],
    out: Annotated[
        str | None, typer.Option("-o", "--output", help="Write the text here [stdout].")
    ] = None,
    locations: Annotated[bool, typer.Option(help="Print source locations.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object that holds the text.")
    ] = False,
) -> None:
    """Run passes over a module: text in, text out."""
    from cosmalloc.files import write_whole
    from cosmalloc.passes import Pipeline, context, read_model

    check_outputs({"--output": out})
    pipeline = Pipeline.parse(passes)
    source = sys.stdin.buffer.read() if file == "-" else file
    rehearse(source)
    module, name = read_model(source)
    pipeline.run(module)
    text = context.to_text(module, locations=locations)
    if out is not None:
        write_whole(out, text)
    if as_json:
        print_json({"name": name, "passes": passes, "output": out, "module": text})
    elif out is None:
        print(text, end="" if text.endswith("\n") else "\n")
