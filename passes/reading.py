"""How a module is read as a problem: the options, kept in the module so it reads back the same."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from cosmalloc.errors import InputError
from cosmalloc.passes.rules import Rules, Sizes
from cosmalloc.problem import TensorKind
from cosmalloc.target import OperandRule

Tracking = Literal["activations", "all"]
WEIGHTS = r"(params|weights|variables|batch_stats|opt_state|state)\b"


@dataclass(frozen=True, slots=True)
class Reading:
    """track: which tensors are planned; None: `activations` under the operand rule `resident`,
        `all` under `anywhere`.
    bytes_per_element: count so many bytes for a floating-point element (1: as if quantised);
        None: what the type says. Integers keep their size.
    weights: regular expression; an argument is a weight if its name matches from the start, else an
        input. Names are the paths that JAX gives (`params['conv']['w']`).
    trip_count: of loops whose own count is not a constant; None: such a loop is an error.
    """

    track: Tracking | None = None
    bytes_per_element: int | None = None
    weights: str = WEIGHTS
    trip_count: int | None = None

    def __post_init__(self) -> None:
        if self.track not in (None, "activations", "all"):
            raise InputError(f"tracking is `{self.track}`", "use `activations` or `all`")
        count = self.bytes_per_element
        if count is not None and not (isinstance(count, int) and 1 <= count <= 16):
            raise InputError(f"bytes per element is {count}, not 1 to 16")
        if self.trip_count is not None and self.trip_count < 0:
            raise InputError(f"the trip count is {self.trip_count}, below 0")
        try:
            re.compile(self.weights)
        except re.error as error:
            raise InputError(
                f"the pattern `{self.weights}` is no regular expression: {error}"
            ) from None

    def rules(self) -> Rules:
        """What operations cost under these options."""
        return Rules(Sizes(self.bytes_per_element), self.trip_count)

    def argument_kind(self, name: str) -> TensorKind:
        """`weight` or `input` for an argument of this name."""
        return "weight" if re.match(self.weights, name) else "input"

    def tracks(self, kind: TensorKind, rule: OperandRule) -> bool:
        """Whether tensors of this kind are planned."""
        track = self.track or ("activations" if rule == "resident" else "all")
        return track == "all" or kind != "weight"
