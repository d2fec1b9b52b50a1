"""Files, whole or not at all."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterable
from pathlib import Path

from cosmalloc.errors import InputError

LIMIT = 2**30  # bytes of a file read


def read_bytes(path: str | Path, limit: int = LIMIT) -> bytes:
    """The file's content. InputError if it is missing, unreadable or beyond `limit` bytes."""
    try:
        with Path(path).open("rb") as file:
            content = file.read(limit + 1)
    except (OSError, ValueError) as error:
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
    write_together([(path, content)])


def write_together(files: Iterable[tuple[str | Path, str | bytes]]) -> None:
    """The same for several files: all of them or none. InputError."""
    staged: list[tuple[Path, Path]] = []  # what is written, where it goes
    path: str | Path = ""
    try:
        for path, content in files:
            data = content.encode() if isinstance(content, str) else content
            if _is_device(Path(path)):
                Path(path).write_bytes(data)
            else:
                staged.append(_stage(Path(path).resolve(), data))
        for written, path in staged:
            written.replace(path)
    except (OSError, ValueError) as error:
        raise InputError(f"cannot write {path}: {_why(error)}") from error
    finally:
        for written, _ in staged:
            written.unlink(missing_ok=True)


def check_writable(path: str | Path) -> None:
    """Says before long work what `write_whole` would say after it. InputError."""
    goal = Path(path).resolve()
    if goal.is_dir():
        raise InputError(f"cannot write {path}: it is a folder")
    if not goal.parent.is_dir():
        raise InputError(f"cannot write {path}: there is no folder {goal.parent}")
    if not os.access(goal if goal.exists() else goal.parent, os.W_OK):
        raise InputError(f"cannot write {path}: permission denied")


def _is_device(goal: Path) -> bool:
    """Whether it is there and neither a regular file nor a folder."""
    if not goal.exists():
        return False
    mode = goal.stat().st_mode
    return not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)


def _stage(goal: Path, data: bytes) -> tuple[Path, Path]:
    """Write `data` into a new file beside `goal`, with its mode."""
    if goal.is_dir():
        raise IsADirectoryError(None, "it is a folder")
    mode = stat.S_IMODE(goal.stat().st_mode) if goal.exists() else _new_file_mode()
    handle, name = tempfile.mkstemp(prefix=f".{goal.name}.", dir=goal.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(mode)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return Path(name), goal


def _new_file_mode() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return 0o666 & ~mask


def _why(error: OSError | ValueError) -> str:
    return getattr(error, "strerror", None) or str(error)
