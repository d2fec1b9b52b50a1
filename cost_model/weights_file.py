"""Weights of a cost model in a safetensors file: the members' arrays, half as wide as they were
trained, and in the head, as JSON, what it takes to use them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import jax
import numpy as np

from cosmalloc.cost_model.features.words import KINDS, TYPES
from cosmalloc.cost_model.network import ARCHITECTURE, Network
from cosmalloc.errors import InputError
from cosmalloc.tree_file import Arrays, arrays_of, blank, filled, read_arrays, write_arrays

FORMAT = "cosmalloc.cost/1"
_HINT = "train it again: `cosmalloc cost train`"


@dataclass(frozen=True)
class Header:
    """name: the machine. settings: of the training. roofline, domain: as dicts. scale: of the
    spread. about: of the data. adaptation: to another machine, as a dict, if there is one."""

    name: str
    launch_seconds: float
    settings: dict[str, Any]
    roofline: dict[str, Any]
    domain: dict[str, Any]
    scale: float
    about: dict[str, Any]
    adaptation: dict[str, Any] | None = None


def write_weights(path: Path, members: Sequence[Network], header: Header) -> None:
    """The file is there whole or not at all."""
    arrays: Arrays = {}
    for index, member in enumerate(members):
        arrays |= {
            name: array.astype(np.float16) if array.dtype == np.float32 else array
            for name, array in arrays_of(member, str(index)).items()
        }
    words = {"kinds": KINDS, "types": TYPES, "architecture": ARCHITECTURE, "members": len(members)}
    write_arrays(path, arrays, {"header": json.dumps(asdict(header) | {"words": words})}, FORMAT)


def read_weights(path: Path) -> tuple[list[Network], Header]:
    """Raises InputError."""
    arrays, facts = read_arrays(path, FORMAT, "cost model")
    header, words = _header(path, facts)
    if (tuple(words["kinds"]), tuple(words["types"])) != (KINDS, TYPES):
        raise InputError(f"{path} knows other operations than this version", _HINT)
    if words["architecture"] != ARCHITECTURE:
        raise InputError(f"{path} is of architecture {words['architecture']}", _HINT)
    width, rounds = int(header.settings["width"]), int(header.settings["rounds"])
    shapes = blank(lambda: Network(width, rounds, jax.random.key(0)))
    return [filled(shapes, arrays, str(i), _HINT) for i in range(words["members"])], header


def read_header(path: Path) -> Header:
    """What the file says without its networks. Raises InputError."""
    return _header(path, read_arrays(path, FORMAT, "cost model")[1])[0]


def _header(path: Path, facts: Mapping[str, str]) -> tuple[Header, dict[str, Any]]:
    """The header, and the words that weights are good for."""
    try:
        given = json.loads(facts["header"])
        words: dict[str, Any] = given.pop("words")
        header = Header(**given)
        for size in (words["members"], header.settings["width"], header.settings["rounds"]):
            int(size)
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path} has a damaged head: {error}", _HINT) from None
    return header, words
