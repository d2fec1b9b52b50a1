"""A JAX function as the StableHLO that the compiler for TPUs gets."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from typing import Any


def lowered(
    function: Callable[..., Any], arguments: Sequence[Any], donated: Sequence[int] = ()
) -> bytes:
    """MLIR bytecode of `function`, jitted for a TPU; a jitted function keeps its own options.

    The same module as `jax.jit(function).lower(...)` makes on a TPU, so that the compiler gives its
    instructions the same names.
    """
    import jax

    jitted: Any = function
    if not hasattr(function, "trace"):
        jitted = jax.jit(function, donate_argnums=tuple(donated))
    module = jitted.trace(*arguments).lower(lowering_platforms=("tpu",)).compiler_ir("stablehlo")
    buffer = io.BytesIO()
    module.operation.write_bytecode(buffer)
    return buffer.getvalue()
