"""`cosmalloc targets`: list the shipped machines, or show one."""

from __future__ import annotations

import dataclasses
from typing import Annotated

import typer

from cosmalloc.cli import options as o
from cosmalloc.cli.console import print_facts, print_json


def targets(
    name: Annotated[str | None, typer.Argument(help="A machine to show, or a TOML file.")] = None,
    as_json: o.AsJson = False,
) -> None:
    """List machine files, or show one."""
    from cosmalloc.sizes import format_bytes
    from cosmalloc.target_file import load_target, target_names

    if name is not None:
        values = dataclasses.asdict(load_target(name))
        if as_json:
            print_json(values)
        else:
            print_facts(name, {key: str(value) for key, value in values.items()})
        return
    found = {each: load_target(each) for each in target_names()}
    if as_json:
        print_json({key: dataclasses.asdict(target) for key, target in found.items()})
        return
    print_facts(
        "targets",
        {
            key: f"{format_bytes(t.scratchpad_bytes)}, operands {t.operand_rule},"
            f" off-chip {t.offchip_read_bytes_per_second / 1e9:g} GB/s"
            for key, t in found.items()
        },
    )
