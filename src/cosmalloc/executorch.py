"""Memory planning for ExecuTorch: offsets by the native allocator, through ExecuTorch's own door.

    from cosmalloc.executorch import MemoryPlanner

    program = edge.to_executorch(
        ExecutorchBackendConfig(
            memory_planning_pass=MemoryPlanningPass(memory_planning_algo=MemoryPlanner(seconds=2))
        )
    )

ExecuTorch's pass finds the lifetimes, hands over its tensor specs and takes back the size of each
memory; the planner writes every spec's memory and offset. Nothing of ExecuTorch or torch is
imported here: a spec is whatever has its fields.

    spec.lifetime              [first, last] step alive, both inclusive
    spec.realign(alignment)    bytes, rounded up to the alignment
    spec.mem_id                memory: 0 holds constants and is not planned, None means 1
    spec.storage_base, spec.storage_base_offset
                               the spec in whose bytes this one lies, and where
    graph.input_mem_buffer_sizes
                               per memory the bytes that inner graphs (branches, loops) take first
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np

from cosmalloc import native
from cosmalloc.errors import InputError

DEFAULT = 1  # the memory of a spec that names none


@dataclass(frozen=True, slots=True)
class Buffer:
    """Bytes that want an offset. lower, upper: alive in steps [lower, upper). size: in bytes.
    memory: which; each has addresses of its own."""

    lower: int
    upper: int
    size: int
    memory: int = DEFAULT


@dataclass(frozen=True, slots=True)
class Packed:
    """offsets: per buffer. peak, bound: per memory the bytes used and those that no packing beats.
    seconds: of search."""

    offsets: tuple[int, ...]
    peak: Mapping[int, int]
    bound: Mapping[int, int]
    seconds: float = field(compare=False)


def pack(buffers: Sequence[Buffer], alignment: int, *, seconds: float, seed: int = 0) -> Packed:
    """Offsets, each memory by itself; seconds: for all together. InputError for unsound buffers."""
    offsets = [0] * len(buffers)
    peak, bound, spent = {}, {}, 0.0
    memories = sorted({buffer.memory for buffer in buffers})
    for place, memory in enumerate(memories):
        here = [i for i, buffer in enumerate(buffers) if buffer.memory == memory]
        found = native.minimize(
            np.array([buffers[i].lower for i in here], np.int64),
            np.array([buffers[i].upper for i in here], np.int64),
            np.array([buffers[i].size for i in here], np.int64),
            alignment=alignment,
            seconds=max(0.0, seconds - spent) / (len(memories) - place),
            seed=seed,
        )
        for i, offset in zip(here, found.offsets.tolist(), strict=True):
            offsets[i] = offset
        peak[memory], bound[memory] = found.peak, found.bound
        spent += found.seconds
    return Packed(tuple(offsets), peak, bound, spent)


class MemoryPlanner:
    """A `memory_planning_algo` of ExecuTorch's `MemoryPlanningPass`.

    seconds: of search in each graph, an inner one included. told: is called with what came out for
    each graph.
    """

    def __init__(
        self,
        seconds: float = 2.0,
        *,
        seed: int = 0,
        told: Callable[[Packed], object] | None = None,
    ) -> None:
        if not seconds >= 0:
            raise InputError(f"the planner can't have {seconds} seconds", "give 0 or more")
        self.seconds, self.seed, self.told = seconds, seed, told

    def __call__(
        self,
        alignment: int,
        specs: Iterable[Any],
        graph_module: Any,
        graph_signature: Any = None,
        extra_padding: int = 0,
    ) -> list[int]:
        """Bytes of each memory, [0] for constants; every spec gets its memory and offset.

        Raises InputError for a spec without lifetime, or one that lies in another's bytes and does
        not fit there.
        """
        given = list(specs)
        own = [spec for spec in given if spec.storage_base is None]
        buffers = buffers_of(own, alignment, stretched(given))
        found = pack(buffers, alignment, seconds=self.seconds, seed=self.seed)
        if self.told is not None:
            self.told(found)
        taken = _taken_before(graph_module)
        sizes = [0, *taken[1:]]
        sizes += [0] * (1 + max([DEFAULT, *found.peak]) - len(sizes))
        for memory, peak in found.peak.items():
            sizes[memory] = _before(taken, memory) + peak + extra_padding
        for spec, buffer, offset in zip(own, buffers, found.offsets, strict=True):
            spec.mem_id = buffer.memory
            spec.mem_offset = _before(taken, buffer.memory) + offset
        for spec in given:
            if spec.storage_base is not None:
                _lay_inside(spec, alignment)
        _name_shared(given)
        return sizes


def stretched(specs: Iterable[Any]) -> dict[int, tuple[int, int]]:
    """id of a spec -> [first, last] step in which its bytes are needed, by it or by what lies in
    them. InputError for one without lifetime."""
    life: dict[int, tuple[int, int]] = {}
    for spec in specs:
        first, last = spec.lifetime
        if first is None or last is None:
            raise InputError(f"{spec} has no lifetime", "run the planner as ExecuTorch's pass does")
        for root in _chain(spec):
            old = life.get(id(root), (first, last))
            life[id(root)] = min(old[0], first), max(old[1], last)
    return life


def buffers_of(
    specs: Sequence[Any], alignment: int, life: Mapping[int, tuple[int, int]]
) -> list[Buffer]:
    """Specs that lie in no other as buffers. Realigns them, as ExecuTorch's own planners do."""
    found = []
    for spec in specs:
        first, last = life[id(spec)]
        memory = DEFAULT if spec.mem_id is None else int(spec.mem_id)
        found.append(Buffer(first, last + 1, int(spec.realign(alignment)), memory))
    return found


def _chain(spec: Any) -> list[Any]:
    """The spec, what it lies in, what that lies in. InputError for a circle."""
    found = [spec]
    while found[-1].storage_base is not None:
        if any(found[-1].storage_base is each for each in found):
            raise InputError(f"{spec} lies in itself")
        found.append(found[-1].storage_base)
    return found


def _lay_inside(spec: Any, alignment: int) -> None:
    """The bytes of a spec within those of its root, which is placed. InputError."""
    chain = _chain(spec)
    root, inside = chain[-1], 0
    for inner, outer in pairwise(chain):
        end = inner.storage_base_offset + inner.realign(alignment)
        if inner.storage_base_offset < 0 or end > outer.realign(alignment):
            raise InputError(
                f"{inner} ends at byte {end} of what it lies in, which has"
                f" {outer.realign(alignment)}"
            )
        inside += inner.storage_base_offset
    if root.mem_offset is None:
        raise InputError(f"{spec} lies in {root}, which is not planned here")
    spec.mem_id, spec.mem_offset = root.mem_id, root.mem_offset + inside


def _name_shared(specs: Sequence[Any]) -> None:
    """One `mem_obj_id` for specs whose bytes touch, directly or through others."""
    ends: dict[int, int] = {}  # memory -> end of the bytes seen so far
    number = -1
    for spec in sorted(specs, key=lambda each: (each.mem_id, each.mem_offset)):
        if spec.mem_offset >= ends.get(spec.mem_id, 0):
            number += 1
        spec.mem_obj_id = max(number, 0)
        end = spec.mem_offset + spec.allocated_memory
        ends[spec.mem_id] = max(ends.get(spec.mem_id, 0), end)


def _taken_before(graph_module: Any) -> list[int]:
    return list(getattr(graph_module, "input_mem_buffer_sizes", None) or [])


def _before(taken: Sequence[int], memory: int) -> int:
    return taken[memory] if memory < len(taken) else 0
