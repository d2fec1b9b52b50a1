"""The allocator: offsets for buffers of known lifetimes in one address space.

A buffer holds bytes [offset, offset + size) in steps [lower, upper); two buffers alive in one step
share no byte. Arrays are int64, one entry per buffer, and are read in place where they already are.
The C++ headers beside this file are the specification; only this package imports the module.
"""

from cosmalloc.native.allocation import Allocation
from cosmalloc.native.buffers import Buffers, Gap
from cosmalloc.native.heuristics import (
    FITS,
    ORDERS,
    Fit,
    Order,
    Placement,
    load,
    load_bound,
    place,
    portfolio,
)
from cosmalloc.native.search import (
    FitStatus,
    Fitting,
    Minimum,
    MinimumStatus,
    fit,
    minimize,
)

__all__ = [
    "FITS",
    "ORDERS",
    "Allocation",
    "Buffers",
    "Fit",
    "FitStatus",
    "Fitting",
    "Gap",
    "Minimum",
    "MinimumStatus",
    "Order",
    "Placement",
    "fit",
    "load",
    "load_bound",
    "minimize",
    "place",
    "portfolio",
]
