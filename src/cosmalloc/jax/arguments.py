"""Arguments as leaves: which there are, where they lie, and what the function makes of them.

Typed random keys travel as their raw numbers, for those are what XLA sees.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
from jax import tree_util

from cosmalloc.errors import InputError


@dataclass(frozen=True)
class Options:
    """Positions of positional arguments, none negative.

    host: arguments that come in host memory. donated: whose buffers the function may take.
    static: hashable constants.
    """

    host: frozenset[int]
    static: frozenset[int]
    donated: frozenset[int]


@dataclass(frozen=True)
class Signature:
    """What plans depend on; hashable.

    tree: of (dynamic positional arguments, keyword arguments). leaves: per leaf its type.
    static: (position, value) of the static arguments. host, donated: bool per leaf.
    """

    tree: tree_util.PyTreeDef
    leaves: tuple[Leaf, ...]
    static: tuple[tuple[int, Any], ...]
    host: tuple[bool, ...]
    donated: tuple[bool, ...]


@dataclass(frozen=True)
class Leaf:
    """name: its path, as `params['w']`. shape, dtype: of what XLA sees, weak as JAX means it.
    key: name of the generator of a typed random key, else ""."""

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    weak: bool
    key: str

    @property
    def bytes(self) -> int:
        """As XLA stores it."""
        return int(np.prod(self.shape, dtype=np.int64)) * self.dtype.itemsize

    def abstract(self) -> Any:
        """For tracing."""
        return shape_dtype(self.shape, self.dtype, weak=self.weak)


def split(
    arguments: Sequence[Any], keywords: dict[str, Any], names: Sequence[str], options: Options
) -> tuple[Signature, list[Any]]:
    """The signature of a call and its leaves (arrays, tracers or ShapeDtypeStructs). InputError.

    names: of the positional parameters, as far as they are known.
    """
    for position in options.host | options.static | options.donated:
        if position >= len(arguments):
            raise InputError(
                f"argument {position} is named as static, donated or in host memory,"
                f" and the call has {len(arguments)} positional arguments"
            )
    kept = {p: a for p, a in enumerate(arguments) if p not in options.static}
    leaves, types, host, donated = [], [], [], []
    given: list[tuple[int | str, Any]] = [*kept.items(), *keywords.items()]
    for place, argument in given:
        name = place if isinstance(place, str) else _name(names, place)
        for path, leaf in tree_util.tree_leaves_with_path(argument):
            types.append(_leaf(name + tree_util.keystr(path), leaf))
            leaves.append(leaf)
            host.append(place in options.host)
            donated.append(place in options.donated)
    tree = tree_util.tree_structure((tuple(kept.values()), keywords))
    static = tuple((place, arguments[place]) for place in sorted(options.static))
    for position, value in static:
        try:
            hash(value)
        except TypeError:
            raise InputError(
                f"static argument {position} is a {type(value).__name__}, which can't be hashed",
                "give a tuple or another value that can, or don't name it in `static_argnums`",
            ) from None
    return Signature(tree, tuple(types), static, tuple(host), tuple(donated)), leaves


def _name(names: Sequence[str], place: int) -> str:
    return names[place] if place < len(names) else f"argument{place}"


def _leaf(name: str, value: Any) -> Leaf:
    try:
        kind: Any = value if isinstance(value, jax.ShapeDtypeStruct) else jax.typeof(value)
    except TypeError:
        raise InputError(
            f"argument `{name}` is a {type(value).__name__}, no array or number",
            "name its position in `static_argnums` if it is a constant",
        ) from None
    if _is_key(kind):
        generators = []

        def numbers(key: Any) -> Any:
            generators.append(str(jax.random.key_impl(key)))
            return jax.random.key_data(key)

        data = jax.eval_shape(numbers, shape_dtype(kind.shape, kind.dtype))
        return Leaf(name, tuple(data.shape), np.dtype(data.dtype), False, generators[0])
    return Leaf(name, tuple(kind.shape), np.dtype(kind.dtype), bool(kind.weak_type), "")


def raw(value: Any) -> Any:
    """A leaf as XLA sees it."""
    return jax.random.key_data(value) if _is_key(value) else value


def typed(value: Any, generator: str) -> Any:
    """The leaf again."""
    return jax.random.wrap_key_data(value, impl=generator) if generator else value


@dataclass(frozen=True)
class Results:
    """tree: of what the function returns. keys: per leaf the generator of a random key, or ""."""

    tree: tree_util.PyTreeDef
    keys: tuple[str, ...]


def flat_function(
    function: Callable[..., Any], signature: Signature
) -> tuple[Callable[..., list[Any]], list[Results]]:
    """`function` from leaves to leaves; the list gets its results' structure when it is traced."""
    seen: list[Results] = []

    def flat(*leaves: Any) -> list[Any]:
        given = [typed(v, leaf.key) for v, leaf in zip(leaves, signature.leaves, strict=True)]
        dynamic, keywords = tree_util.tree_unflatten(signature.tree, given)
        positional = list(dynamic)
        for place, value in signature.static:
            positional.insert(place, value)
        found, tree = tree_util.tree_flatten(function(*positional, **keywords))
        seen[:] = [Results(tree, tuple(map(_generator, found)))]
        return [raw(value) for value in found]

    flat.__name__ = getattr(function, "__name__", "function")
    return flat, seen


def _generator(value: Any) -> str:
    return str(jax.random.key_impl(value)) if _is_key(value) else ""


def _is_key(value: Any) -> bool:
    """Whether it is a typed random key."""
    dtypes: Any = jax.dtypes
    dtype = getattr(value, "dtype", None)
    return dtype is not None and bool(dtypes.issubdtype(dtype, dtypes.prng_key))


def shape_dtype(shape: Sequence[int], dtype: Any, *, weak: bool = False) -> Any:
    """A `jax.ShapeDtypeStruct`."""
    make: Any = jax.ShapeDtypeStruct
    return make(tuple(shape), dtype, weak_type=weak)
