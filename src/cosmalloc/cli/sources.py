"""A problem for a command: out of problem.json, or out of a model on a machine."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any, cast

from cosmalloc.cli import options as o
from cosmalloc.cost_model.operators import Costed
from cosmalloc.errors import InputError
from cosmalloc.problem import Problem
from cosmalloc.target import Target


@dataclasses.dataclass(frozen=True)
class Machine:
    """What the options of a command say about the machine; None where they say nothing."""

    target: str | None = None
    scratchpad: str | None = None
    alignment: int | None = None
    operand_rule: str | None = None

    def on(self, base: Target | None) -> Target:
        """The machine, where `base` is what is changed without `--target`."""
        return o.machine(
            self.target,
            self.scratchpad,
            self.alignment,
            self.operand_rule,
            None,
            None,
            None,
            base,
        )


@dataclasses.dataclass(frozen=True)
class HowToRead:
    """How a model becomes a problem; as the options of `map`."""

    group: str = "fuse"
    cost: str | None = None
    kernels: str | None = None
    track: str | None = None
    bytes_per_element: int | None = None
    shapes: tuple[str, ...] = ()
    allow_opaque: bool = False


def problem_from(path: str, machine: Machine, reading: HowToRead) -> Problem:
    """The problem in a JSON file, or of the model in any other. Raises InputError."""
    return costed_from(path, machine, reading).problem


def costed_from(path: str, machine: Machine, reading: HowToRead) -> Costed:
    """The same, and where its seconds come from. Raises InputError."""
    from cosmalloc.cli.rehearsal import rehearse

    if Path(path).suffix == ".json":
        from cosmalloc.problem_json import read_problem
        from cosmalloc.recost import recosted

        found = read_problem(path)
        found = dataclasses.replace(found, target=machine.on(found.target))
        if reading.kernels is not None:
            rehearse(reading.kernels)
        return recosted(found, reading.cost, reading.kernels)
    from cosmalloc.map_model import costed_problem_of

    if reading.kernels is not None:
        raise InputError("`--kernels` is for a problem's JSON", "a model brings its own kernels")
    rehearse(path)
    return costed_problem_of(
        path,
        target=machine.on(None),
        group=o.way(reading.group),
        cost=reading.cost,
        track=cast(Any, o.word(reading.track, ("activations", "all"), "--track")),
        bytes_per_element=reading.bytes_per_element,
        shapes=o.shapes(list(reading.shapes)),
        allow_opaque=reading.allow_opaque,
    )
