"""The measured kernels as one Parquet file: a row a kernel, and how they were measured."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from cosmalloc.cost_model.corpus.split import Split
from cosmalloc.errors import InputError

FORMAT = "cosmalloc.kernels/1"
_NUMBERS = {
    "seconds": np.float64,
    "spread": np.float32,
    "temporary_bytes": np.int64,
    "code_bytes": np.int64,
}
_TEXTS = ("text", "source", "family", "policy", "split")


@dataclass(frozen=True)
class Dataset:
    """N kernels: MLIR text, where they come from, and their labels (arrays of N).

    about: machine, versions, command, launch_seconds (of an empty kernel).
    """

    text: tuple[str, ...]
    source: tuple[str, ...]
    family: tuple[str, ...]
    policy: tuple[str, ...]
    split: tuple[str, ...]
    seconds: npt.NDArray[np.float64]
    spread: npt.NDArray[np.float32]
    temporary_bytes: npt.NDArray[np.int64]
    code_bytes: npt.NDArray[np.int64]
    about: dict[str, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.text)

    def only(self, split: Split) -> Dataset:
        """The rows of one split."""
        return self.rows(np.flatnonzero(np.array(self.split) == split))

    def rows(self, chosen: npt.NDArray[np.intp]) -> Dataset:
        """The rows with these indices."""
        columns: dict[str, Any] = {
            name: tuple(getattr(self, name)[i] for i in chosen) for name in _TEXTS
        } | {name: getattr(self, name)[chosen] for name in _NUMBERS}
        return Dataset(**columns, about=self.about)


def joined(parts: Sequence[Dataset]) -> Dataset:
    """The kernels of several files of one machine, and what the first file says about them; of a
    kernel that several hold, the first row counts."""
    columns: dict[str, Any] = {
        name: tuple(each for part in parts for each in getattr(part, name)) for name in _TEXTS
    } | {name: np.concatenate([getattr(part, name) for part in parts]) for name in _NUMBERS}
    whole = Dataset(**columns, about=parts[0].about)
    first = {text: row for row, text in reversed(list(enumerate(whole.text)))}
    return whole.rows(np.sort(np.fromiter(first.values(), np.intp)))


def from_rows(rows: Sequence[Mapping[str, Any]], about: Mapping[str, Any]) -> Dataset:
    """A dataset of rows with every column; rows with an `error` instead of labels are left out."""
    good = [row for row in rows if "error" not in row]
    columns: dict[str, Any] = {name: tuple(str(row[name]) for row in good) for name in _TEXTS} | {
        name: np.array([row[name] for row in good], kind) for name, kind in _NUMBERS.items()
    }
    return Dataset(**columns, about=dict(about))


def save(data: Dataset, path: Path) -> None:
    """Written whole or not at all."""
    arrow, parquet = _arrow()
    columns = {name: list(getattr(data, name)) for name in _TEXTS}
    columns |= {name: getattr(data, name) for name in _NUMBERS}
    about = json.dumps({"format": FORMAT} | data.about)
    table = arrow.table(columns).replace_schema_metadata({"cosmalloc": about})
    part = path.with_name(path.name + ".part")
    parquet.write_table(table, part, compression="zstd", compression_level=19)
    part.replace(path)


def load(path: Path) -> Dataset:
    """Raises InputError."""
    arrow, parquet = _arrow()
    try:
        table = parquet.read_table(path)
        about = json.loads((table.schema.metadata or {}).get(b"cosmalloc", b"{}"))
        if about.pop("format", None) != FORMAT:
            raise InputError(f"{path} is no file of measured kernels", "make one: `cost measure`")
        columns: dict[str, Any] = {name: tuple(table[name].to_pylist()) for name in _TEXTS} | {
            name: table[name].to_numpy() for name in _NUMBERS
        }
    except FileNotFoundError:
        raise InputError(
            f"{path} does not exist", "give a file that `cost measure` wrote"
        ) from None
    except (arrow.ArrowException, KeyError, ValueError) as error:
        first = str(error).split("\n")[0]
        raise InputError(
            f"{path} can't be read: {first}", "measure again: `cost measure`"
        ) from None
    return Dataset(**columns, about=about)


def _arrow() -> tuple[Any, Any]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise InputError(
            "measured kernels are Parquet files, and pyarrow is not installed",
            "pip install 'cosmalloc[cost]'",
        ) from None
    return pyarrow, pyarrow.parquet
