"""Who is on chip at which step: what the clock and the accounts look up."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass

from cosmalloc.plan import Plan


@dataclass(frozen=True)
class Presence:
    """Per tensor its residencies as (start, ready, stop), by start.

    The bytes are whole in steps [ready, stop): ready is the end of the load that starts the
    residency, or its start if there is none. Overlapping residencies of one tensor, which law 2
    forbids, are not looked through.
    """

    stays: dict[int, list[tuple[int, int, int]]]

    @classmethod
    def of(cls, plan: Plan) -> Presence:
        """The presence that `plan` describes, legal or not."""
        ready = {(c.tensor, c.start): c.stop for c in plan.transfers if c.kind == "load"}
        stays: dict[int, list[tuple[int, int, int]]] = {}
        for stay in plan.residencies:
            whole = ready.get((stay.tensor, stay.start), stay.start)
            stays.setdefault(stay.tensor, []).append((stay.start, whole, stay.stop))
        for group in stays.values():
            group.sort()
        return cls(stays)

    def on_chip(self, tensor: int, step: int) -> bool:
        """Whether the whole tensor is on chip while step `step` runs."""
        return self.start(tensor, step) is not None

    def start(self, tensor: int, step: int) -> int | None:
        """The start of the residency that has the whole tensor on chip in step `step`, if any."""
        group = self.stays.get(tensor, ())
        at = bisect_right(group, step, key=_start) - 1
        if at >= 0 and group[at][1] <= step < group[at][2]:
            return group[at][0]
        return None


def _start(stay: tuple[int, int, int]) -> int:
    return stay[0]
