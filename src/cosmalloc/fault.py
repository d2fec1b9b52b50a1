"""One broken rule of a plan."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fault:
    """law: 1 to 7, the law that is broken. message: what is wrong, with names and numbers.

    step: where it shows (a step, or the border before it); tensor, operator: indices in the
    problem, which a broken plan may get out of range; each None where the fault has none.
    """

    law: int
    message: str
    step: int | None = None
    tensor: int | None = None
    operator: int | None = None

    def __str__(self) -> str:
        return f"law {self.law}: {self.message}"
