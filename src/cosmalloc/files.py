"""Files, whole or not at all."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

from cosmalloc.errors import InputError

LIMIT = 2**30  # bytes of a file read


def read_bytes(path: str | Path, limit: int = LIMIT) -> bytes:
    """The file's content. InputError if it is missing, unreadable or beyond `limit` bytes."""
    try:
        with Path(path).open("rb") as file:
            content = file.read(limit + 1)
    except OSError as error:
        raise InputError(f"cannot read {path}: {_why(error)}") from error
    if len(content) > limit:
        raise InputError(f"{path} has more than {limit} bytes")
    return content


def read_text(path: str | Path, limit: int = LIMIT) -> str:
    """The same as UTF-8 text."""
    try:
        return read_bytes(path, limit).decode()
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is no UTF-8 text: byte {error.start} is wrong") from error


def write_whole(path: str | Path, content: str | bytes) -> None:
    """Puts `content` at `path` in one move; on any error what was there stays. InputError.

    A link keeps pointing where it points. What is no regular file (/dev/stdout) is written to.
    """
    data = content.encode() if isinstance(content, str) else content
    goal = Path(path)
    try:
        mode = goal.stat().st_mode if goal.exists() else None
        if mode is not None and not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
            goal.write_bytes(data)
        else:
            _replace(goal.resolve(), data, mode)
    except OSError as error:
        raise InputError(f"cannot write {path}: {_why(error)}") from error


def check_writable(path: str | Path) -> None:
    """Says before long work what `write_whole` would say after it. InputError."""
    goal = Path(path).resolve()
    if goal.is_dir():
        raise InputError(f"cannot write {path}: it is a folder")
    if not goal.parent.is_dir():
        raise InputError(f"cannot write {path}: there is no folder {goal.parent}")
    if not os.access(goal if goal.exists() else goal.parent, os.W_OK):
        raise InputError(f"cannot write {path}: permission denied")


def _replace(goal: Path, data: bytes, mode: int | None) -> None:
    if goal.is_dir():
        raise IsADirectoryError(None, "it is a folder")
    handle, name = tempfile.mkstemp(prefix=f".{goal.name}.", dir=goal.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(_new_file_mode() if mode is None else stat.S_IMODE(mode))
        Path(name).replace(goal)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _new_file_mode() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return 0o666 & ~mask


def _why(error: OSError) -> str:
    return error.strerror or str(error)
