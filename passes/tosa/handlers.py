"""Every TOSA operator that is known, by its name."""

from __future__ import annotations

from cosmalloc.passes.tosa import elementwise, products, shapes
from cosmalloc.passes.tosa.elementwise import HANDLERS

FAMILIES = (elementwise, products, shapes)
__all__ = ["FAMILIES", "HANDLERS"]
