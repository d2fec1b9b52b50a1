"""A JAX function whose live device memory follows a plan: what does not fit waits in host memory.

    from cosmalloc.jax import offload

    step = offload(train_step, device_bytes="8GiB", donate_argnums=(0,))
    state, loss = step(state, batch)          # or jax.jit(step), or a part of a larger jit

The function is traced, grouped into kernels and planned like every model here, with the device as
scratchpad and the host's memory off-chip; then it is rebuilt kernel by kernel in the plan's order,
with `jax.device_put` to pinned host memory and back at the plan's borders.
"""

from cosmalloc.jax.fitted import compiled_bytes, fitted
from cosmalloc.jax.live import peak_of_jaxpr
from cosmalloc.jax.machine import HOST_LINK
from cosmalloc.jax.offload import Offloaded, offload
from cosmalloc.jax.prepare import Offloading

__all__ = [
    "HOST_LINK",
    "Offloaded",
    "Offloading",
    "compiled_bytes",
    "fitted",
    "offload",
    "peak_of_jaxpr",
]
