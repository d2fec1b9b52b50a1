"""`offload`: the call, and the function that it returns."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from functools import update_wrapper
from pathlib import Path
from typing import Any

import jax

from cosmalloc.errors import InputError
from cosmalloc.jax.arguments import Options, Signature, raw, split
from cosmalloc.jax.prepare import Offloading, Planning, prepare
from cosmalloc.passes.grouping import Policy
from cosmalloc.plan import Objective, Plan
from cosmalloc.sizes import parse_bytes
from cosmalloc.solve import Progress
from cosmalloc.target import Target

HOST = "pinned_host"
Places = int | Sequence[int]


def offload(
    function: Callable[..., Any],
    device_bytes: int | str,
    *,
    host_argnums: Places = (),
    host_outputs: Any = False,
    static_argnums: Places = (),
    donate_argnums: Places = (),
    machine: str | Path | Target | None = None,
    objective: Objective = "traffic",
    solver: str = "auto",
    seconds: float = 10.0,
    seed: int = 0,
    group: Policy = "fuse",
    platform: str | None = None,
    report: str | Path | None = None,
    progress: Progress | None = None,
) -> Offloaded:
    """`function` within `device_bytes` of device memory; what does not fit waits on the host.

    function: arrays in pytrees in, arrays in pytrees out; it may use `jax.grad` inside.
    device_bytes: all of it: arguments, results and what lies between. A number, or text (`8GiB`).
    host_argnums: positional arguments that come in pinned host memory and are loaded when needed;
        others lie on the device for the whole call. host_outputs: True, or a tree of booleans that
        the results' tree begins with: results that end in host memory.
    static_argnums, donate_argnums: as of `jax.jit`; arguments in host memory are not taken, for XLA
        on GPUs can't make results in their place.
    machine: a target with the speeds of device memory and host link, `HOST_LINK` if None; its
        scratchpad is not used. platform: to trace for, JAX's default if None.
    objective, solver, seconds, seed, group, progress: as of `map_model`.
    report: where each new plan is written as an HTML page.

    Nothing is planned before the first call (or `prepare`); each signature is planned once.
    """
    limit = parse_bytes(device_bytes) if isinstance(device_bytes, str) else device_bytes
    if not isinstance(limit, int) or limit < 0:
        raise InputError(f"{device_bytes!r} is no number of bytes", "write it like 2**30 or `1GiB`")
    names = _parameters(function)
    host, static, donated = (
        _places(given, names, word)
        for given, word in (
            (host_argnums, "host_argnums"),
            (static_argnums, "static_argnums"),
            (donate_argnums, "donate_argnums"),
        )
    )
    if static & (host | donated):
        raise InputError(
            f"argument {min(static & (host | donated))} is static, so it is in no memory",
            "leave it out of `host_argnums` and `donate_argnums`",
        )
    how = Planning(limit, machine, objective, solver, seconds, seed, group, platform, progress)
    return Offloaded(function, names, Options(host, static, donated), host_outputs, how, report)


class Offloaded:
    """A function that keeps to its plans. Call it, jit it, or make it part of a larger jit."""

    def __init__(
        self,
        function: Callable[..., Any],
        names: Sequence[str],
        options: Options,
        host_outputs: Any,
        how: Planning,
        report: str | Path | None,
    ) -> None:
        self._function, self._names, self._options = function, tuple(names), options
        self._host_outputs, self._how, self._report = host_outputs, how, report
        self._known: dict[Signature, Offloading] = {}
        self._latest: Offloading | None = None
        update_wrapper(self, function, updated=())

    def __call__(self, *arguments: Any, **keywords: Any) -> Any:
        """The function's result. InputError as `prepare`."""
        signature, leaves = split(arguments, keywords, self._names, self._options)
        ready = self._ready(signature)
        if any(isinstance(leaf, jax.core.Tracer) for leaf in leaves):
            return ready.inline(leaves)
        placed = [_moved(raw(v), host) for v, host in zip(leaves, signature.host, strict=True)]
        return ready.finish(ready.compiled(*placed))

    def prepare(self, *arguments: Any, **keywords: Any) -> Offloading:
        """Plan for these arguments (arrays or `jax.ShapeDtypeStruct`s) without running anything.

        Raises InputError where the limit is too small, with the smallest one that works, and for
        what can't be mapped.
        """
        return self._ready(split(arguments, keywords, self._names, self._options)[0])

    @property
    def latest(self) -> Offloading:
        """What the last call or `prepare` used. InputError before the first."""
        if self._latest is None:
            raise InputError("nothing is planned yet", "call the function, or its `prepare`")
        return self._latest

    @property
    def plan(self) -> Plan:
        """The plan of the last call or `prepare`. InputError before the first."""
        return self.latest.plan

    def _ready(self, signature: Signature) -> Offloading:
        if signature not in self._known:
            made = prepare(self._function, signature, self._host_outputs, self._how)
            self._known[signature] = made
            if self._report is not None:
                made.report(self._report)
        self._latest = self._known[signature]
        return self._latest


def _moved(value: Any, host: bool) -> Any:
    """An argument in the memory where the plan expects it."""
    if not host:
        kind = getattr(getattr(value, "sharding", None), "memory_kind", None)
        away = kind is not None and kind.endswith("_host") and kind != _usual(value)
        return _to(value, _usual(value)) if away else value
    if not isinstance(value, jax.Array):
        value = jax.numpy.asarray(value)
    if value.sharding.memory_kind == HOST:
        return value
    return _to(value, HOST)


def _to(value: jax.Array, kind: str) -> Any:
    return jax.device_put(value, value.sharding.with_memory_kind(kind))


def _usual(value: jax.Array) -> str:
    """The memory where arrays of the device usually lie."""
    device: Any = next(iter(value.sharding.device_set))
    return str(device.default_memory().kind)


def _parameters(function: Callable[..., Any]) -> tuple[str, ...]:
    try:
        found = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return ()
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return tuple(parameter.name for parameter in found if parameter.kind in kinds)


def _places(given: Places, names: Sequence[str], word: str) -> frozenset[int]:
    """Positions, negative ones counted from the last parameter."""
    numbers = (given,) if isinstance(given, int) else tuple(given)
    for number in numbers:
        if not isinstance(number, int) or number < -len(names):
            raise InputError(f"`{word}` names {number!r}, no position of an argument")
    return frozenset(number + len(names) if number < 0 else number for number in numbers)
