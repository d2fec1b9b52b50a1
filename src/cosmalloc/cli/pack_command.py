"""`cosmalloc pack`: offsets for the buffers of a CSV."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cosmalloc.cli import options as o
from cosmalloc.cli.console import note, print_facts, print_json, progress_bar
from cosmalloc.cli.outputs import check_outputs
from cosmalloc.errors import InputError

if TYPE_CHECKING:
    from cosmalloc.buffers_csv import BufferTable
    from cosmalloc.packing import Packing


def pack(
    buffers: Annotated[
        str,
        typer.Argument(metavar="BUFFERS.csv", help="id,lower,upper,size[,alignment][,offset]"),
    ],
    capacity: Annotated[
        str | None,
        typer.Option(help="Bytes available, like 1MiB; by default the number in NAME.1048576.csv."),
    ] = None,
    smallest: Annotated[
        bool, typer.Option("--smallest", help="Find the smallest peak instead.")
    ] = False,
    out: Annotated[
        str | None, typer.Option("-o", "--output", help="Write the CSV with offsets here.")
    ] = None,
    picture: Annotated[
        str | None,
        typer.Option(help="Draw it: a path ending in .svg or .png, or `-` for the terminal."),
    ] = None,
    seconds: o.Seconds = 10.0,
    seed: o.Seed = 0,
    threads: Annotated[int, typer.Option(min=1, max=64, help="Threads of the search.")] = 1,
    as_json: o.AsJson = False,
) -> None:
    """Place buffers of known lifetimes: under a capacity, or with the smallest peak."""
    from cosmalloc.buffers_csv import capacity_in_name, format_buffers, read_buffers
    from cosmalloc.files import write_together
    from cosmalloc.packing import pack as pack_table
    from cosmalloc.sizes import parse_bytes

    if smallest and capacity is not None:
        raise InputError("--smallest and --capacity exclude each other", "give one of them")
    drawn = picture if picture not in (None, "-") else None
    if drawn is not None and Path(drawn).suffix not in (".svg", ".png"):
        raise InputError(f"--picture {drawn} ends in neither .svg nor .png")
    check_outputs({"--output": out, "--picture": drawn})
    table = read_buffers(buffers)
    limit = parse_bytes(capacity) if capacity is not None else capacity_in_name(buffers)
    with progress_bar() as show:
        found = pack_table(
            table,
            None if smallest else limit,
            seconds=seconds,
            seed=seed,
            threads=threads,
            progress=lambda peak, bound: show(
                f"peak {peak:,}, proven bound {bound:,} bytes", bound / max(peak, 1)
            ),
        )
    if found.interrupted:
        note("interrupted: this is the best so far")
    files: list[tuple[str | Path, str | bytes]] = []
    if found.offsets is not None and out is not None:
        files.append((out, format_buffers(table, found.offsets)))
    if drawn is not None:
        files += _drawing(table, found, drawn)
    write_together(files)
    _report(table, found, None if smallest else limit, as_json)
    if picture == "-" and found.offsets is not None and not as_json:
        _show(table, found)
    if found.offsets is None:
        raise typer.Exit(1)


def _drawing(table: BufferTable, found: Packing, path: str) -> list[tuple[str | Path, str | bytes]]:
    from cosmalloc.picture import png, svg

    if found.offsets is None or found.peak is None:
        return []
    draw = svg if path.endswith(".svg") else png
    return [(path, draw(table, found.offsets, found.peak))]


def _show(table: BufferTable, found: Packing) -> None:
    from rich.console import Console

    from cosmalloc.picture import terminal

    assert found.offsets is not None
    assert found.peak is not None
    console = Console(highlight=False)
    console.print(terminal(table, found.offsets, found.peak, columns=min(console.width, 120)))


def _report(table: BufferTable, found: Packing, capacity: int | None, as_json: bool) -> None:
    if as_json:
        print_json(
            {
                "status": found.status,
                "buffers": len(table.ids),
                "capacity": capacity,
                "peak": found.peak,
                "bound": found.bound,
                "seconds": found.seconds,
                "offsets": None
                if found.offsets is None
                else dict(zip(table.ids, found.offsets.tolist(), strict=True)),
            }
        )
        return
    facts = {"buffers": f"{len(table.ids):,}", "status": found.status}
    if capacity is not None:
        facts["capacity"] = f"{capacity:,} bytes"
    if found.peak is not None:
        facts["peak"] = f"{found.peak:,} bytes"
    facts["proven bound"] = f"{found.bound:,} bytes"
    facts["time"] = f"{found.seconds:.2f} s"
    print_facts("pack", facts)
    if found.status == "infeasible":
        note(f"no plan fits {capacity:,} bytes: proven; at least {found.bound:,} are needed")
    elif found.status == "unknown":
        note("no plan found in time; try `--seconds` with more, or `--smallest`")
