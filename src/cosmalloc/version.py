"""The version of this cosmalloc, as its package says."""

from __future__ import annotations

from functools import cache


@cache
def version() -> str:
    """Like `0.1.0`; `unknown` where the package is not installed."""
    from importlib import metadata  # takes 20 ms, and most commands never ask

    try:
        return metadata.version("cosmalloc")
    except metadata.PackageNotFoundError:
        return "unknown"
