"""`map-memory`: solve, bring the operators into the plan's order, write the plan onto them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from jaxlib.mlir import ir

from cosmalloc.errors import NoPlanError
from cosmalloc.passes import context
from cosmalloc.passes.mapping_options import MappingOptions
from cosmalloc.passes.pass_base import ModulePass
from cosmalloc.passes.plan_out import annotate
from cosmalloc.passes.program import extract
from cosmalloc.passes.strip_memory import refuse_mapped
from cosmalloc.plan import Objective, Outcome


@dataclass(frozen=True)
class MapMemory(ModulePass, MappingOptions):
    """objective, solver, seconds, seed: as of `cosmalloc.solve`. name: of the problem."""

    argument: ClassVar[str] = "map-memory"
    objective: Objective = "traffic"
    solver: str = "auto"
    seconds: float = 10.0
    seed: int = 0
    name: str | None = None

    def run(self, module: ir.Operation) -> None:
        from cosmalloc.solve import solve

        refuse_mapped(module)
        reading = self.reading()
        name = self.name or context.module_name(module)
        program = extract(module, self.machine(), reading, name)
        outcome = solve(
            program.problem,
            objective=self.objective,
            solver=self.solver,
            seconds=self.seconds,
            seed=self.seed,
        )
        refuse_no_plan(outcome, "there is no plan")
        annotate(program, reading, outcome)


def refuse_no_plan(outcome: Outcome, words: str) -> None:
    """Raises NoPlanError, which says so in `words`, where an outcome has no plan."""
    if outcome.plan is None:
        least = outcome.smallest_scratchpad
        raise NoPlanError(
            f"{words} ({outcome.status}): {outcome.reason}",
            "" if least is None else f"`scratchpad={least}` is the least that does",
        )
