"""Every operation of linalg, arith, math and tensor that is known, by its name."""

from __future__ import annotations

from cosmalloc.passes.foreign import Handler

HANDLERS: dict[str, Handler] = {}
