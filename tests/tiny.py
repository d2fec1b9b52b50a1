"""The smallest problem, as problem.json has it: one operator makes y of x."""

from __future__ import annotations

from typing import Any

TINY: dict[str, Any] = {
    "format": "cosmalloc.problem/1",
    "name": "tiny",
    "target": {
        "name": "toy",
        "scratchpad_bytes": 64,
        "alignment": 16,
        "operand_rule": "resident",
        "offchip_read_bytes_per_second": 8.0,
        "offchip_write_bytes_per_second": 4.0,
        "onchip_read_bytes_per_second": 64.0,
        "onchip_write_bytes_per_second": 64.0,
        "flops_per_second": 100.0,
    },
    "tensors": [
        {"name": "x", "bytes": 16, "kind": "input"},
        {"name": "y", "bytes": 32, "kind": "output"},
    ],
    "operators": [
        {
            "name": "double",
            "kind": "concatenate",
            "inputs": [0],
            "outputs": [1],
            "flops": 50,
            "input_bytes_accessed": [16],
            "output_bytes_accessed": [32],
        }
    ],
}
