"""The same module, compiled again and again: what came out, in the words of the problem."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cosmalloc.errors import InputError
from cosmalloc.passes.xla_problem import XlaProgram
from cosmalloc.plan import Plan
from cosmalloc.simulate import simulate
from cosmalloc.tpu.compile import Compiled, compile_for
from cosmalloc.tpu.log import read_log
from cosmalloc.tpu.overrides import Force, Overrides
from cosmalloc.tpu.solution import read_solution
from cosmalloc.tpu.topology import Topology

ATTEMPTS = 4  # compilations of overrides that the compiler refuses in part
_REFUSED = re.compile(
    r"override \w+ for instruction '([^']+)' operand (\d+)(?:.*?defining instruction '([^']+)')?"
)


@dataclass(frozen=True)
class Variant:
    """One way to compile the program.

    options: of the compiler. seconds: of what the compiler decided, on our clock. estimate: the
    compiler's own figure. plan: what it decided.
    copies, copied_bytes: between the memories.
    """

    name: str
    options: dict[str, str]
    seconds: float
    estimate: float
    plan: Plan
    copies: int
    copied_bytes: int


@dataclass(frozen=True)
class Compiler:
    """One module on one machine. seconds: limit of one compilation."""

    module: bytes
    machine: Topology
    budget: int | None
    seconds: float
    cache: str | Path | None

    def compile(self, options: Mapping[str, str], estimate_only: bool = True) -> Compiled:
        return compile_for(
            self.module,
            self.machine,
            options,
            budget=self.budget,
            seconds=self.seconds,
            estimate_only=estimate_only,
            cache=self.cache,
        )

    def variant(self, name: str, options: dict[str, str], program: XlaProgram) -> Variant:
        """Compile so, and look at what came out. InputError."""
        answer = self.compile(options)
        plan = read_solution(program, answer, self.machine).plan
        sizes = program.problem.tensors
        return Variant(
            name=name,
            options=options,
            seconds=simulate(program.problem, plan).latency,
            estimate=read_log(answer.log).seconds or 0.0,
            plan=plan,
            copies=len(plan.transfers),
            copied_bytes=sum(sizes[copy.tensor].bytes for copy in plan.transfers),
        )

    def accepted(self, told: Overrides, force: Force) -> tuple[Overrides | None, int]:
        """The overrides, less those that the compiler refuses, and how many those are."""
        for attempt in range(ATTEMPTS):
            try:
                self.compile(told.options(force))
            except InputError as error:
                refused = _REFUSED.search(error.fact)
                if refused is None:
                    return None, attempt
                less = told.without(refused[1], int(refused[2]), refused[3] or "")
                if less == told:
                    return None, attempt
                told = less
            else:
                return told, attempt
        return None, ATTEMPTS
