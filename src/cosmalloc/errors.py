"""What a user can fix, said so that they can fix it."""

from __future__ import annotations


class InputError(Exception):
    """A fact about the user's input that stops the work.

    fact: what is wrong, where, with the numbers, in one sentence without a full stop.
    hint: what to type or change next, or an empty string where nothing sensible can be said.

    The command line prints both and exits with 2; nothing is written.
    """

    def __init__(self, fact: str, hint: str = "") -> None:
        super().__init__(fact)
        self.fact = fact
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.fact}\nhint: {self.hint}" if self.hint else self.fact


class NoPlanError(InputError):
    """A plan is needed and there is none. The command line exits with 1."""
