"""The one door to Ray (extra `ray`): the module, and a cluster for as long as it is needed."""

from __future__ import annotations

import importlib
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from cosmalloc.errors import InputError


def ray_module(who: str, otherwise: str) -> Any:
    """Ray, for `who` needs it. InputError where it is not installed. otherwise: what does without
    it."""
    try:
        return importlib.import_module("ray")
    except ImportError:
        raise InputError(
            f"{who} needs Ray", f"pip install 'cosmalloc[ray]', or {otherwise}"
        ) from None


@contextmanager
def joined(ray: Any, *, processors: int, address: str | None = None) -> Iterator[None]:
    """A cluster: the one that this process is in already, that of `address`, that of RAY_ADDRESS,
    or so many processors of this machine, in this order; left at the end, unless it was there.

    Raises InputError where nobody answers.
    """
    mine = not ray.is_initialized()
    if mine:
        told = address or os.environ.get("RAY_ADDRESS")
        where: dict[str, Any] = {"address": told}
        if told is None:  # `local`: not one that somebody else runs on this machine
            where = {"address": "local", "num_cpus": processors, "include_dashboard": False}
        try:
            with warnings.catch_warnings():  # it forks to start a program: JAX needs no care
                warnings.filterwarnings("ignore", r"os\.fork\(\) was called", RuntimeWarning)
                ray.init(log_to_driver=False, logging_level="error", **where)
        except (ConnectionError, ImportError, ValueError) as error:
            if told is None:
                raise
            raise InputError(
                f"no Ray cluster answers at {told}: {_first_line(error)}",
                "start one with `ray start --head`; addresses `ray://` need"
                " `pip install 'ray[client]'`",
            ) from None
    try:
        yield
    finally:
        if mine:
            ray.shutdown()


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
