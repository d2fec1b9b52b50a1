"""Targets by name or file: the TOML files in `targets/`, the user's own, and changed copies."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING

from cosmalloc.errors import InputError
from cosmalloc.files import read_text
from cosmalloc.sizes import parse_bytes
from cosmalloc.target import OperandRule, Target
from cosmalloc.target_json import target_from_json

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable


def target_names() -> tuple[str, ...]:
    """The shipped targets, sorted."""
    return tuple(
        sorted(
            f.name.removesuffix(".toml") for f in _folder().iterdir() if f.name.endswith(".toml")
        )
    )


def _folder() -> Traversable:
    from importlib import resources

    return resources.files("cosmalloc") / "targets"


def load_target(name_or_path: str | Path) -> Target:
    """A shipped target by its name, or one from a TOML file. InputError."""
    name = str(name_or_path)
    if name in target_names():
        text = (_folder() / f"{name}.toml").read_text("utf-8")
        return parse_target(text, f"{name}.toml")
    if not name.endswith(".toml") and not Path(name).is_file():
        raise InputError(
            f"there is no target `{name}`",
            f"use one of {', '.join(target_names())}, or the path of a .toml file",
        )
    return parse_target(read_text(name), name)


def parse_target(text: str, place: str) -> Target:
    """A target from the text of a TOML file. place: its name, for errors. InputError."""
    import tomllib  # here and below: commands that load no target start sooner

    try:
        entry = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{place} is no TOML: {error}") from error
    unknown = set(entry) - {field.name for field in fields(Target)}
    if unknown:
        known = ", ".join(field.name for field in fields(Target))
        raise InputError(f"{place} has the unknown key `{min(unknown)}`", f"a target has {known}")
    return target_from_json(entry, f"{place}: ")


def custom(
    base: Target,
    *,
    scratchpad: int | str | None = None,
    alignment: int | None = None,
    operand_rule: OperandRule | None = None,
    offchip_read_bytes_per_second: float | None = None,
    offchip_write_bytes_per_second: float | None = None,
    onchip_read_bytes_per_second: float | None = None,
    onchip_write_bytes_per_second: float | None = None,
    flops_per_second: float | None = None,
    copy_engines: int | None = None,
    name: str | None = None,
) -> Target:
    """`base` with what is given changed; scratchpad in bytes or as text (`2MiB`). InputError.

    The copy is called `custom` unless it is named; with nothing given it is `base` itself.
    """
    size = parse_bytes(scratchpad) if isinstance(scratchpad, str) else scratchpad
    changes = {
        "scratchpad_bytes": size,
        "alignment": alignment,
        "operand_rule": operand_rule,
        "offchip_read_bytes_per_second": offchip_read_bytes_per_second,
        "offchip_write_bytes_per_second": offchip_write_bytes_per_second,
        "onchip_read_bytes_per_second": onchip_read_bytes_per_second,
        "onchip_write_bytes_per_second": onchip_write_bytes_per_second,
        "flops_per_second": flops_per_second,
        "copy_engines": copy_engines,
    }
    given = {key: value for key, value in changes.items() if value is not None}
    if not given and name is None:
        return base
    return replace(base, name=name or "custom", **given)  # type: ignore[arg-type]
