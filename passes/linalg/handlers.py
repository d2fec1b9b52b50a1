"""Every operation of linalg, arith, math and tensor that is known, by its name."""

from __future__ import annotations

from cosmalloc.passes.foreign import Handler
from cosmalloc.passes.linalg import generic, scalars, tensors

HANDLERS: dict[str, Handler] = {**scalars.HANDLERS, **tensors.HANDLERS, **generic.HANDLERS}
GENERALIZE = "builtin.module(func.func(linalg-generalize-named-ops))"
