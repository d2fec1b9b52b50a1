"""Make XLA place tensors as our plan says, and keep what is better.

compile (twice: as it is, and without cross-program prefetch) -> problem -> solve -> overrides ->
compile again -> what the compiler really did, on our clock. The better of all three is returned:
never worse than the compiler alone, by the measure of its own cost model with its bugs mended.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from cosmalloc.errors import InputError
from cosmalloc.passes.xla_problem import XlaProgram
from cosmalloc.plan import Outcome, Plan
from cosmalloc.solve import Progress, solve
from cosmalloc.tpu.compiler import Compiler, Variant
from cosmalloc.tpu.extract import extract_program
from cosmalloc.tpu.lower import lowered
from cosmalloc.tpu.steering import Steered, steer
from cosmalloc.tpu.topology import Topology
from cosmalloc.tpu.topology import topology as topology_named

ALONE = {"xla_msa_max_cross_program_prefetches": "0"}  # without cross-program prefetch


@dataclass(frozen=True)
class Tuned:
    """program, outcome: what was solved, and how well.

    variants: `default`, `alone` (without cross-program prefetch), and those with overrides that the
    compiler took, named by their force. best: the one with the fewest seconds. dropped: demands
    that it refused. init_args: what LIBTPU_INIT_ARGS must say for this budget, "" for nothing.
    """

    topology: Topology
    budget: int
    program: XlaProgram
    outcome: Outcome
    variants: tuple[Variant, ...]
    dropped: int
    init_args: str

    @property
    def best(self) -> Variant:
        return min(self.variants, key=lambda variant: variant.seconds)

    @property
    def alone(self) -> Variant:
        """The better of the compiler's own two."""
        return min(self.variants[:2], key=lambda variant: variant.seconds)

    def followed(self, variant: Variant) -> float:
        """Share of what our plan holds on chip that the compiler held, too; 0 to 1."""
        plan = self.outcome.plan
        return 0.0 if plan is None else _share(plan, variant.plan)


def tune(
    function: Callable[..., Any] | bytes,
    arguments: Sequence[Any] = (),
    *,
    topology: str = "v5e:2x2",
    budget: int | None = None,
    solver: str = "auto",
    seconds: float = 10.0,
    seed: int = 0,
    donated: Sequence[int] = (),
    name: str = "program",
    confirm: bool = True,
    compile_seconds: float = 600.0,
    cache: str | Path | None = None,
    progress: Progress | None = None,
) -> Tuned:
    """Find compiler options under which XLA's own cost model makes `function` faster.

    function: of JAX, jitted or not, with the shapes of its `arguments` and the numbers of the
        `donated` ones; or a lowered module (StableHLO bytes).
    budget: bytes of the fast memory to use, None for all. solver, seconds, seed: as of `solve`.
    confirm: also run the compiler's back end with the options found. compile_seconds: limit of
        one compilation. cache: folder for the compiler's answers.

    Raises InputError, for one where libtpu is not there.
    """
    machine = topology_named(topology)
    module = function if isinstance(function, bytes) else lowered(function, arguments, donated)
    asked = Compiler(module, machine, budget, compile_seconds, cache)

    def say(words: str) -> None:
        if progress is not None:
            progress(words, 0.5)

    say("compiling")
    first = asked.compile({})
    program = extract_program(first, machine.target(budget), name)
    variants = [
        asked.variant("default", {}, program),
        asked.variant("alone", _alone(machine), program),
    ]
    outcome = solve(
        program.problem,
        objective="latency",
        solver=solver,
        seconds=seconds,
        seed=seed,
        progress=progress,
    )
    steered = Steered((), 0)
    if outcome.plan is not None:
        theirs = min(variant.seconds for variant in variants)
        steered = steer(asked, program, outcome.plan, theirs, say)
    variants += steered.variants
    _, flags = machine.budget_options(budget)
    size = program.problem.target.scratchpad_bytes
    found = Tuned(machine, size, program, outcome, tuple(variants), steered.dropped, flags)
    return confirmed(asked, found) if confirm else found


def _alone(machine: Topology) -> dict[str, str]:
    if machine.fast_memory == "CMEM":
        return {"xla_enable_cross_program_prefetch": "false"}
    return ALONE


def confirmed(compiler: Compiler, found: Tuned) -> Tuned:
    """Without the best variant, while the back end can't compile it."""
    while found.best != found.variants[0]:
        try:
            compiler.compile(found.best.options, estimate_only=False)
        except InputError:
            best = found.best
            rest = tuple(each for each in found.variants if each is not best)
            found = replace(found, variants=rest)
        else:
            break
    return found


def _share(wanted: Plan, got: Plan) -> float:
    """Share of the residencies of `wanted`, by steps held, that `got` has of the same tensors."""
    held: dict[int, list[tuple[int, int]]] = {}
    for stay in got.residencies:
        held.setdefault(stay.tensor, []).append((stay.start, stay.stop))
    total = same = 0
    for stay in wanted.residencies:
        total += stay.stop - stay.start
        same += sum(
            max(0, min(stay.stop, stop) - max(stay.start, start))
            for start, stop in held.get(stay.tensor, ())
        )
    return same / total if total else 1.0
