"""JSON text in and out: finite numbers only, one object at the top."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NoReturn

from cosmalloc.errors import InputError
from cosmalloc.fields import mapping, words


def to_text(entry: Mapping[str, Any]) -> str:
    """One line for each entry of the top-level lists, so that files can be read and compared."""
    rows = [f"{json.dumps(key)}: {_rows(value)}" for key, value in entry.items()]
    return "{\n" + ",\n".join(rows) + "\n}\n"


def canonical(entry: Mapping[str, Any]) -> bytes:
    """The same bytes for the same values: sorted keys, no spaces, ASCII. For digests."""
    return json.dumps(entry, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def from_text(text: str, place: str) -> Mapping[str, Any]:
    """The object in `text`. place: the file's name, for errors. InputError."""
    try:
        value = json.loads(text, parse_constant=_refuse)
    except json.JSONDecodeError as error:
        raise InputError(
            f"{place} is no JSON: line {error.lineno}, column {error.colno}: {error.msg}"
        ) from error
    except RecursionError as error:
        raise InputError(f"{place} is nested too deeply") from error
    except ValueError as error:
        raise InputError(f"{place} is no JSON: {error}") from error
    return mapping(value, place)


def check_format(entry: Mapping[str, Any], wanted: str, place: str) -> None:
    """InputError unless the object says that it has the format and version `wanted`."""
    found = entry.get("format")
    if found != wanted:
        what = "has no format" if found is None else f"has format {words(found)}"
        raise InputError(f"{place} {what}", f"this version reads `{wanted}`")


def _rows(value: object) -> str:
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return "[\n" + ",\n".join(f"  {_dump(entry)}" for entry in value) + "\n]"
    return _dump(value)


def _dump(value: object) -> str:
    return json.dumps(value, allow_nan=False)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no number of JSON")
