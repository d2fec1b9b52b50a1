"""Order, replacement and offsets together, proven where the time allows (after COSMA, arXiv
2311.18246). The only package that imports pulp, and only where an integer program is built.
"""

from cosmalloc.ilp.solver import solve

__all__ = ["solve"]
