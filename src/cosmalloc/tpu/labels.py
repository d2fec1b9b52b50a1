"""Labels for the learned cost model from the TPU compiler's own estimate, where no TPU is at hand.

A kernel is compiled for a topology as a program of its own, and its seconds are those that the
compiler's memory space assignment expects of its solution: placements and copies included. Nothing
is run. What comes of it belongs on the user's machine; libtpu's licence says what may be done with
it.
"""

from __future__ import annotations

from types import TracebackType
from typing import Any

from cosmalloc.errors import InputError
from cosmalloc.tpu.compile import compile_for, library
from cosmalloc.tpu.log import read_log
from cosmalloc.tpu.topology import Topology


class TpuTimer:
    """Stands where `cost_model.measuring.Timer` does: `time` answers with a kernel's labels."""

    def __init__(self, topology: Topology, limit_seconds: float = 120.0) -> None:
        library()
        self.topology, self.limit = topology, limit_seconds
        self.device, self.core, self.flags = f"tpu:{topology.name}", -1, ""

    def __enter__(self) -> TpuTimer:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        pass

    def time(self, text: str) -> dict[str, Any]:
        """The fields of `clock.Measured` that a compiler knows, or `error`; bytes are unknown."""
        try:
            found = compile_for(text.encode(), self.topology, seconds=self.limit)
        except InputError as error:
            return {"error": str(error).split("\n")[0][:200]}
        seconds = read_log(found.log).seconds
        if not seconds:
            return {"error": "the compiler told no estimate"}
        return {
            "seconds": seconds,
            "spread": 0.0,
            "temporary_bytes": -1,
            "code_bytes": -1,
            "compile_seconds": found.seconds,
        }
