"""Values out of JSON or TOML, each checked at its place.

A place is a path in the words of the file: `problem.json: tensors[3].bytes`. Every function
raises InputError that names it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from cosmalloc.errors import InputError

INT64 = 2**63 - 1
Made = TypeVar("Made")


def member(entry: Mapping[str, Any], key: str, place: str) -> Any:
    """The value of a key that must be there."""
    if key not in entry:
        raise InputError(f"{dotted(place, key)} is missing")
    return entry[key]


def mapping(value: object, place: str) -> Mapping[str, Any]:
    """A JSON object or TOML table."""
    if not isinstance(value, Mapping):
        raise InputError(f"{place} is {words(value)}, not an object")
    return value


def sequence(entry: Mapping[str, Any], key: str, place: str) -> Sequence[Any]:
    """A list."""
    value = member(entry, key, place)
    if not isinstance(value, list):
        raise InputError(f"{dotted(place, key)} is {words(value)}, not a list")
    return value


def objects(
    entry: Mapping[str, Any], key: str, place: str
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """(place, object) for every entry of a list of objects."""
    for index, value in enumerate(sequence(entry, key, place)):
        here = f"{dotted(place, key)}[{index}]"
        yield here, mapping(value, here)


def text(entry: Mapping[str, Any], key: str, place: str, default: str | None = None) -> str:
    """A string; `default` where the key is absent."""
    value = entry.get(key, default) if default is not None else member(entry, key, place)
    if not isinstance(value, str):
        raise InputError(f"{dotted(place, key)} is {words(value)}, not a string")
    if not is_text(value):
        raise InputError(f"{dotted(place, key)} is {value!a}, which is no Unicode text")
    return value


def is_text(value: str) -> bool:
    """Whether it can be written as UTF-8: no half of a surrogate pair is in it."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def choice(entry: Mapping[str, Any], key: str, place: str, options: Sequence[str]) -> str:
    """A string out of `options`."""
    value = text(entry, key, place)
    if value not in options:
        raise InputError(
            f"{dotted(place, key)} is {words(value)}", f"use one of {', '.join(options)}"
        )
    return value


def integer(entry: Mapping[str, Any], key: str, place: str, low: int = 0, high: int = INT64) -> int:
    """An integer in [low, high]."""
    return in_range(member(entry, key, place), dotted(place, key), low, high)


def in_range(value: object, place: str, low: int, high: int) -> int:
    """An integer in [low, high]."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise InputError(f"{place} is {words(value)}, not an integer")
    if not low <= value <= high:
        raise InputError(f"{place} is {value}, not {low} to {high}")
    return value


def integers(entry: Mapping[str, Any], key: str, place: str) -> tuple[int, ...]:
    """A list of integers from 0 on."""
    values = sequence(entry, key, place)
    here = dotted(place, key)
    if all(type(value) is int and 0 <= value <= INT64 for value in values):
        return tuple(values)
    return tuple(in_range(v, f"{here}[{i}]", 0, INT64) for i, v in enumerate(values))


def boolean(entry: Mapping[str, Any], key: str, place: str, default: bool) -> bool:
    """true or false; `default` where the key is absent."""
    value = entry.get(key, default)
    if not isinstance(value, bool):
        raise InputError(f"{dotted(place, key)} is {words(value)}, not true or false")
    return value


def number(entry: Mapping[str, Any], key: str, place: str) -> float:
    """A finite number."""
    value = member(entry, key, place)
    here = dotted(place, key)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InputError(f"{here} is {words(value)}, not a number")
    try:
        finite = math.isfinite(value)
    except OverflowError:
        finite = False
    if not finite:
        raise InputError(f"{here} is no finite number")
    return value


def dotted(place: str, key: str) -> str:
    """The place of `key` in the object at `place`."""
    return f"{place}{key}" if place.endswith(": ") else f"{place}.{key}"


def words(value: object) -> str:
    """A value as the file has it, cut short."""
    if isinstance(value, Mapping):
        return "an object"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, str):
        return f"`{value[:60]}`"
    return str(value)[:60]


def built(place: str, make: Callable[..., Made], *values: Any, **named: Any) -> Made:
    """`make(...)`, with the place before what its own checks say."""
    try:
        return make(*values, **named)
    except InputError as error:
        raise InputError(f"{place.removesuffix(': ')}: {error.fact}", error.hint) from error
