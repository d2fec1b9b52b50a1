"""XLA's compiler for a GPU that is not here.

The packages `jax-cuda12-plugin` and `jax-cuda12-pjrt` (of JAX's own version) bring it; it needs to
be told what the GPU is like: a GpuTargetConfigProto as text. Figures of the H100 (SXM, 80 GB) as in
NVIDIA's "H100 Tensor Core GPU Architecture" and its CUDA programming guide, compute capability 9.0.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jax

H100 = {
    "threads_per_block_limit": 1024,
    "threads_per_warp": 32,
    "shared_memory_per_block": 48 * 2**10,
    "shared_memory_per_block_optin": 227 * 2**10,
    "shared_memory_per_core": 228 * 2**10,
    "threads_per_core_limit": 2048,
    "core_count": 132,
    "fpus_per_core": 128,
    "block_dim_limit_x": 2**31 - 1,
    "block_dim_limit_y": 2**16 - 1,
    "block_dim_limit_z": 2**16 - 1,
    "memory_bandwidth": 3_350_000_000_000,
    "l2_cache_size": 50 * 2**20,
    "clock_rate_ghz": 1.98,
    "device_memory_size": 80 * 10**9,
    "registers_per_core_limit": 2**16,
    "registers_per_block_limit": 2**16,
}


def h100() -> str:
    """The H100 as XLA wants it told."""
    facts = "\n".join(f"  {name}: {value}" for name, value in H100.items())
    return (
        f"gpu_device_info {{\n{facts}\n  cuda_compute_capability {{ major: 9 }}\n}}\n"
        'platform_name: "CUDA"\ndnn_version_info { major: 9 minor: 10 }\n'
        'device_description_str: "NVIDIA H100 80GB HBM3"\n'
    )


def absent_gpu(config: Path | None = None) -> Any:
    """A device to compile for: the H100, or what a file says. RuntimeError without the packages."""
    from jax.experimental import topologies

    text = h100() if config is None else config.read_text()
    try:
        found: Any = topologies.get_topology_desc(
            platform="cuda", topology_name="", target_config=text, topology="1x1x1"
        )
    except NotImplementedError as error:
        raise RuntimeError(
            "there is no compiler for GPUs here: install jax-cuda12-plugin and jax-cuda12-pjrt"
        ) from error
    return found.devices[0]


def compile_for(device: Any, function: Any, arguments: Any, donated: Any = ()) -> Any:
    """`function` compiled for an absent GPU; nothing is tuned, for that needs one."""
    place: Any = jax.sharding.SingleDeviceSharding(device)
    make: Any = jax.ShapeDtypeStruct
    there = jax.tree.map(lambda a: make(a.shape, a.dtype, sharding=place), arguments)
    traced = jax.jit(function, donate_argnums=donated).trace(*there)
    lowered = traced.lower(lowering_platforms=("cuda",))
    return lowered.compile(compiler_options={"xla_gpu_autotune_level": "0"})
