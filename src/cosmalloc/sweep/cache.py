"""Finished rows on disk, one small file each: no case runs twice, not after a kill either."""

from __future__ import annotations

import json
import os
from pathlib import Path

from cosmalloc.errors import InputError
from cosmalloc.files import write_whole
from cosmalloc.sweep.case import Row


def default_folder() -> Path:
    """`$XDG_CACHE_HOME/cosmalloc/sweep`, `~/.cache/cosmalloc/sweep` where that is not set."""
    home = os.environ.get("XDG_CACHE_HOME")
    return (Path(home) if home else Path.home() / ".cache") / "cosmalloc" / "sweep"


class Cache:
    """Rows by key. A file that is damaged or of another version counts as missing."""

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)

    def get(self, key: str) -> Row | None:
        """The row kept under `key`."""
        try:
            row = Row.from_json(json.loads(self._path(key).read_bytes()))
        except (OSError, ValueError, TypeError, AttributeError, InputError):
            return None
        return row if row.key == key else None

    def put(self, row: Row) -> None:
        """Keeps the row, whole or not at all. Raises InputError if it can't be written."""
        path = self._path(row.key)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"cannot make the folder {path.parent}: {error.strerror}") from error
        write_whole(path, json.dumps(row.to_json(), allow_nan=False) + "\n")

    def _path(self, key: str) -> Path:
        return self.folder / key[:2] / f"{key}.json"
