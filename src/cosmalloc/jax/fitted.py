"""Plans that hold after compilation: what XLA itself reports, and a limit lowered until it fits.

XLA adds what no plan knows: workspaces of libraries, and gaps where its own packing of buffers is
not the best. `fitted` compiles, reads XLA's count and plans again for as much less.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax

from cosmalloc.errors import InputError
from cosmalloc.jax.offload import Offloaded, offload
from cosmalloc.sizes import parse_bytes

ROUNDS = 8


def compiled_bytes(compiled: Any) -> int:
    """Device memory of a `jax.jit(...).lower(...).compile()` by XLA's own analysis:
    arguments + results - results in donated arguments + what lies between."""
    found = compiled.memory_analysis()
    return int(
        found.argument_size_in_bytes
        + found.output_size_in_bytes
        - found.alias_size_in_bytes
        + found.temp_size_in_bytes
    )


def fitted(
    function: Callable[..., Any],
    device_bytes: int | str,
    arguments: Sequence[Any],
    *,
    build: Callable[[Offloaded], Any] | None = None,
    **options: Any,
) -> Offloaded:
    """`offload` for which XLA's own count on `arguments` is `device_bytes` at most.

    build: compiles what it is given; `jax.jit(...)` for these arguments and JAX's device if None.
    options: as of `offload`. Raises InputError where no plan brings XLA below the limit: on CPU,
    where XLA drops barriers and copies to the host, that is what happens.
    """
    asked = parse_bytes(device_bytes) if isinstance(device_bytes, str) else device_bytes
    make = build or (lambda made: _built(made, arguments, options))
    limit, cut, least = asked, 0, None
    for _ in range(ROUNDS):
        try:
            made = offload(function, limit, **options)
            made.prepare(*arguments)
        except InputError:
            if least is None:
                raise
            break
        found = compiled_bytes(make(made))
        if found <= asked:
            return made
        least = found if least is None else min(found, least)
        cut = max(found - asked, 2 * cut)  # what XLA adds may come back: be bolder each time
        limit -= cut
    raise InputError(
        f"XLA holds {least:,} bytes at least, {asked:,} were asked for",
        "give more bytes; on CPU XLA keeps to no plan of memory",
    )


def _built(made: Offloaded, arguments: Sequence[Any], options: dict[str, Any]) -> Any:
    passed = {key: options[key] for key in ("static_argnums", "donate_argnums") if key in options}
    return jax.jit(made, **passed).lower(*arguments).compile()
