"""Networks in safetensors files: arrays by the path at which they stand, and facts in the head."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from importlib import resources
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from cosmalloc.errors import InputError
from cosmalloc.files import read_bytes, write_whole
from cosmalloc.rl_agent.network import Network, Sizes
from cosmalloc.rl_agent.values import Bins

Arrays = dict[str, NDArray[Any]]
FORMAT = "cosmalloc.agent/1"
SHIPPED = "agent.safetensors"


def arrays_of(tree: Any, prefix: str = "") -> Arrays:
    """Every array of a tree by its path."""
    leaves = jax.tree_util.tree_leaves_with_path(eqx.filter(tree, eqx.is_array))
    return {prefix + jax.tree_util.keystr(path): np.asarray(leaf) for path, leaf in leaves}


def filled(tree: Any, arrays: Mapping[str, NDArray[Any]], prefix: str = "") -> Any:
    """The tree with its arrays replaced by those of these names. Raises InputError."""

    def place(path: Any, leaf: Any) -> Any:
        if not eqx.is_array(leaf):
            return leaf
        name = prefix + jax.tree_util.keystr(path)
        if name not in arrays:
            raise InputError(f"the file has no array `{name}`", "train the agent anew")
        found = arrays[name]
        if found.shape != leaf.shape:
            raise InputError(
                f"array `{name}` has shape {found.shape}, the network needs {leaf.shape}",
                "train the agent anew",
            )
        return jnp.asarray(found, leaf.dtype)

    return jax.tree_util.tree_map_with_path(place, tree)


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
    solid = {name: np.asarray(array, order="C") for name, array in arrays.items()}
    write_whole(path, save(solid, {"format": FORMAT, **facts}))


def read_arrays(path: str | Path) -> tuple[Arrays, dict[str, str]]:
    """Arrays and facts of such a file. Raises InputError."""
    data = read_bytes(path)
    try:
        arrays = load(data)
        head = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    except (SafetensorError, ValueError) as error:
        raise InputError(f"{path} is no safetensors file: {error}") from error
    facts = head.get("__metadata__", {})
    if facts.get("format") != FORMAT:
        raise InputError(f"{path} holds no agent: its format is `{facts.get('format')}`")
    return arrays, facts


def write_network(path: str | Path, network: Network, facts: Mapping[str, str]) -> None:
    """The network as it is shipped: half precision would save little of its few hundred KiB."""
    write_arrays(path, arrays_of(network), {"sizes": sizes_json(network.sizes), **facts})


def read_network(path: str | Path) -> tuple[Network, dict[str, str]]:
    """The network in a file, a checkpoint's too, and the facts beside it. Raises InputError."""
    arrays, facts = read_arrays(path)
    if "sizes" not in facts:
        raise InputError(f"{path} holds no network")
    blank = Network(sizes_from(facts["sizes"]), jax.random.key(0))
    return filled(blank, arrays), facts


def shipped() -> Path:
    """The weights that come with the package."""
    return Path(str(resources.files("cosmalloc.rl_agent"))) / "weights" / SHIPPED
