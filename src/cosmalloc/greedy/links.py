"""Which uses of a tensor find it on chip, and what that costs in traffic.

Tensor t has uses 0..k (rows of `Uses`). on[u]: it is on chip at use u. kept[u]: it stays on chip
from use u to use u + 1, which needs on[u] and on[u + 1]. A maximal run of uses joined by kept links
is one residency. Non-compulsory traffic, in bytes b of t:

    loads   = runs, less the one that starts by production        direct = accessed bytes of uses
    that are not on stores  = 1 if produced on chip and (t is an output or some link is dropped),
    else 0 traffic = max(0, loads * b + direct reads - (b if t is an input or weight))
            + max(0, stores * b + direct write - (b if t is an output))

Under the operand rule `resident` every use is on.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cosmalloc.greedy.uses import Bools, Ints, Uses


@dataclass(frozen=True)
class Choice:
    """on, kept: bool[U] as above; kept is False at last uses."""

    on: Bools
    kept: Bools

    @classmethod
    def of(cls, kept: Bools, lone: Bools) -> Choice:
        """Kept links, and the uses that are on chip even where no kept link touches them."""
        joined: Bools = np.append(False, kept)[: len(kept)]
        return cls(kept | joined | lone, kept)

    def starts(self) -> Bools:
        """bool[U]: the uses at which a residency starts."""
        joined: Bools = np.append(False, self.kept)[: len(self.on)]
        return self.on & ~joined

    def stops(self) -> Bools:
        """bool[U]: the uses after which a residency stops."""
        return self.on & ~self.kept


def needs_store(uses: Uses, choice: Choice) -> Bools:
    """bool[T]: produced on chip and wanted off-chip."""
    on_first = uses.per_tensor((uses.produces & choice.on).astype(np.int64)) > 0
    dropped = uses.per_tensor((~choice.kept & ~uses.last).astype(np.int64)) > 0
    return on_first & (uses.output | dropped)


def traffic(uses: Uses, choice: Choice) -> Ints:
    """int64[T]: non-compulsory bytes of every tensor."""
    loads = uses.per_tensor((choice.starts() & ~uses.produces).astype(np.int64))
    direct = np.where(choice.on, 0, uses.accessed)
    read = loads * uses.bytes + uses.per_tensor(np.where(uses.produces, 0, direct))
    stored = np.where(needs_store(uses, choice), uses.bytes, 0)
    written = stored + uses.per_tensor(np.where(uses.produces, direct, 0))
    wanted = np.diff(uses.begin) > 0
    must_read = np.where(wanted & ~uses.made, uses.bytes, 0)
    must_write = np.where(uses.output, uses.bytes, 0)
    extra: Ints = np.maximum(0, read - must_read) + np.maximum(0, written - must_write)
    return extra
