"""The one call: a model in, a verified plan and the mapped module out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cosmalloc.cost_model.operators import Costed, costed
from cosmalloc.errors import InputError, NoPlanError
from cosmalloc.plan import Objective, Outcome, Plan
from cosmalloc.problem import Problem
from cosmalloc.simulate import Timeline, simulate
from cosmalloc.solve import Progress, solve
from cosmalloc.target import OperandRule, Target
from cosmalloc.target_file import custom, load_target

if TYPE_CHECKING:
    import numpy.typing as npt
    from jaxlib.mlir import ir

    from cosmalloc.cost_model.prediction import Predictor
    from cosmalloc.passes.doors import Opening
    from cosmalloc.passes.grouping import Way
    from cosmalloc.passes.program import Program
    from cosmalloc.passes.reading import Reading, Tracking

NOT_WRITTEN = (
    "a plan of HLO text is not written back into the program",
    "write the problem and the plan as JSON, or map the StableHLO that the HLO was made from",
)
PREPARE = "inline,drop-barriers,canonicalize,cse"


@dataclass(frozen=True)
class MappedModel:
    """What `map_model` made.

    module: the mapped module with its transfers, None where there is no plan or the model was HLO.
    problem, outcome: what was solved, and how it ended. costed: where its seconds come from.
    """

    module: ir.Module | None
    problem: Problem
    outcome: Outcome
    costed: Costed

    @property
    def plan(self) -> Plan:
        """The plan. Raises NoPlanError where there is none."""
        if self.outcome.plan is None:
            raise NoPlanError(f"there is no plan ({self.outcome.status}): {self.outcome.reason}")
        return self.outcome.plan

    @cached_property
    def timeline(self) -> Timeline:
        """When everything happens, in seconds. Raises NoPlanError where there is no plan."""
        return simulate(self.problem, self.plan)

    def save(self, path: str | Path) -> None:
        """Write the mapped module: a portable artifact for `.mlirbc`, else text. InputError."""
        from cosmalloc.files import write_whole

        write_whole(path, self.content(path))

    def content(self, path: str | Path) -> str | bytes:
        """What `save` writes at `path`."""
        from cosmalloc.passes import context

        text = self.text()
        assert self.module is not None
        return context.to_portable(self.module) if Path(path).suffix == ".mlirbc" else text

    def text(self) -> str:
        """The mapped module as MLIR text. Raises NoPlanError where there is no plan."""
        from cosmalloc.passes import context

        if self.module is None:
            assert self.plan is not None  # or says why there is none
            raise InputError(*NOT_WRITTEN)
        return context.to_text(self.module)

    def execute(self, *arguments: Any) -> list[npt.NDArray[Any]]:
        """Outputs computed through the plan's addresses and copies; see `passes.execute`.

        arguments: as the function takes them; their leaves are `main`'s arguments.
        """
        import jax

        from cosmalloc.passes.execution import execute

        if self.module is None:
            assert self.plan is not None  # or says why there is none
            raise InputError(*NOT_WRITTEN)
        return execute(self.module, jax.tree.leaves(arguments))


def map_model(
    model: Any,
    arguments: Sequence[Any] | None = None,
    *,
    target: str | Path | Target = "npu-2mib",
    scratchpad: int | str | None = None,
    alignment: int | None = None,
    operand_rule: OperandRule | None = None,
    objective: Objective = "traffic",
    solver: str = "auto",
    seconds: float = 10.0,
    seed: int = 0,
    group: Way = "fuse",
    cost: str | Predictor | None = None,
    track: Tracking | None = None,
    bytes_per_element: int | None = None,
    weights: str | None = None,
    trip_count: int | None = None,
    shapes: Mapping[str, Sequence[int] | float] | None = None,
    allow_opaque: bool = False,
    name: str | None = None,
    progress: Progress | None = None,
) -> MappedModel:
    """Map `model` into the scratchpad of `target`.

    model: a path, MLIR text or bytes, an `ir.Module`, a `jax.export.Exported`, a
        `torch.export.ExportedProgram`, or a JAX function with its example `arguments`; scheduled
        HLO text (XLA's dump `after_optimizations`) makes a plan, and no module.
    target: a shipped machine, a TOML file or a `Target`; scratchpad (bytes or text like `2MiB`),
        alignment and operand_rule replace its own.
    group, track, bytes_per_element, weights, trip_count: how the model is read; see
        `passes.GroupOperators` and `passes.Reading`.
    cost: what operators' seconds come from, `roofline` (the target's rates, the default),
        `learned:cpu`, a file of weights or a `Predictor`; group `learned` asks it, too, and
        `learned:cpu` where none is given.
    shapes, allow_opaque: how ONNX, TFLite and other forms are read; see `passes.Opening`.
    objective, solver, seconds, seed, progress: as of `solve`.

    Raises InputError for what a user can fix. No plan is no error: read `outcome.status`.
    """
    from cosmalloc.passes import annotate
    from cosmalloc.passes.insert_transfers import insert_transfers

    machine = _machine(target, scratchpad, alignment, operand_rule)
    reading = _reading(track, bytes_per_element, weights, trip_count)
    opening = _opening(shapes, allow_opaque)
    asked = _asked(group, cost)
    hlo = None if arguments is not None else _hlo_problem(model, machine, reading, name, opening)
    if hlo is not None:
        _refuse_cost(cost)
        outcome = solve(
            hlo,
            objective=objective,
            solver=solver,
            seconds=seconds,
            seed=seed,
            progress=progress,
        )
        return MappedModel(None, hlo, outcome, Costed(hlo))
    module, own_name = _grouped(model, arguments, asked, opening)
    with module.context, module.operation.location:
        program, found = _program(module, machine, reading, name or own_name, asked)
        outcome = solve(
            program.problem,
            objective=objective,
            solver=solver,
            seconds=seconds,
            seed=seed,
            progress=progress,
        )
        if outcome.plan is None:
            return MappedModel(None, program.problem, outcome, found)
        annotate(program, reading, outcome)
        insert_transfers(program, outcome.plan)
    return MappedModel(module, program.problem, outcome, found)


def problem_of(
    model: Any,
    arguments: Sequence[Any] | None = None,
    *,
    target: str | Path | Target = "npu-2mib",
    group: Way = "fuse",
    cost: str | Predictor | None = None,
    track: Tracking | None = None,
    bytes_per_element: int | None = None,
    weights: str | None = None,
    trip_count: int | None = None,
    shapes: Mapping[str, Sequence[int] | float] | None = None,
    allow_opaque: bool = False,
    name: str | None = None,
) -> Problem:
    """The problem that `map_model` solves for the same model and options. Raises InputError."""
    return costed_problem_of(
        model,
        arguments,
        target=target,
        group=group,
        cost=cost,
        track=track,
        bytes_per_element=bytes_per_element,
        weights=weights,
        trip_count=trip_count,
        shapes=shapes,
        allow_opaque=allow_opaque,
        name=name,
    ).problem


def costed_problem_of(
    model: Any,
    arguments: Sequence[Any] | None = None,
    *,
    target: str | Path | Target = "npu-2mib",
    group: Way = "fuse",
    cost: str | Predictor | None = None,
    track: Tracking | None = None,
    bytes_per_element: int | None = None,
    weights: str | None = None,
    trip_count: int | None = None,
    shapes: Mapping[str, Sequence[int] | float] | None = None,
    allow_opaque: bool = False,
    name: str | None = None,
) -> Costed:
    """The same, and where its seconds come from. Raises InputError."""
    machine = _machine(target, None, None, None)
    reading = _reading(track, bytes_per_element, weights, trip_count)
    opening = _opening(shapes, allow_opaque)
    asked = _asked(group, cost)
    hlo = None if arguments is not None else _hlo_problem(model, machine, reading, name, opening)
    if hlo is not None:
        _refuse_cost(cost)
        return Costed(hlo)
    module, own_name = _grouped(model, arguments, asked, opening)
    with module.context, module.operation.location:
        return _program(module, machine, reading, name or own_name, asked)[1]


@dataclass(frozen=True)
class _Asked:
    """group; predictor of the operators' seconds, None: the target's rates; grouper: the one that
    group `learned` asks."""

    group: Way
    predictor: Predictor | None
    grouper: Predictor | None


def _asked(group: Way, cost: str | Predictor | None) -> _Asked:
    if cost in (None, "roofline") and group != "learned":
        return _Asked(group, None, None)
    from cosmalloc.cost_model.choose import LEARNED, ROOFLINE, predictor_named

    found = predictor_named(cost or LEARNED) if cost is None or isinstance(cost, str) else cost
    predictor = None if cost in (None, ROOFLINE) else found
    return _Asked(group, predictor, found if group == "learned" else None)


def _program(
    module: ir.Module, machine: Target, reading: Reading, name: str, asked: _Asked
) -> tuple[Program, Costed]:
    """A grouped module with its operators' seconds, as they are asked for."""
    from cosmalloc.passes import extract

    program = extract(module.operation, machine, reading, name)
    if asked.predictor is None:
        return program, Costed(program.problem)
    found = costed(program, asked.predictor)
    return replace(program, problem=found.problem), found


def _refuse_cost(cost: str | Predictor | None) -> None:
    if cost not in (None, "roofline"):
        raise InputError(
            "scheduled HLO holds no kernels that a learned cost model reads",
            "leave `--cost` out, or give the StableHLO that the HLO was made from",
        )


def _machine(
    target: str | Path | Target,
    scratchpad: int | str | None,
    alignment: int | None,
    operand_rule: OperandRule | None,
) -> Target:
    machine = target if isinstance(target, Target) else load_target(target)
    if (scratchpad, alignment, operand_rule) == (None, None, None):
        return machine
    return custom(machine, scratchpad=scratchpad, alignment=alignment, operand_rule=operand_rule)


def _reading(
    track: Tracking | None,
    bytes_per_element: int | None,
    weights: str | None,
    trip_count: int | None,
) -> Reading:
    from cosmalloc.passes import Reading
    from cosmalloc.passes.reading import WEIGHTS

    return Reading(track, bytes_per_element, WEIGHTS if weights is None else weights, trip_count)


def _opening(shapes: Mapping[str, Sequence[int] | float] | None, allow_opaque: bool) -> Opening:
    from cosmalloc.passes import Opening

    stated = {
        name: shape if isinstance(shape, (int, float)) else tuple(shape)
        for name, shape in (shapes or {}).items()
    }
    return Opening(stated, allow_opaque)


def _hlo_problem(
    model: Any, machine: Target, reading: Reading, name: str | None, opening: Opening
) -> Problem | None:
    """The problem of scheduled HLO; None for every other model."""
    from cosmalloc.passes.xla_read import hlo_text, read_hlo

    hlo = hlo_text(model, opening)
    return None if hlo is None else read_hlo(hlo[0], machine, reading, name, hlo[1]).problem


def _grouped(
    model: Any, arguments: Sequence[Any] | None, asked: _Asked, opening: Opening
) -> tuple[ir.Module, str]:
    """A module of kernels, and the model's name."""
    from cosmalloc.passes import GroupOperators, Pipeline, read_model

    module, own_name = read_model(model, arguments, opening)
    Pipeline.parse(PREPARE).run(module)
    if asked.grouper is None:
        Pipeline((GroupOperators(asked.group),)).run(module)
    else:
        from cosmalloc.cost_model.grouping import group_module

        group_module(module, asked.grouper)
    return module, own_name
