"""What holds for every test."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

# A shell starts what runs in its background with SIGINT ignored, and children inherit that: the
# tests of Ctrl-C would wait for ever.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def quick_compilation() -> Iterator[None]:
    """JAX compiles without optimisations: for small arrays, half the time."""
    import jax

    jax.config.update("jax_disable_most_optimizations", True)
    yield
    jax.config.update("jax_disable_most_optimizations", False)
