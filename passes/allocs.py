"""`plan-allocs`: the buffers of a bufferised program in one arena, in place of its allocations.

For programs that somebody else's pipeline has bufferised. Without a scratchpad the arena is as
small as can be and nothing is ever moved. With one, buffers that don't fit together are spilled:
the arena is a global in the scratchpad's memory space, what leaves it goes by DMA to a heap, and
whoever uses a buffer sees a view of where it lies at that moment.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

from jaxlib.mlir import ir

from cosmalloc.errors import InputError
from cosmalloc.passes import attributes as mem
from cosmalloc.passes import context
from cosmalloc.passes.allocs_problem import alloc_problem, sections
from cosmalloc.passes.allocs_read import Allocs, alignment_of, bodies, read_allocs
from cosmalloc.passes.allocs_write import Arena, write_plan
from cosmalloc.passes.map_memory import refuse_no_plan
from cosmalloc.passes.pass_base import ModulePass
from cosmalloc.plan import Outcome
from cosmalloc.problem import Problem
from cosmalloc.target import OperandRule, Target
from cosmalloc.target_file import custom, load_target


@dataclass(frozen=True)
class PlanAllocs(ModulePass):
    """target, scratchpad: of the machine; without both nothing is moved. memory_space: of the
    scratchpad, from 1. alignment: of every buffer, if it does not ask for more. The rest as of
    `map-memory`.
    """

    argument: ClassVar[str] = "plan-allocs"
    target: str | None = None
    scratchpad: str | None = None
    alignment: int | None = None
    operand_rule: OperandRule | None = None
    memory_space: int = 1
    solver: str = "auto"
    seconds: float = 10.0
    seed: int = 0

    def run(self, module: ir.Operation) -> None:
        if self.memory_space < 1:
            raise InputError(
                f"`memory-space` is {self.memory_space}", "DMA needs two spaces: use 1 or more"
            )
        for function in bodies(module):
            allocs = read_allocs(function, context.functions(module))
            untouched = _untouched(allocs)
            if untouched:
                allocs = _without(allocs, untouched)
            if allocs.buffers:
                self._plan(module, function, allocs)

    @property
    def spills(self) -> bool:
        return self.target is not None or self.scratchpad is not None

    def _plan(self, module: ir.Operation, function: ir.Operation, allocs: Allocs) -> None:
        parts = sections(allocs, spills=self.spills)
        problem = alloc_problem(allocs, parts, self._machine(allocs), context.symbol(function))
        outcome = self._solve(problem)
        space = self.memory_space if self.spills else 0
        arena = write_plan(module, allocs, parts, problem, outcome, space)
        _note(function, allocs, arena, None if self.spills else outcome.bound)

    def _machine(self, allocs: Allocs) -> Target:
        alignment = max([self.alignment or 64, *map(alignment_of, allocs.buffers)])
        base = load_target(self.target or "npu-2mib")
        if not self.spills:
            whole = sum(-(-size // alignment) * alignment for size in allocs.sizes)
            return replace(base, name="all", scratchpad_bytes=whole, alignment=alignment)
        found = custom(base, scratchpad=self.scratchpad, operand_rule=self.operand_rule)
        return replace(found, alignment=max(found.alignment, alignment))

    def _solve(self, problem: Problem) -> Outcome:
        from cosmalloc.solve import solve

        outcome = solve(
            problem,
            objective="traffic" if self.spills else "peak",
            solver=self.solver,
            seconds=self.seconds,
            seed=self.seed,
        )
        refuse_no_plan(outcome, f"there is no plan for the buffers of `{problem.name}`")
        return outcome


def _untouched(allocs: Allocs) -> set[int]:
    return set(range(len(allocs.buffers))) - set().union(*allocs.reads, *allocs.writes)


def _without(allocs: Allocs, gone: set[int]) -> Allocs:
    """The same without buffers that nobody touches; they keep their allocations."""
    stays = [b for b in range(len(allocs.buffers)) if b not in gone]
    number = {old: new for new, old in enumerate(stays)}
    frees = tuple(op for op in allocs.frees if allocs.values[op.operands[0]] in number)
    return Allocs(
        allocs.operations,
        tuple(allocs.buffers[b] for b in stays),
        tuple(allocs.sizes[b] for b in stays),
        tuple(frozenset(number[b] for b in some) for some in allocs.reads),
        tuple(frozenset(number[b] for b in some) for some in allocs.writes),
        {value: number[b] for value, b in allocs.values.items() if b in number},
        frees,
    )


def _note(function: ir.Operation, allocs: Allocs, arena: Arena, bound: float | None) -> None:
    """What the arena is and what it replaces, as an attribute of the function.

    bound: no arena has fewer bytes.
    """
    numbers: dict[str, Any] = {
        "arena_bytes": arena.bytes,
        "heap_bytes": arena.heap_bytes,
        "alloc_bytes": sum(allocs.sizes),
        "allocs": len(allocs.buffers),
    }
    if bound is not None:
        numbers["bound_bytes"] = int(bound)
    function.attributes[mem.MEMREF] = mem.dictionary(numbers)
