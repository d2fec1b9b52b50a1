"""The first solver: program order, cost-aware replacement, offsets by the native allocator, early
copies.
"""

from cosmalloc.greedy.solver import solve

__all__ = ["solve"]
