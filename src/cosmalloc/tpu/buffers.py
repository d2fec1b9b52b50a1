"""Where the compiler put its values: the text of a buffer assignment.

allocation 5: size 51380224, color 1, preallocated-temp:
 value: <59 custom-call.1 @1> (size=1048576,offset=41943040): bf16[512,1024]{...}
"""

from __future__ import annotations

import re

from cosmalloc.passes.xla_shape import Index

_ALLOCATION = re.compile(r"allocation \d+: size \d+(?:, color (\d+))?")
_VALUE = re.compile(
    r" value: <\d+ ([\w.\-]+)(\{[\d,]*\})? @\d+> \(size=\d+,offset=(\d+)\)", re.ASCII
)


def read_buffers(text: str, space: int) -> dict[tuple[str, Index], int]:
    """Offset per (instruction, index) of the values that lie in memory `space`."""
    found: dict[tuple[str, Index], int] = {}
    here = False
    for line in text.split("\n"):
        allocation = _ALLOCATION.match(line)
        if allocation:
            here = int(allocation[1] or 0) == space
            continue
        if line.startswith("Total bytes"):
            break
        value = _VALUE.match(line) if here else None
        if value:
            index = tuple(int(word) for word in (value[2] or "").strip("{}").split(",") if word)
            found[value[1], index] = int(value[3])
    return found
