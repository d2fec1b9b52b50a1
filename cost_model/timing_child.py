"""The process that compiles and times kernels: a kernel that crashes XLA takes nothing else down.

    python -m cosmalloc.cost_model.timing_child DEVICE CORE

reads one JSON string a line, a kernel's text, and answers each with one line: the fields of
`Measured`, or {"error": what went wrong}. CORE is the processor it is pinned to, -1 for none.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict
from typing import Any

# A call's buffers come back from the heap instead of as fresh pages of the system; one thread.
ENVIRONMENT = {
    "MALLOC_MMAP_THRESHOLD_": str(1 << 32),
    "MALLOC_TRIM_THRESHOLD_": str(1 << 34),
    "MALLOC_TOP_PAD_": str(1 << 26),
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false",
    "TF_CPP_MIN_LOG_LEVEL": "3",
}


def serve(platform: str, core: int) -> None:
    """Answers until its input ends."""
    if core >= 0 and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {core})
    import jax

    jax.config.update("jax_cpu_enable_async_dispatch", False)  # type: ignore[no-untyped-call]
    from cosmalloc.cost_model.clock import Pace, measure

    device = jax.devices(platform)[0]
    pace = Pace(device)
    answers = os.fdopen(os.dup(1), "w")  # what XLA prints itself goes elsewhere
    os.dup2(2, 1)
    for line in sys.stdin:
        print(
            json.dumps(_answer(line, device, lambda text, device: measure(text, device, pace))),
            file=answers,
            flush=True,
        )


def _answer(line: str, device: Any, measure: Any) -> dict[str, Any]:
    try:
        return asdict(measure(json.loads(line), device))
    except Exception as error:  # noqa: BLE001  (whatever a compiler says about a kernel is data)
        return {"error": f"{type(error).__name__}: {error}".split("\n")[0][:200]}


if __name__ == "__main__":
    serve(sys.argv[1], int(sys.argv[2]))
