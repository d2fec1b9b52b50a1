"""Rows of a sweep as files: CSV, JSON, parquet."""

from __future__ import annotations

import csv
import dataclasses
import importlib
import io
import json
from collections.abc import Sequence
from typing import Any

from cosmalloc.errors import InputError
from cosmalloc.sweep.case import Row
from cosmalloc.sweep.knee import RULE, Knee

COLUMNS = tuple(each.name for each in dataclasses.fields(Row))
TEXT = {"key", "model", "target", "operand_rule", "solver", "objective", "version", "status"}
TEXT |= {"reason"}
REAL = {"given_seconds", "latency", "value", "bound", "seconds"}


def csv_text(rows: Sequence[Row]) -> str:
    """One line a row; what is None is empty."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows([getattr(row, name) for name in COLUMNS] for row in rows)
    return out.getvalue()


def json_value(rows: Sequence[Row], knees: Sequence[Knee]) -> dict[str, Any]:
    """Rows, knees and the rule that found them."""
    return {
        "rows": [row.to_json() for row in rows],
        "knees": [dataclasses.asdict(knee) for knee in knees],
        "knee_rule": RULE,
    }


def json_text(rows: Sequence[Row], knees: Sequence[Knee]) -> str:
    """The same as text."""
    return json.dumps(json_value(rows, knees), indent=1, allow_nan=False) + "\n"


def pyarrow() -> tuple[Any, Any]:
    """pyarrow and its parquet door. Raises InputError where it is missing."""
    try:
        return importlib.import_module("pyarrow"), importlib.import_module("pyarrow.parquet")
    except ImportError:
        raise InputError(
            "parquet needs pyarrow", "pip install 'cosmalloc[ray]', or write --csv"
        ) from None


def parquet_bytes(rows: Sequence[Row]) -> bytes:
    """A parquet file, one row each, columns typed. Raises InputError where pyarrow is missing."""
    arrow, parquet = pyarrow()
    kinds = [
        (
            name,
            arrow.string() if name in TEXT else arrow.float64() if name in REAL else arrow.int64(),
        )
        for name in COLUMNS
    ]
    table = arrow.Table.from_pylist([row.to_json() for row in rows], schema=arrow.schema(kinds))
    out = io.BytesIO()
    parquet.write_table(table, out)
    return out.getvalue()
