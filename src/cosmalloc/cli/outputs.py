"""The files a command writes: checked before the work, written all or none after it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from cosmalloc.errors import InputError
from cosmalloc.files import check_writable


def check_outputs(paths: Mapping[str, str | None]) -> None:
    """Raises InputError for a path that can't be written, and where two options name one file.

    paths: per option its path, None where it is not given.
    """
    owner: dict[Path, str] = {}
    for option, path in paths.items():
        if path is None:
            continue
        check_writable(path)
        goal = Path(path).resolve()
        if goal in owner and (goal.is_file() or not goal.exists()):
            raise InputError(f"{owner[goal]} and {option} both write {path}")
        owner[goal] = option
