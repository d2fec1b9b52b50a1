"""A plan: the order, who is on chip when and where, and the copies; and how a solver ended."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, NamedTuple, get_args

from cosmalloc.errors import InputError

TransferKind = Literal["load", "store"]
Objective = Literal["traffic", "latency", "peak"]
Status = Literal["optimal", "feasible", "infeasible", "unknown"]
OBJECTIVES: tuple[Objective, ...] = get_args(Objective)
STATUSES: tuple[Status, ...] = get_args(Status)


@dataclass(frozen=True, slots=True, order=True)
class Residency:
    """One stay of a tensor in the scratchpad, at bytes [offset, offset + tensor's bytes)."""

    tensor: int
    offset: int
    start: int  # first step on chip
    stop: int  # first step gone: on chip in [start, stop)

    def __post_init__(self) -> None:
        if min(self.tensor, self.offset, self.start) < 0 or self.stop <= self.start:
            raise InputError(f"{self} is no stay: indices count from 0 and stop lies after start")


@dataclass(frozen=True, slots=True, order=True)
class Transfer:
    """A copy of a whole tensor, issued at step `start`, complete before step `stop`.

    `start == stop == s` is a blocking copy on the border before step s; s may be the number of
    steps.
    """

    tensor: int
    kind: TransferKind
    start: int
    stop: int

    def __post_init__(self) -> None:
        if self.kind not in get_args(TransferKind):
            raise InputError(f"a transfer has kind `{self.kind}`", "use `load` or `store`")
        if min(self.tensor, self.start) < 0 or self.stop < self.start:
            raise InputError(f"{self} is no copy: indices count from 0, stop is not before start")


@dataclass(frozen=True, slots=True)
class Plan:
    """order: operator index per step. Residencies and transfers stand in any sequence.

    Transfers of one kind that start at one step queue as listed, blocking ones first.
    """

    order: tuple[int, ...]
    residencies: tuple[Residency, ...] = ()
    transfers: tuple[Transfer, ...] = ()


@dataclass(frozen=True, slots=True)
class Configuration:
    """What was asked for when an outcome was made; with `version` (of cosmalloc) enough to ask for
    it again. seconds: the time the solver was given. target: the machine's name.
    """

    version: str
    solver: str
    objective: Objective
    seconds: float
    seed: int
    target: str


class Moment(NamedTuple):
    """What a solver knew at one moment.

    seconds: since it started. value: of its best plan, bound: proven, None where there was none.
    """

    seconds: float
    value: float | None
    bound: float | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a solver ended.

    status: `optimal` and `feasible` carry a plan, `infeasible` and `unknown` carry none.
    value: the plan's objective (bytes for `traffic` and `peak`, seconds for `latency`); None
        without a plan.
    bound: proven: no plan has less; None where nothing is proven.
    seconds: wall time the solver took.
    reason: why there is no plan, in words for people.
    smallest_scratchpad: bytes that would do, where the solver knows.
    history: the moments at which the solver knew more than before; empty where nobody kept them.
    configuration: how to get it again, None where unknown; no part of the answer.
    """

    problem: str
    solver: str
    status: Status
    objective: Objective
    plan: Plan | None = None
    value: float | None = None
    bound: float | None = None
    seconds: float = field(default=0.0, compare=False)
    reason: str = ""
    smallest_scratchpad: int | None = None
    history: tuple[Moment, ...] = field(default=(), compare=False)
    configuration: Configuration | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        if self.status not in STATUSES or self.objective not in OBJECTIVES:
            raise InputError(f"an outcome has status `{self.status}`, objective `{self.objective}`")
        promised = self.status in ("optimal", "feasible")
        if promised != (self.plan is not None) or promised != (self.value is not None):
            has = "a" if self.plan is not None else "no"
            raise InputError(f"an outcome with status `{self.status}` has {has} plan")
        if self.value is not None and self.bound is not None and self.bound > self.value:
            raise InputError(f"an outcome's bound {self.bound} lies above its value {self.value}")
