"""Buffers as MiniMalloc's CSV: `id,lower,upper,size[,alignment][,offset]`, one buffer a line.

lower, upper: alive in steps [lower, upper). size: bytes. alignment: 1 where empty.
offset: where the buffer must stand, empty or -1 where it is free. Columns may come in any sequence.
"""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cosmalloc.errors import InputError
from cosmalloc.files import read_text

REQUIRED = ("id", "lower", "upper", "size")
OPTIONAL = {"alignment": 1, "offset": -1}  # with what an empty cell means
WHOLE = re.compile(r"-?\d{1,18}", re.ASCII)


@dataclass(frozen=True)
class BufferTable:
    """ids: str[N], unique. The rest int64[N]; fixed: the offset, -1 where free."""

    ids: tuple[str, ...]
    lower: NDArray[np.int64]
    upper: NDArray[np.int64]
    size: NDArray[np.int64]
    alignment: NDArray[np.int64]
    fixed: NDArray[np.int64]


def read_buffers(path: str | Path) -> BufferTable:
    """The table in the file. InputError with line and column where it is none."""
    return parse_buffers(read_text(path), str(path))


def parse_buffers(text: str, place: str = "the table") -> BufferTable:
    """`text` as a table; `place` names it in errors."""
    lines = csv.reader(io.StringIO(text), strict=True)
    try:
        rows = [(lines.line_num, row) for row in lines if row]
    except csv.Error as error:
        raise InputError(f"{place}, line {lines.line_num}: {error}") from None
    columns = _columns(rows[0][1] if rows else [], place)
    ids: dict[str, int] = {}
    values: dict[str, list[int]] = {name: [] for name in (*REQUIRED[1:], *OPTIONAL)}
    for line, row in rows[1:]:
        if len(row) != len(columns):
            raise InputError(
                f"{place}, line {line}: {len(row)} cells, the header has {len(columns)}"
            )
        cells = dict(zip(columns, (cell.strip() for cell in row), strict=True))
        name = cells["id"]
        if name in ids:
            raise InputError(f"{place}, line {line}: id `{name}` stands in line {ids[name]} too")
        ids[name] = line
        for column, found in values.items():
            found.append(_whole(cells.get(column, ""), column, f"{place}, line {line}"))
    arrays = {name: np.array(found, dtype=np.int64) for name, found in values.items()}
    fixed = arrays.pop("offset")
    return BufferTable(tuple(ids), **arrays, fixed=fixed)


def _columns(header: list[str], place: str) -> list[str]:
    columns = [name.strip() for name in header]
    hint = "the first line is `id,lower,upper,size`, also `alignment` and `offset` if need be"
    for name in REQUIRED:
        if name not in columns:
            raise InputError(f"{place} has no column `{name}`", hint)
    for name in columns:
        if name not in REQUIRED and name not in OPTIONAL:
            raise InputError(f"{place} has a column `{name}`, which has no meaning here", hint)
        if columns.count(name) > 1:
            raise InputError(f"{place} has two columns `{name}`", hint)
    return columns


def _whole(cell: str, column: str, place: str) -> int:
    if not cell and column in OPTIONAL:
        return OPTIONAL[column]
    if not WHOLE.fullmatch(cell):
        raise InputError(f"{place}: {column} is `{cell}`, no whole number below 10**18")
    return int(cell)


def format_buffers(table: BufferTable, offsets: NDArray[np.int64]) -> str:
    """The table with its offsets: `id,lower,upper,size,alignment,offset`."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([*REQUIRED, "alignment", "offset"])
    numbers = (table.lower, table.upper, table.size, table.alignment, offsets)
    writer.writerows(zip(table.ids, *(column.tolist() for column in numbers), strict=True))
    return out.getvalue()


def capacity_in_name(path: str | Path) -> int | None:
    """1048576 for `A.1048576.csv`, None for a name without a number before `.csv`."""
    match = re.fullmatch(r".*\.(\d{1,18})\.csv", Path(path).name, re.ASCII)
    return int(match[1]) if match else None
