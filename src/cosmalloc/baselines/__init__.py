"""What COSMA is compared with (arXiv 2311.18246): an order, a replacement, an allocator.

order        the source order, or the one of least peak footprint
replacement  `belady` (farthest next use first) or `cheapest` (the set of tensors that costs least
             to write and read back, where the paper solves a small integer program)
allocator    `online`: step by step, linear, first fit, nothing moves; no gap that is wide enough
             evicts, though the bytes may be there. `offline`: replacement by bytes alone, then all
             offsets at once by the native allocator.
"""

from cosmalloc.baselines.offline import offline
from cosmalloc.baselines.online import online

__all__ = ["offline", "online"]
