"""Every ONNX operator that is known, by its name."""

from __future__ import annotations

from cosmalloc.passes.onnx import (
    control,
    elementwise,
    products,
    recurrent,
    reductions,
    resizing,
    shapes,
)
from cosmalloc.passes.onnx.common import HANDLERS

FAMILIES = (control, elementwise, products, recurrent, reductions, resizing, shapes)
__all__ = ["FAMILIES", "HANDLERS"]
