"""Many models x scratchpad sizes x solvers: one row each, from a cache or one of three engines."""

from cosmalloc.sweep.cache import Cache, default_folder
from cosmalloc.sweep.case import Case, Row
from cosmalloc.sweep.engines import ENGINES, Engine, sweep
from cosmalloc.sweep.knee import Knee, knees
from cosmalloc.sweep.sizes import sizes_in

__all__ = [
    "ENGINES",
    "Cache",
    "Case",
    "Engine",
    "Knee",
    "Row",
    "default_folder",
    "knees",
    "sizes_in",
    "sweep",
]
