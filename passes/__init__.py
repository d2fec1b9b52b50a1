"""MLIR in, MLIR out: readers, lifetimes, mapping and lowering passes.

Names are imported when first used, so that `import cosmalloc` stays free of MLIR.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cosmalloc.passes.allocs import PlanAllocs as PlanAllocs
    from cosmalloc.passes.doors import Imported as Imported
    from cosmalloc.passes.doors import Opening as Opening
    from cosmalloc.passes.doors import import_model as import_model
    from cosmalloc.passes.drop_barriers import DropBarriers as DropBarriers
    from cosmalloc.passes.execution import ExecutionError as ExecutionError
    from cosmalloc.passes.execution import execute as execute
    from cosmalloc.passes.execution import execute_unmapped as execute_unmapped
    from cosmalloc.passes.group_operators import GroupOperators as GroupOperators
    from cosmalloc.passes.inline import Inline as Inline
    from cosmalloc.passes.insert_transfers import InsertTransfers as InsertTransfers
    from cosmalloc.passes.lifetimes_pass import LifetimesPass as LifetimesPass
    from cosmalloc.passes.lower_memref import LowerToMemref as LowerToMemref
    from cosmalloc.passes.lower_memref_dma import DmaToCopies as DmaToCopies
    from cosmalloc.passes.lower_memref_run import run_memref as run_memref
    from cosmalloc.passes.map_memory import MapMemory as MapMemory
    from cosmalloc.passes.pipeline import Pipeline as Pipeline
    from cosmalloc.passes.plan_in import read_plan as read_plan
    from cosmalloc.passes.plan_out import annotate as annotate
    from cosmalloc.passes.program import Program as Program
    from cosmalloc.passes.program import extract as extract
    from cosmalloc.passes.read import read_model as read_model
    from cosmalloc.passes.reading import Reading as Reading
    from cosmalloc.passes.strip_memory import StripMemory as StripMemory

_HOME = {
    "DmaToCopies": "lower_memref_dma",
    "DropBarriers": "drop_barriers",
    "ExecutionError": "execution",
    "GroupOperators": "group_operators",
    "Imported": "doors",
    "Inline": "inline",
    "InsertTransfers": "insert_transfers",
    "LifetimesPass": "lifetimes_pass",
    "LowerToMemref": "lower_memref",
    "MapMemory": "map_memory",
    "Opening": "doors",
    "Pipeline": "pipeline",
    "PlanAllocs": "allocs",
    "Program": "program",
    "Reading": "reading",
    "StripMemory": "strip_memory",
    "annotate": "plan_out",
    "execute": "execution",
    "execute_unmapped": "execution",
    "extract": "program",
    "import_model": "doors",
    "read_model": "read",
    "read_plan": "plan_in",
    "run_memref": "lower_memref_run",
}
__all__ = list(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module `{__name__}` has no attribute `{name}`")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
