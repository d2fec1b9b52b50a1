"""out[...] = combine over a window of one operand: reduce_window."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jax.numpy as jnp
import numpy as np
from jax import lax

from cosmalloc.passes.foreign import Value
from cosmalloc.passes.linalg.maps import back, lay

if TYPE_CHECKING:
    from cosmalloc.passes.linalg.generic import Nest


def pooling(nest: Nest, value: Any, place: int, how: str) -> Value | None:
    """The windows of the operand that `value` of the body is; None where it has no windows."""
    arguments = list(nest.block.arguments)[: len(nest.inputs)]
    if value not in arguments or how not in ("sum", "max", "min"):
        return None
    source = arguments.index(value)
    maps = nest.maps[source]
    if all(linear.dimension is not None for linear in maps):
        return None
    x = lay(nest.inputs[source])
    window, strides, dilations, named = [], [], [], []
    for linear in maps:
        outs = [(d, f) for d, f in linear.factors if d not in nest.reduced]
        taps = [(d, f) for d, f in linear.factors if d in nest.reduced]
        if len(outs) != 1 or len(taps) > 1 or linear.constant:
            return None
        window.append(nest.sizes[taps[0][0]] if taps else 1)
        dilations.append(taps[0][1] if taps else 1)
        strides.append(outs[0][1])
        named.append(outs[0][0])
    if len(set(named)) != len(named) or set(named) != set(nest.kept):
        return None
    floating = jnp.issubdtype(x.dtype, jnp.floating)
    limits = np.finfo(np.float32) if floating else np.iinfo(np.dtype(x.dtype))
    starts = {
        "sum": 0,
        "max": -np.inf if floating else limits.min,
        "min": np.inf if floating else limits.max,
    }
    by: dict[str, Any] = {"sum": lax.add, "max": lax.max, "min": lax.min}
    start = np.asarray(starts[how]).astype(x.dtype)
    made = lax.reduce_window(
        x, start, by[how], window, strides, [(0, 0)] * x.ndim, window_dilation=dilations
    )
    sizes = [nest.sizes[d] for d in named]
    made = made if list(made.shape) == sizes else lax.slice(made, [0] * made.ndim, sizes)
    return back(made, nest.maps[place], named, nest.op)
