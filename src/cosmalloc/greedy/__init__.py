"""The first solver: program order, cost-aware replacement, native offsets, early copies."""

from cosmalloc.greedy.solver import solve

__all__ = ["solve"]
