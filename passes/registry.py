"""Our passes by the name a pipeline calls them."""

from __future__ import annotations

from functools import cache

from cosmalloc.passes.pass_base import ModulePass


@cache
def passes() -> dict[str, type[ModulePass]]:
    """Name -> pass."""
    from cosmalloc.passes.allocs import PlanAllocs
    from cosmalloc.passes.drop_barriers import DropBarriers
    from cosmalloc.passes.group_operators import GroupOperators
    from cosmalloc.passes.inline import Inline
    from cosmalloc.passes.insert_transfers import InsertTransfers
    from cosmalloc.passes.lifetimes_pass import LifetimesPass
    from cosmalloc.passes.lower_memref import LowerToMemref
    from cosmalloc.passes.lower_memref_dma import DmaToCopies
    from cosmalloc.passes.map_memory import MapMemory
    from cosmalloc.passes.strip_memory import StripMemory

    kinds: tuple[type[ModulePass], ...] = (
        Inline,
        DropBarriers,
        GroupOperators,
        LifetimesPass,
        MapMemory,
        InsertTransfers,
        StripMemory,
        LowerToMemref,
        DmaToCopies,
        PlanAllocs,
    )
    return {kind.argument: kind for kind in kinds}
