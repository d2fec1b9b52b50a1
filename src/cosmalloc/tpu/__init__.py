"""The XLA compiler for TPUs, asked ahead of time: no TPU needed, only the extra `tpu` (libtpu)."""

from cosmalloc.tpu.compiler import Variant
from cosmalloc.tpu.topology import GENERATIONS, Topology, topology
from cosmalloc.tpu.tuning import Tuned, tune

__all__ = ["GENERATIONS", "Topology", "Tuned", "Variant", "topology", "tune"]
