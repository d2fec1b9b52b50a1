"""The child process that holds libtpu: one module, one compilation.

    python -m cosmalloc.tpu.child JOB.json

JOB: {"module": path, "topology": name, "options": {name: text}, "parent": process}. What the
compiler has to say goes to standard error and to the folder that XLA_FLAGS names; this process
prints nothing else. On Linux it ends with its parent, however that ends.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

PR_SET_PDEATHSIG = 1  # linux/prctl.h


def main(path: str) -> None:
    job = json.loads(Path(path).read_text())
    end_with(job["parent"])
    import jax

    settings: Any = jax.config
    settings.update("jax_platforms", "cpu")  # else jax looks for a TPU once libtpu is there
    compile_module(Path(job["module"]).read_bytes(), job["topology"], job["options"])


def end_with(parent: int) -> None:
    """Linux kills this process when the thread that started it is gone."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            sys.exit("the parent is gone")


def compile_module(module: bytes, topology: str, options: dict[str, str]) -> Any:
    """Compile for one device of the topology.

    The client of a topology has no public way to compile a module that is already lowered, so
    this is the one place that calls JAX's own.
    """
    from jax._src import compiler
    from jax.experimental import topologies
    from jaxlib import _jax

    from cosmalloc.passes import context

    described: Any = topologies.get_topology_desc(platform="tpu", topology_name=topology)
    device = described.devices[0]
    settings = compiler.get_compile_options(1, 1, env_options_overrides=options)
    parsed = context.parse(module, "the module")
    return device.client.compile(parsed, _jax.DeviceList((device,)), settings)


if __name__ == "__main__":
    main(sys.argv[1])
