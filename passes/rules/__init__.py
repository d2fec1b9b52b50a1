"""What every StableHLO operation does to memory and arithmetic.

    rules = Rules(Sizes(float_bytes=1))      # one per module
    rules.role(op), rules.cost(op), rules.views(op), rules.in_place(op)

Roles: `elementwise` (each result element from the operand elements at its place), `broadcast`,
`constant`, `view` (the operand under another name, no byte moves), `movement` (transpose, slice,
reverse), `kernel`, `control` (while, case, if), `structure` (functions, calls, returns). An
operation that can't be mapped raises InputError.
"""

from cosmalloc.passes.rules.facade import Rules
from cosmalloc.passes.rules.location import where
from cosmalloc.passes.rules.regions import captures
from cosmalloc.passes.rules.rule import Cost, Pairs, Role
from cosmalloc.passes.rules.sizes import Sizes, tensor_bytes

__all__ = ["Cost", "Pairs", "Role", "Rules", "Sizes", "captures", "tensor_bytes", "where"]
