"""Networks in safetensors files: arrays by the path at which they stand, and facts in the head."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from importlib import resources
from pathlib import Path
from typing import Any

import jax
from numpy.typing import NDArray

from cosmalloc import tree_file
from cosmalloc.errors import InputError
from cosmalloc.rl_agent.network import Network, Sizes
from cosmalloc.rl_agent.values import Bins
from cosmalloc.tree_file import Arrays, arrays_of

FORMAT = "cosmalloc.agent/1"
SHIPPED = "agent.safetensors"


def filled(tree: Any, arrays: Mapping[str, NDArray[Any]], prefix: str = "") -> Any:
    """The tree with its arrays replaced by those of these names. Raises InputError."""
    return tree_file.filled(tree, arrays, prefix, "train the agent anew")


def sizes_json(sizes: Sizes) -> str:
    """As text, for a file's head."""
    return json.dumps(asdict(sizes))


def sizes_from(text: str) -> Sizes:
    """What `sizes_json` wrote."""
    fields = json.loads(text)
    board = tuple(fields.pop("board"))
    return Sizes(board=board, bins=Bins(**fields.pop("bins")), **fields)


def write_arrays(path: str | Path, arrays: Arrays, facts: Mapping[str, str]) -> None:
    """The file is there whole or not at all. Raises InputError."""
    tree_file.write_arrays(path, arrays, facts, FORMAT)


def read_arrays(path: str | Path) -> tuple[Arrays, dict[str, str]]:
    """Arrays and facts of such a file. Raises InputError."""
    return tree_file.read_arrays(path, FORMAT, "agent")


def write_network(path: str | Path, network: Network, facts: Mapping[str, str]) -> None:
    """The network as it is shipped: half precision would save little of its few hundred KiB."""
    write_arrays(path, arrays_of(network), {"sizes": sizes_json(network.sizes), **facts})


def read_network(path: str | Path) -> tuple[Network, dict[str, str]]:
    """The network in a file, a checkpoint's too, and the facts beside it. Raises InputError."""
    arrays, facts = read_arrays(path)
    if "sizes" not in facts:
        raise InputError(f"{path} holds no network")
    return filled(blank_network(sizes_from(facts["sizes"])), arrays), facts


def blank_network(sizes: Sizes) -> Network:
    """Shapes in place of arrays, to be `filled`."""
    made: Network = tree_file.blank(lambda: Network(sizes, jax.random.key(0)))
    return made


def shipped() -> Path:
    """The weights that come with the package."""
    return Path(str(resources.files("cosmalloc.rl_agent"))) / "weights" / SHIPPED
