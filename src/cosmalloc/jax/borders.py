"""A plan as what happens at each border, in the order in which it happens there.

1  asynchronous copies that stop here are complete
2  stores begin; tensors whose stay ends here leave; loads begin
3  blocking copies are complete
"""

from __future__ import annotations

from dataclasses import dataclass, field

from cosmalloc.plan import Plan, Transfer


@dataclass(frozen=True)
class Border:
    """due: asynchronous copies. stores, loads: that begin. leaving: tensors. blocking: of the
    copies that begin here those that end here, too."""

    due: list[Transfer] = field(default_factory=list)
    stores: list[Transfer] = field(default_factory=list)
    leaving: list[int] = field(default_factory=list)
    loads: list[Transfer] = field(default_factory=list)

    @property
    def blocking(self) -> list[Transfer]:
        return [copy for copy in (*self.stores, *self.loads) if copy.start == copy.stop]


def borders(plan: Plan) -> tuple[Border, ...]:
    """One per step and one behind the last."""
    found = tuple(Border() for _ in range(len(plan.order) + 1))
    for copy in plan.transfers:
        begins = found[copy.start]
        (begins.stores if copy.kind == "store" else begins.loads).append(copy)
        if copy.start < copy.stop:
            found[copy.stop].due.append(copy)
    for stay in plan.residencies:
        found[stay.stop].leaving.append(stay.tensor)
    return found
