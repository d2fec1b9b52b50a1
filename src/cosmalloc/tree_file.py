"""Trees of arrays in safetensors files: arrays by their paths in the tree, facts in the head."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cosmalloc.errors import InputError
from cosmalloc.files import read_bytes, write_whole

Arrays = dict[str, NDArray[Any]]


def arrays_of(tree: Any, prefix: str = "") -> Arrays:
    """Every array of a tree by its path."""
    import equinox as eqx
    import jax

    leaves = jax.tree_util.tree_leaves_with_path(eqx.filter(tree, eqx.is_array))
    return {prefix + jax.tree_util.keystr(path): np.asarray(leaf) for path, leaf in leaves}


def blank(make: Callable[[], Any]) -> Any:
    """The tree that `make` makes with shapes in place of its arrays: nothing is computed, hence
    nothing compiled (seconds, for random numbers of each shape that a network has)."""
    import equinox as eqx

    return eqx.filter_eval_shape(make)


def filled(tree: Any, arrays: Mapping[str, NDArray[Any]], prefix: str = "", hint: str = "") -> Any:
    """The tree, also a `blank` one, with its arrays replaced by those of these names. Raises
    InputError with `hint`."""
    import equinox as eqx
    import jax
    import jax.numpy as jnp

    def place(path: Any, leaf: Any) -> Any:
        if not eqx.is_array(leaf) and not isinstance(leaf, jax.ShapeDtypeStruct):
            return leaf
        name = prefix + jax.tree_util.keystr(path)
        if name not in arrays:
            raise InputError(f"the file has no array `{name}`", hint)
        found = arrays[name]
        if found.shape != leaf.shape:
            raise InputError(
                f"array `{name}` has shape {found.shape}, the network needs {leaf.shape}", hint
            )
        return jnp.asarray(found, leaf.dtype)

    return jax.tree_util.tree_map_with_path(place, tree)


def write_arrays(path: str | Path, arrays: Arrays, facts: Mapping[str, str], format: str) -> None:
    """The file is there whole or not at all. Raises InputError."""
    from safetensors.numpy import save

    solid = {name: np.asarray(array, order="C") for name, array in arrays.items()}
    write_whole(path, save(solid, {"format": format, **facts}))


def read_arrays(path: str | Path, format: str, what: str) -> tuple[Arrays, dict[str, str]]:
    """Arrays and facts of a file of this format. what: for the error. Raises InputError."""
    from safetensors import SafetensorError
    from safetensors.numpy import load

    data = read_bytes(path)
    try:
        arrays = load(data)
        head = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    except (SafetensorError, ValueError) as error:
        raise InputError(f"{path} is no safetensors file: {error}") from error
    facts = head.get("__metadata__", {})
    if facts.get("format") != format:
        raise InputError(f"{path} holds no {what}: its format is `{facts.get('format')}`")
    return arrays, facts
