"""One signature of a function: its plan, and the function in the plan's order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import jax
from jax import tree_util

from cosmalloc.errors import InputError
from cosmalloc.jax.arguments import Results, Signature, raw, typed
from cosmalloc.jax.budget import budget
from cosmalloc.jax.replay import replay
from cosmalloc.jax.traced import Traced, trace
from cosmalloc.passes.grouping import Policy
from cosmalloc.plan import Objective, Outcome, Plan
from cosmalloc.problem import Problem
from cosmalloc.simulate import Timeline, simulate
from cosmalloc.sizes import format_bytes
from cosmalloc.solve import Progress, solve
from cosmalloc.target import Target
from cosmalloc.traffic import peak, traffic


@dataclass(frozen=True)
class Planning:
    """How a plan is made: as of `map_model`. machine: `HOST_LINK` if None."""

    device_bytes: int
    machine: str | Path | Target | None
    objective: Objective
    solver: str
    seconds: float
    seed: int
    group: Policy
    platform: str | None
    progress: Progress | None = None


@dataclass(frozen=True)
class Offloading:
    """A function planned for one signature.

    device_bytes: the limit. reserved_bytes: of arguments, constants and results on the device.
    problem, outcome: what was planned for the rest, and how.
    """

    device_bytes: int
    reserved_bytes: int
    problem: Problem
    outcome: Outcome
    results: Results = field(repr=False)
    signature: Signature = field(repr=False)
    to_host: tuple[bool, ...] = field(repr=False)
    traced: Traced = field(repr=False)

    @property
    def plan(self) -> Plan:
        """The plan."""
        assert self.outcome.plan is not None  # `prepare` raises where there is none
        return self.outcome.plan

    @cached_property
    def peak_bytes(self) -> int:
        """Bytes of device memory that the plan uses at most, the reserved ones among them."""
        return self.reserved_bytes + peak(self.problem, self.plan)

    @cached_property
    def moved_bytes(self) -> int:
        """Bytes that cross the link, both ways together."""
        return sum(self.problem.tensors[copy.tensor].bytes for copy in self.plan.transfers)

    @cached_property
    def timeline(self) -> Timeline:
        """When everything happens by the machine's figures, in seconds."""
        return simulate(self.problem, self.plan)

    @property
    def free_of_copies(self) -> bool:
        """Whether everything fits: nothing moves that did not have to."""
        return traffic(self.problem, self.plan).non_compulsory == 0

    def report(self, path: str | Path) -> None:
        """Write the plan as an HTML page."""
        from cosmalloc.files import write_whole
        from cosmalloc.report import report_html, view_of

        write_whole(path, report_html(view_of(self.problem, self.outcome)))

    def inline(self, leaves: Sequence[Any]) -> Any:
        """The function's result on leaves, as part of a trace that is under way."""
        placed = [
            _placed(raw(v), host) for v, host in zip(leaves, self.signature.host, strict=True)
        ]
        try:
            found = replay(self.traced, self.plan, placed, self.signature.host, self.to_host)
        except NotImplementedError as error:
            raise InputError(
                f"an offloaded function can't be batched: {error}",
                "put `jax.vmap` inside the function that `offload` gets",
            ) from error
        return self.finish(found)

    def finish(self, found: Sequence[Any]) -> Any:
        """Leaves of the results as the function returns them."""
        keys = self.results.keys
        return tree_util.tree_unflatten(self.results.tree, list(map(typed, found, keys)))

    @cached_property
    def compiled(self) -> Callable[..., Any]:
        """The function on raw leaves, jitted."""
        pairs = zip(self.signature.donated, self.signature.host, strict=True)
        taken = tuple(i for i, (given, away) in enumerate(pairs) if given and not away)

        def run(*leaves: Any) -> list[Any]:
            return replay(self.traced, self.plan, leaves, self.signature.host, self.to_host)

        run.__name__ = f"offloaded_{self.problem.name}"
        return jax.jit(run, donate_argnums=taken)


def _placed(value: Any, host: bool) -> Any:
    """A traced leaf in the memory where the plan expects it."""
    wanted = jax.memory.Space.Host if host else jax.memory.Space.Device
    if getattr(jax.typeof(value), "memory_space", wanted) != wanted:
        value = jax.device_put(value, wanted)
    return _undifferentiable(value)


@jax.custom_jvp
def _undifferentiable(value: Any) -> Any:
    return value


@_undifferentiable.defjvp
def _refused(*_: Any) -> Any:
    raise InputError(
        "an offloaded function can't be differentiated",
        "put `jax.grad` inside the function that `offload` gets",
    )


def prepare(
    function: Callable[..., Any], signature: Signature, host_outputs: Any, how: Planning
) -> Offloading:
    """Trace, plan, verify. InputError where the limit is too small, with the least that works."""
    platform = how.platform or jax.default_backend()
    traced, results = trace(function, signature, _PLATFORMS.get(platform, platform), how.group)
    to_host = _flags(host_outputs, results)
    given = budget(traced, signature, to_host, how.device_bytes, how.machine)
    outcome = solve(
        given.problem,
        objective=how.objective,
        solver=how.solver,
        seconds=how.seconds,
        seed=how.seed,
        progress=how.progress,
    )
    if given.reserved > how.device_bytes or outcome.plan is None:
        raise _too_small(given.reserved, outcome, how.device_bytes)
    return Offloading(
        how.device_bytes,
        given.reserved,
        given.problem,
        outcome,
        results,
        signature,
        to_host,
        traced,
    )


_PLATFORMS = {"gpu": "cuda"}


def _flags(host_outputs: Any, results: Results) -> tuple[bool, ...]:
    """Per leaf of the results whether it ends in host memory."""
    whole = tree_util.tree_unflatten(results.tree, [False] * len(results.keys))
    try:
        flags = jax.tree.leaves(jax.tree.broadcast(host_outputs, whole))
    except ValueError as error:
        raise InputError(
            f"`host_outputs` does not fit what the function returns: {error}",
            "give True, False, or a tree of them that the results' tree begins with",
        ) from None
    if not all(isinstance(flag, bool) for flag in flags):
        raise InputError("`host_outputs` holds something else than True and False")
    return tuple(flags)


def _too_small(reserved: int, outcome: Outcome, limit: int) -> InputError:
    if outcome.plan is not None:
        least: int | None = reserved
    else:
        least = outcome.smallest_scratchpad
        least = None if least is None else reserved + least
    rest = f"{reserved:,} bytes of it hold arguments, constants and results"
    fact = f"{limit:,} bytes of device memory are too little ({rest})"
    if least is None:
        return InputError(f"{fact}: {outcome.reason}", "give more bytes, or more seconds")
    return InputError(
        f"{fact}: {least:,} are the least that work",
        f"pass `device_bytes={least}` ({format_bytes(least)}), or let large arguments and results"
        " lie in host memory: `host_argnums`, `host_outputs`",
    )
