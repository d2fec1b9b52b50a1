"""A table of docs/data: a CSV whose first lines say what it is and which command made it."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path

from cosmalloc.files import write_whole


def write_table(
    path: Path,
    title: str,
    command: str,
    head: Sequence[str],
    rows: Iterable[Sequence[object]],
    note: str = "",
) -> None:
    """Writes the whole file or none; `docs/generate.py` shows it."""
    out = io.StringIO()
    for key, words in (("title", title), ("command", command), ("note", note)):
        if words:
            out.write(f"# {key}: {words}\n")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(head)
    writer.writerows(rows)
    write_whole(path, out.getvalue())
