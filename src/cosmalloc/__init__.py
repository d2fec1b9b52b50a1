"""Accelerator memory mapping for MLIR: operator order, scratchpad addresses and copies.

    plan = cosmalloc.map_model(model, target="npu-2mib", objective="traffic", seconds=10)

Passes turn MLIR into a `Problem`, a solver answers with an `Outcome` that holds a `Plan`, `verify`
says whether it is legal, and a pass writes it back. Importing this loads neither JAX nor MLIR.
"""

from cosmalloc.errors import InputError
from cosmalloc.fault import Fault
from cosmalloc.map_model import MappedModel, map_model
from cosmalloc.plan import Outcome, Plan, Residency, Transfer
from cosmalloc.problem import Operator, Problem, Tensor
from cosmalloc.simulate import Timeline, simulate
from cosmalloc.solve import solve
from cosmalloc.target import Target
from cosmalloc.target_file import load_target, target_names
from cosmalloc.verify import verify

__all__ = [
    "Fault",
    "InputError",
    "MappedModel",
    "Operator",
    "Outcome",
    "Plan",
    "Problem",
    "Residency",
    "Target",
    "Tensor",
    "Timeline",
    "Transfer",
    "load_target",
    "map_model",
    "simulate",
    "solve",
    "target_names",
    "verify",
]
