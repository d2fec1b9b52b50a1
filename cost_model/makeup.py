"""What the predicted seconds of a kernel consist of: the launch, sorts of operations, types of
elements, and how far they are from the roofline.

With operations i, their roofline seconds r_i and learned factors exp(d_i), the parts are

    launch / total      r_i exp(d_i) / total, summed over the operations of a sort, or of a type
                        r_i exp(d_i) d_i / total, summed over all

of total = launch + sum over i of r_i exp(d_i). Another machine runs some of these faster than
others.
"""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
from jax import Array

from cosmalloc.cost_model.batches import Batch
from cosmalloc.cost_model.features.words import ARGUMENT, KINDS, TYPES
from cosmalloc.cost_model.work import KINDS as SORTS
from cosmalloc.cost_model.work import named_kind

LAUNCH, DISTANCE = 0, 1 + len(SORTS) + len(TYPES)  # columns; between them sorts, then types
WIDTH = DISTANCE + 1
_SORT = np.array(
    [[kind != ARGUMENT and sort == named_kind(kind) for sort in SORTS] for kind in KINDS],
    np.float32,
)
_PLAIN, _HARD = (
    np.array([sort == name for sort in SORTS], np.float32)
    for name in ("elementwise", "transcendental")
)
_TYPE = np.eye(len(TYPES), dtype=np.float32)


def makeup(batch: Batch, one: Array, costs: Array, learned: Array, launch: float) -> Array:
    """The parts of each of R * K kernels: (R, K, WIDTH).

    one: (R, n, K) 1 where a kernel has a node; costs: (R, n) seconds of operations, 0 of all other
    nodes; learned: (R, n) d_i; launch: seconds.
    """
    sort = jnp.asarray(_SORT)[jnp.asarray(batch.kind, jnp.int32)]
    hard = jnp.asarray(batch.costs)[..., 1:2] > 0  # an operation with transcendentals
    sort = jnp.where(hard & (sort @ _PLAIN > 0)[..., None], _HARD, sort)
    kind = jnp.asarray(_TYPE)[jnp.asarray(batch.types[..., 1], jnp.int32)]
    parts = jnp.concatenate([sort, kind, learned[..., None]], axis=-1) * costs[..., None]
    summed = jnp.swapaxes(one, 1, 2) @ parts
    total = launch + jnp.swapaxes(one, 1, 2) @ costs[..., None]
    return jnp.concatenate([jnp.full_like(total, launch), summed], axis=-1) / total
