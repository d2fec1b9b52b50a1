"""Kernels and copies in a plan's order, inside a JAX trace.

An optimization barrier ties what stands before a border to what stands behind it: a kernel's
operands pass through one together with a result of the kernel before (so kernels keep the plan's
order), with every copy that must be complete by then (so the buffers of what was stored are free),
and what is copied next passes through one (so that no copy begins before its border). A copy under
way passes through none: XLA moves it beside the kernels of its window.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import jax

from cosmalloc.jax.borders import Border, borders
from cosmalloc.jax.traced import Kernel, Traced, Value
from cosmalloc.plan import Plan, Transfer


def replay(
    traced: Traced,
    plan: Plan,
    leaves: Sequence[Any],
    host: Sequence[bool],
    to_host: Sequence[bool],
) -> list[Any]:
    """Results of the function on `leaves`. host, to_host: bool per leaf of arguments, results."""
    values = _Values(leaves, host)
    for tensor, array in traced.constants.items():
        values.device[tensor] = jax.numpy.asarray(array)
    events = borders(plan)
    for step, operator in enumerate(plan.order):
        kernel = traced.kernels[operator]
        awaited = values.cross(events[step])
        values.hold(tensors=_operands(kernel), awaited=awaited)
        results = kernel.call(*(values.of(operand) for operand in kernel.operands))
        values.device.update(zip(kernel.results, results, strict=True))
        values.last = min(results, key=lambda value: value.nbytes)
    values.cross(events[-1])
    return [values.result(v, h) for v, h in zip(traced.returned, to_host, strict=True)]


def _operands(kernel: Kernel) -> Iterable[int]:
    from cosmalloc.jax.budget import tensors_of

    return dict.fromkeys(t for operand in kernel.operands for t in tensors_of(operand))


class _Values:
    """device, host: per tensor its value there, under the name it got at the last barrier.
    last: a result of the last kernel, None before the first."""

    def __init__(self, leaves: Sequence[Any], host: Sequence[bool]) -> None:
        self.device: dict[int, Any] = {}
        self.host: dict[int, Any] = {}
        self.last: Any = None
        for tensor, (leaf, on_host) in enumerate(zip(leaves, host, strict=True)):
            (self.host if on_host else self.device)[tensor] = leaf

    def cross(self, border: Border) -> list[Transfer]:
        """Begin the copies of a border; those that must be complete behind it."""
        if border.stores or border.loads:
            sources = [self.device[copy.tensor] for copy in border.stores]
            stored = {copy.tensor for copy in border.stores}
            sources += [self.host[c.tensor] for c in border.loads if c.tensor not in stored]
            self._barrier([*sources, *self._arrived(border.due)])
        away, back = jax.memory.Space.Host, jax.memory.Space.Device
        for copy in border.stores:
            self.host[copy.tensor] = jax.device_put(self.device[copy.tensor], away)
        for tensor in border.leaving:
            self.device.pop(tensor, None)  # a workspace has no value
        for copy in border.loads:
            self.device[copy.tensor] = jax.device_put(self.host[copy.tensor], back)
        return [*border.due, *border.blocking]

    def hold(self, tensors: Iterable[int], awaited: Sequence[Transfer]) -> None:
        """What a kernel reads and what must be complete, behind the kernel before."""
        self._barrier([*(self.device[t] for t in tensors), *self._arrived(awaited)])

    def of(self, value: Value) -> Any:
        """A value on the device."""
        if isinstance(value, int):
            return self.device[value]
        (made,) = value.call(*map(self.of, value.operands))
        return made

    def result(self, value: Value, on_host: bool) -> Any:
        """A result of the function, where it is wanted."""
        if on_host and isinstance(value, int) and value in self.host:
            return self.host[value]
        for tensor in _missing(value, self.device):
            self.device[tensor] = jax.device_put(self.host[tensor], jax.memory.Space.Device)
        found = self.of(value)
        return jax.device_put(found, jax.memory.Space.Host) if on_host else found

    def _arrived(self, copies: Iterable[Transfer]) -> list[Any]:
        """The copies' results, as far as they are still there."""
        places = [(self.host if c.kind == "store" else self.device, c.tensor) for c in copies]
        return [place[tensor] for place, tensor in places if tensor in place]

    def _barrier(self, values: list[Any]) -> None:
        tied = {id(value): value for value in (*values, self.last) if value is not None}
        if len(tied) < 2:
            return
        tie: Any = jax.lax.optimization_barrier
        behind = tie(tuple(tied.values()))
        renamed = dict(zip(tied, behind, strict=True))
        for place in (self.device, self.host):
            for tensor, value in place.items():
                place[tensor] = renamed.get(id(value), value)
        self.last = renamed.get(id(self.last), self.last)


def _missing(value: Value, device: dict[int, Any]) -> list[int]:
    from cosmalloc.jax.budget import tensors_of

    return [tensor for tensor in tensors_of(value) if tensor not in device]
